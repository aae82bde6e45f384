import { diffWordsWithSpace } from "diff";
import type { Outcome } from "../records/outcome.js";
import type { RunRecord } from "../records/record.js";
import { canonicalJson } from "../spec/canonical.js";
import type { PageDiff, PageDifference, PageWord } from "./page-model.js";
import type { TextChoice } from "./page-rows.js";
import { list, num, str } from "./page-rows.js";
import { dollars } from "./run-summary.js";

/** Longest texts whose words are compared; longer ones are shown one after the other. */
const longestCompared = 20_000;

/**
 * Two runs and where they part. A node is the first divergence when it ended otherwise or gave another value though all
 * that it needs gave the same; of several, the one that the second run settled first. What differs behind one follows.
 */
export function pageDiff(before: RunRecord, after: RunRecord, texts: TextChoice): PageDiff {
  const names = [...new Set([...Object.keys(after.dag.nodes), ...Object.keys(before.dag.nodes)])];
  const differing = new Set(
    names.filter((name) => told(before.outcomes[name]) !== told(after.outcomes[name])),
  );
  const own = [...differing].filter((name) => {
    const needs = list(after.dag.nodes[name]?.needs ?? before.dag.nodes[name]?.needs).map((need) =>
      str(need),
    );
    return !needs.some((need) => differing.has(need));
  });
  const endOf = (name: string) => num(after.outcomes[name]?.endedAtMs ?? before.outcomes[name]?.endedAtMs);
  const first = own.reduce<string | null>(
    (best, name) => (best === null || endOf(name) < endOf(best) ? name : best),
    null,
  );
  const ordered = [...differing].sort(
    (a, b) => Number(b === first) - Number(a === first) || endOf(a) - endOf(b),
  );
  const shown = (value: unknown) => (texts.noTexts ? "" : textOf(value));
  return {
    first,
    nodes: ordered.map((name): PageDifference => {
      const [a, b] = [before.outcomes[name], after.outcomes[name]];
      return {
        node: name,
        before: a?.state ?? "not there",
        after: b?.state ?? "not there",
        kind: name === first ? "first" : own.includes(name) ? "own" : "follows",
        declarationChanged: before.dag.nodes[name]?.hash !== after.dag.nodes[name]?.hash,
        words: texts.noTexts ? [] : words(wordsOf(a), wordsOf(b)),
      };
    }),
    input: same(before.input, after.input) ? null : words(shown(before.input), shown(after.input)),
    output: same(before.output, after.output) ? null : words(shown(before.output), shown(after.output)),
    figures: figures(before, after),
  };
}

const same = (a: unknown, b: unknown) => canonicalJson(a) === canonicalJson(b);

/** What has to be equal for an outcome to count as the same. */
function told(outcome: Outcome | undefined): string {
  if (outcome === undefined) return "";
  if (outcome.state === "completed") return `completed ${canonicalJson(outcome.value)}`;
  const { code } = "error" in outcome ? outcome.error : outcome.reason;
  return `${outcome.state} ${code}`;
}

function wordsOf(outcome: Outcome | undefined): string {
  if (outcome === undefined) return "";
  if (outcome.state === "completed") return textOf(outcome.value);
  const { code, message } = "error" in outcome ? outcome.error : outcome.reason;
  return `${code}: ${message}`;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value, null, 2) ?? "");
}

function words(before: string, after: string): PageWord[] {
  if (before.length + after.length > longestCompared) {
    return [
      ["-", before],
      ["+", after],
    ];
  }
  return diffWordsWithSpace(before, after).map(
    ({ value, added, removed }): PageWord => [added ? "+" : removed ? "-" : "=", value],
  );
}

function figures(before: RunRecord, after: RunRecord): PageDiff["figures"] {
  const of = (name: string, show: (run: RunRecord) => string) => ({
    name,
    before: show(before),
    after: show(after),
  });
  return [
    of("state", (run) => str(run.state)),
    of("took", (run) => `${(num(run.durationMs) / 1000).toFixed(2)} s`),
    of("critical path", (run) => `${(num(run.criticalPathMs) / 1000).toFixed(2)} s`),
    of("model calls", (run) => String(num(run.usage?.modelCalls))),
    of("tokens", (run) => String(num(run.usage?.inputTokens) + num(run.usage?.outputTokens))),
    of("cost", (run) => (run.usage?.costUsd == null ? "unknown" : dollars(num(run.usage.costUsd)))),
  ];
}
