import { DagError } from "../errors.js";

export type Skill =
  | "merge"
  | "prosCons"
  | "pros"
  | "cons"
  | "sentiment"
  | "recommend"
  | "features"
  | "figures"
  | "topics"
  | "summary"
  | "about"
  | "stars";

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
  readonly oneWord: boolean;
  /** What passages are asked about, or `null`. */
  readonly about: string | null;
}

const wordings: readonly (readonly [Skill, RegExp])[] = [
  [
    "merge",
    /\b(?:executive summary|star ratings?|(?:merge|combine|consolidate|synthesi[sz]e|bring(?:s)? (?:it )?together)\b|[1-5] ?[-–] ?5 stars?|rat(?:e|ing) (?:for )?each|overall report|final report)/i,
  ],
  ["stars", /\bhow many stars\b|\bwhat (?:star )?rating\b/i],
  [
    "prosCons",
    /\b(?:pros?\b.{0,16}\bcons?\b|(?:dis)?advantages?\b.{0,20}\b(?:dis)?advantages?|strengths?\b.{0,24}\b(?:weakness|risk)|likes?\b.{0,16}\bdislikes?|positives\b.{0,8}\bnegatives\b|prais\w+\b.{0,16}\bcritici\w+|upsides?\b.{0,16}\bdownsides?|good and (?:the )?bad)/i,
  ],
  [
    "cons",
    /\b(?:cons|drawbacks?|downsides?|disadvantages?|weakness(?:es)?|complaints?|complains? about|problems?|issues|shortcomings?|criticisms?|critici[sz]e[sd]?|dislike[sd]?|negatives|(?:not|n't) (?:like|liked)|went wrong|pain points?)\b/i,
  ],
  [
    "pros",
    /\b(?:pros|strengths?|advantages?|upsides?|positives|highlights|praise[sd]?|(?:did|does|do) .{1,30} (?:like|love|enjoy)|what (?:\w+ ){1,3}(?:likes?|liked|loves?|loved))\b/i,
  ],
  [
    "sentiment",
    /\b(?:sentiment|polarity|positive or negative|positive,? (?:mixed|negative|neutral)|negative,? (?:positive|mixed|neutral)|mood|(?:emotional )?tone of|how (?:satisfied|happy|positive))\b/i,
  ],
  [
    "recommend",
    /\b(?:recommend(?:ation|ed|s)?\b|worth (?:buying|it|the)|should (?:i|we|one|someone|people|you) (?:buy|get|order|visit|book|go)|buy or (?:not|skip)|purchase decision|verdict)/i,
  ],
  ["features", /\b(?:features?|specifications?|specs|attributes|components|capabilities)\b/i],
  ["figures", /\b(?:figures|numbers|quantities|measurements|amounts|percentages|prices)\b/i],
  ["topics", /\b(?:topics?|themes?|keywords?|key ?phrases)\b/i],
  ["summary", /\b(?:summar(?:y|ies|i[sz]e[sd]?)|tl;?dr|gist|in a nutshell|condense|main point)\b/i],
  [
    "about",
    /\b(?:says?|said|mention(?:s|ed)?|writes?) about\b|\b(?:quote|find) (?:the )?(?:passages?|sentences?)\b/i,
  ],
];

const made =
  "poems?|haikus?|songs?|lyrics|jokes?|stor(?:y|ies)|tales?|essays?|articles?|blog|tweets?|posts?|slogans?|headlines?|titles?|e-?mails?|letters?|repl(?:y|ies)|responses?|messages?|speech|code|functions?|programs?|scripts?|quer(?:y|ies)|regex\\w*|tests?|sql|html|json|dialogues?|scenes?|limericks?|sonnets?|press release|advert\\w*|report card";
const beyond = new RegExp(
  `\\b(?:translat\\w+|rewrite|rephrase|paraphrase|proofread|render (?:this|it|the)|in (?:french|german|spanish|italian|portuguese|dutch|japanese|chinese|korean|russian|arabic|polish|swedish|turkish|hindi|latin|rhyme|verse)|(?:into|to) (?:french|german|spanish|italian|portuguese|dutch|japanese|chinese|korean|russian|arabic|english|polish|swedish)|(?:write|draft|compose|generate|create|make up|prepare|invent|produce)\\b[^.;:]{0,40}\\b(?:${made})|reply to|respond to|calculat\\w+|comput(?:e|es)|estimat\\w+|predict\\w*|forecast\\w*|solve|prove|implement|refactor|debug|brainstorm|pretend|role-?play|imagine|how many(?! stars)|how much|how often|count (?:the|how|all)|(?:^|[.?!:] *|explain |reason |tell me )why\\b|explain|reason step|step by step|root cause|propose|suggest|advise|what should|(?:poem|haiku|limerick|sonnet)\\b)`,
  "i",
);

const numbers = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
const aNumber = `(\\d{1,2}|${numbers.join("|")})`;
const numberOf = (text: string | undefined) =>
  text === undefined
    ? null
    : numbers.includes(text.toLowerCase())
      ? numbers.indexOf(text.toLowerCase())
      : Number(text);

/** Splits "do not X", "without X", "leave out X" from what is asked for. */
function withoutExclusions(text: string): { asked: string; refused: string } {
  const plain = text
    .replace(/\b(?:whether or not|why or why not|or not)\b/gi, "whether")
    .replace(/\b(\w+)n['’]t\b/g, "$1 not");
  const refused: string[] = [];
  const asked = plain.replace(
    /\b(?:(?:do|does|should|must|need|please) not|never|without|no need (?:to|for)|except(?: for)?|leave out|leaving out|skip|skipping|ignore|ignoring|exclud(?:e|ing)|rather than|instead of|but not|not|no|apart from|other than|anything but|omit(?:ting)?)\b(?! (?:only|just|merely|like|liked|the only))(?:(?!\b(?:but|only|just|and (?:list|judge|give|name|say|tell|summari\w+|show|write|recommend))\b)[^.;:!?\n,])*/gi,
    (found, offset: number) => {
      if (
        /\bdid $/i.test(plain.slice(0, offset)) ||
        (/^(?:not|no)\b/.test(found) && /\b(?:did|does|could|can) $/i.test(plain.slice(0, offset)))
      )
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
  const found = wordings
    .map(([skill, wording], i) => ({ skill, at: asked.search(wording), i }))
    .filter(({ at }) => at >= 0)
    .sort((a, b) => a.at - b.at || a.i - b.i)
    .map(({ skill }) => skill);
  const sentences = numberOf(
    new RegExp(`\\b(?:${aNumber}|an?|single)[ -]sentences?\\b`, "i")
      .exec(asked)?.[0]
      ?.replace(/^(?:an?|single)\b/i, "one")
      .split(/[ -]/)[0],
  );
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
    excluded: wordings
      .filter(([skill, wording]) => wording.test(refused) && !found.includes(skill))
      .map(([skill]) => skill),
    beyond: beyond.test(asked),
    most: numberOf(limit),
    sentences,
    oneWord: /\b(?:one|a single|single) word\b|\bonly the label\b|\blabel only\b/i.test(asked),
    about: topic?.trim() ?? null,
  };
}

/** A skill that only says how another is to be answered is none of its own. */
function kept(found: readonly Skill[], sentences: number | null, text: string): Skill[] {
  const has = (skill: Skill) => found.includes(skill);
  if (has("merge") && !/\bonly\b/i.test(text)) return ["merge"];
  if (has("stars")) return ["stars"];
  if (has("summary") && sentences !== null && found[0] === "summary") return ["summary"];
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
