import { type Asked, cannot, readInstructions, type Skill } from "./instructions.js";
import { contentStems, titleOf, wordList } from "./lexicon.js";
import { findNounPhrases } from "./noun-phrases.js";
import type { Sentence } from "./reading.js";
import { isVague, type Remark, statedRating, strongest } from "./remarks.js";
import type { Source, Task } from "./task.js";
import { type Verdict, verdictOf } from "./verdict.js";

const noOpinion = "The text states no opinion: not enough to judge.";
const emptyText = "There is no text to work on.";
const otherLanguage = "the text does not seem to be English.";

/**
 * The answer in words of the skills that the instructions ask for.
 * @throws DagError `OFFLINE_CANNOT` where no skill claims the instructions, or where the text is not English
 */
export function answerInWords(task: Task, instructions = task.instructions): string {
  const asked = readInstructions(instructions);
  const { language } = task.material.document;
  if (asked.beyond || asked.skills.length === 0) throw cannot(asSaid(instructions));
  if (language === "none" && task.missing.length === 0) return emptyText;
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
  summary: (task, { sentences, most }) =>
    summaryOf(task.material, sentences ?? most ?? (task.material.document.sentences.length > 12 ? 3 : 2)),
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
  const all = strongest(remarks, sign, remarks.length);
  const specific = all.filter((remark) => !isVague(remark));
  const chosen = (specific.length > 0 ? specific : all)
    .slice(0, most)
    .sort((a, b) => a.sentence - b.sentence);
  return chosen.map(lineOf).join("\n") || "- None stated.";
}

const lineOf = ({ aspect, brief }: Remark) => (aspect === null ? `- “${brief}”` : `- ${aspect}: “${brief}”`);

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
  for (const [sign, title] of [
    [1, "Strongest praise"],
    [-1, "Strongest criticism"],
  ] as const)
    for (const { brief } of strongest(remarks, sign, 1)) lines.push(`${title}: “${brief}”`);
  return lines.join("\n");
}

/** A verdict's recommendation in words. */
export function recommendationOf({ recommendation }: Verdict): string {
  if (recommendation === null) return "Not enough to judge whether to recommend it.";
  return { yes: "Yes, recommended.", reservations: "Yes, with reservations.", no: "No, not recommended." }[
    recommendation
  ];
}

function answerRecommendation(task: Task): string {
  const { remarks, document } = task.material;
  const lines = [recommendationOf(verdictOf(remarks))];
  if (remarks.length === 0) return `${lines[0]} ${noOpinion}`;
  const audience =
    /\b(?:recommend(?:ed)? (?:it |this |them )?(?:to|for)|(?:perfect|ideal|great|good) for (?:anyone|people|those)|anyone who|those who|people who|if you(?:'re| are| want| need))\b/i;
  for (const { text } of document.sentences.filter(({ text: said }) => audience.test(said)).slice(0, 2))
    lines.push(`On whom it suits: “${text}”`);
  for (const [sign, title] of [
    [1, "Reasons for"],
    [-1, "Reasons against"],
  ] as const) {
    const reasons = strongest(remarks, sign, 3).map(lineOf);
    if (reasons.length > 0) lines.push("", `${title}:`, ...reasons);
  }
  return lines.join("\n");
}

/** Known parts and properties that the text names, and nouns beside a figure, each with the shortest sentence on it. */
export function featuresOf({ document, remarks }: Source, most: number): { name: string; quote: string }[] {
  const found = new Map<string, { name: string; sentences: Sentence[] }>();
  for (const sentence of document.sentences) {
    for (const { name, head } of findNounPhrases(sentence.tokens)) {
      if (!wordList("aspect").has(head) && !wordList("aspect").has(name)) continue;
      if (new RegExp(`\\b(?:free of|no|without|customer) ${head}`, "i").test(sentence.text)) continue;
      const entry = found.get(head) ?? { name, sentences: [] };
      if (!entry.sentences.includes(sentence)) entry.sentences.push(sentence);
      found.set(head, entry);
    }
  }
  return [...found.values()]
    .sort((a, b) => b.sentences.length - a.sentences.length)
    .slice(0, most)
    .sort((a, b) => (a.sentences[0]?.index ?? 0) - (b.sentences[0]?.index ?? 0))
    .map(({ name, sentences }) => {
      const telling = sentences.find(({ text }) => /\d/.test(text)) ?? sentences[0];
      const remark = remarks.find(
        ({ sentence, brief }) => sentence === telling?.index && brief.toLowerCase().includes(name),
      );
      return { name, quote: remark?.brief ?? telling?.text.replace(/[\s,;:.]+$/, "") ?? "" };
    });
}

/** The nouns that most sentences name, the most named first, each by its commonest name. */
export function topicsOf({ document }: Source, most: number): string[] {
  const found = new Map<string, { names: string[]; weight: number }>();
  for (const { tokens } of document.sentences) {
    for (const { head, name } of new Map(findNounPhrases(tokens).map((one) => [one.head, one])).values()) {
      if (head.length < 3) continue;
      const { names, weight } = found.get(head) ?? {
        names: [],
        weight: wordList("aspect").has(head) ? 0.5 : 0,
      };
      found.set(head, { names: [...names, name], weight: weight + 1 });
    }
  }
  const commonest = (names: readonly string[]) => {
    const count = (name: string) => names.filter((one) => one === name).length;
    return names.reduce((best, name) => (count(name) > count(best) ? name : best));
  };
  const byWeight = [...found.values()].sort((a, b) => b.weight - a.weight).slice(0, most);
  return byWeight.map(({ names }) => commonest(names));
}

/** The sentences whose words most other sentences share, in text order; statements that praise or blame count more. */
export function summaryOf({ document, remarks }: Source, most: number): string {
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
  return [...document.sentences]
    .sort((a, b) => weight(b) - weight(a) || a.index - b.index)
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
  // The planner's joiner sees results and, as a rule, the input; without it the results' own statements are counted.
  const verdict = verdictOf(material.remarks);
  const overall =
    verdict.stars === null
      ? `Overall: not enough to judge. ${noOpinion}`
      : [
          `Overall: ${starsOf(verdict)}. ${recommendationOf(verdict)}`,
          ...(
            [
              [1, "In its favour"],
              [-1, "Against it"],
            ] as const
          ).flatMap(([sign, title]) => {
            const quotes = strongest(material.remarks, sign, 2).map(({ brief }) => `“${brief}”`);
            return quotes.length === 0 ? [] : [`${title}: ${quotes.join(" and ")}.`];
          }),
        ].join(" ");
  const lines = rated.map((need) => `${titleOf(need.label)}: ${sectionLine(need, verdict)}`);
  const gaps = missing.map(({ label, reason }) => `${titleOf(label)}: missing (${reason})`);
  return [overall, [...lines, ...gaps].join("\n")].filter((part) => part !== "").join("\n\n");
}

/** What a result comes to: a verdict that it gives has the stars of the whole, another those of its own statements. */
function sectionLine({ text, remarks }: Source, whole: Verdict): string {
  const label = /(?:\bSentiment: |"(?:label|sentiment)": ?")(positive|mixed|negative|neutral)\b/.exec(
    text,
  )?.[1];
  if (label !== undefined) return `${starsOf(whole)} – ${label}`;
  const words = /^(?:Yes|No), [^.\n]*(?=\.)/.exec(text)?.[0];
  if (words !== undefined) return `${starsOf(whole)} – ${words}`;
  const own = verdictOf(/not enough to judge/i.test(text) ? [] : remarks);
  const quotes = ([1, -1] as const).flatMap((sign) =>
    strongest(remarks, sign, 1).map(
      ({ brief }) => `“${brief.replace(/^.*: “|”$/g, "").replaceAll(/[“”]/g, "")}”`,
    ),
  );
  return `${starsOf(own)}${quotes.length > 0 ? ` – ${quotes.join("; ")}` : ""}`;
}

export { emptyText, noOpinion, otherLanguage };
