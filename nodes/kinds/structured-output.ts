import type { Message } from "../../src/models/port.js";
import { checkAgainstAsync } from "../../src/spec/schema.js";
import type { Node } from "../../src/spec/shape.js";

type Checked =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly message: string };

/** A reply's text as the value that its schema describes, or what is wrong with it. */
export async function readStructured(text: string, schema: NonNullable<Node["output"]>): Promise<Checked> {
  const parsed = parseReply(text);
  if (parsed === undefined) return { ok: false, message: "It is not JSON" };
  return checkAgainstAsync(schema, parsed.value);
}

/** Tells a model what was wrong with its answer, so that it can do better. */
export function repairRequest(problem: string): Message {
  return {
    role: "user",
    content: `That does not fit the schema:\n${problem}\nAnswer again with JSON that fits, and nothing else.`,
  };
}

/** JSON from a reply: the whole text, a fenced block of it, or the outermost braces or brackets. */
function parseReply(text: string): { value: unknown } | undefined {
  const fenced = /```(?:json)?\s*\n([\s\S]*?)\n\s*```/.exec(text)?.[1];
  const candidates = [text, fenced, between(text, "{", "}"), between(text, "[", "]")];
  for (const candidate of candidates) {
    if (candidate === undefined) continue;
    try {
      return { value: JSON.parse(candidate) };
    } catch {
      // The next candidate may parse.
    }
  }
  return undefined;
}

function between(text: string, open: string, close: string): string | undefined {
  const from = text.indexOf(open);
  const to = text.lastIndexOf(close);
  return from >= 0 && to > from ? text.slice(from, to + 1) : undefined;
}
