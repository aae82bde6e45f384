import { DagError } from "../../src/errors.js";
import { repairOpening } from "../../src/models/catalogue.js";
import type { Message, ModelReply } from "../../src/models/port.js";
import { dropAbsent } from "../../src/models/strict-schema.js";
import { canonicalJson } from "../../src/spec/canonical.js";
import { isDeeperThan, maxDepth } from "../../src/spec/json-value.js";
import { checkAgainstAsync, toJsonSchema } from "../../src/spec/schema.js";
import type { JsonSchema, Node } from "../../src/spec/shape.js";
import { jsonCandidates } from "./json-reading.js";

/** How often a model is told that its answer does not fit, where `policy.repairAttempts` says nothing. */
export const defaultRepairAttempts = 1;

type Checked =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly message: string };

/**
 * A reply's text as the value that its schema describes, or what is wrong with it. Rules:
 * 1. The whole text, where it is JSON; else what stands in code fences; else objects and lists within prose.
 * 2. Among several, the one that fits the schema; where different ones fit, none is guessed at.
 * 3. `null` at an optional key is an absent key, unless the schema takes it.
 * 4. One object or list around the answer (`{ "answer": … }`, `[…]`), or quotes around its JSON, are taken off where only what
 *    is inside fits.
 * 5. A schema for a text takes words without quotes, one of a few words in whatever case they are written.
 */
export async function readStructured(text: string, schema: NonNullable<Node["output"]>): Promise<Checked> {
  const json = toJsonSchema(schema);
  let problem: string | undefined;
  for (const candidates of jsonCandidates(text)) {
    const fitting = new Map<string, Checked & { ok: true }>();
    for (const candidate of candidates) {
      const checked = await checkOne(candidate, schema, json);
      if (checked.ok) fitting.set(canonicalJson(candidate), checked);
      else problem ??= checked.message;
    }
    const [first, second] = fitting.values();
    if (first !== undefined && second === undefined) return first;
    if (second !== undefined)
      return {
        ok: false,
        message: `It holds ${fitting.size} different answers that fit: write the one that counts, and nothing else`,
      };
  }
  for (const words of wordsOf(text, json)) {
    const checked = await checkOne(words, schema, json);
    if (checked.ok) return checked;
    problem ??= checked.message;
  }
  return { ok: false, message: problem ?? "It is not JSON" };
}

async function checkOne(
  value: unknown,
  schema: NonNullable<Node["output"]>,
  json: JsonSchema,
): Promise<Checked> {
  // A schema that holds itself is gone through by a call a level.
  if (isDeeperThan(value, maxDepth))
    return { ok: false, message: `It is nested deeper than ${maxDepth} levels: give a flatter answer` };
  const checked = await checkAgainstAsync(schema, value);
  if (checked.ok) return checked;
  const cleaned = await checkAgainstAsync(schema, dropAbsent(value, json));
  if (cleaned.ok) return cleaned;
  const inside = insideOf(value);
  if (inside !== undefined && !isDeeperThan(inside, maxDepth)) {
    const unwrapped = await checkAgainstAsync(schema, dropAbsent(inside, json));
    if (unwrapped.ok) return unwrapped;
  }
  return checked;
}

/** What the only key of an object or the only item of a list holds, or what a text says as JSON. */
function insideOf(value: unknown): unknown {
  if (typeof value === "string") {
    try {
      return JSON.parse(value);
    } catch {
      return undefined;
    }
  }
  if (typeof value !== "object" || value === null) return undefined;
  const values: unknown[] = Object.values(value);
  return values.length === 1 ? values[0] : undefined;
}

/**
 * A text as words, where the schema takes words: as it stands, and without what models put around a single one. Where it takes a
 * number, a truth value or nothing, what such a single word says.
 */
function wordsOf(text: string, schema: JsonSchema): unknown[] {
  const inside = [
    schema,
    ...[schema.anyOf, schema.oneOf].flatMap((list) => (Array.isArray(list) ? list : [])),
  ];
  const takes = (type: string) =>
    inside.some(
      (one) =>
        [one?.type].flat().includes(type) ||
        [one?.enum, one?.const].flat().some((value: unknown) => typeof value === type),
    );
  const trimmed = text.trim();
  const bare = trimmed.replace(/^[\s"'`*_]+/, "").replace(/(?<![\s"'`*_.!])[\s"'`*_.!]+$/, "");
  const words = trimmed === bare ? [trimmed] : [trimmed, bare];
  const options = inside.flatMap((one) => [one?.enum, one?.const].flat());
  const spelt = options.filter(
    (option) => typeof option === "string" && option.toLowerCase() === bare.toLowerCase(),
  );
  const said: unknown[] = takes("string") ? [...words, ...(spelt.length === 1 ? spelt : [])] : [];
  if ((takes("number") || takes("integer")) && /^-?\d+(\.\d+)?$/.test(bare)) said.push(Number(bare));
  if (takes("boolean") && /^(true|false)$/i.test(bare)) said.push(bare.toLowerCase() === "true");
  return said;
}

/** Tells a model what was wrong with its answer, so that it can do better. */
export function repairRequest(problem: string, schema: NonNullable<Node["output"]>): Message {
  return {
    role: "user",
    content: `${repairOpening}\n${problem}\nThe schema is:\n${JSON.stringify(toJsonSchema(schema))}\nAnswer again with JSON that fits, and nothing else.`,
  };
}

/** The error of a reply that does not fit its schema; `text` keeps what was said. */
export function outputInvalid(what: "output" | "answer", problem: string, { text }: ModelReply): DagError {
  return new DagError(
    "OUTPUT_INVALID",
    `The ${what} does not fit the schema: ${problem.replaceAll("\n", "; ")}.`,
    { text, hint: "The offending text is kept in `error.text`." },
  );
}
