import { DagError } from "../../src/errors.js";
import type { ModelReply, ToolCall, ToolSpec } from "../../src/models/port.js";
import { toolNamesOf } from "../../src/models/tool-names.js";
import { jsonRegions } from "./json-reading.js";

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
  const names = toolNamesOf(tools.map(({ name }) => name));
  const told = new Map([...names].map(([name, made]) => [made, name]));
  const calls = callsIn(reply.text).map((call) => ({ ...call, name: told.get(call.name) ?? call.name }));
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
