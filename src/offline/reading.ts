import type { WinkMethods, Model as WinkModel } from "wink-nlp";
import { lexicalScore, wordList } from "./lexicon.js";

/** A sentence of a text. */
export interface Sentence {
  /** Position in the text, from 0. */
  readonly index: number;
  /** As written, on one line. */
  readonly text: string;
  readonly tokens: readonly Token[];
  /** Its author's own sign: 1 for a line after `+` or under "Pros", -1 for one after `-` or under "Cons", else 0. */
  readonly mark: -1 | 0 | 1;
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
  for (const { content, mark } of splitBlocks(text))
    for (const tokens of readTokens(content).flatMap(cutLong))
      if (tokens.some(isWord))
        sentences.push({ index: sentences.length, text: textOf(tokens), tokens, mark });
  return { text, sentences, language: languageOf(sentences.flatMap((sentence) => sentence.tokens)) };
}

/** A text without HTML: block tags end a line, scripts and styles go as a whole. Any other text as it is. */
function withoutTags(text: string): string {
  if (!/<\/?[a-z][a-z\d]*(?:\s[^<>]*)?\/?>/i.test(text)) return text;
  return text
    .replace(/<(script|style)\b[\s\S]*?(?:<\/\1>|$)/gi, " ")
    .replace(/<(?:br|hr|\/?(?:p|div|li|ul|ol|tr|h[1-6]|blockquote))\b[^<>]*>/gi, "\n\n")
    .replace(/<\/?[a-z][a-z\d]*(?:\s[^<>]*)?\/?>/gi, "");
}

/** Most tokens of one sentence; a longer run without an end is cut. */
const longest = 250;

const cutLong = (tokens: Token[]): Token[][] =>
  Array.from({ length: Math.ceil(tokens.length / longest) }, (_, i) =>
    tokens.slice(i * longest, (i + 1) * longest),
  );

const marks = /^\s*(?:[-*•–·>]+|\d{1,2}[.)]|[a-z]\)|#{1,6})\s+/i;

type Block = { content: string; readonly mark: Sentence["mark"] };
const heading = /^\W*(pros|cons|likes|dislikes|positives|negatives|the good|the bad)\b\W*?(?::\W*(.*)|\W*)$/i;

/** Paragraphs and list items, each on one line, without markup; a word of more than 300 characters is cut. */
function splitBlocks(text: string): Block[] {
  const blocks: Block[] = [];
  const signed = /^\s*\+\s*\S/m.test(text) && /^\s*[-–]\s*\S/m.test(text);
  let open = false;
  let under: Sentence["mark"] = 0;
  for (const line of text.split(/\r?\n/)) {
    const headed = heading.exec(line);
    const listed = marks.test(line);
    const sign = signed ? (/^\s*([+–-])/.exec(line)?.[1] ?? "") : "";
    const content = (headed === null ? line : (headed[2] ?? ""))
      .replaceAll(/\S{300}(?=\S)/g, "$& ")
      .replace(sign === "" ? marks : /^\s*[+–-]\s*/, "")
      .replaceAll(/\*\*|__|`/g, "")
      .trim();
    if (headed !== null) under = /^(?:pros|likes|positives|the good)/i.test(headed[1] ?? "") ? 1 : -1;
    else if (content !== "" && !listed) under = 0;
    if (content === "") {
      open = headed !== null && open;
      continue;
    }
    const starts = headed !== null || listed || sign !== "" || /^\s*[\w /-]{1,40}:(\s|$)/.test(line);
    const last = blocks.at(-1);
    if (open && !starts && last !== undefined && !isOver(last.content, content))
      last.content += ` ${content}`;
    else blocks.push({ content, mark: sign === "+" ? 1 : sign !== "" ? -1 : starts ? under : 0 });
    open = !/^#{1,6}\s/.test(line.trim());
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

/** Most words that are looked at. */
const sampleSize = 400;

/** Whether the words are English, judged by grammar words; a few words are taken as English unless another language claims them. */
function languageOf(tokens: readonly Token[]): "english" | "other" | "none" {
  const words = tokens.filter((token) => /\p{L}/u.test(token.text)).slice(0, sampleSize);
  if (words.length === 0) return "none";
  const latin = words.filter((word) => /^[\p{Script=Latin}\d'’.-]+$/u.test(word.text)).length;
  if (latin < words.length / 2) return "other";
  const english = words.filter(
    (word) => wordList("function").has(word.lower) || lexicalScore(word.lower) !== 0,
  ).length;
  const foreign = words.filter(
    (word) => wordList("foreign").has(word.lower) && !wordList("function").has(word.lower),
  ).length;
  if (foreign > english) return "other";
  // Labels and names ("Start: 14:00", "Attendees: Ann, Bob") are of no language.
  const plain = words.filter(({ text }) => !/^\p{Lu}/u.test(text)).length;
  return words.length >= 12 && plain >= 8 && english < words.length * 0.12 ? "other" : "english";
}

/** A word, number or sign of a text. */
export interface Token {
  /** As written. */
  readonly text: string;
  readonly lower: string;
  /** Dictionary form, lower case ("not" for "n't"). */
  readonly lemma: string;
  /** Universal part of speech: NOUN, VERB, ADJ … */
  readonly pos: string;
  /** Whether white space stands before it. */
  readonly spaced: boolean;
}

/** Splits one paragraph into sentences of tagged tokens. */
export type ReadTokens = (paragraph: string) => Token[][];

let loading: Promise<ReadTokens> | undefined;

/** Loads the language model (about 150 ms, once a process) at the first call; importing this file loads nothing. */
export function loadNlp(): Promise<ReadTokens> {
  loading ??= Promise.all([import("wink-nlp"), import("wink-eng-lite-web-model")]).then(([wink, model]) =>
    tokenReader(wink.default(model.default as unknown as WinkModel, ["sbd", "pos"])),
  );
  return loading;
}

function tokenReader(nlp: WinkMethods): ReadTokens {
  const { its } = nlp;
  return (paragraph) => {
    const doc = nlp.readDoc(paragraph);
    const all = doc.tokens();
    const texts = all.out(its.value) as string[];
    const tags = all.out(its.pos) as unknown as string[];
    const lemmas = all.out(its.lemma as unknown as typeof its.value) as unknown as string[];
    const spaces = all.out(its.precedingSpaces) as unknown as string[];
    const tokens = texts.map((text, i): Token => {
      const lower = text.toLowerCase().replaceAll("’", "'");
      const lemma = lower === "n't" ? "not" : (lemmas[i] ?? lower).toLowerCase();
      return { text, lower, lemma, pos: tags[i] ?? "X", spaced: (spaces[i] ?? "") !== "" };
    });
    const spans = doc.sentences().out(its.span) as unknown as [number, number][];
    return spans.map(([from, to]) => joinCompounds(tokens.slice(from, to + 1)));
  };
}

const closed = new Set(["ADP", "ADV", "PART"]);

/** "user", "-", "friendly" become one token; a spaced dash stays a sign. */
function joinCompounds(tokens: readonly Token[]): Token[] {
  const joined: Token[] = [];
  for (const [i, token] of tokens.entries()) {
    const before = joined.at(-1);
    const next = tokens[i + 1];
    const dash = token.text === "-" && /^[a-z0-9]/i.test(next?.text ?? "") && next?.spaced === false;
    const second = before !== undefined && /[^-]-$/.test(before.text);
    if (before !== undefined && !token.spaced && (second || (dash && /[a-z0-9]$/i.test(before.text))))
      joined[joined.length - 1] = {
        text: `${before.text}${token.text}`,
        lower: `${before.lower}${token.lower}`,
        lemma: `${before.lower}${token.lemma}`,
        pos: closed.has(token.pos) ? "NOUN" : token.pos,
        spaced: before.spaced,
      };
    else joined.push(token);
  }
  return joined;
}
