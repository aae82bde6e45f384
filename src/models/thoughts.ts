/**
 * Takes thoughts out of a text that streams. Rules:
 * 1. Thoughts stand at the start only: `<think>…</think>` and its like, before any other word. Several may follow each
 *    other. Where the end tag never comes, everything was thought.
 * 2. Some servers leave out the first tag, because the prompt held it. An end tag alone on its line, with no start tag
 *    before it, ends such thoughts: the reader is told to forget what it was given (`restart`).
 * 3. A tag anywhere else (in a JSON string, in words about the tag) belongs to the answer.
 */
export type ThoughtPiece =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "thought"; readonly text: string }
  | { readonly type: "restart" };

export interface ThoughtFilter {
  add(text: string): ThoughtPiece[];
  /** What was held back because a tag may have begun. */
  end(): ThoughtPiece[];
}

/** Start tags and what ends them. */
const tags: readonly (readonly [open: string, close: string])[] = [
  ...["think", "thinking", "thought", "thoughts", "reasoning", "reflection", "seed:think"].map(
    (name) => [`<${name}>`, `</${name}>`] as const,
  ),
  ["[think]", "[/think]"],
  ["◁think▷", "◁/think▷"],
  ["<|channel|>analysis<|message|>", "<|channel|>final<|message|>"],
];

const closeAlone =
  /(?:^|\n)[ \t]*(?:<\/(?:think|thinking|thought|reasoning)>|\[\/think\]|◁\/think▷)[ \t]*\n/gi;

export function thoughtFilter(): ThoughtFilter {
  let state: "start" | "thought" | "after" | "answer" = "start";
  let close = "";
  /** Not yet given out. */
  let held = "";
  /** The answer so far while an end tag without its start may still come; `null` once it cannot. */
  let given: string | null = "";

  function* read(text: string, ended: boolean): Generator<ThoughtPiece> {
    held += text;
    for (;;) {
      if (state === "start" || state === "after") {
        const lead = held.trimStart();
        const lower = lead.toLowerCase();
        const tag = tags.find(([open]) => lower.startsWith(open));
        if (tag !== undefined) {
          held = lead.slice(tag[0].length);
          close = tag[1];
          state = "thought";
          given = null;
          continue;
        }
        if (!ended && (lead === "" || tags.some(([open]) => open.startsWith(lower)))) return;
        if (state === "after") held = lead;
        state = "answer";
      } else if (state === "thought") {
        const at = held.toLowerCase().indexOf(close);
        if (at >= 0) {
          if (at > 0) yield { type: "thought", text: held.slice(0, at) };
          held = held.slice(at + close.length);
          state = "after";
          continue;
        }
        const keep = ended ? 0 : partialEnd(held.toLowerCase(), close);
        if (held.length > keep) yield { type: "thought", text: held.slice(0, held.length - keep) };
        held = held.slice(held.length - keep);
        return;
      } else {
        if (held === "") return;
        const piece = held;
        held = "";
        if (given === null) {
          yield { type: "text", text: piece };
          return;
        }
        const before = given;
        given += piece;
        // Only a line break can complete the line on which such a tag stands alone.
        closeAlone.lastIndex = Math.max(0, before.length - 40);
        const match = piece.includes("\n") ? closeAlone.exec(given) : null;
        if (match === null) {
          yield { type: "text", text: piece };
          return;
        }
        if (before !== "") yield { type: "restart" };
        yield { type: "thought", text: given.slice(0, match.index) };
        held = given.slice(match.index + match[0].length);
        given = null;
        state = "after";
      }
    }
  }
  return {
    add: (text) => [...read(text, false)],
    end: () => [...read("", true)],
  };
}

/** How many characters at the end of `text` may be the beginning of `tag`. */
function partialEnd(text: string, tag: string): number {
  for (let length = Math.min(tag.length - 1, text.length); length > 0; length--) {
    if (text.endsWith(tag.slice(0, length))) return length;
  }
  return 0;
}
