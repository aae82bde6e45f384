import { type DagIssue, DagValidationError, isStackFull } from "../errors.js";
import { didYouMean } from "./did-you-mean.js";

/** A plain record of unchecked values. */
export type Fields = Readonly<Record<string, unknown>>;

/** One issue; `hint` ends the sentence "what to do about it". */
export function issue(code: string, path: string, message: string, hint: string): DagIssue {
  return { code, path, message, hint };
}

/** The issue of an option or an argument that has to be something else: `wanted` ends "It has to be …". */
export function wrongValue(path: string, value: unknown, wanted: string): DagIssue {
  return issue("bad-value", path, `It has to be ${wanted}, but is ${showValue(value)}.`, `Give ${wanted}.`);
}

/**
 * Asserts that an argument of a public function can be used, so that one that cannot is not told by an accident of the language.
 * @param called What was called: the message begins with it.
 * @throws DagValidationError naming the argument, what it is and what it has to be.
 */
export function assertArgument(
  called: string,
  fits: boolean,
  [argument, value, wanted]: readonly [name: string, value: unknown, wanted: string],
): void {
  if (!fits) throw new DagValidationError(`The call of \`${called}\``, [wrongValue(argument, value, wanted)]);
}

/**
 * {@link assertArgument} of the options of a function, each of which can be left out.
 * @throws DagValidationError where they are no object.
 */
export function assertOptions(called: string, options: unknown): void {
  assertArgument(called, isObject(options), ["options", options, "an object of options"]);
}

/** A text in at most so many characters, a `…` at its end where it is longer; no character is cut in half. */
export function excerpt(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most - 1).replace(/[\uD800-\uDBFF]$/, "")}…` : text;
}

/** A path one step deeper: `nodes.meta`, `needs[1]`, `nodes["a b"]`. */
export function pathTo(path: string, key: string | number): string {
  if (typeof key === "number") return `${path}[${key}]`;
  if (!/^[\p{L}_$][\p{L}\p{M}\p{Nd}_$-]*$/u.test(key)) return `${path}[${JSON.stringify(key)}]`;
  return path === "" ? key : `${path}.${key}`;
}

/** The steps of a path that {@link pathTo} built. */
export function pathSteps(path: string): (string | number)[] {
  const steps = path.matchAll(/\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]|([^.[\]]+)/g);
  return [...steps].map(([, index, quoted, key]) =>
    index !== undefined ? Number(index) : quoted !== undefined ? (JSON.parse(quoted) as string) : (key ?? ""),
  );
}

/** A value as a few words of a message, whatever it is: one that cannot be looked at (a revoked proxy) too. */
export function showValue(value: unknown): string {
  try {
    return inWords(value);
  } catch {
    return `${typeof value === "function" ? "a function" : "an object"} that cannot be read`;
  }
}

function inWords(value: unknown): string {
  if (typeof value === "string") return shorten(JSON.stringify(value));
  if (typeof value === "function") return "a function";
  if (typeof value === "bigint") return `${value}n`;
  if (Array.isArray(value)) return value.length === 0 ? "an empty array" : `an array of ${value.length}`;
  if (isPlainObject(value)) return "an object";
  if (isObject(value)) return `an instance of ${classOf(value)}`;
  return String(value);
}

function classOf(value: object): string {
  const made: unknown = Object.getPrototypeOf(value)?.constructor;
  return typeof made === "function" && made.name !== "" ? made.name : "a class";
}

function shorten(text: string): string {
  return text.length <= 60 ? text : `${text.slice(0, 56)}…"`;
}

/** Whether the value is an object that is neither an array nor a function. One that cannot be looked at is none. */
export function isObject(value: unknown): value is Fields {
  try {
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch (error) {
    return isNone(error);
  }
}

/** Whether the value is an array. One that cannot be looked at is none. */
export function isList(value: unknown): value is readonly unknown[] {
  try {
    return Array.isArray(value);
  } catch (error) {
    return isNone(error);
  }
}

/** A revoked proxy is neither object nor array; where the stack ends, nothing is known of the value. */
function isNone(error: unknown): false {
  if (isStackFull(error)) throw error;
  return false;
}

/** Whether the value is a plain object: a literal, or what a parser made. */
export function isPlainObject(value: unknown): value is Fields {
  if (!isObject(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // Another realm (a test's sandbox, a worker) has an Object.prototype of its own: it too inherits from nothing.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** Issues for the keys of `object` that are not `allowed`, each with the name that was probably meant. */
export function unknownKeys(object: object, allowed: readonly string[], path: string): DagIssue[] {
  return Object.keys(object)
    .filter((key) => !allowed.includes(key))
    .map((key) =>
      issue(
        "unknown-option",
        pathTo(path, key),
        `${showValue(key)} is not an option here.`,
        didYouMean(key, allowed),
      ),
    );
}

/** What `check` finds; when a value cannot even be read (a getter or a proxy that throws, endless nesting), that is the issue. */
export function readable(path: string, check: () => DagIssue[]): DagIssue[] {
  try {
    return check();
  } catch (error) {
    const reason =
      error instanceof RangeError ? "it is nested too deeply or contains itself" : describe(error);
    return [issue("unreadable", path, `The value cannot be read: ${reason}.`, "Use plain data.")];
  }
}

function describe(error: unknown): string {
  try {
    return error instanceof Error ? error.message : String(error);
  } catch {
    return "reading it throws";
  }
}
