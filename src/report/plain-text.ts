import { stripVTControlCharacters } from "node:util";
import stringWidth from "string-width";

/** Columns that a text takes on a terminal: wide characters count two, combining marks none. */
export function displayWidth(text: string): number {
  return stringWidth(text, { countAnsiEscapeCodes: true });
}

// Control characters but line breaks; what turns the direction of a text, joins lines, or is never drawn (the marks
// U+FFF9 to U+FFFB and the tags U+E0001 to U+E007F can carry hidden text).
const obeyed =
  /(?!\n)\p{Cc}|[\u061C\u200E\u200F\u2028-\u202E\u2066-\u206F\uFEFF\uFFF9-\uFFFB\uFFFE\uFFFF]|[\u{E0000}-\u{E007F}]/gu;

/**
 * Text from a model or an error, made safe to print: escape sequences, control characters, direction overrides
 * and lone surrogates are taken out; line breaks stay, tabs become spaces unless they are kept.
 */
export function cleanText(text: string, tabs: "keep-tabs" | "spaces" = "spaces"): string {
  const lines = stripVTControlCharacters(text)
    .replace(/\r\n?|[\u0085\u2028\u2029]/g, "\n")
    .replace(/\p{Cs}/gu, "\uFFFD");
  return tabs === "spaces"
    ? lines.replace(/\t/g, "  ").replace(obeyed, "")
    : lines.replace(obeyed, (one) => (one === "\t" ? one : ""));
}

const colour = new RegExp(`(${String.fromCodePoint(0x1b)}\\[[\\d;]*m)`);

/** {@link cleanText} for what was painted: sequences that set colours stay. */
export function cleanPaintedText(text: string): string {
  return text
    .split(colour)
    .map((part, i) => (i % 2 === 1 ? part : cleanText(part, "keep-tabs")))
    .join("");
}

/** JSON with everything escaped that a terminal would obey: parsed, it is the same data. */
export function jsonText(value: unknown): string {
  return (JSON.stringify(value, null, 2) ?? "null").replace(obeyed, (one) =>
    [...Array(one.length).keys()]
      .map((i) => `\\u${one.charCodeAt(i).toString(16).padStart(4, "0")}`)
      .join(""),
  );
}

/** {@link cleanText} on one line: every run of white space becomes one space. */
export function cleanLine(text: string): string {
  return cleanText(text).replace(/\s+/gu, " ").trim();
}

const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** What a function reported with `progress`, on one line: a text or a number as it is, anything else as short JSON. */
export function progressText(value: unknown): string {
  return shorten(cleanLine(typeof value === "string" ? value : (JSON.stringify(value) ?? "")), 60);
}

/** The text in at most `width` columns; a shortened one ends in `mark`, and no character is cut in two. */
export function shorten(text: string, width: number, mark = "…"): string {
  if (displayWidth(text) <= width) return text;
  const room = width - displayWidth(mark);
  if (room < 0) return "";
  let kept = "";
  let used = 0;
  for (const { segment } of graphemes.segment(text)) {
    used += displayWidth(segment);
    if (used > room) break;
    kept += segment;
  }
  return kept + mark;
}

/** The text in lines of at most `width` columns, broken at spaces; what `maxLines` do not hold is shortened away. */
export function wrapText(text: string, width: number, maxLines: number, mark = "…"): string[] {
  const lines: string[] = [];
  let rest = text;
  while (displayWidth(rest) > width && lines.length < maxLines - 1) {
    const fits = shorten(rest, width, "");
    const space = rest[fits.length] === " " ? fits.length : fits.lastIndexOf(" ");
    const line = space > 0 ? rest.slice(0, space) : fits;
    if (line === "") break;
    lines.push(line);
    rest = rest.slice(line.length).trimStart();
  }
  return [...lines, shorten(rest, width, mark)];
}

/** The text filled up with spaces to `width` columns. */
export function padEnd(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - displayWidth(text)));
}

/** The text with spaces before it, up to `width` columns. */
export function padStart(text: string, width: number): string {
  return " ".repeat(Math.max(0, width - displayWidth(text))) + text;
}

/** `1 item`, `2 items`. */
export function counted(count: number, noun: string): string {
  return `${count.toLocaleString("en-US")} ${noun}${count === 1 ? "" : "s"}`;
}

/** Milliseconds as seconds, with as many decimals as a span of `spanMs` asks for. */
export function seconds(ms: number, spanMs = ms): string {
  if (spanMs === 0 || (spanMs === ms && ms < 0.05)) return "0";
  const decimals = spanMs >= 100_000 ? 1 : spanMs >= 1000 ? 2 : spanMs >= 100 ? 3 : 4;
  return (ms / 1000).toFixed(decimals);
}
