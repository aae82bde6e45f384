import type { StructuredToolInterface } from "@langchain/core/tools";
import { convertToOpenAITool } from "@langchain/core/utils/function_calling";
import { DagError, errorMessage } from "../../src/errors.js";
import type { Message, ModelReply, ToolCall, ToolSpec } from "../../src/models/port.js";
import type { JsonSchema, ToolLike } from "../../src/spec/shape.js";
import { StopError, untilStopped } from "../engine/stop.js";
import type { Stopper } from "../engine/stopper.js";
import { jsonRegions } from "./json-reading.js";
import { textOf } from "./prompt.js";

/** LangChain tools as the port describes them. */
export async function toolSpecs(tools: readonly ToolLike[]): Promise<ToolSpec[]> {
  return tools.map((tool) => {
    const { function: described } = convertToOpenAITool(tool as StructuredToolInterface);
    return {
      name: tool.name,
      description: tool.description ?? "",
      parameters: (described.parameters ?? { type: "object", properties: {} }) as JsonSchema,
    };
  });
}

/** What came of a tool call. */
export interface ToolAnswer {
  readonly message: Message;
  /** Why the call could not be made at all, `null` where the tool was called. */
  readonly unusable: string | null;
}

/**
 * The answer to a model's tool call. What goes wrong (unknown tool, arguments that are not JSON, an error in the tool)
 * is told to the model, so that it can do better; only a stop ends the agent.
 */
export async function answerToolCall(
  call: ToolCall,
  tools: readonly ToolLike[],
  stopper: Stopper,
): Promise<ToolAnswer> {
  const answer = (content: string, unusable: string | null = null): ToolAnswer => ({
    message: { role: "tool", toolCallId: call.id, name: call.name, content },
    unusable,
  });
  const cannot = (problem: string) => answer(problem, problem);
  const tool = tools.find((one) => one.name === call.name);
  if (tool === undefined) {
    return cannot(
      `There is no tool "${call.name}". The tools are: ${tools.map((one) => one.name).join(", ") || "none"}.`,
    );
  }
  let args: unknown;
  try {
    args = readArguments(call);
  } catch (error) {
    return cannot(
      `The arguments are not valid JSON: ${errorMessage(error)}. Call the tool again with valid JSON.`,
    );
  }
  try {
    return answer(textOf(await untilStopped(tool.invoke(args, { signal: stopper.signal }), stopper)));
  } catch (error) {
    if (error instanceof StopError) throw error;
    return answer(`The tool failed: ${errorMessage(error)}`);
  }
}

/** The arguments of a whole call: none are `{}`, and an object that was written twice over as text is read once more. */
export function readArguments({ args }: Pick<ToolCall, "args">): unknown {
  if (/^\s*(null)?\s*$/.test(args)) return {};
  const value: unknown = JSON.parse(args);
  return typeof value === "string" && value.trimStart().startsWith("{") ? JSON.parse(value) : value;
}

/** Names of open models that are known to write calls as text when their server does not read them. */
const writesCallsAsText = /hermes|qwen|nous|granite|xlam|functionary/i;

/** What text that is a call looks like: the whole message, once or several times over. */
const callsAsText =
  /^\s*(?:(?:<tool_call>|<\|tool_call\|>|<tool_calls>|<function_call>|\[TOOL_CALLS\])[\s\S]*|<function=[\w.-]+>[\s\S]*)$/;

/**
 * A reply whose text is nothing but calls of known tools, with those as its calls.
 * @returns the reply as it was where its text is no call.
 * @throws DagError `TOOL_CALL_AS_TEXT` where such calls are not to be read from text.
 */
export function withCallsInText(
  reply: ModelReply,
  tools: readonly ToolSpec[],
  model: string,
  read: boolean = writesCallsAsText.test(model),
): ModelReply {
  if (tools.length === 0 || reply.toolCalls.length > 0 || !callsAsText.test(reply.text)) return reply;
  const calls = callsIn(reply.text);
  if (calls.length === 0 || !calls.every((call) => tools.some((tool) => tool.name === call.name)))
    return reply;
  if (read) return { ...reply, text: "", toolCalls: calls };
  throw new DagError(
    "TOOL_CALL_AS_TEXT",
    `Model "${model}" wrote a call of "${calls[0]?.name}" as text, where its server should have given it as a tool call.`,
    {
      facts: { model, tools: calls.map((call) => call.name) },
      text: reply.text,
      hint: "Set `modelOptions.toolCallsInText: true` to read such calls, or set up the server's tool-call parser for this model.",
    },
  );
}

function callsIn(text: string): ToolCall[] {
  const calls: ToolCall[] = [];
  const tagged = text.matchAll(/<function=([\w.-]+)>\s*([\s\S]*?)\s*<\/function>/g);
  for (const [, name = "", body = ""] of tagged) {
    const parameters = [...body.matchAll(/<parameter=([\w.-]+)>\s*([\s\S]*?)\s*<\/parameter>/g)];
    const args =
      parameters.length === 0
        ? body
        : JSON.stringify(
            Object.fromEntries(parameters.map(([, key, value]) => [key, jsonOrText(value ?? "")])),
          );
    calls.push({ id: "", name, args });
  }
  if (calls.length > 0) return calls;
  for (const { value } of jsonRegions(text)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      const inner = one?.function ?? one;
      const args = inner?.arguments ?? inner?.parameters ?? {};
      if (typeof inner?.name !== "string") return [];
      calls.push({ id: "", name: inner.name, args: typeof args === "string" ? args : JSON.stringify(args) });
    }
  }
  return calls;
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
