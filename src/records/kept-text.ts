import { createHash } from "node:crypto";

/** A stretch of text: itself where it is short, else the hash under which a `text-kept` event holds it. */
export type TextPart = string | { readonly hash: string };

/** A message of a request as it was sent: its parts one after another are its text. */
export interface KeptMessage {
  /** Who speaks: `system`, `user`, `assistant` or `tool`. */
  readonly role: string;
  /** The stretches of its text, in order. */
  readonly parts: readonly TextPart[];
}

/** Longest part that is kept in place, in characters. */
const longestInPlace = 120;

/** Lines that begin and end a section of data in a prompt: what stands between them is shared by many prompts. */
const sectionLine = /(\[data-[0-9a-f]{12,} (?:begin|missing|end) [^\n]*\]\n?)/;

/** Takes texts apart so that each long part is kept once, however many prompts hold it. */
export interface TextKeeper {
  parts(text: string): TextPart[];
}

/** A keeper that tells of each long part once, before the first text that has it is returned. */
export function keepTexts(tell: (hash: string, text: string) => void): TextKeeper {
  const told = new Set<string>();
  return {
    parts: (text) =>
      text
        .split(sectionLine)
        .filter((part) => part !== "")
        .map((part) => {
          if (part.length <= longestInPlace) return part;
          const hash = createHash("sha256").update(part).digest("hex").slice(0, 16);
          if (!told.has(hash)) {
            told.add(hash);
            tell(hash, part);
          }
          return { hash };
        }),
  };
}

/** The text of parts; `null` where one of them was not kept. */
export function textOfParts(
  parts: readonly TextPart[],
  texts: { get(hash: string): string | undefined },
): string | null {
  const found = parts.map((part) => (typeof part === "string" ? part : texts.get(part.hash)));
  return found.includes(undefined) ? null : found.join("");
}
