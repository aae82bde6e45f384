import { excerpt } from "../../src/spec/issue.js";
/**
 * One line of a plan, as data: `3. compare($1, $2, focus="price")` is call 3 of node `compare`. Values are JSON, in
 * which `$N` (the result of call N) stands as `{ "$ref": { "node": "callN" } }`, the form that references have in a spec.
 */
export interface PlanLine {
  readonly number: number;
  readonly node: string;
  readonly args: readonly PlanArg[];
  /** The line as the planner wrote it. */
  readonly text: string;
}

export interface PlanArg {
  /** `null` for a positional argument. */
  readonly name: string | null;
  readonly value: unknown;
}

/** What a line of planner text turned out to be. */
export type PlanPiece =
  | ({ readonly piece: "call" } & PlanLine)
  | { readonly piece: "join"; readonly text: string }
  /** A line that begins as a call and is none: `code` is `truncated-line`, `bad-arguments`, `line-too-long` or `no-number`. */
  | { readonly piece: "broken"; readonly code: string; readonly text: string; readonly message: string };

/** The name that call N has in the spec form of a plan. */
export function callName(number: number): string {
  return `call${number}`;
}

/** The call number that a name made by {@link callName} stands for. */
export function callNumber(name: string): number {
  return Number(name.slice(4));
}

/** The numbers of the calls whose results a value holds. */
export function callsIn(value: unknown): number[] {
  if (Array.isArray(value)) return value.flatMap(callsIn);
  if (typeof value !== "object" || value === null) return [];
  const reference = (value as { $ref?: { node?: unknown } }).$ref?.node;
  if (typeof reference === "string") return [callNumber(reference)];
  return Object.values(value).flatMap(callsIn);
}

const head = /^\s*(?:[-*>]\s+)?[`*]*\$?(\d{1,6})\s*[.):][*]*\s*(\p{L}[\p{L}\p{M}\p{Nd}_-]{0,63})\s*\($/u;

/** Reads the text of a line up to its first `(`; `null` when no call begins there. */
export function readHead(text: string): { readonly number: number; readonly node: string } | null {
  const [, number, node] = head.exec(text) ?? [];
  return number === undefined || node === undefined ? null : { number: Number(number), node };
}

/** Whether a whole line is a call in all but its number, which is missing or cannot be read: `a()`, `-1. a()`. */
export function isUnnumbered(text: string): boolean {
  return /^[^\p{L}]*\p{L}[\p{L}\p{M}\p{Nd}_-]{0,63}\(.*\)[`*;.]*\s*$/u.test(text);
}

/** Whether a whole line is the one that ends a plan: `join()`, with or without a number before it. */
export function isJoin(text: string): boolean {
  return /^\s*(?:[-*>]\s+)?`?(?:\$?\d{1,6}[.):]\s*)?join\s*\(\s*\)[`;.]?\s*$/.test(text);
}

/**
 * Reads the text between a call's parentheses.
 * @throws SyntaxError saying which part is neither JSON nor `$N`.
 */
export function readArgs(text: string): PlanArg[] {
  if (text.trim() === "") return [];
  return splitArgs(text).map((part) => {
    const [, name, rest] = /^\s*([A-Za-z_][\w-]*)\s*=(?!=)([\s\S]*)$/.exec(part) ?? [];
    return { name: name ?? null, value: readValue(rest ?? part) };
  });
}

function readValue(text: string): unknown {
  const json = outsideStrings(text, (part) =>
    part.replace(/\$(\d{1,6})(?!\w)/g, (_, number) => `{"$ref":{"node":"call${Number(number)}"}}`),
  );
  try {
    return JSON.parse(json);
  } catch {
    const shown = text.trim();
    throw new SyntaxError(
      shown === ""
        ? "An argument between two commas is empty."
        : `${excerpt(shown, 80)} is neither a JSON literal nor $N.`,
    );
  }
}

/** Deepest nesting of brackets in the arguments of a call. */
const maxArgDepth = 50;

/** Splits at the commas that stand outside of strings, brackets and braces. */
function splitArgs(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  let at = 0;
  outsideStrings(text, (part, offset) => {
    for (at = 0; at < part.length; at++) {
      const char = part[at];
      if (char === "[" || char === "{" || char === "(") depth++;
      if (depth > maxArgDepth)
        throw new SyntaxError(`The arguments are nested deeper than ${maxArgDepth} levels.`);
      else if (char === "]" || char === "}" || char === ")") depth--;
      else if (char === "," && depth === 0) {
        parts.push(text.slice(from, offset + at));
        from = offset + at + 1;
      }
    }
    return part;
  });
  return [...parts, text.slice(from)];
}

/** The text with `change` applied to what stands outside of its JSON strings. */
function outsideStrings(text: string, change: (part: string, offset: number) => string): string {
  return text.replace(/"(?:[^"\\]|\\[\s\S])*"|[^"]+|"/g, (part, offset: number) =>
    part.startsWith('"') ? part : change(part, offset),
  );
}
