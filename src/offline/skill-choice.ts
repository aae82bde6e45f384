import { fixed } from "./fixed-phrases.js";
import { checkStatements } from "./skills/check.js";
import { classify } from "./skills/classification.js";
import { listFeatures } from "./skills/features.js";
import { listFigures } from "./skills/figures.js";
import { mergeSections } from "./skills/merged-summary.js";
import { quotePassages } from "./skills/passages.js";
import { listProsAndCons } from "./skills/pros-and-cons.js";
import { recommend } from "./skills/recommendation.js";
import { draftReply } from "./skills/reply.js";
import { judgeSentiment } from "./skills/sentiment.js";
import { sentencesAsked, summarise } from "./skills/summary.js";
import { listTopics } from "./skills/topics.js";
import type { Task } from "./task.js";

export type SkillName =
  | "merge"
  | "prosCons"
  | "sentiment"
  | "recommend"
  | "features"
  | "figures"
  | "topics"
  | "summary"
  | "classify"
  | "reply"
  | "check"
  | "passages";

interface Skill {
  readonly name: SkillName;
  /** What instructions that ask for it say. */
  readonly asked: RegExp;
  readonly answer: (task: Task) => string;
}

/** In order of preference where two are asked for at the same place. */
const skills: readonly Skill[] = [
  {
    name: "check",
    asked:
      /\b(?:check|verify|validate|audit|fact-?check|review)\b[^.]{0,60}\b(?:against|draft|polic(?:y|ies)|claims?|statements?|facts?|compl\w+|support(?:ed)? by)\b|\bfact-?check/i,
    answer: checkStatements,
  },
  {
    name: "reply",
    asked:
      /\b(?:draft|write|compose|prepare)\b[^.]{0,40}\b(?:reply|response|answer|e-?mail|letter|message)\b|^\s*(?:reply|respond)\b/i,
    answer: draftReply,
  },
  { name: "classify", asked: /\b(?:classif\w+|categori[sz]e|triage|route|assign)\b/i, answer: classify },
  {
    name: "merge",
    asked:
      /\b(executive summary|star ratings?|(?:merge|combine|consolidate|synthesi[sz]e|brings? (?:it )?together|write (?:a|the) (?:\w+ )?report)\b|[1-5] ?[-–] ?5 stars?|rat(?:e|ing) (?:for )?each (?:area|aspect|section)|overall report)/i,
    answer: mergeSections,
  },
  {
    name: "prosCons",
    asked:
      /\b(pros?\b.{0,12}\bcons?|advantages?\b.{0,20}\bdisadvantages?|strengths?\b.{0,20}\bweakness(?:es)?|likes?\b.{0,12}\bdislikes?|positives?\b.{0,8}\bnegatives?\b|praise\b.{0,12}\bcriticism|upsides?\b.{0,12}\bdownsides?)/i,
    answer: listProsAndCons,
  },
  {
    name: "sentiment",
    asked:
      /\b(sentiment|polarity|positive or negative|positive, negative|mood|emotional tone|tone of the|how (?:satisfied|happy|positive)|opinion)/i,
    answer: judgeSentiment,
  },
  {
    name: "recommend",
    asked:
      /\b(recommend(?:ation|ed)?|worth (?:buying|it|the)|should (?:i|we|one|someone|people|you) (?:buy|get|order|visit|book|go)|buy or (?:not|skip)|purchase decision|verdict)/i,
    answer: recommend,
  },
  {
    name: "features",
    asked: /\b(features?|specifications?|specs|attributes|aspects|components|capabilities)\b/i,
    answer: listFeatures,
  },
  {
    name: "figures",
    asked: /\b(figures|numbers|numeric|quantit(?:y|ies)|statistics|measurements|amounts|percentages)\b/i,
    answer: listFigures,
  },
  { name: "topics", asked: /\b(topics?|themes?|subjects?|keywords?|key ?phrases)\b/i, answer: listTopics },
  {
    name: "summary",
    asked:
      /\b(summar(?:y|ies|i[sz]e)|tl;?dr|gist|in brief|in a nutshell|abstract|digest|condense|shorten)\b/i,
    answer: summarise,
  },
];

/** Skills that the instructions ask for, in the order in which they ask. */
export function skillsAsked(instructions: string): SkillName[] {
  const text = instructions.replaceAll(/([a-z])([A-Z])/g, "$1 $2");
  return skills
    .map((skill, i) => ({ name: skill.name, at: placeOf(skill, text), i }))
    .filter(({ at }) => at >= 0)
    .sort((a, b) => a.at - b.at || a.i - b.i)
    .map(({ name }) => name);
}

/** A summary is named beside what is to be summed up ("summarise the pros and cons"), so it stands back; a merge goes first. */
function placeOf(skill: Skill, text: string): number {
  const at = text.search(skill.asked);
  if (at < 0) return -1;
  if (skill.name === "merge") return 0;
  return skill.name === "summary" ? at + 25 : at;
}

const beyond =
  /\b(translat\w+|poem|haiku|song|lyrics|joke|fairy ?tale|write (?:a )?(?:code|function|program|script))\b/i;

/** The answer of the skill that the instructions ask for, else the passages that answer them best. */
export function answerTask(task: Task): string {
  if (beyond.test(task.instructions)) return fixed.unsupportedTask;
  const name = skillsAsked(task.instructions)[0];
  if (name === "summary" && sentencesAsked(task.instructions, 0) > 0) return summarise(task);
  const several = task.needs.length - task.results.length > 1 && (name === undefined || name === "summary");
  if (several) return mergeSections(task);
  return (skills.find((skill) => skill.name === name)?.answer ?? quotePassages)(task);
}
