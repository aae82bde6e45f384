import type { RunRecord } from "../records/record.js";
import { canonicalJson } from "../spec/canonical.js";

/** How far a topology's outputs agree with those of the first one, run by run; shares and means over the repeats. */
export interface Agreement {
  /** The topology, or the label of its variant. */
  readonly topology: string;
  /** Share of runs whose output is equal. */
  readonly exact: number;
  /** Of structured outputs: for each field, the share of runs in which it is equal. */
  readonly fields: Readonly<Record<string, number>> | null;
  /** Mean similarity of the outputs' texts, from 0 to 1: the Sørensen–Dice coefficient over their words. */
  readonly similarity: number;
}

/** The agreement of `runs` with `reference`, the runs of the first topology. */
export function agreementOf(
  topology: string,
  runs: readonly RunRecord[],
  reference: readonly RunRecord[],
): Agreement {
  const pairs = runs.flatMap((run, i) => {
    const other = reference[i];
    return other === undefined ? [] : [[run.output, other.output] as const];
  });
  const share = (holds: (pair: readonly [unknown, unknown]) => number) =>
    pairs.length === 0 ? 0 : pairs.reduce((sum, pair) => sum + holds(pair), 0) / pairs.length;
  const equal = (a: unknown, b: unknown) => (canonicalJson(a) === canonicalJson(b) ? 1 : 0);
  const names = new Set(pairs.flatMap(([a, b]) => [...fieldsOf(a), ...fieldsOf(b)]));
  return {
    topology,
    exact: share(([a, b]) => equal(a, b)),
    fields:
      names.size === 0
        ? null
        : Object.fromEntries(
            [...names].map((name) => [name, share(([a, b]) => equal(fieldOf(a, name), fieldOf(b, name)))]),
          ),
    similarity: share(([a, b]) => textSimilarity(textOf(a), textOf(b))),
  };
}

/**
 * Similarity of two texts from 0 to 1: the Sørensen–Dice coefficient over their words, lower-cased and counted as often
 * as they occur (Dice 1945, Sørensen 1948). Two texts without words are alike.
 */
export function textSimilarity(a: string, b: string): number {
  const [wordsA, wordsB] = [wordsOf(a), wordsOf(b)];
  const total = wordsA.length + wordsB.length;
  if (total === 0) return 1;
  const left = new Map<string, number>();
  for (const word of wordsA) left.set(word, (left.get(word) ?? 0) + 1);
  let shared = 0;
  for (const word of wordsB) {
    const count = left.get(word) ?? 0;
    if (count > 0) {
      shared++;
      left.set(word, count - 1);
    }
  }
  return (2 * shared) / total;
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
}

function textOf(output: unknown): string {
  return typeof output === "string" ? output : output === null ? "" : canonicalJson(output);
}

function fieldsOf(output: unknown): string[] {
  return typeof output === "object" && output !== null && !Array.isArray(output) ? Object.keys(output) : [];
}

function fieldOf(output: unknown, name: string): unknown {
  return fieldsOf(output).includes(name) ? (output as Record<string, unknown>)[name] : undefined;
}
