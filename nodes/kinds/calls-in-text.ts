import { DagError } from "../../src/errors.js";
import type { ModelReply, ToolCall, ToolSpec } from "../../src/models/port.js";
import { toolNamesOf } from "../../src/models/tool-names.js";
import { jsonRegions } from "./json-reading.js";

/** Names of open models that are known to write calls as text when their server does not read them. */
const writesCallsAsText =
  /hermes|qwen|nous|granite|xlam|functionary|llama-?3|kimi|glm-|minimax|deepseek|mistral|devstral/i;

/** What text that is a call begins with: the whole message is one, or several. */
const callsAsText = new RegExp(
  `^\\s*(?:${[
    "<(?:[a-z]+:)?(?:tool_calls?|function_calls?)>|<\\|tool_call\\|>|\\[TOOL_CALLS\\]|<\\|python_tag\\|>",
    "<function=[\\w.-]+>|<invoke name=",
    "<\\|tool_calls?(?:_section)?_begin\\|>|<｜tool▁calls?▁begin｜>",
  ].join("|")})`,
);

/** Most characters of text that are looked through for calls. */
const longestCalls = 50_000;

/** A name and what stands behind it, in the models' own formats; the pairs in the latter where it is no JSON. */
const formats: readonly (readonly [call: RegExp, pair?: RegExp])[] = [
  // Qwen's coders, MiniMax and Anthropic's of old, GLM.
  [
    /<function=([\w.-]+)>\s*([\s\S]*?)\s*<\/function>/g,
    /<parameter=([\w.-]+)>\s*([\s\S]*?)\s*<\/parameter>/g,
  ],
  [
    /<invoke name="([^"]+)">\s*([\s\S]*?)\s*<\/invoke>/g,
    /<parameter name="([^"]+)"[^>]*>([\s\S]*?)<\/parameter>/g,
  ],
  [
    /<tool_call>\s*([\w.-]+)\s*((?:<arg_key>[\s\S]*?)?)\s*<\/tool_call>/g,
    /<arg_key>([\s\S]*?)<\/arg_key>\s*<arg_value>([\s\S]*?)<\/arg_value>/g,
  ],
  // DeepSeek, Kimi, Mistral.
  [
    /<｜tool▁call▁begin｜>(?:function<｜tool▁sep｜>)?([\w.-]+)(?:<｜tool▁sep｜>)?\s*(?:`{3}json)?\s*([\s\S]*?)\s*(?:`{3})?\s*<｜tool▁call▁end｜>/g,
  ],
  [
    /<\|tool_call_begin\|>\s*(?:functions\.)?([\w.-]+?)(?::\d+)?\s*<\|tool_call_argument_begin\|>\s*([\s\S]*?)\s*<\|tool_call_end\|>/g,
  ],
  [/\[TOOL_CALLS\]\s*([\w.-]+)\s*\[ARGS\]\s*(\{[\s\S]*?\})\s*(?=\[TOOL_CALLS\]|$)/g],
];

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
  if (reply.text.length > longestCalls) return reply;
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
  for (const [format, pair] of formats) {
    const calls = [...text.matchAll(format)].map(([, name = "", body = ""]): ToolCall => {
      const pairs = pair === undefined ? [] : [...body.matchAll(pair)];
      const args = Object.fromEntries(
        pairs.map(([, key = "", value = ""]) => [key.trim(), jsonOrText(value.trim())]),
      );
      return { id: "", name, args: pairs.length === 0 ? body : JSON.stringify(args) };
    });
    if (calls.length > 0) return calls;
  }
  const calls: ToolCall[] = [];
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
