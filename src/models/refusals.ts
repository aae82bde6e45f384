import { errorMessage } from "../errors.js";
import { causeChain, firstOf, refusedParameter, says, statusOf, streamedError } from "./error-chain.js";
import type { SchemaCarrier } from "./structured-output.js";

/** A part of a request that a server may refuse, and that a request can do without. */
export type Optional =
  | "stream_options"
  | "prompt_cache_key"
  | "parallel_tool_calls"
  | "tool_choice"
  | "temperature"
  | "max_tokens"
  | "system"
  /** A conversation in which the model speaks first. */
  | "assistant_first"
  /** Two messages of one role, one after the other. */
  | "repeated_role"
  | "stream"
  | SchemaCarrier;

/** What one server was found to refuse: learnt once, and not sent to it again. */
export type Refusals = Set<Optional>;

/** Statuses with which servers refuse a part of a request; 500 is how some engines fail at a schema. */
const refusing = [400, 404, 405, 415, 422, 500, 501];

/** What says no more than the status does, or is a page of something between. */
const saysNothing =
  /^(not implemented|bad request|unprocessable( entity| content)?|invalid request|unsupported parameter|<[\s\S]*)?[.!]?$/i;

const formats: readonly Optional[] = ["strict", "schema", "json"];

const formatEngine = /response_format|json_schema|guided|grammar/i;
const formatWords =
  /response[_ ]format|json[_ ]?(schema|mode|object)|structured[_ ]output|guided|grammar|\bformat\b|invalid schema|\bstrict\b/i;

/** What servers call each part when they refuse it. */
const names: readonly (readonly [RegExp, Optional])[] = [
  [/stream_options|include_usage/i, "stream_options"],
  [/prompt_cache_key/i, "prompt_cache_key"],
  [/parallel_tool_calls|parallel (tool|function)/i, "parallel_tool_calls"],
  [/tool_choice|tool choice|forced? (tool|function)/i, "tool_choice"],
  [/temperature/i, "temperature"],
  [/max_tokens.*max_completion_tokens/is, "max_tokens"],
  [
    /first (message|content|turn)\b.*\buser\b|\b(start|begin)\w* with\b.*\buser\b|roles? must alternate|multi-?turn requests/i,
    "assistant_first",
  ],
  [
    /roles? must alternate|multi-?turn requests|alternat(e|ing)\b.*\broles?\b|after role \W?user/i,
    "repeated_role",
  ],
  [
    /system[ _-]?(role|message|prompt|instruction)|role\W{0,4}(of )?\W?system|(variant|not support)\W{1,3}(system|developer)\b|developer instruction|roles? must alternate/i,
    "system",
  ],
  [/\bstream(ing)?\b.*(not|un)[ -]?(supported|available|allowed)|does not support stream/is, "stream"],
];

/** In which order parts are left out for a server that refuses without a word. */
const wordless: readonly Optional[] = [
  ...(["prompt_cache_key", "stream_options", "parallel_tool_calls", "strict", "schema"] as const),
  ...(["tool_choice", "tool", "json", "temperature", "system"] as const),
];

/**
 * Enters what a server refused of a request, told from its status and its words.
 * @param sent What the request held that it can do without.
 * @returns whether there is another way to ask.
 */
export function learnRefusal(refusals: Refusals, sent: ReadonlySet<Optional>, error: unknown): boolean {
  const chain = causeChain(error);
  const given = firstOf(chain, statusOf);
  const inReply = given === undefined ? firstOf(chain, streamedError) : undefined;
  if (given === undefined && inReply === undefined) return false;
  const status = given ?? (/^[45]\d\d$/.test(inReply ?? "") ? Number(inReply) : 400);
  if (!refusing.includes(status)) return false;
  const parameter = firstOf(chain, refusedParameter);
  const said = `${says(chain, status, asSaid)} ${errorMessage(error)} ${parameter ?? ""}`;
  const enter = (parts: readonly Optional[]) => {
    const refused = parts.filter((part) => sent.has(part));
    for (const part of refused) refusals.add(part);
    return refused.length > 0;
  };
  const words = /no body/i.test(said)
    ? ""
    : says(chain, status, asSaid)
        .replace(/^\s*\d{3}\b/, "")
        .trim();
  if (
    given !== undefined &&
    parameter === undefined &&
    saysNothing.test(words) &&
    status !== 404 &&
    status !== 500
  ) {
    const next = wordless.find((part) => sent.has(part));
    return next !== undefined && enter([next]);
  }
  if (parameter === "stream" && enter(["stream"])) return true;
  for (const [pattern, part] of names) {
    if (status !== 500 && pattern.test(said) && enter([part])) return true;
  }
  if ((status === 500 ? formatEngine : formatWords).test(said)) {
    if (/\bstrict\b|invalid schema|additionalProperties|is not permitted/i.test(said) && enter(["strict"]))
      return true;
    if (/json_object|json mode/i.test(said) && sent.has("json") && enter(["json"])) return true;
    if (formats.some((part) => sent.has(part)) && enter(["strict", "schema", "json"])) {
      // The mode without a schema is a format of another type: a server without schemas may have it.
      if (sent.has("strict")) refusals.add("schema");
      return true;
    }
  }
  return status !== 500 && /\btools?\b|function/i.test(said) && enter(["tool"]);
}

/** What is looked at here goes nowhere: nothing has to be taken out of it. */
const asSaid = (text: string) => text;
