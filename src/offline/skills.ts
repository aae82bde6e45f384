import { splitClauses } from "./clauses.js";
import { type Asked, cannot, readInstructions, type Skill } from "./instructions.js";
import { contentStems, escaped, titleOf, wordList } from "./lexicon.js";
import { findNounPhrases, singular } from "./noun-phrases.js";
import { type Document, isWord, type Sentence, textOf } from "./reading.js";
import { quoteOf, type Remark, standsAlone, statedRating, strongest } from "./remarks.js";
import type { Source, Task } from "./task.js";
import { type Verdict, verdictOf } from "./verdict.js";

export const noOpinion = "The text states no opinion: not enough to judge.";
export const otherLanguage = "the text does not seem to be English.";

/**
 * The answer in words of the skills that the instructions ask for.
 * @throws DagError `OFFLINE_CANNOT` where no skill claims the instructions, or where the text is not English
 */
export function answerInWords(task: Task, instructions = task.instructions): string {
  const asked = readInstructions(instructions);
  const { language } = task.material.document;
  if (asked.beyond || asked.skills.length === 0) throw cannot(asSaid(instructions));
  if (language === "none" && task.missing.length === 0) return "There is no text to work on.";
  if (language === "other") throw cannot(otherLanguage);
  return asked.skills.map((skill) => answers[skill](task, asked, instructions)).join("\n\n");
}

/** Instructions as a refusal quotes them. */
export function asSaid(instructions: string): string {
  const line = instructions.replace(/\s+/g, " ").trim();
  return `"${line.length > 120 ? `${line.slice(0, 119)}…` : line}".`;
}

const answers: Readonly<Record<Skill, (task: Task, asked: Asked, instructions: string) => string>> = {
  merge: mergeResults,
  prosCons: (task, { most }) => {
    const { remarks } = focused(task);
    if (remarks.length === 0) return noOpinion;
    return `Pros\n${sideOf(remarks, 1, most ?? 10)}\n\nCons\n${sideOf(remarks, -1, most ?? 10)}`;
  },
  pros: (task, { most }) => sideOf(focused(task).remarks, 1, most ?? 10),
  cons: (task, { most }) => sideOf(focused(task).remarks, -1, most ?? 10),
  sentiment: answerSentiment,
  recommend: answerRecommendation,
  features: (task, { most }) => {
    const lines = featuresOf(task.material, most ?? 10).map(({ name, quote }) => `- ${name}: “${quote}”`);
    return lines.join("\n") || "The text names no features.";
  },
  figures: (task, { most }) => {
    const { sentences } = task.material.document;
    const lines = sentences
      .filter(({ text }) => /\d/.test(text))
      .slice(0, most ?? 10)
      .map(({ text }) => `- “${text}”`);
    return lines.join("\n") || "The text gives no figures.";
  },
  topics: (task, { most }) =>
    topicsOf(task.material, most ?? 5)
      .map((name) => `- ${name}`)
      .join("\n") || "The text has no clear topics.",
  summary: (task, { sentences, most, words }, instructions) => {
    const usual = task.material.document.sentences.length > 12 ? 3 : 2;
    const summary = summaryOf(task.material, sentences ?? most ?? usual, words ?? Infinity);
    if (summary === "") throw cannot(`${asSaid(instructions)} No sentence of the text is that short.`);
    return summary;
  },
  about: (task, { about }, instructions) => {
    if (about === null) throw cannot(asSaid(instructions));
    const found = sentencesAbout(task.material, about).slice(0, 5);
    return found.map(({ text }) => `- “${text}”`).join("\n") || `The text does not name "${about}".`;
  },
  stars: (task) => {
    const stated = task.material.document.sentences.filter(({ text }) => statedRating(text)?.aspect === null);
    return stated.map(({ text }) => `“${text}”`).join("\n") || "The text states no rating.";
  },
};

/** The material, narrowed to the sentences on the focus where there is one. */
function focused({ material, focus }: Task): Source {
  if (focus === null) return material;
  const on = new Set(sentencesAbout(material, focus).map(({ index }) => index));
  return on.size === 0
    ? material
    : { ...material, remarks: material.remarks.filter(({ sentence }) => on.has(sentence)) };
}

/** Sentences that hold every content word of what is asked about. */
function sentencesAbout({ document }: Source, about: string): Sentence[] {
  const wanted = [...contentStems(about)];
  return wanted.length === 0
    ? []
    : document.sentences.filter(({ text }) => {
        const own = contentStems(text);
        return wanted.every((stem) => own.has(stem));
      });
}

function sideOf(remarks: readonly Remark[], sign: 1 | -1, most: number): string {
  const chosen = strongest(remarks, sign, most).sort((a, b) => a.sentence - b.sentence);
  return chosen.map(lineOf).join("\n") || "- None stated.";
}

const lineOf = ({ aspect, quote }: Remark) => (aspect === null ? `- “${quote}”` : `- ${aspect}: “${quote}”`);

/** The strongest remarks of each side that has any, with the side's title. */
function bothSides(remarks: readonly Remark[], most: number, praise: string, blame: string) {
  return [
    { title: praise, side: strongest(remarks, 1, most) },
    { title: blame, side: strongest(remarks, -1, most) },
  ].filter(({ side }) => side.length > 0);
}

function answerSentiment(task: Task, { oneWord }: Asked, instructions: string): string {
  const { remarks } = focused(task);
  const verdict = verdictOf(remarks);
  const named = ["positive", "mixed", "negative", "neutral"].filter((label) =>
    new RegExp(`\\b${label}\\b`, "i").test(instructions),
  );
  if (oneWord)
    return named.length < 2 || named.includes(verdict.label) ? verdict.label : "not enough to judge";
  if (verdict.stars === null) return `Sentiment: neutral. ${noOpinion}`;
  const lines = [
    `Sentiment: ${verdict.label} (score ${verdict.score.toFixed(2)}, from -1 to 1; ${verdict.praises} favourable, ${verdict.blames} unfavourable statements)`,
  ];
  for (const { title, side } of bothSides(remarks, 1, "Strongest praise", "Strongest criticism"))
    lines.push(`${title}: “${side[0]?.quote}”`);
  return lines.join("\n");
}

const advice = {
  yes: "Yes, recommended.",
  reservations: "Yes, with reservations.",
  no: "No, not recommended.",
};

/** A verdict's recommendation in words. */
export function recommendationOf({ recommendation }: Verdict): string {
  return recommendation === null ? "Not enough to judge whether to recommend it." : advice[recommendation];
}

function answerRecommendation(task: Task): string {
  const { remarks } = task.material;
  const lines = [recommendationOf(verdictOf(remarks))];
  if (remarks.length === 0) return `${lines[0]} ${noOpinion}`;
  for (const { title, side } of bothSides(remarks, 3, "Reasons for", "Reasons against"))
    lines.push("", `${title}:`, ...side.map(lineOf));
  return lines.join("\n");
}

/** With fewer known parts than this a text is about something of which the lists know little. */
const fewKnown = 3;

/**
 * Known parts and properties that the text names, each with the first sentence on it that has a figure, else the first. Where
 * it names few, what else it praises or blames by name counts too.
 */
export function featuresOf({ document, remarks }: Source, most: number): { name: string; quote: string }[] {
  const things = namedThings(document);
  const known = things.filter(
    ({ head, name }) => wordList("aspect").has(head) || wordList("aspect").has(name),
  );
  const isNew = (thing: Thing) =>
    thing !== things[0] && !known.includes(thing) && isJudgedPart(thing, document, remarks);
  return [...known, ...(known.length < fewKnown ? things.filter(isNew) : [])]
    .sort((a, b) => b.sentences.length - a.sentences.length)
    .slice(0, most)
    .sort((a, b) => (a.sentences[0]?.index ?? 0) - (b.sentences[0]?.index ?? 0))
    .map(({ name, sentences }) => {
      const telling = sentences.find(({ text }) => /\d/.test(text)) ?? sentences[0];
      return { name, quote: telling === undefined ? "" : passageOn(telling, name, remarks) };
    });
}

/** Whether a part has a judging clause of its own ("the grinder is loud"). What is "this", "a" or "mine" is the thing itself. */
function isJudgedPart({ head, sentences }: Thing, { text }: Document, remarks: readonly Remark[]): boolean {
  const itself = `\\b(?:this|these|that|an?|one|my|our|another|the (?:old|new|whole)) (?:[\\w-]+ ){0,3}?${escaped(head)}s?\\b`;
  if (new RegExp(itself, "i").test(text)) return false;
  return sentences.some(({ tokens, index }) =>
    splitClauses(tokens).some(({ from, to }) => {
      const words = tokens.slice(from, to).filter(isWord);
      const [first, ...rest] = words.filter(({ lower }) => !wordList("leading").has(lower));
      const verb = rest.findIndex(({ pos }) => pos === "VERB" || pos === "AUX");
      const subject = rest.slice(0, verb).findLast(({ pos }) => pos !== "ADV");
      if (!/^(?:the|its|their)$/.test(first?.lower ?? "") || verb < 1 || verb > 4 || subject === undefined)
        return false;
      const named = textOf(rest.slice(0, verb));
      const isTold = remarks.some(({ sentence, quote }) => sentence === index && quote.includes(named));
      return singular(subject) === head && isTold;
    }),
  );
}

/** What a sentence says of something: its own clause where that is a statement, else the remark on it, else all of it. */
function passageOn({ tokens, text, index }: Sentence, name: string, remarks: readonly Remark[]): string {
  const names = (passage: string) => passage.toLowerCase().includes(name);
  const clauses = splitClauses(tokens).map(({ from, to }) => tokens.slice(from, to));
  const own = clauses.find((clause) => names(textOf(clause)) && standsAlone(clause));
  const remark = remarks.find(({ sentence, quote }) => sentence === index && names(quote));
  return own === undefined ? (remark?.quote ?? text.replace(/[\s,;:.]+$/, "")) : quoteOf(own);
}

/** The nouns that most sentences name, the most named first. */
export function topicsOf({ document }: Source, most: number): string[] {
  const weight = ({ head, sentences }: Thing) => sentences.length + (wordList("aspect").has(head) ? 0.5 : 0);
  return namedThings(document)
    .filter(({ head }) => head.length > 2)
    .sort((a, b) => weight(b) - weight(a))
    .slice(0, most)
    .map(({ name }) => name);
}

type Thing = {
  readonly head: string;
  name: string;
  readonly names: string[];
  readonly sentences: Sentence[];
};

/** What a text names by nouns, in its order, each by its commonest name, with the sentences on it; not what it lacks. */
function namedThings({ sentences }: Document): Thing[] {
  const things = new Map<string, Thing>();
  for (const sentence of sentences) {
    for (const { name, head } of findNounPhrases(sentence.tokens)) {
      if (new RegExp(`\\b(?:free of|no|without|customer) ${escaped(head)}`, "i").test(sentence.text))
        continue;
      const thing = things.get(head) ?? { head, name, names: [], sentences: [] };
      thing.names.push(name);
      if (!thing.sentences.includes(sentence)) thing.sentences.push(sentence);
      const count = (one: string) => thing.names.filter((other) => other === one).length;
      if (count(name) > count(thing.name)) thing.name = name;
      things.set(head, thing);
    }
  }
  return [...things.values()];
}

/**
 * The sentences whose words most other sentences share, in text order; statements that praise or blame count more. As many as
 * `mostWords` allows; empty where it allows none.
 */
export function summaryOf({ document, remarks }: Source, most: number, mostWords = Infinity): string {
  const whole = document.sentences.filter(({ tokens }) =>
    tokens.some(({ pos }) => pos === "VERB" || pos === "AUX"),
  );
  if (whole.length === 0) return "The text has no sentence to summarise it by.";
  const counts = new Map<string, number>();
  const stems = document.sentences.map(({ text }) => [...contentStems(text)]);
  for (const stem of stems.flat()) counts.set(stem, (counts.get(stem) ?? 0) + 1);
  const weight = ({ index, tokens, text }: Sentence) => {
    const shared = (stems[index] ?? []).reduce((sum, stem) => sum + ((counts.get(stem) ?? 1) - 1), 0);
    const summing = /\b(overall|in short|all in all|on the whole|in summary)\b/i.test(text) ? 3 : 0;
    const said = remarks.some(({ sentence }) => sentence === index) ? 1 : 0;
    return (
      (shared / Math.sqrt(tokens.length + 4) + summing + said + (index === 0 ? 0.5 : 0)) *
      (tokens.length < 5 || /[?:]$/.test(text) ? 0.3 : 1)
    );
  };
  let left = mostWords;
  return whole
    .sort((a, b) => weight(b) - weight(a) || a.index - b.index)
    .filter(({ text }) => {
      const words = text.split(/\s+/).length;
      if (words > left) return false;
      left -= words;
      return true;
    })
    .slice(0, most)
    .sort((a, b) => a.index - b.index)
    .map(({ text }) => text)
    .join(" ");
}

const starsOf = ({ stars }: Verdict) =>
  stars === null ? "not enough to judge" : `${"★".repeat(stars)}${"☆".repeat(5 - stars)} (${stars}/5)`;

/** One verdict over the text, then each result: stars where its own statements allow, and what it says. */
function mergeResults(task: Task): string {
  const { material, needs, missing } = task;
  const rated = needs.filter(({ document }) => document.language === "english");
  const verdict = verdictOf(material.remarks);
  const overall =
    verdict.stars === null
      ? `Overall: not enough to judge. ${noOpinion}`
      : [
          `Overall: ${starsOf(verdict)}. ${recommendationOf(verdict)}`,
          ...bothSides(material.remarks, 2, "In its favour", "Against it").map(
            ({ title, side }) => `${title}: ${[...new Set(side.map(bare))].join(" and ")}.`,
          ),
        ].join(" ");
  const lines = rated.map((need) => `${titleOf(need.label)}: ${sectionLine(need, verdict)}`);
  const gaps = missing.map(({ label, reason }) => `${titleOf(label)}: missing (${reason})`);
  return [overall, [...lines, ...gaps].join("\n")].filter((part) => part !== "").join("\n\n");
}

const bare = ({ quote }: Remark) => `“${quote.replace(/^.*: “|”$/g, "").replaceAll(/[“”]/g, "")}”`;

/** What a result comes to: a verdict that it gives has the stars of the whole, another those of its own statements. */
function sectionLine({ text, remarks }: Source, whole: Verdict): string {
  const given =
    /(?:\bSentiment: |"(?:label|sentiment)": ?")(positive|mixed|negative|neutral)\b/.exec(text)?.[1] ??
    /^(?:Yes|No), [^.\n]*(?=\.)/.exec(text)?.[0];
  if (given !== undefined) return `${starsOf(whole)} – ${given}`;
  const own = verdictOf(/not enough to judge/i.test(text) ? [] : remarks);
  const quotes = bothSides(remarks, 1, "", "").flatMap(({ side }) => side.map(bare));
  return `${starsOf(own)}${quotes.length > 0 ? ` – ${quotes.join("; ")}` : ""}`;
}
