import { types } from "node:util";
import { caught, DagError, errorMessage, unawaited } from "../errors.js";
import { excerpt } from "./issue.js";

/** Deepest nesting of arrays and objects that a value may have. */
export const maxDepth = 1000;

/**
 * A private copy of a value, which has to be JSON: strings, finite numbers, booleans, null, arrays and plain objects. Keys
 * whose value is `undefined` are left out, `undefined` itself is `null`, `-0` is `0`; everything else that JSON would change
 * or lose is refused.
 * @param code Code of the error, for example `VALUE_NOT_JSON`.
 * @param subject What holds the value, as the beginning of a sentence.
 * @throws DagError with that code, naming the path, what stands there and what to give instead.
 */
export function jsonCopy(value: unknown, code: string, subject: string): unknown {
  if (value === undefined) return null;
  return new Copier(code, subject).copy(value, "", 0);
}

/** Like {@link jsonCopy} of a node's value. */
export function nodeValue(value: unknown): unknown {
  return jsonCopy(value, "VALUE_NOT_JSON", "The node's value");
}

class Copier {
  readonly #above: object[] = [];

  constructor(
    readonly code: string,
    readonly subject: string,
  ) {}

  copy(value: unknown, path: string, depth: number): unknown {
    switch (typeof value) {
      case "string":
      case "boolean":
        return value;
      case "number":
        if (Number.isFinite(value)) return value === 0 ? 0 : value;
        return this.refuse(path, String(value), "Give a finite number, or null.");
      case "object":
        break;
      case "undefined":
        return this.refuse(path, "undefined, which JSON turns into null", "Give null, or leave it out.");
      case "bigint":
        return this.refuse(path, `the bigint ${value}n`, "Give a number, or a string of its digits.");
      case "function":
        return this.refuse(path, functionNamed(value), "Give what it returns.");
      default:
        return this.refuse(path, `a ${typeof value}`, "Give a string.");
    }
    if (value === null) return null;
    if (depth >= maxDepth) return this.tooDeep(path);
    this.#above.push(value);
    try {
      return Array.isArray(value) ? this.list(value, path, depth) : this.record(value, path, depth);
    } catch (thrown) {
      // A getter or a proxy of the user's.
      const error = caught(thrown);
      if (error instanceof DagError && error.code === this.code) throw error;
      return this.refuse(
        path,
        `something that throws when it is read (${errorMessage(error)})`,
        "Give plain data.",
      );
    } finally {
      this.#above.pop();
    }
  }

  list(value: readonly unknown[], path: string, depth: number): unknown[] {
    const copy: unknown[] = [];
    for (let index = 0; index < value.length; index++) {
      copy.push(this.copy(value[index], `${path}[${index}]`, depth + 1));
    }
    const keys = Object.keys(value);
    const extra = keys.length > value.length ? keys.find((key) => !/^\d+$/.test(key)) : undefined;
    if (extra !== undefined) {
      return this.refuse(
        keyed(path, extra),
        "a property of an array, which JSON loses",
        "Give a plain array, or an object that holds both.",
      );
    }
    return copy;
  }

  record(value: object, path: string, depth: number): Record<string, unknown> {
    const [what, hint] = isPlain(value) ? [] : describe(value);
    if (what !== undefined) return this.refuse(path, what, hint ?? "");
    const [symbol] = Object.getOwnPropertySymbols(value);
    if (symbol !== undefined && Object.getOwnPropertyDescriptor(value, symbol)?.enumerable) {
      return this.refuse(keyed(path, String(symbol)), "a key that is a symbol", "Give it a string as key.");
    }
    const copy: Record<string, unknown> = {};
    for (const key of Object.keys(value)) {
      const part = (value as Record<string, unknown>)[key];
      if (part !== undefined) put(copy, key, this.copy(part, keyed(path, key), depth + 1));
    }
    return copy;
  }

  tooDeep(path: string): never {
    const short = excerpt(path, 80);
    return new Set(this.#above).size < this.#above.length
      ? this.refuse(short, "an object that holds itself", "Leave out the reference back.")
      : this.refuse(short, `nested deeper than ${maxDepth} levels`, "Give a flatter value.");
  }

  refuse(path: string, what: string, hint: string): never {
    const place = path === "" ? "" : ` at \`${path.replace(/^\./, "")}\``;
    throw new DagError(this.code, `${this.subject} is not JSON${place}: it is ${what}.`, {
      facts: { path: path.replace(/^\./, "") },
      hint,
    });
  }
}

/** Whether a value has more levels of arrays and objects, wherever in the stack that is asked. One that holds itself has. */
export function isDeeperThan(value: unknown, levels: number): boolean {
  let level = new Set([value]);
  for (let i = 0; i <= levels; i++) {
    const below = new Set<unknown>();
    for (const one of level)
      if (typeof one === "object" && one !== null) for (const part of Object.values(one)) below.add(part);
    if (below.size === 0) return false;
    level = below;
  }
  return true;
}

/**
 * A copy of a value that is known to be JSON, or of what a schema made of JSON: dates, maps and sets in it are copied too, any
 * other object is handed on as it is.
 */
export function copyOf<V>(value: V): V {
  if (typeof value !== "object" || value === null) return value;
  return copyPart(value) as V;
}

function copyPart(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    const copy = new Array<unknown>(value.length);
    for (let index = 0; index < value.length; index++) copy[index] = copyPart(value[index]);
    return copy;
  }
  if (isPlain(value)) {
    const copy: Record<string, unknown> = {};
    for (const key of Object.keys(value)) put(copy, key, copyPart((value as Record<string, unknown>)[key]));
    return copy;
  }
  if (types.isDate(value)) return new Date(value.getTime());
  if (types.isMap(value)) return new Map([...value].map(([key, part]) => [copyPart(key), copyPart(part)]));
  if (types.isSet(value)) return new Set([...value].map(copyPart));
  return value;
}

/** Freezes JSON in all its parts, so that several readers can share it. */
export function freezeJson<V>(value: V): V {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const part of Object.values(value)) freezeJson(part);
  return value;
}

/** Sets a key as the object's own, `__proto__` too. */
function put(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key !== "__proto__") target[key] = value;
  else Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
}

/** Objects without a class, which inherit no fields: literals of this realm and others, and objects without a prototype. */
function isPlain(value: object): boolean {
  const prototype: object | null = Object.getPrototypeOf(value);
  if (prototype === null || prototype === Object.prototype) return true;
  return Object.getPrototypeOf(prototype) === null && Object.keys(prototype).length === 0;
}

function keyed(path: string, key: string): string {
  return /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`;
}

function functionNamed(value: object): string {
  try {
    return `the function ${(value as { readonly name?: unknown }).name || "(unnamed)"}`;
  } catch {
    return "a function";
  }
}

function describe(value: object): [what: string, hint: string] {
  if (types.isDate(value)) return ["a Date", "Give its text: `date.toISOString()`."];
  if (types.isMap(value))
    return ["a Map, which JSON loses", "Give `Object.fromEntries(map)` or its entries as an array."];
  if (types.isSet(value)) return ["a Set, which JSON loses", "Give its members as an array: `[...set]`."];
  if (types.isPromise(value)) {
    unawaited(value);
    return ["a promise", "Await it before you give its value."];
  }
  if (types.isNativeError(value)) return ["an Error", "Give its `message`, or throw it."];
  if (types.isRegExp(value)) return ["a regular expression", "Give its `source`."];
  if (types.isArrayBufferView(value) || types.isAnyArrayBuffer(value)) {
    return ["binary data", "Give it as text, for example in base64."];
  }
  if (types.isBoxedPrimitive(value))
    return ["a boxed primitive", "Give the primitive itself: `value.valueOf()`."];
  if (types.isGeneratorObject(value) || Symbol.iterator in value || Symbol.asyncIterator in value) {
    return [`an iterator (${classOf(value)})`, "Collect it into an array first."];
  }
  const name = classOf(value);
  if (name === "Response") return ["a Response", "Give what it holds: `await response.json()` or `.text()`."];
  return [`an instance of ${name}`, "Give a plain object of the fields that are needed."];
}

function classOf(value: object): string {
  const made: unknown = Object.getPrototypeOf(value)?.constructor;
  return typeof made === "function" && made.name !== "" ? made.name : "a class";
}
