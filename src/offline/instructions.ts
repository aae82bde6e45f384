import { DagError } from "../errors.js";
import { wordingOf } from "./lexicon.js";

/** In the order in which a tie is decided. */
const skills = [
  "merge",
  "stars",
  "prosCons",
  "cons",
  "pros",
  "sentiment",
  "recommend",
  "features",
  "figures",
  "topics",
  "summary",
  "about",
] as const;

export type Skill = (typeof skills)[number];

/** What instructions ask for, as far as they were understood. */
export interface Asked {
  /** In the order in which they are asked for; empty where nothing was understood. */
  readonly skills: readonly Skill[];
  /** What the instructions say not to do. */
  readonly excluded: readonly Skill[];
  /** Whether they ask for something that rules cannot do, whatever else they ask for. */
  readonly beyond: boolean;
  /** Most entries of a list. */
  readonly most: number | null;
  readonly sentences: number | null;
  /** Most words of a summary. */
  readonly words: number | null;
  readonly oneWord: boolean;
  /** What passages are asked about, or `null`. */
  readonly about: string | null;
}

const numbers = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
const aNumber = `(\\d{1,2}|${numbers.join("|")})`;
const numberOf = (text = "") =>
  text === "" ? null : Math.max(numbers.indexOf(text.toLowerCase()), Number(text) || 0);

const tens = ["ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety", "hundred"];

/** "in five words", "at most 40 words", "under a hundred words"; `null` where words are not counted. */
function wordsAllowed(text: string): number | null {
  const [, said = ""] =
    new RegExp(`\\b(?:an? )?(\\d{1,4}|${[...numbers.slice(2), ...tens].join("|")})[ -]words?\\b`, "i").exec(
      text,
    ) ?? [];
  if (said === "") return null;
  const ten = tens.indexOf(said.toLowerCase());
  return ten >= 0 ? (ten + 1) * 10 : numberOf(said);
}

/** Splits "do not X", "without X", "leave out X" from what is asked for. */
export function withoutExclusions(text: string): { asked: string; refused: string } {
  const plain = text
    .replace(/\b(?:whether or not|why or why not|or not)\b/gi, "whether")
    .replace(/\b(\w+)n['’]t\b/g, "$1 not");
  const refused: string[] = [];
  const asked = plain.replace(
    /\b(?:(?:do|does|should|must|need|please) not|never|without|no need (?:to|for)|except(?: for)?|leave out|leaving out|skip|skipping|ignore|ignoring|exclud(?:e|ing)|rather than|instead of|but not|not|no|apart from|other than|anything but|omit(?:ting)?)\b(?! (?:only|just|merely|like|liked|the only))(?:(?!\b(?:but|only|just|and (?:list|judge|give|name|say|tell|summari\w+|show|write|recommend))\b)[^.;:!?\n,])*/gi,
    (found, offset: number) => {
      // "What did the reviewer not like?" and "What does not please him?" ask for it.
      if (/\b(?:(?:did|does|could|can)|(?:what|which)(?: \w+)?) $/i.test(plain.slice(0, offset)))
        return found;
      refused.push(found);
      return " ";
    },
  );
  return { asked, refused: refused.join(" ; ") };
}

/** Reads instructions, a goal, or a node's name and description. */
export function readInstructions(instructions: string): Asked {
  const text = instructions.replaceAll(/([a-z])([A-Z])/g, "$1 $2");
  const { asked, refused } = withoutExclusions(text);
  const found = skills
    .map((skill, i) => ({ skill, at: asked.search(wordingOf(skill)), i }))
    .filter(({ at }) => at >= 0)
    .sort((a, b) => a.at - b.at || a.i - b.i)
    .map(({ skill }) => skill);
  const [oneSentence, counted] =
    new RegExp(`\\b(?:${aNumber}|an?|single)[ -]sentences?\\b`, "i").exec(asked) ?? [];
  const sentences = numberOf(counted ?? (oneSentence && "one"));
  const limit =
    new RegExp(
      `\\b(?:at most|up to|no more than|maximum(?: of)?|top|exactly|limit\\w* to|first) ${aNumber}\\b(?! (?:words|sentences?|characters|stars))`,
      "i",
    ).exec(text)?.[1] ??
    new RegExp(
      `\\b${aNumber} (?:\\w+ ){0,2}(?:topics?|themes?|keywords?|features?|points?|items?|entries|drawbacks?|problems?|complaints?|strengths?|weakness(?:es)?|advantages?|pros|cons|reasons?)\\b`,
      "i",
    ).exec(text)?.[1];
  const topic =
    /\b(?:says?|said|mention(?:s|ed)?|writes?) about (?:the |its |their |her |his )?([\p{L}\d][\p{L}\d -]{1,40}?)(?=[.,;!?]|$| and )/iu.exec(
      asked,
    )?.[1];
  return {
    skills: kept(found, sentences, asked),
    excluded: skills.filter((skill) => wordingOf(skill).test(refused) && !found.includes(skill)),
    beyond: wordingOf("beyond").test(asked),
    most: numberOf(limit) ?? (summedSide.test(asked) ? sentences : null),
    sentences,
    words: wordsAllowed(asked),
    oneWord: /\b(?:one|a single|single) word\b|\bonly the label\b|\blabel only\b/i.test(asked),
    about: topic?.trim() ?? null,
  };
}

/** "Summarize the drawbacks in one sentence" asks for the drawbacks. */
const summedSide =
  /\bsummar\w+ (?:of )?(?:(?:all|the|its|any|main|their|his|her|key|biggest|most|important|these|of|what) )*(?:pros|cons|drawbacks?|downsides?|disadvantages?|weakness\w*|shortcomings?|problems?|issues|complaints?|criticisms?|negatives|strengths?|advantages?|upsides?|positives|praise)\b/i;

/** A skill that only says how another is to be answered is none of its own. */
function kept(found: readonly Skill[], sentences: number | null, text: string): Skill[] {
  const has = (skill: Skill) => found.includes(skill);
  if (has("merge") && !/\bonly\b/i.test(text)) return ["merge"];
  if (has("stars")) return ["stars"];
  if (has("summary") && found[0] === "summary" && !summedSide.test(text) && sentences !== null)
    return ["summary"];
  const sides = has("pros") && has("cons") ? "both" : has("prosCons") ? "both" : "one";
  return found.flatMap((skill, i): Skill[] => {
    if (sides === "both" && (skill === "pros" || skill === "cons" || skill === "prosCons"))
      return found.findIndex((one) => /^(?:pros|cons|prosCons)$/.test(one)) === i ? ["prosCons"] : [];
    if (skill === "pros" && has("recommend") && found.indexOf("recommend") < i) return [];
    if (skill === "figures" && found.length > 1) return [];
    if (skill === "summary" && found.length > 1) return [];
    if (skill === "about" && found.length > 1) return [];
    return [skill];
  });
}

/** The one refusal: names what the offline model can do, and the way to a model that can do the rest. */
export function cannot(what: string, facts: Readonly<Record<string, unknown>> = {}): DagError {
  return new DagError(
    "OFFLINE_CANNOT",
    `The offline model works by rules and cannot do this: ${what} It judges sentiment, lists pros and cons, features and topics, recommends, summarises in the text's own sentences, merges results, and fills fields that an English text states literally.`,
    {
      facts,
      hint: 'For anything else use a real model: set OPENAI_API_KEY, or name one with --model "provider:name".',
    },
  );
}
