import { type Feature, featuresOf } from "../aspects.js";
import { splitClauses } from "../clauses.js";
import { type Sentence, textOf } from "../document.js";
import { fixed } from "../fixed-phrases.js";
import type { Source } from "../source.js";
import { materialOf, type Task } from "../task.js";

/** Most lines of the list, and how many features are looked at for them. */
const mostLines = 10;
const mostFeatures = 16;

/**
 * The features that the text names, with the figures beside them and the clause that says what of them. Features that
 * share a clause stand on one line.
 */
export function listFeatures(task: Task): string {
  const source = materialOf(task);
  const byClause = new Map<string, Feature[]>();
  for (const feature of tellingFirst(source, featuresOf(source, mostFeatures))) {
    const clause = clauseAbout(source, feature);
    byClause.set(clause, [...(byClause.get(clause) ?? []), feature]);
  }
  if (byClause.size === 0) return fixed.noFeatures;
  const place = ([feature]: readonly Feature[]) => feature?.sentences[0] ?? 0;
  return [...byClause]
    .slice(0, mostLines)
    .sort(([, a], [, b]) => place(a) - place(b))
    .map(([clause, features]) => {
      const names = features.map(({ name }) => name).join(", ");
      const figures = [...new Set(features.flatMap((feature) => feature.figures))]
        .filter((figure) => !clause.includes(figure))
        .map((figure) => `${figure}, `);
      return `- ${names}: ${figures.join("")}“${clause}”`;
    })
    .join("\n");
}

/** Features that the text has an opinion on first, then those with figures. */
function tellingFirst(source: Source, features: readonly Feature[]): Feature[] {
  const score = ({ head, figures }: Feature) =>
    (source.remarks.some(({ aspect }) => aspect?.endsWith(head)) ? 2 : 0) + (figures.length > 0 ? 1 : 0);
  return [...features].sort((a, b) => score(b) - score(a));
}

/** What is said of a feature: the clause with its figure, else the remark on it, else the clause that names it. */
function clauseAbout(source: Source, feature: Feature): string {
  const [figure] = feature.figures;
  const measured = feature.sentences
    .map((index) => source.document.sentences[index])
    .find((sentence) => figure !== undefined && sentence?.text.includes(figure));
  if (measured !== undefined && figure !== undefined) {
    const clause = clauseWith(measured, (text) => text.includes(figure));
    if (clause !== null) return clause;
  }
  const remark = source.remarks.find(({ aspect }) => aspect?.endsWith(feature.head));
  if (remark !== undefined && remark.brief.length <= longQuote) return remark.brief;
  const sentence = source.document.sentences[feature.sentences[0] ?? 0];
  return sentence === undefined ? "" : clauseNaming(sentence, feature);
}

/** A remark longer than this is cut down to the clause that names the feature, in characters. */
const longQuote = 90;

function clauseNaming(sentence: Sentence, { head }: Feature): string {
  const names = (_: string, tokens: Sentence["tokens"]) =>
    tokens.some(({ lower, lemma }) => lower === head || lemma === head);
  return clauseWith(sentence, names) ?? sentence.text.replace(/[\s,;:.]+$/, "");
}

/** The first clause of which something holds; `null` where none is, or where it is too short to say anything. */
function clauseWith(
  { tokens }: Sentence,
  holds: (text: string, tokens: Sentence["tokens"]) => boolean,
): string | null {
  for (const { from, to } of splitClauses(tokens)) {
    const own = tokens.slice(from, to);
    const clause = textOf(own);
    if (!holds(clause, own)) continue;
    const bare = clause.replace(/[\s,;:.–—-]+$/, "").replace(/^(?:and|or|but) /i, "");
    return bare.split(" ").length < 4 ? null : bare;
  }
  return null;
}
