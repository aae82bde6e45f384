import { DagError } from "../../src/errors.js";
import type { ModelReply, ToolCall, ToolSpec } from "../../src/models/port.js";
import { pythonCalls, pythonLiteral } from "../../src/models/python-literals.js";
import { toolNamesOf } from "../../src/models/tool-names.js";
import { jsonRegions } from "./json-reading.js";

/** Names of open models that are known to write calls as text when their server does not read them. */
const writesCallsAsText =
  /hermes|qwen|nous|granite|xlam|functionary|llama-?[34]|kimi|glm-|minimax|deepseek|mistral|devstral|hunyuan|gpt-oss|gemma|command-|smollm/i;

/** Marks that calls begin with, which stand in no other text but one about them. */
const mark = new RegExp(
  [
    "<(?:[a-z]+:)?(?:tool_calls?|function_calls?)>|<\\|tool_call\\|>|\\[TOOL_CALLS\\]|<\\|python_tag\\|>",
    "<function=[\\w.-]+>|<invoke name=|<｜DSML｜(?:function|tool)_calls>",
    "<\\|tool_calls?(?:_section)?_begin\\|>|<｜tool▁calls?▁begin｜>|<\\|START_ACTION\\|>",
    "(?:<\\|start\\|>assistant)?(?: to=functions\\.[\\w.-]+)?<\\|channel\\|>(?:commentary|analysis)(?: to=functions\\.| json)",
    "`{3}tool_code\\s",
  ].join("|"),
);

/** What servers leave at the end of a message that is a call. */
const leftover = /(?:<\|(?:im_end|eom_id|eot_id|end|call|eot)\|>|<\/s>)$/;

/** What tools answer, which is not for a model to say. */
const madeUp = /<tool_response>|<\|tool_response\|>|<｜tool▁outputs?▁begin｜>/;

/** Most characters of text that are looked through for calls. */
const longestCalls = 50_000;

/**
 * A name and what stands behind it, in the models' own formats; the pairs in the latter where it is no JSON. The space around what
 * is found is not theirs to match: of a model that writes nothing but space, each of them would be tried with each other.
 */
const formats: readonly (readonly [call: RegExp, pair?: RegExp])[] = [
  // Qwen's coders, MiniMax and Anthropic's of old, GLM.
  [/<function=([\w.-]+)>([\s\S]*?)<\/function>/g, /<parameter=([\w.-]+)>([\s\S]*?)<\/parameter>/g],
  [/<invoke name="([^"]+)">([\s\S]*?)<\/invoke>/g, /<parameter name="([^"]+)"[^>]*>([\s\S]*?)<\/parameter>/g],
  [
    /<tool_call>\s*([\w.-]+)\s*((?:<arg_key>[\s\S]*?)?)<\/tool_call>/g,
    /<arg_key>([\s\S]*?)<\/arg_key>\s*<arg_value>([\s\S]*?)<\/arg_value>/g,
  ],
  // DeepSeek, Kimi, Mistral.
  [/<｜tool▁call▁begin｜>(?:function<｜tool▁sep｜>)?([\w.-]+)(?![\w.-])([\s\S]*?)<｜tool▁call▁end｜>/g],
  [
    /<\|tool_call_begin\|>\s*(?:functions\.)?([\w.-]+?)(?::\d+)?\s*<\|tool_call_argument_begin\|>([\s\S]*?)<\|tool_call_end\|>/g,
  ],
  // DeepSeek's later ones, OpenAI's open models.
  [
    /<｜DSML｜invoke name="([^"]+)">([\s\S]*?)<\/｜DSML｜invoke>/g,
    /<｜DSML｜parameter name="([^"]+)"[^>]*>([\s\S]*?)<\/｜DSML｜parameter>/g,
  ],
  [
    / to=functions\.([\w.-]+)(?![\w.-])[^{]*?<\|message\|>\s*(\{[\s\S]*?\})\s*(?=<\|(?:call|end|start)\|>|$)/g,
  ],
  [/\[TOOL_CALLS\]\s*([\w.-]+)\s*\[ARGS\]\s*(\{[\s\S]*?\})\s*(?=\[TOOL_CALLS\]|$)/g],
];

/** What is offered to the model whose reply is read. */
export interface Offered {
  readonly tools: readonly ToolSpec[];
  /** Whether the answer has to fit a schema, so that JSON without a mark is the answer. */
  readonly schema: boolean;
  readonly model: string;
  /** Whether calls are read. @default by the model's name */
  readonly read?: boolean | undefined;
}

/**
 * A reply whose text is calls of known tools, with those as its calls. Rules:
 * 1. Calls begin with a mark of one of the models' formats, or are the whole text: JSON with a name and arguments, or a list in Python.
 * 2. Words may stand before the mark where the calls end the text; they stay the text. A mark within code or JSON is spoken about.
 * 3. Fenced JSON, and a call in Python that stands alone, count only where calls are read; so does a tool that nobody knows, which
 *    the model is then told. What has no mark is the answer where the agent says that calls are not read.
 * @returns the reply as it was where its text is no call.
 * @throws DagError `TOOL_CALL_AS_TEXT` where such calls are not to be read from text, or cannot be.
 */
export function withCallsInText(reply: ModelReply, offered: Offered): ModelReply {
  const { tools, model, read = writesCallsAsText.test(model) } = offered;
  if (tools.length === 0 || reply.toolCalls.length > 0 || reply.text.length > longestCalls) return reply;
  const text = reply.text.trim().replace(leftover, "").trimEnd();
  const at = markIn(text);
  const written = text.slice(at ?? 0).split(madeUp, 1)[0] ?? "";
  const unmarked = () => (offered.read === false ? [] : unmarkedCalls(text, offered.schema, read));
  const found = at === null ? unmarked() : callsIn(written);
  const names = toolNamesOf(tools.map(({ name }) => name));
  const told = new Map([...names].map(([name, made]) => [made, name]));
  const calls = found.map((call) => ({ ...call, name: told.get(call.name) ?? call.name }));
  const areKnown = calls.length > 0 && calls.every((call) => names.has(call.name));
  if (read && calls.length > 0 && (areKnown || at === 0))
    return { ...reply, text: text.slice(0, at ?? 0).trimEnd(), toolCalls: calls };
  const named = [...names.keys()].filter((name) => written.includes(name));
  if (!areKnown && !(calls.length === 0 && at === 0 && named.length > 0)) return reply;
  throw asText(reply, model, areKnown ? calls.map((call) => call.name) : named, areKnown);
}

function asText({ text }: ModelReply, model: string, tools: readonly string[], readable: boolean): DagError {
  return new DagError(
    "TOOL_CALL_AS_TEXT",
    `Model "${model}" wrote a call of "${tools[0]}" as text${readable ? "" : " that cannot be read"}, where its server should have given it as a tool call.`,
    {
      facts: { model, tools },
      text,
      hint: readable
        ? "Set `modelOptions.toolCallsInText: true` to read such calls, or set up the server's tool-call parser for this model."
        : "Set up the server's tool-call parser for this model.",
    },
  );
}

/** Where calls with a mark begin: at the start, or behind words where they end the text and stand in no code. */
function markIn(text: string): number | null {
  const found = mark.exec(text);
  // What is JSON from its beginning to its end holds the mark in one of its texts.
  if (found === null || jsonOrText(text) !== text) return null;
  if (found.index === 0) return 0;
  const before = text.slice(0, found.index);
  const isCode = (before.match(/^[ \t]*(?:`{3}|~{3})/gm)?.length ?? 0) % 2 === 1 || /[`"'“]$/.test(before);
  return !isCode && /(?:<\/[^<>]+>|<[|｜][^<>]+[|｜]>|[}\])]|`{3})$/.test(text) ? found.index : null;
}

/** The calls that a text without a mark is, from its beginning to its end. */
function unmarkedCalls(text: string, schema: boolean, read: boolean): ToolCall[] {
  const fenced = /^`{3}\w*[^\S\n]*\n([\s\S]*)`{3}$/.exec(text)?.[1];
  const whole = (read ? (fenced ?? text) : text).trim();
  if (/^\[?\s*[A-Za-z_][\w.-]*\(/.test(whole)) return read || whole.startsWith("[") ? inPython(whole) : [];
  if (schema || !/^[{[]/.test(whole)) return [];
  const json = jsonOrText(whole);
  return typeof json === "string" ? [] : callsOf(json, isPlainCall);
}

/** Whether an object without a mark is a call: it has a name, arguments that are no schema of them, and nothing else. */
function isPlainCall(call: Loose): boolean {
  const args = call.arguments ?? call.parameters;
  const isObject = isRecord(args) && !(args.type === "object" && isRecord(args.properties));
  const others = Object.keys(call).filter((key) => !/^(?:name|arguments|parameters|type|id)$/.test(key));
  return (isObject || /^\s*\{/.test(String(args))) && others.length === 0;
}

function callsIn(text: string): ToolCall[] {
  for (const [format, pair] of formats) {
    const calls = [...text.matchAll(format)].map(([, name = "", body = ""]): ToolCall => {
      const pairs = pair === undefined ? [] : [...body.matchAll(pair)];
      const args = Object.fromEntries(
        pairs.map(([, key = "", value = ""]) => [key.trim(), jsonOrText(value.trim())]),
      );
      return { id: "", name, args: pairs.length === 0 ? unfenced(body) : JSON.stringify(args) };
    });
    if (calls.length > 0) return calls;
  }
  const regions = jsonRegions(text).flatMap(({ value }) => callsOf(value));
  if (regions.length > 0) return regions;
  const bare = text.replace(/^<\|python_tag\|>|^`{3}tool_code|`{3}$/g, "");
  if (bare !== text) return inPython(bare.replace(/^(\s*[\w.-]+)\.call\(/, "$1("));
  // JSON as Python writes it.
  const inside = /^<[^<>]+>\s*(\{[\s\S]*\})(?:\s*<\/[^<>]+>)?$/.exec(text)?.[1];
  return inside === undefined ? [] : callsOf(pythonLiteral(inside));
}

/** Arguments without DeepSeek's mark before them and a fence around them. */
const unfenced = (body: string): string =>
  body
    .replace(/^<｜tool▁sep｜>/, "")
    .trim()
    .replace(/^`{3}json|`{3}$/g, "")
    .trim();

const inPython = (text: string): ToolCall[] =>
  pythonCalls(text).map(({ name, args }) => ({ id: "", name, args: JSON.stringify(args) }));

/** The calls that a value says, none where a part of it is no call. */
function callsOf(value: unknown, isCall: (call: Loose) => boolean = () => true): ToolCall[] {
  const listed = isRecord(value) && Array.isArray(value.tool_calls) ? value.tool_calls : [value].flat();
  const calls = listed.map((one): ToolCall | null => {
    const inner = isRecord(one) && isRecord(one.function) ? one.function : one;
    if (!isRecord(inner)) return null;
    const name = inner.name ?? inner.tool_name;
    const args = inner.arguments ?? inner.parameters ?? {};
    if (typeof name !== "string" || !isCall(inner)) return null;
    return { id: "", name, args: typeof args === "string" ? args : JSON.stringify(args) };
  });
  return calls.every((call) => call !== null) ? calls : [];
}

type Loose = Readonly<Record<string, unknown>>;

const isRecord = (value: unknown): value is Loose =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
