import { fixed } from "../fixed-phrases.js";
import { centralSentences } from "../relevance.js";
import { balanceOf, type Remark, strongest } from "../remarks.js";
import { readSource, type Source } from "../source.js";
import { plainText, type Task } from "../task.js";
import { titleOf } from "../words.js";
import { verdictOf } from "./recommendation.js";

/** An area of a merged summary: a section with its rating and the passages that it follows from. */
export interface Area {
  readonly title: string;
  /** 1 to 5, or `null` where the section gives no evidence. */
  readonly stars: number | null;
  readonly evidence: readonly Remark[];
  readonly reason: string | null;
  /** What the section says first, where that is a short statement. */
  readonly headline: string | null;
}

/** Merges labelled sections: an executive summary in one paragraph, then a line with a star rating for each area. */
export function mergeSections(task: Task): string {
  if (!/\b(stars?|rat(?:e|ing|ings)|executive)\b/i.test(task.instructions)) return joinSections(task);
  const areas = areasOf(task);
  const remarks = allRemarks(task);
  const shown = new Set<string>();
  return [
    `${fixed.overall}: ${remarks.length === 0 ? fixed.notEnough : verdictParagraph(remarks, shown)}`,
    "",
    ...areas.map((area) => renderArea(area, shown)),
  ].join("\n");
}

/** The executive summary: stars, verdict, and the two strongest passages on each side. */
function verdictParagraph(remarks: readonly Remark[], shown: Set<string>): string {
  const score = balanceOf(remarks);
  const blames = remarks.filter((remark) => remark.score < 0).length;
  const sides = ([1, -1] as const).flatMap((sign) => {
    const found = strongest(remarks, sign, 2);
    for (const { brief } of found) shown.add(brief);
    const passages = found.map(({ brief }) => `“${brief.replace(fieldName, "")}”`).join(" and ");
    return found.length === 0 ? [] : [`${sign === 1 ? fixed.inFavour : fixed.against}: ${passages}.`];
  });
  return [`${starLine(starsOf(score, remarks.length))} – ${verdictOf(score, blames)}`, ...sides].join(" ");
}

/** Where no rating is asked for: each section with the sentences that stand best for it. */
function joinSections(task: Task): string {
  const sections = task.needs.length > 0 ? task.needs : [task.input];
  const parts = sections.map((need) => {
    const { document } = readSource(need.label, plainText(need.text), task.readTokens);
    const chosen = centralSentences(document, 2).sort((a, b) => a.index - b.index);
    return `${titleOf(need.label)}: ${chosen.length === 0 ? fixed.notEnough : chosen.map(({ text }) => text).join(" ")}`;
  });
  return [
    ...parts,
    ...task.missing.map(({ label, reason }) => `${titleOf(label)}: ${fixed.missing} (${reason})`),
  ].join("\n");
}

/** One area a need, or one an aspect of the input where nothing came from upstream. */
export function areasOf(task: Task): Area[] {
  const missing = task.missing.map(
    ({ label, reason }): Area => ({
      title: titleOf(label),
      stars: null,
      evidence: [],
      reason,
      headline: null,
    }),
  );
  if (task.needs.length > 0) return [...task.needs.map((need) => areaOfNeed(need, task)), ...missing];
  const byAspect = new Map<string, Remark[]>();
  for (const remark of task.input.remarks)
    if (remark.aspect !== null) byAspect.set(remark.aspect, [...(byAspect.get(remark.aspect) ?? []), remark]);
  const areas = [...byAspect].sort((a, b) => b[1].length - a[1].length).slice(0, 6);
  return [
    ...areas.map(
      ([aspect, remarks]): Area => ({
        title: titleOf(aspect),
        stars: starsOf(balanceOf(remarks), remarks.length),
        evidence: remarks,
        reason: null,
        headline: null,
      }),
    ),
    ...missing,
  ];
}

function areaOfNeed(need: Source, task: Task): Area {
  const stated = allRemarks(task).length === 0 ? null : statedScore(need.text);
  const evidence = remarksOfNeed(need, task);
  const rated =
    stated === null
      ? evidence.length === 0
        ? null
        : starsOf(balanceOf(evidence), evidence.length)
      : starsOf(stated, 9);
  return {
    title: titleOf(need.label),
    stars: rated,
    evidence,
    reason: null,
    headline: headlineOf(need.text, titleOf(need.label)),
  };
}

/** Remarks of an upstream text; under a heading of cons, praise words do not turn a con into a pro. */
function remarksOfNeed(need: Source, task: Task): Remark[] {
  const text = withoutFixed(plainText(need.text));
  const quotes = [...text.matchAll(/“([^”]+)”/g)].map(([, quote]) => quote ?? "");
  const known = task.input.remarks.filter((remark) =>
    quotes.some((quote) => quote.includes(remark.quote) || remark.quote.includes(quote)),
  );
  if (known.length > 0) return known;
  return [...readSource(need.label, text, task.readTokens).remarks];
}

/** An upstream text without what this model itself says when it finds nothing. */
function withoutFixed(text: string): string {
  return Object.values(fixed)
    .filter((phrase) => phrase.includes(" "))
    .reduce((rest, phrase) => rest.replaceAll(phrase, " "), text);
}

function allRemarks(task: Task): Remark[] {
  if (task.input.remarks.length > 0) return [...task.input.remarks];
  return task.needs.flatMap((need) => remarksOfNeed(need, task));
}

/** A score or label that an upstream result states, from -1 to 1. */
function statedScore(text: string): number | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null) return null;
    const score = "score" in value && typeof value.score === "number" ? value.score : null;
    if (score !== null && Math.abs(score) <= 1) return score;
    const label = "label" in value ? value.label : "sentiment" in value ? value.sentiment : null;
    return label === "positive"
      ? 0.8
      : label === "negative"
        ? -0.8
        : label === "mixed" || label === "neutral"
          ? 0
          : null;
  } catch {
    const score = /\(score (-?\d\.\d\d),/.exec(text)?.[1];
    return score === undefined ? null : Number(score);
  }
}

/** Stars for a balance from -1 to 1; little evidence keeps away from the ends. */
export function starsOf(score: number, remarks: number): number {
  const faint = remarks === 1 && Math.abs(score) <= 0.5;
  const sure = remarks >= 3 ? 1 : faint ? 0.4 : 0.8;
  return Math.max(1, Math.min(5, Math.round(3 + 2.4 * score * sure)));
}

/** "★★★★☆ (4/5)". */
export function starLine(stars: number): string {
  return `${"★".repeat(stars)}${"☆".repeat(5 - stars)} (${stars}/5)`;
}

/** The area's line: its stars, what its section says first, and passages that no earlier line showed. */
function renderArea(area: Area, shown: Set<string>): string {
  if (area.stars === null) {
    return `${area.title}: ${area.reason === null ? fixed.notEnough : `${fixed.missing} (${firstPart(area.reason)})`}`;
  }
  const side = area.stars >= 3 ? 1 : -1;
  const fresh = area.evidence.filter(
    ({ brief }) => !shown.has(brief) && brief.replace(fieldName, "") !== area.headline,
  );
  const chosen = [...strongest(fresh, side, 1), ...strongest(fresh, side === 1 ? -1 : 1, 1)];
  for (const { brief } of chosen) shown.add(brief);
  const parts = [
    ...(area.headline === null ? [] : [area.headline]),
    ...chosen.map(({ brief }) => `“${brief.replace(fieldName, "")}”`),
  ];
  return `${area.title}: ${starLine(area.stars)} – ${parts.length === 0 ? countsOf(area.evidence) : parts.join("; ")}`;
}

/** A reason's first sentence, without the words that only lead to it. */
function firstPart(reason: string): string {
  return reason.replace(/^Nothing came from [^:]+: /, "").replace(/\.(?:\s.*)?$/s, "");
}

function countsOf(evidence: readonly Remark[]): string {
  const praises = evidence.filter(({ score }) => score > 0).length;
  return `${praises} ${fixed.favourable}, ${evidence.length - praises} ${fixed.unfavourable}`;
}

/** The first line of an upstream text where it is a short statement and no list, or the label that its JSON states. */
function headlineOf(text: string, title: string): string | null {
  const label = /^\{[^{}]*"(?:label|sentiment|verdict)"\s*:\s*"([\p{L} -]+)"/u.exec(text.trim())?.[1];
  if (label !== undefined) return label;
  const line = (text.trim().split("\n")[0] ?? "").trim();
  const first = line.startsWith(`${title}: `) ? line.slice(title.length + 2) : line;
  return first.length > 120 || /^[-*#[{]|[:“]$/.test(first) || !/\s/.test(first) || first.includes("“")
    ? null
    : first.replace(/[.:]$/, "");
}

/** The name of a field that a structured finding came from. */
const fieldName = /^[a-z][A-Za-z]*: (?=\S)/;
