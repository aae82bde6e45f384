/**
 * Takes thoughts out of a text that streams. Rules:
 * 1. Thoughts stand at the start only: `<think>…</think>` and its like, before any other word. Several may follow each
 *    other. Where the end tag never comes, everything was thought, unless another tag of the family ended it.
 * 2. Some servers leave out the first tag, because the prompt held it. An end tag with no start tag before it ends such
 *    thoughts, and the reader is told to forget what it was given (`restart`): one alone on its line, one right behind a word and
 *    before an empty line or the beginning of JSON, one right behind a sentence and before a word. One in a JSON string does not.
 *    Where thoughts held start tags, which may have been nested, any end tag that follows does, unless it is quoted.
 * 3. A tag anywhere else (in a JSON string, in words about the tag) belongs to the answer.
 * 4. Marks that only say that the answer begins or ends, as some models' formats have them, are left out.
 */
export type ThoughtPiece =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "thought"; readonly text: string }
  | { readonly type: "restart" };

export interface ThoughtFilter {
  /** Whether thoughts, which may have been empty, or a mark of theirs came before what is given as text now. */
  readonly sawThoughts: boolean;
  add(text: string): ThoughtPiece[];
  /** What was held back because a tag may have begun. */
  end(): ThoughtPiece[];
}

/** What the tags of thoughts are called: `think`, `seed:think`, `inner_monologue` … */
const name =
  "(?:[a-z]+[:_-])?(?:ant)?(?:think(?:ing)?|thoughts?|reasoning|reflection|scratchpad|inner_?(?:thoughts?|monologue))";
const attributes = `(?:\\s+[\\w:-]+\\s*=\\s*(?:"[^"]*"|'[^']*'|[^\\s"'<>]+))*\\s*`;
const startTag = new RegExp(`^<(${name})${attributes}(/?)>`, "i");
const endTag = `(?:</${name}\\s*>|\\[/think(?:ing)?\\]|◁/think▷)`;
const anyStart = new RegExp(`<${name}${attributes}>|\\[think(?:ing)?\\]|◁think▷`, "gi");
const anyEnd = new RegExp(endTag, "i");

/** Other forms: how thoughts begin, and what ends them. */
const forms: readonly (readonly [open: RegExp, close: RegExp])[] = [
  [/^\[think(?:ing)?\]/i, /\[\/think(?:ing)?\]/i],
  [/^◁think▷/i, /◁\/think▷/i],
  [
    /^<\|(?:think|thinking|thought)\|>/i,
    /<\|\/(?:think|thinking|thought)\|>|<\|end(?:_(?:think|thinking|thought))?\|>/i,
  ],
  // OpenAI's open models ("harmony"), Cohere, Sky-T1 and its like, Apertus, Gemma, MedGemma.
  [
    /^(?:<\|start\|>assistant)?<\|channel\|>(?:analysis|commentary)\s*<\|message\|>/,
    /<\|end\|>|(?=<\|start\|>)|(?=<\|channel\|>final)/,
  ],
  [/^<\|START_THINKING\|>/, /<\|END_THINKING\|>/],
  [/^<\|begin_of_thought\|>/, /<\|end_of_thought\|>/],
  [/^<\|inner_prefix\|>/, /<\|inner_suffix\|>/],
  [/^<\|channel>thought\b/, /<channel\|>/],
  [/^<unused94>(?:thought\b)?/, /<unused95>/],
];

/** Marks before an answer, and an end tag of thoughts that were never begun. */
const answerBegins = new RegExp(
  [
    `^${endTag}`,
    "^(?:<\\|start\\|>assistant)?<\\|channel\\|>final\\s*(?:<\\|constrain\\|>\\s*\\w+\\s*)?<\\|message\\|>",
    "^<\\|(?:START_RESPONSE|START_TEXT|begin_of_solution|begin_of_box)\\|>",
  ].join("|"),
  "i",
);
const answerEnds = /\s*<\|(?:return|end|END_RESPONSE|END_TEXT|end_of_solution|end_of_box)\|>\s*$/;

/** A beginning that may become one of the tags and marks. */
const mayBegin = [
  /^<\/?[a-z:_-]*(?:\s[^<>]*)?\/?$/i,
  /^(?:<\|[a-z_]*\|?>?[\w ]*)*<?$/i,
  /^<unused\d*$/,
  /^\[\/?t?h?i?n?k?(?:i?n?g?)$/i,
  /^◁\/?t?h?i?n?k?$/i,
];
/** No tag or mark with what belongs to it is longer, in characters. */
const longestMark = 120;

/** How far back an end tag and the line breaks around it reach, in characters. */
const longestEnd = 60;
/** Where an end tag ends thoughts whose start was left out. */
const closeAlone = new RegExp(
  [
    `(?:^|\\n)[ \\t]*${endTag}[ \\t]*(?:\\r?\\n|(?=[{[]|\`{3}))`,
    `(?<=[.!?:…)"'\\]}])[ \\t]*${endTag}[ \\t]*\\r?\\n[ \\t]*\\r?\\n`,
    `(?<=[^\\s"'\`])${endTag}(?:[ \\t]*\\r?\\n[ \\t]*\\r?\\n|(?=\\s*(?:[{[]|\`{3})))`,
    `(?<=[.!?…])${endTag}(?=[ \\t]*[\\p{L}\\p{N}])`,
  ].join("|"),
  "giu",
);
/** Where one ends thoughts that held start tags. */
const closeNested = new RegExp(`(?<![ \\t"'\`])${endTag}(?=[^.,;:)"'\`])`, "gi");
const closeAtEnd = new RegExp(`(?:^|\\n)[ \\t]*${endTag}\\s*$`, "i");

const invisible = /^[\s\u200b-\u200d\u2060]+/;

export function thoughtFilter(): ThoughtFilter {
  let state: "start" | "thought" | "after" | "answer" = "start";
  let close = /$^/;
  /** Not yet given out. */
  let held = "";
  /** The thought that is open. */
  let thought = "";
  /** Whether the answer may end with a mark. */
  let marked = false;
  /** The answer so far while an end tag without its start may still come; `null` once it cannot. */
  let given: string | null = "";
  /** Its end, in which such a tag may have begun. */
  let recent = "";
  let quoted = 0;
  let sawThoughts = false;
  /** How many end tags may still come because the thoughts held start tags. */
  let nested = 0;

  /** @returns whether a thought begins or a mark was passed over. */
  function opened(lead: string): boolean {
    const tag = startTag.exec(lead);
    const form = tag === null ? forms.find(([open]) => open.test(lead)) : undefined;
    const open = tag?.[0] ?? (form === undefined ? undefined : form[0].exec(lead)?.[0]);
    const skipped = open === undefined ? answerBegins.exec(lead)?.[0] : undefined;
    const mark = open ?? skipped;
    if (mark === undefined) return false;
    held = lead.slice(mark.length);
    given = null;
    nested = 0;
    marked ||= mark.startsWith("<|");
    sawThoughts = true;
    if (skipped !== undefined || tag?.[2] === "/") state = "after";
    else {
      close = form?.[1] ?? new RegExp(`</${tag?.[1]}\\s*>`, "i");
      thought = "";
      state = "thought";
    }
    return true;
  }

  function* read(text: string, ended: boolean): Generator<ThoughtPiece> {
    held += text;
    for (;;) {
      if (state === "start" || state === "after") {
        const lead = held.replace(invisible, "");
        // What all tags and marks begin with.
        const mayOpen = /^[<[◁]/.test(lead);
        if (mayOpen && opened(lead)) continue;
        const waits =
          mayOpen && lead.length < longestMark && mayBegin.some((beginning) => beginning.test(lead));
        // What ends before it began may still begin: an answer that is known only at the end comes behind the finish reason.
        if (held === "" || (!ended && (lead === "" || waits))) return;
        if (state === "after") held = lead;
        state = "answer";
      } else if (state === "thought") {
        const end = close.exec(held);
        if (end !== null) {
          nested = (thought + held.slice(0, end.index)).match(anyStart)?.length ?? 0;
          if (nested > 0) given = recent = "";
          if (end.index > 0) yield { type: "thought", text: held.slice(0, end.index) };
          held = held.slice(end.index + end[0].length);
          state = "after";
          continue;
        }
        const keep = ended ? 0 : openEnd(held);
        const piece = held.slice(0, held.length - keep);
        if (piece !== "") yield { type: "thought", text: piece };
        held = held.slice(held.length - keep);
        if (!ended) {
          thought += piece;
          return;
        }
        const other = anyEnd.exec(thought + piece);
        if (other !== null) {
          const answer = (thought + piece).slice(other.index + other[0].length).trimStart();
          if (answer !== "") yield { type: "text", text: answer };
        }
        return;
      } else {
        if (marked) {
          const rest = ended ? held.replace(answerEnds, "") : held;
          const keep = ended ? 0 : openEnd(held);
          held = held.slice(held.length - keep);
          const piece = rest.slice(0, rest.length - keep);
          if (piece !== "") yield { type: "text", text: piece };
          return;
        }
        if (held === "" && !ended) return;
        const piece = held;
        held = "";
        if (given === null) {
          if (piece !== "") yield { type: "text", text: piece };
          return;
        }
        const before = given;
        given += piece;
        const tail = recent + piece;
        recent = tail.slice(-longestEnd);
        const at = endTagIn(tail, given, ended, nested > 0);
        if (at === null || at === "quoted") {
          // An answer that quotes such tags time and again is about them.
          if (at === "quoted" && ++quoted > mostQuoted) given = null;
          if (piece !== "") yield { type: "text", text: piece };
          return;
        }
        if (before !== "") yield { type: "restart" };
        yield { type: "thought", text: given.slice(0, at.from) };
        held = given.slice(at.to);
        nested = Math.max(0, nested - 1);
        given = nested > 0 ? "" : null;
        recent = "";
        sawThoughts = true;
        state = "after";
      }
    }
  }
  return {
    get sawThoughts() {
      return sawThoughts;
    },
    add: (text) => [...read(text, false)],
    end: () => [...read("", true)],
  };
}

/** How many pieces may hold an end tag that ends nothing before none is looked for any more. */
const mostQuoted = 50;

/**
 * The first end tag in the last piece of a text that ends thoughts without a start tag; `"quoted"` where those that it holds end nothing.
 * @param tail The piece, and so much before it that a tag may have begun there.
 * @param whole The text to its end; it is looked at only where such a tag stands.
 * @param nested Whether start tags came before the text.
 */
function endTagIn(
  tail: string,
  whole: string,
  ended: boolean,
  nested: boolean,
): { readonly from: number; readonly to: number } | "quoted" | null {
  if (!/<\/|\[\/|◁\//.test(tail)) return null;
  const start = whole.length - tail.length;
  const pattern = nested ? closeNested : closeAlone;
  // What stands at a cut does not stand at the beginning.
  pattern.lastIndex = start > 0 ? 1 : 0;
  let refused = 0;
  for (
    let match = pattern.exec(tail);
    match !== null && refused < mostQuoted;
    match = pattern.exec(tail), refused++
  ) {
    const from = start + match.index;
    const isOwn = nested || whole.slice(0, from).search(anyStart) === -1;
    if (isOwn && !isInString(whole, from)) return { from, to: from + match[0].length };
  }
  const last = ended ? closeAtEnd.exec(tail) : null;
  if (last === null || (start > 0 && last.index === 0)) return refused > 0 ? "quoted" : null;
  return { from: start + last.index, to: whole.length };
}

/** Whether a place in a text stands in a string of JSON, or of code on its line. */
function isInString(text: string, at: number): boolean {
  const line = text.slice(text.lastIndexOf("\n", at - 1) + 1, at);
  if ((line.match(/(?<!\\)"/g)?.length ?? 0) % 2 === 1) return true;
  return (text.slice(0, at).match(/^[ \t]*(?:`{3}|~{3})/gm)?.length ?? 0) % 2 === 1;
}

/** How many characters at the end of a text may be the beginning of a tag. */
function openEnd(text: string): number {
  const tail = text.slice(-longestEnd);
  const at = Math.max(tail.lastIndexOf("<"), tail.lastIndexOf("["), tail.lastIndexOf("◁"));
  return at === -1 ? 0 : tail.length - at;
}
