import { stripVTControlCharacters } from "node:util";
import stringWidth from "string-width";

/** Columns that a text takes on a terminal: wide characters count two, combining marks none. */
export function displayWidth(text: string): number {
  return stringWidth(text, { countAnsiEscapeCodes: true });
}

/**
 * Text from a model or an error, made safe to print: escape sequences, control characters, direction overrides
 * and lone surrogates are taken out; line breaks stay, tabs become spaces.
 */
export function cleanText(text: string): string {
  return stripVTControlCharacters(text)
    .replace(/\r\n?|[\u0085\u2028\u2029]/g, "\n")
    .replace(/\t/g, "  ")
    .replace(/\p{Cs}/gu, "\uFFFD")
    .replace(/(?!\n)\p{Cc}|[\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069\uFEFF\uFFFE\uFFFF]/gu, "");
}

/** {@link cleanText} on one line: every run of white space becomes one space. */
export function cleanLine(text: string): string {
  return cleanText(text).replace(/\s+/gu, " ").trim();
}

const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

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
  if (spanMs === 0) return "0";
  const decimals = spanMs >= 100_000 ? 1 : spanMs >= 1000 ? 2 : spanMs >= 100 ? 3 : 4;
  return (ms / 1000).toFixed(decimals);
}
