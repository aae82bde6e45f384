import { languageOf } from "./language.js";
import type { ReadTokens, Token } from "./nlp.js";

/** A sentence of a text. */
export interface Sentence {
  /** Position in the text, from 0. */
  readonly index: number;
  /** As written, on one line. */
  readonly text: string;
  readonly tokens: readonly Token[];
  /** Position of its paragraph or list item, from 0. */
  readonly block: number;
}

/** A text that was read. */
export interface Document {
  readonly text: string;
  readonly sentences: readonly Sentence[];
  /** `none`: there are no words; `other`: words, but not English ones. */
  readonly language: "english" | "other" | "none";
}

/** Reads a text: paragraphs and list items are split first, then sentences inside them. */
export function readDocument(given: string, readTokens: ReadTokens): Document {
  const text = withoutTags(given);
  const sentences: Sentence[] = [];
  splitBlocks(text).forEach((content, block) => {
    for (const tokens of readTokens(content).flatMap(cutLong)) {
      if (tokens.some(isWord))
        sentences.push({ index: sentences.length, text: textOf(tokens), tokens, block });
    }
  });
  return { text, sentences, language: languageOf(sentences.flatMap((sentence) => sentence.tokens)) };
}

const entities: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  "#39": "'",
  nbsp: " ",
};

/** A text without HTML: block tags end a line, scripts and styles go as a whole. Any other text as it is. */
function withoutTags(text: string): string {
  if (!/<\/?[a-z][a-z\d]*(?:\s[^<>]*)?\/?>/i.test(text)) return text;
  return text
    .replace(/<(script|style)\b[\s\S]*?(?:<\/\1>|$)/gi, " ")
    .replace(/<(?:br|hr|\/?(?:p|div|li|ul|ol|tr|h[1-6]|blockquote))\b[^<>]*>/gi, "\n\n")
    .replace(/<\/?[a-z][a-z\d]*(?:\s[^<>]*)?\/?>/gi, "")
    .replace(/&(amp|lt|gt|quot|apos|#39|nbsp);/g, (_, name: string) => entities[name] ?? " ");
}

/** Most tokens of one sentence; a longer run without an end is cut. */
const longest = 250;

function cutLong(tokens: Token[]): Token[][] {
  const pieces = Math.ceil(tokens.length / longest);
  return Array.from({ length: pieces }, (_, i) => tokens.slice(i * longest, (i + 1) * longest));
}

/** A document of sentences that are already apart, one each. */
export function documentOf(lines: readonly string[], readTokens: ReadTokens): Document {
  const sentences = lines.map((line, index): Sentence => {
    const tokens = readTokens(line).flat();
    return { index, text: textOf(tokens), tokens, block: index };
  });
  return {
    text: lines.join("\n"),
    sentences,
    language: languageOf(sentences.flatMap((sentence) => sentence.tokens)),
  };
}

const marks = /^\s*(?:[-*•–·>]+|\d{1,2}[.)]|[a-z]\)|#{1,6})\s+/i;

/** Paragraphs and list items, each on one line, without markup; a word of more than 300 characters is cut. */
function splitBlocks(text: string): string[] {
  const blocks: string[] = [];
  let open = false;
  for (const line of text.split(/\r?\n/)) {
    const content = line
      .replaceAll(/\S{300}(?=\S)/g, "$& ")
      .replace(marks, "")
      .replaceAll(/\*\*|__|`/g, "")
      .trim();
    const starts = marks.test(line) || /^\s*[\w /-]{1,40}:(\s|$)/.test(line);
    if (content === "") open = false;
    else if (open && !starts && !isOver(blocks.at(-1) ?? "", content)) {
      blocks.push(`${blocks.pop() ?? ""} ${content}`);
    } else blocks.push(content);
    if (content !== "") open = !/^#{1,6}\s/.test(line.trim());
  }
  return blocks;
}

/** Whether a line ended what was said: it was short and the next one begins anew. A wrapped line is long. */
function isOver(line: string, next: string): boolean {
  return line.length < 60 && /^[\p{Lu}\d"“(]/u.test(next);
}

/** The tokens as they stood in the text, white space folded. */
export function textOf(tokens: readonly Token[]): string {
  return tokens
    .map((token, i) => (i > 0 && token.spaced ? ` ${token.text}` : token.text))
    .join("")
    .trim();
}

/** Whether a token has a letter. */
export function isWord(token: Token): boolean {
  return /\p{L}/u.test(token.text);
}
