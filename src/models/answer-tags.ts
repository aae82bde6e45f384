import type { ModelRequest } from "./port.js";
import type { ThoughtPiece } from "./thoughts.js";

/**
 * Takes `<answer>…</answer>` off an answer that stands in it whole: models that were trained to give thoughts and answer in tags each
 * write so (Hunyuan-A13B, GLM-4.1V-Thinking, R1-Zero and what was trained like it). Rules:
 * 1. It is for answers behind thoughts, and only where the request speaks neither of such tags nor of markup: else they were asked for.
 * 2. The tag is the first that the answer says. Its end tag may be left out (GLM's servers stop at it) where no sentence goes on from
 *    the first; where it stands, nothing follows, and neither of the two stands within.
 * 3. What turns out to be otherwise is given once more as it came, behind a `restart`.
 */
export interface AnswerTags {
  add(text: string): ThoughtPiece[];
  /** What was held back because a tag may have begun. */
  end(): ThoughtPiece[];
}

const startTag = "<answer>";
const beginsInTag = /^\s*<answer>\s*/i;
/** What the end of a text may be the beginning of: the end tag, or a second start tag, with the space around it. */
const mayBeTag = /\s*(?:<\/?[a-z]*(?:>\s*)?)?$/i;
/** A tag with the space around it, in characters; of more space, what comes before is part of the answer. */
const longestTag = 200;
const endTag = /\s*<\/answer>\s*$/i;
/** A sentence that begins with the tag, rather than an answer within it. */
const goesOn = /^\s*<answer>(?:[^\S\n]+\S|[`"'.,;:!?)])/i;
const anyTag = /<\/?answer\b/i;
const speaksOfTags = /<\/?answer\b|\b(?:xml|html|sgml|markup|tags?)\b/i;

/** @param request It is looked at only where an answer begins with the tag. */
export function answerTags(request: Pick<ModelRequest, "messages" | "tools" | "schema">): AnswerTags {
  let state: "start" | "inside" | "plain" = "start";
  /** Not yet given out. */
  let held = "";
  /** All that came, as it came, as long as the tag may have to be put back. */
  let whole = "";
  const given = (text: string): ThoughtPiece[] => (text === "" ? [] : [{ type: "text", text }]);

  function add(text: string): ThoughtPiece[] {
    if (state === "plain") return given(text);
    whole += text;
    held += text;
    if (state === "start") {
      const tag = beginsInTag.exec(held)?.[0];
      if (tag === undefined && startTag.startsWith(held.trimStart().toLowerCase())) return [];
      if (tag !== undefined && tag.length === held.length) return [];
      if (tag === undefined || isAskedFor(request)) return asItCame("start");
      state = "inside";
      held = held.slice(tag.length);
    }
    // Of the end alone: a model that writes nothing but space would be searched again from each of its characters.
    const rest = held.slice(-longestTag);
    const from = held.length - rest.length + (mayBeTag.exec(rest)?.index ?? rest.length);
    const piece = held.slice(0, from);
    if (anyTag.test(piece)) return asItCame("inside");
    held = held.slice(from);
    return given(piece);
  }

  function asItCame(from: "start" | "inside"): ThoughtPiece[] {
    state = "plain";
    held = "";
    return [...(from === "inside" ? [{ type: "restart" as const }] : []), ...given(whole)];
  }

  function end(): ThoughtPiece[] {
    if (state === "plain") return [];
    const rest = state === "inside" ? held.replace(endTag, "") : held;
    const isOpen = rest === held && goesOn.test(whole);
    if (state === "inside" && (isOpen || anyTag.test(rest))) return asItCame("inside");
    held = "";
    state = "plain";
    return given(rest);
  }
  return { add, end };
}

function isAskedFor({ messages, tools, schema }: Parameters<typeof answerTags>[0]): boolean {
  return (
    messages.some(({ content }) => speaksOfTags.test(content)) ||
    speaksOfTags.test(JSON.stringify([tools, schema]))
  );
}
