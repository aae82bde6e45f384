import { distinct, secretsInUse } from "./secrets.js";

/**
 * Takes keys out of texts, in two ways: the exact values of the keys in use, whatever they look like and however they
 * are spelt (percent-encoded, escaped in JSON or HTML, in base64 or hexadecimal), and what has the shape of a key.
 *
 * Exact values are taken out with a care that grows with how ordinary they are, so that a key such as `x` or `ollama`
 * does not turn a server's words into holes:
 * 1. what no text holds by chance ({@link isUnmistakable}) goes wherever it stands;
 * 2. a short key goes where it stands as a word of its own;
 * 3. what reads like an ordinary word, a number or a placeholder goes only where a key is named: `key provided: x`.
 */
const hidden = "[redacted]";

const shapes: readonly (readonly [RegExp, string])[] = [
  [
    /\b(Bearer|Basic)\s+(?!(?:auth\w*|tokens?|credentials?|access|scheme|header|realm|key)\b)[\w.~+/=*-]{6,}/gi,
    `$1 ${hidden}`,
  ],
  [/:\/\/[^/\s@]+@/g, `://${hidden}@`],
  [
    /\b(api[-_ ]?key|access[-_ ]?token|secret|password|authorization)(["']?\s*[:=]\s*["']?)(?!(?:Bearer|Basic)\s)[^\s"',;&]{4,}/gi,
    `$1$2${hidden}`,
  ],
  [/\bsk-[\w*.-]{3,}/g, hidden],
  [/\b[\w-]{2,}\*{3,}[\w*-]*/g, hidden],
  [/\b(?:pk|rk|gsk|xai|hf|ghp|glpat|AIza|key|api)[-_]?(?=[\w*-]*[\d*])[\w*-]{12,}/g, hidden],
  [/\b(?=\w*\d)(?=\w*[A-Za-z])\w{32,}/g, hidden],
];

/**
 * `text` without the given keys and without anything that looks like a key, a token or credentials in an address.
 * @param secrets Exact values that must not be shown. @default those in use
 */
export function redact(text: string, secrets: readonly string[] = secretsInUse()): string {
  return shapes.reduce(
    (rest, [pattern, replacement]) => rest.replace(pattern, replacement),
    redactKeys(text, secrets),
  );
}

/** `text` without the given keys; what merely looks like a key stays. */
export function redactKeys(text: string, secrets: readonly string[] = secretsInUse()): string {
  return keyRedactor(secrets)(text);
}

/** {@link redactKeys} for many texts. */
export function keyRedactor(secrets: readonly string[]): (text: string) => string {
  const spellings = distinct(secrets).flatMap(knownSpellings);
  return (text) => (spellings.length === 0 ? text : withoutSpellings(text, spellings));
}

const spellingsKnown = new Map<string, Spelling[]>();

/** {@link spellingsOf}, once for the keys in use: they come again with every reply. */
function knownSpellings(secret: string): Spelling[] {
  let known = spellingsKnown.get(secret);
  if (known === undefined) {
    if (spellingsKnown.size >= 200) spellingsKnown.clear();
    known = spellingsOf(secret);
    spellingsKnown.set(secret, known);
  }
  return known;
}

/** An address as it may be shown: no credentials, no query. */
export function redactUrl(url: string, secrets: readonly string[] = secretsInUse()): string {
  try {
    const { origin, pathname } = new URL(url);
    return redact(`${origin}${pathname}`.replace(/\/$/, ""), secrets);
  } catch {
    return redact(url, secrets);
  }
}

/** Whether a text holds such a value only where it means this key. */
export function isUnmistakable(secret: string): boolean {
  const mixed = /\d/.test(secret) && /[A-Za-z]/.test(secret);
  return secret.length >= 20 || (secret.length >= (mixed ? 12 : 16) && !isOrdinary(secret));
}

/** One way in which a key can stand in a text. Its pattern is large, and is made only where it may be found. */
interface Spelling {
  /** A part of the key that stands in a text with it, unless each of its characters is encoded. In small letters. */
  readonly part: string;
  readonly pattern: () => RegExp;
  readonly stand: string;
}

/** Eight encoded characters in a row: a text in which not even letters and digits are left as they are. */
const allEncoded = /(?:%[\da-f]{2}|\\u[\da-f]{4}|&#x?[\da-f]{1,8};){8}/i;

function withoutSpellings(text: string, spellings: readonly Spelling[]): string {
  const small = text.toLowerCase();
  const isEncoded = allEncoded.test(text);
  return spellings.reduce(
    (rest, { part, pattern, stand }) =>
      isEncoded || small.includes(part) ? rest.replace(pattern(), stand) : rest,
    text,
  );
}

function spelling(from: string, make: () => RegExp, stand = hidden): Spelling {
  const runs = from.match(/[A-Za-z\d]+/g) ?? [""];
  const part = runs.reduce((longest, run) => (run.length > longest.length ? run : longest), "").toLowerCase();
  let made: RegExp | undefined;
  const pattern = () => {
    made ??= make();
    return made;
  };
  return { part, pattern, stand };
}

function spellingsOf(secret: string): Spelling[] {
  if (isUnmistakable(secret)) {
    return [
      spelling(secret, () => new RegExp(patternFor(secret, escaped), "gi")),
      spelling(secret, () => new RegExp(spelt(secret), "giu")),
      spelling(
        secret.slice(0, 8),
        () => new RegExp(`${beginningOf(secret)}(?=["'\`]?(?:\\.{3}|…)|$)`, "giu"),
      ),
      spelling(
        Buffer.from(secret).toString("hex"),
        () => new RegExp(patternFor(Buffer.from(secret).toString("hex"), escaped), "gi"),
      ),
      ...base64Cores(secret).map((core) =>
        spelling(core, () => new RegExp(`${spelt(core)}[\\w+/=-]*`, "gu")),
      ),
    ];
  }
  const word = () => `(?<![\\p{L}\\p{N}_])${spelt(secret)}(?![\\p{L}\\p{N}_])`;
  const isShort = secret.length < 4 || (secret.length < 6 && !(/\d/.test(secret) && /\D/.test(secret)));
  if (!isShort && !isOrdinary(secret)) return [spelling(secret, () => new RegExp(word(), "giu"))];
  const named = "\\b(?:bearer|basic|key|token|secret|password|credentials?|authorization)";
  const between =
    "(?:\\s+(?:provided|given|used|sent|received|was|is))?(?:\\s*[:=]\\s*[\"'`(\\[<]?|\\s+[\"'`])";
  return [
    spelling(secret, () => new RegExp(`(${named}${between})${word()}`, "giu"), `$1${hidden}`),
    spelling(secret, () => new RegExp(`(\\b(?:bearer|basic)\\s+)${word()}`, "giu"), `$1${hidden}`),
  ];
}

/** A number, a word that servers and set-up guides use, or several of them: `not-needed`, `my_test_key`. */
function isOrdinary(secret: string): boolean {
  if (/^[\d.,-]+$/.test(secret)) return secret.length < 12;
  const words = secret.toLowerCase().split(/[\s._-]+/);
  return words.every((word) => ordinary.has(word) || word.length < 3);
}

const ordinary = new Set(
  `access account add admin all and any anything api apikey assistant auth authentication authorization available bad
  bearer bench body chat check client code completion completions content context credential credentials custom data
  default demo denied dev development docs dummy empty enabled error example exceeded expired expected fail failed fake
  false for found foo bar baz free from function gateway given google header headers hello here http https incorrect input insert
  internal invalid is key keys length limit llama llamacpp llm local localhost lm missing mock model models must name
  needed needs never no none not nothing null ollama openai org organization output password permission placeholder
  please production project prompt provided provider proxy quota rate reached read real replace request requests
  required response role root secret server service set sk some stream studio string system temperature test testing
  tests text the this timeout token tokens tool tools true type unauthorized undefined unknown unused usage use used
  postgres postgresql redis mysql database db guest changeme
  user username valid value vllm was word world xxx xxxx you your anthropic azure groq mistral deepseek`.split(
    /\s+/,
  ),
);

/** Characters of a key that a pattern tells one by one: a longer pattern is refused by the engine, whose error would show it. */
const mostSpelt = 400;

/**
 * A pattern for a text of which each character is told by `spell`. Of a very long one (a token of several thousand characters) the
 * beginning is told, and what follows it up to a blank or a quotation mark goes with it.
 */
function patternFor(text: string, spell: (character: string) => string): string {
  const characters = [...text];
  const told = characters.slice(0, mostSpelt).map(spell).join("");
  return characters.length <= mostSpelt ? told : `${told}[^\\s"'\`<>]*`;
}

/** A pattern for a text in any spelling: as it is, percent-encoded, or escaped as in JSON, scripts and HTML. */
const spelt = (text: string) => patternFor(text, anySpelling);

/** A pattern for at least the first eight characters of a key, as a text that was cut holds them. */
function beginningOf(secret: string): string {
  const spellings = [...secret].slice(0, 100).map(anySpelling);
  const rest = spellings.slice(8).reduceRight((inner, one) => `(?:${one}${inner})?`, "");
  return spellings.slice(0, 8).join("") + rest;
}

function anySpelling(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const hex = (number: number, digits: number) =>
    number
      .toString(16)
      .padStart(digits, "0")
      .replace(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`);
  const percent = [...Buffer.from(character)].map((byte) => `%(?:25){0,3}${hex(byte, 2)}`);
  const spellings = [
    `\\\\{0,4}${escaped(character)}`,
    percent.join(""),
    `\\\\{1,4}u${hex(code, 4)}`,
    `&#0{0,4}${code};`,
    `&#[xX]0{0,4}${hex(code, 1)};`,
    ...(otherSpellings[character] ?? []),
  ];
  return `(?:${spellings.join("|")})`;
}

const otherSpellings: Readonly<Record<string, readonly string[]>> = {
  "&": ["&amp;"],
  "<": ["&lt;"],
  ">": ["&gt;"],
  '"': ["&quot;"],
  "'": ["&apos;"],
  " ": ["\\+"],
  "+": ["-"],
  "/": ["_"],
  "\n": ["\\\\{1,4}n"],
  "\r": ["\\\\{1,4}r"],
  "\t": ["\\\\{1,4}t"],
};

const escaped = (character: string) => character.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");

/**
 * The base64 digits that a text has wherever it stands in the encoded bytes: a text begins at one of three places
 * of a group, and its outermost digits also hold bits of its neighbours.
 */
function base64Cores(secret: string): string[] {
  const bytes = Buffer.from(secret);
  return [0, 1, 2].map((before) => {
    const digits = Buffer.concat([Buffer.alloc(before), bytes])
      .toString("base64")
      .replace(/=+$/, "");
    const wholeDigits = Math.floor(((before + bytes.length) * 8) / 6);
    return digits.slice(Math.ceil((before * 8) / 6), wholeDigits);
  });
}
