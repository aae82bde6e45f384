import { DagError } from "../errors.js";
import { isMessagesSchema } from "./messages.js";
import { toJsonSchema } from "./schema.js";
import { asJsonSchema } from "./schema-rules.js";
import type { DagSpec } from "./shape.js";

/** Largest input that is read, in bytes: 1 MiB. */
export const maxInputBytes = 1024 * 1024;

/** What a text input has to be, and what is wrong with one. */
export type TextProblem = "large" | "not-text" | "empty";

/** The text that bytes hold, or why they are no input. */
export function textOf(bytes: Uint8Array): { readonly text: string } | { readonly problem: TextProblem } {
  if (bytes.length > maxInputBytes) return { problem: "large" };
  let text: string;
  try {
    text = decoded(bytes);
  } catch {
    return { problem: "not-text" };
  }
  if (text.includes("\0")) return { problem: "not-text" };
  return text.trim() === "" ? { problem: "empty" } : { text };
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * UTF-8 as text, without the mark that may stand before it.
 * @throws TypeError where the bytes are none.
 */
export function decoded(bytes: Uint8Array): string {
  return utf8.decode(bytes);
}

/** Whether a spec's input is a plain text. */
export function wantsText(dag: DagSpec): boolean {
  return dag.input === undefined || toJsonSchema(dag.input).type === "string";
}

/** Whether a spec's input is a conversation. */
export function takesMessages(dag: DagSpec): boolean {
  return dag.input !== undefined && isMessagesSchema(asJsonSchema(dag.input));
}

/**
 * Puts a text where the spec's input takes one: the input itself, a conversation's only message, its only required string field, or its only string field.
 * @throws DagError `INPUT_INVALID` when that is not told.
 */
export function fillText(dag: DagSpec, text: string): unknown {
  if (dag.input === undefined || wantsText(dag)) return text;
  if (takesMessages(dag)) return [{ role: "user", content: text }];
  const schema = toJsonSchema(dag.input) as {
    properties?: Record<string, { type?: unknown }>;
    required?: string[];
  };
  const strings = Object.keys(schema.properties ?? {}).filter(
    (name) => schema.properties?.[name]?.type === "string",
  );
  const required = strings.filter((name) => schema.required?.includes(name));
  const [field, ...others] = required.length === 1 ? required : strings;
  if (field !== undefined && others.length === 0) return { [field]: text };
  const fields = Object.keys(schema.properties ?? {}).join(", ") || "none";
  throw new DagError(
    "INPUT_INVALID",
    `A text does not say which field of the input of "${dag.name}" it is for. Its fields are: ${fields}.`,
    { hint: "Give --input FILE.json with all of them." },
  );
}
