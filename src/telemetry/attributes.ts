import { redact } from "../models/redact.js";
import type { CallRecord, NodeProjection, RunEventOf, WorkKey } from "../records/events.js";
import { textOfParts } from "../records/kept-text.js";
import type { Outcome } from "../records/outcome.js";
import { names } from "./conventions.js";

export type AttributeValue = string | number | boolean | readonly string[];
export type Attributes = Readonly<Record<string, AttributeValue>>;

/** Long texts by their hash, as `text-kept` events tell them. */
type KeptTexts = ReadonlyMap<string, string>;

export function placeAttributes({ node, item, invocation }: WorkKey): Attributes {
  return {
    [names.node]: node,
    ...(item !== null && { [names.item]: item }),
    ...(invocation !== null && { [names.invocation]: invocation }),
  };
}

export function nameAndOperation(
  key: WorkKey,
  node: NodeProjection | undefined,
): { readonly name: string; readonly attributes: Attributes } {
  const own = key.node.slice(key.node.lastIndexOf("/") + 1);
  const part = key.item !== null ? ` [${key.item}]` : "";
  const kind = node?.kind ?? "function";
  const place = { ...placeAttributes(key), [names.nodeKind]: kind };
  if (kind === "agent" || kind === "runnable") {
    return {
      name: `invoke_agent ${own}${part}`,
      attributes: {
        [names.operation]: "invoke_agent",
        [names.agent]: own,
        ...(node?.description && { [names.agentDescription]: node.description }),
        [names.kind]: "AGENT",
        ...place,
      },
    };
  }
  if (kind === "tool") {
    return {
      name: `execute_tool ${own}${part}`,
      attributes: {
        [names.operation]: "execute_tool",
        [names.tool]: own,
        [names.toolType]: "function",
        [names.toolName]: own,
        [names.kind]: "TOOL",
        ...place,
      },
    };
  }
  if (kind === "graph") {
    const workflow = node?.dag?.name ?? own;
    return {
      name: `invoke_workflow ${own}${part}`,
      attributes: {
        [names.operation]: "invoke_workflow",
        [names.workflow]: workflow,
        [names.agent]: workflow,
        [names.kind]: "CHAIN",
        ...place,
      },
    };
  }
  return {
    name: `invoke_node ${own}${part}`,
    attributes: { [names.operation]: "invoke_node", [names.graphNode]: own, [names.kind]: "CHAIN", ...place },
  };
}

export function reasonOf(outcome: Outcome): Attributes {
  return "reason" in outcome ? { [names.reason]: outcome.reason.code } : {};
}

/** How a request was answered. Of one that failed before it said why, the reason is `error`. */
export function responseOf(call: CallRecord): Attributes {
  const { finishReason, responseModel, firstTokenMs, hedged, error } = call;
  const reason = finishReason ?? (error === null ? null : "error");
  const told: Record<string, AttributeValue> = {};
  if (reason !== null) told[names.finishReasons] = [reason];
  if (responseModel !== undefined) told[names.responseModel] = told[names.llmModel] = responseModel;
  if (firstTokenMs !== null) {
    told[names.requestStream] = true;
    told[names.firstChunk] = firstTokenMs / 1000;
  }
  if (hedged) told[names.hedged] = true;
  return told;
}

/** What a request used. A failed one that was told nothing of has no tokens, rather than none counted. */
export function usageOf(call: CallRecord): Attributes {
  const { inputTokens, outputTokens, cachedInputTokens, cacheWriteTokens, reasoningTokens, costUsd } = call;
  if (inputTokens + outputTokens === 0 && call.error !== null) return {};
  const told: Record<string, AttributeValue> = {
    [names.inputTokens]: inputTokens,
    [names.outputTokens]: outputTokens,
    [names.promptTokens]: inputTokens,
    [names.completionTokens]: outputTokens,
    [names.totalTokens]: inputTokens + outputTokens,
  };
  if (cachedInputTokens !== undefined) told[names.cacheReadTokens] = cachedInputTokens;
  if (cacheWriteTokens !== undefined) told[names.cacheCreationTokens] = cacheWriteTokens;
  if (reasoningTokens !== undefined) told[names.reasoningTokens] = reasoningTokens;
  // What only some requests have costs nothing where there is none.
  if (cachedInputTokens) told[names.promptCacheRead] = cachedInputTokens;
  if (cacheWriteTokens) told[names.cacheWriteTokens] = told[names.promptCacheWrite] = cacheWriteTokens;
  if (reasoningTokens) told[names.completionReasoning] = reasoningTokens;
  if (call.estimated) told[names.estimated] = true;
  if (costUsd !== null) told[names.costUsd] = told[names.llmCost] = costUsd;
  return told;
}

/** A value as text, without what looks like a key. */
export function valueAttribute(name: string, value: unknown): Attributes {
  if (value === null || value === undefined) return {};
  return { [name]: redact(typeof value === "string" ? value : JSON.stringify(value)) };
}

/** A prompt as it was sent, in both conventions. */
export function promptAttributes(
  messages: NonNullable<RunEventOf<"call-started">["messages"]>,
  kept: KeptTexts,
): Attributes {
  const told = messages.map(({ role, parts }) => ({
    role,
    parts: [{ type: "text", content: textOfParts(parts, kept) ?? "" }],
  }));
  const system = told.filter(({ role }) => role === "system").flatMap(({ parts }) => parts);
  const others = told.filter(({ role }) => role !== "system");
  return {
    ...(system.length > 0 && { [names.systemInstructions]: JSON.stringify(system) }),
    [names.inputMessages]: JSON.stringify(others),
    ...Object.fromEntries(
      told.flatMap(({ role, parts }, index) => [
        [`llm.input_messages.${index}.message.role`, role],
        [`llm.input_messages.${index}.message.content`, parts[0]?.content ?? ""],
      ]),
    ),
  };
}

/** A reply, in both conventions. */
export function replyAttributes(call: CallRecord, kept: KeptTexts): Attributes {
  const text = textOfParts(call.reply ?? [], kept) ?? "";
  const parts = [
    ...(text === "" ? [] : [{ type: "text", content: text }]),
    ...call.toolCalls.map(({ id, name, args }) => ({ type: "tool_call", id, name, arguments: args })),
  ];
  const message = { role: "assistant", parts, finish_reason: call.finishReason ?? "error" };
  return {
    [names.outputMessages]: redact(JSON.stringify([message])),
    ...(text !== "" && {
      "llm.output_messages.0.message.role": "assistant",
      "llm.output_messages.0.message.content": text,
    }),
  };
}
