import { type Feature, featuresOf } from "../aspects.js";
import { splitClauses } from "../clauses.js";
import { type Sentence, textOf } from "../document.js";
import { fixed } from "../fixed-phrases.js";
import type { Source } from "../source.js";
import { materialOf, type Task } from "../task.js";

/** Most lines of the list, and how many features are looked at for them. */
const mostLines = 8;
const mostFeatures = 14;

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

/** What is said of a feature: the remark on it, else the clause that names it. */
function clauseAbout(source: Source, feature: Feature): string {
  const remark = source.remarks.find(({ aspect }) => aspect?.endsWith(feature.head));
  if (remark !== undefined && remark.quote.length <= longQuote) return remark.quote;
  const sentence = source.document.sentences[feature.sentences[0] ?? 0];
  return sentence === undefined ? "" : clauseNaming(sentence, feature);
}

/** A remark longer than this is cut down to the clause that names the feature, in characters. */
const longQuote = 90;

function clauseNaming({ tokens, text }: Sentence, { head }: Feature): string {
  const named = splitClauses(tokens).find(({ from, to }) =>
    tokens.slice(from, to).some(({ lower, lemma }) => lower === head || lemma === head),
  );
  if (named === undefined) return text;
  const clause = textOf(tokens.slice(named.from, named.to))
    .replace(/[\s,;:.–—-]+$/, "")
    .replace(/^(?:and|or|but) /i, "");
  // Two or three words say nothing by themselves.
  return clause.split(" ").length < 4 ? text.replace(/[\s,;:.]+$/, "") : clause;
}
