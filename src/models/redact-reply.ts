import type { ModelChunk, ThoughtCarry } from "./port.js";
import { isUnmistakable, keyRedactor } from "./redact.js";

/** Takes the keys out of one reply's chunks. */
export interface ReplyRedactor {
  /** What can be shown once this chunk has come. */
  read(chunk: ModelChunk): readonly ModelChunk[];
  /** What was held back, at the reply's end. */
  end(): readonly ModelChunk[];
}

/**
 * A reply without keys that the server wrote into it, however its pieces are cut. Ordinary words are left to the model:
 * only unmistakable keys are taken out. What could be the beginning of one is held back until the next piece.
 * @param secretsNow The keys in use; asked at the first piece, because some are known only once the request is sent.
 */
export function replyRedactor(secretsNow: () => readonly string[]): ReplyRedactor {
  const texts = new Map<number | "text" | "thought", StreamRedactor>();
  const redactorOf = (part: number | "text" | "thought") => {
    const found = texts.get(part) ?? streamRedactor(secretsNow());
    texts.set(part, found);
    return found;
  };
  const end = (): ModelChunk[] => {
    const rests: ModelChunk[] = [];
    for (const [part, redactor] of texts) {
      const rest = redactor.end();
      if (rest === "") continue;
      rests.push(
        typeof part === "string"
          ? { type: part, text: rest }
          : { type: "tool-call", index: part, args: rest },
      );
    }
    return rests;
  };
  return {
    read(chunk) {
      if (chunk.type === "text") {
        const text = redactorOf("text").add(chunk.text);
        if (text === "") return [];
        return [text === chunk.text ? chunk : { type: "text", text }];
      }
      if (chunk.type === "thought") {
        const redactor = redactorOf("thought");
        const text = redactor.add(chunk.text);
        if (chunk.carry !== undefined) return [{ ...chunk, text, carry: withoutKeys(chunk.carry, redactor) }];
        if (text === "") return [];
        return [text === chunk.text ? chunk : { type: "thought", text }];
      }
      if (chunk.type === "tool-call") {
        const redactor = redactorOf(chunk.index);
        const args = redactor.add(chunk.args);
        const name = chunk.name === undefined ? undefined : redactor.clean(chunk.name);
        const id = chunk.id === undefined ? undefined : redactor.clean(chunk.id);
        const isSame = args === chunk.args && name === chunk.name && id === chunk.id;
        if (isSame) return [chunk];
        return [{ ...chunk, args, ...(name !== undefined && { name }), ...(id !== undefined && { id }) }];
      }
      if (chunk.type === "finish")
        return [...end(), { ...chunk, reason: redactorOf("text").clean(chunk.reason) }];
      if (chunk.type === "restart") texts.clear();
      return [chunk];
    },
    end,
  };
}

/** What goes back of thoughts: its words without keys. Blocks are signed, and go back as they came. */
function withoutKeys(carry: ThoughtCarry, { clean }: StreamRedactor): ThoughtCarry {
  const words = carry.fields?.reasoning_content;
  if (typeof words !== "string") return carry;
  return { ...carry, fields: { ...carry.fields, reasoning_content: clean(words) } };
}

interface StreamRedactor {
  /** The part of the text so far that can be shown and was not yet. */
  add(text: string): string;
  /** What was held back. */
  end(): string;
  /** A whole text without the keys. */
  clean(text: string): string;
}

/** Fewer characters than this are passed on at once although a key begins like them: pieces stay as they came. */
const leastHeld = 4;

interface Cleaner {
  readonly keys: readonly string[];
  readonly clean: (text: string) => string;
}

/** By the list of secrets: the same one comes with many replies. */
const cleaners = new WeakMap<readonly string[], Cleaner>();

function cleanerOf(secrets: readonly string[]): Cleaner {
  let cleaner = cleaners.get(secrets);
  if (cleaner === undefined) {
    const keys = secrets.filter(isUnmistakable);
    cleaner = { keys, clean: keyRedactor(keys) };
    cleaners.set(secrets, cleaner);
  }
  return cleaner;
}

function streamRedactor(secrets: readonly string[]): StreamRedactor {
  const { keys, clean } = cleanerOf(secrets);
  let held = "";
  /** The end of what was passed on: a key may have begun in it. */
  let before = "";
  const pass = (text: string) => {
    before = (before + text).slice(1 - leastHeld);
    return text;
  };
  return {
    clean,
    add(text) {
      const whole = clean(withoutRestOfKey(before, held + text, keys));
      const kept = heldLength(before, whole, keys);
      held = whole.slice(whole.length - kept);
      return pass(whole.slice(0, whole.length - kept));
    },
    end() {
      const rest = held;
      held = "";
      return pass(rest);
    },
  };
}

/** `text` without the rest of a key whose first characters are the end of `before`. */
function withoutRestOfKey(before: string, text: string, keys: readonly string[]): string {
  for (const key of keys) {
    for (let begun = Math.min(before.length, key.length - 1); begun > 0; begun--) {
      const rest = key.slice(begun);
      if (before.endsWith(key.slice(0, begun)) && text.startsWith(rest))
        return `[redacted]${text.slice(rest.length)}`;
    }
  }
  return text;
}

/** How many characters at the end of `text` wait for more, because with `before` they could be the beginning of a key. */
function heldLength(before: string, text: string, keys: readonly string[]): number {
  const all = before + text;
  let longest = 0;
  for (const key of keys) {
    for (let length = Math.min(key.length - 1, all.length); length >= leastHeld; length--) {
      if (!all.endsWith(key.slice(0, length))) continue;
      longest = Math.max(longest, Math.min(length, text.length));
      break;
    }
  }
  return longest;
}
