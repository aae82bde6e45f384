import { pythonLiteral } from "../../src/models/python-literals.js";

/** A piece of a text that is JSON by itself. */
export interface JsonRegion {
  readonly from: number;
  readonly to: number;
  readonly value: any;
}

/** Most characters that are gone through in search of closing brackets: text with thousands of open ones is no answer. */
const mostLookedThrough = 10_000_000;

/**
 * Every JSON object and list that stands in a text, in order; what stands within another one is not named. Brackets in
 * strings do not count.
 */
export function jsonRegions(text: string): JsonRegion[] {
  const regions: JsonRegion[] = [];
  let lookedThrough = 0;
  for (let at = 0; at < text.length && lookedThrough < mostLookedThrough; at++) {
    const char = text[at];
    if (char !== "{" && char !== "[") continue;
    const { to, seen } = closingOf(text, at);
    lookedThrough += seen;
    if (to === -1) continue;
    try {
      regions.push({ from: at, to, value: JSON.parse(text.slice(at, to)) });
      at = to - 1;
    } catch {
      // What begins here is not JSON; something within it may be.
    }
  }
  return regions;
}

/** Where the bracket at `from` is closed, or -1; how many characters were seen to know. */
function closingOf(text: string, from: number): { readonly to: number; readonly seen: number } {
  const open: string[] = [];
  let inString = false;
  for (let at = from; at < text.length; at++) {
    const char = text[at];
    if (inString) {
      if (char === "\\") at++;
      else if (char === '"') inString = false;
    } else if (char === '"') inString = true;
    else if (char === "{") open.push("}");
    else if (char === "[") open.push("]");
    else if (char === "}" || char === "]") {
      const closes = open.pop() === char;
      if (!closes || open.length === 0) return { to: closes ? at + 1 : -1, seen: at - from };
    }
  }
  return { to: -1, seen: text.length - from };
}

/**
 * What a model's text may mean as JSON, the likeliest first: the whole text; the contents of code fences, however they
 * are spelt; objects and lists that stand in prose. An object or list that is a text or a fence by itself may be written as Python
 * writes it (`{'a': True,}`), with its quotes escaped, or with line breaks in its texts.
 */
export function jsonCandidates(text: string): unknown[][] {
  const whole = parse(text.trim());
  if (whole !== undefined) return [[whole.value]];
  // A fence within a JSON string is part of it, so that objects that begin before the first fence are looked at first.
  const regions = jsonRegions(text);
  const fences = [...text.matchAll(/(?:^|\n)[ \t]*(`{3,}|~{3,})[^\n`]*\r?\n([\s\S]*?)\1/g)]
    .filter(({ index }) => !regions.some(({ from, to }) => from < index && index < to))
    .flatMap(([, , body = ""]) => {
      const parsed = parse(body.trim());
      return parsed === undefined ? jsonRegions(body).map(({ value }) => value) : [parsed.value];
    });
  const inline = [...text.matchAll(/`{3}(?:json)?([^\n`]+)`{3}/gi)].flatMap(([, body = ""]) => {
    const parsed = parse(body.trim());
    return parsed === undefined ? [] : [parsed.value];
  });
  return [[...fences, ...inline], regions.map(({ value }) => value)].filter((values) => values.length > 0);
}

function parse(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    const value = /^[{[]\s*\\"/.test(text)
      ? unescaped(text)
      : /^[{[]/.test(text)
        ? pythonLiteral(text)
        : undefined;
    return value === undefined ? undefined : { value };
  }
}

function unescaped(text: string): unknown {
  try {
    return JSON.parse(JSON.parse(`"${text}"`) as string);
  } catch {
    return undefined;
  }
}
