import type { Comparison } from "../compare/compare.js";
import { DagError } from "../errors.js";
import { redact } from "../models/redact.js";
import type { DagProjection } from "../records/events.js";
import type { Prices } from "../records/price.js";
import type { RunRecord } from "../records/record.js";
import { assertOptions } from "../spec/issue.js";
import { agreesOnNothing } from "./comparison.js";
import { pageDiff } from "./page-diff.js";
import { pageGraphs } from "./page-graph.js";
import { pageHtml } from "./page-html.js";
import { type CheckedInput, type ReportInput, readReportInput } from "./page-input.js";
import type { PageBatch, PageComparison, PageData, PageGraph, PageRun } from "./page-model.js";
import { list, num, numOrNull, object, str } from "./page-rows.js";
import { pageRun } from "./page-run.js";
import { pageWhatIf } from "./page-what-if.js";
import { cleanLine } from "./plain-text.js";

export type { ReportInput } from "./page-input.js";

/** How a report is made. */
export interface ReportOptions {
  /** Whether prompts, answers, values, inputs and outputs are in the file. @default true */
  readonly texts?: boolean;
  /** Title of the page. @default the name of the DAG and its topology */
  readonly title?: string;
  /** The command that reproduces the run, for the button that copies it. @default none */
  readonly command?: string;
  /** What all rows of a batch came to, of which the records are a few. @default the records are all */
  readonly batch?: PageBatch;
  /** What each record is called. @default its number, topology and id */
  readonly labels?: readonly string[];
  /** Prices of models that the price table does not know, for what the page predicts. @default none */
  readonly prices?: Prices;
}

/**
 * One self-contained HTML file that shows runs: graph, timeline, each node's prompt, answer and cost. A comparison is shown side by
 * side, two records with their first divergence, more of them as a batch. It loads nothing, and what the records hold is
 * only ever shown as text; what looks like a key is left out.
 * @throws DagError `REPORT_INPUT_INVALID` when something is no whole record, `VERSION_UNSUPPORTED`.
 * @example
 * const record = await run(feedback, text, { model: "offline", texts: true });
 * await writeFile("report.html", renderReport(record));
 */
export function renderReport(
  records: ReportInput | readonly ReportInput[],
  options: ReportOptions = {},
): string {
  assertOptions("renderReport", options);
  const data = reportData(records, options);
  return pageHtml(data, { title: data.title, live: false });
}

/** Of more records than this none is predicted otherwise: a batch is looked through. */
const mostPredicted = 3;

/** The data of a report's page. */
export function reportData(
  records: ReportInput | readonly ReportInput[],
  { texts = true, title, command, batch, labels, prices }: ReportOptions = {},
): PageData {
  const given = (Array.isArray(records) ? records : [records]) as readonly unknown[];
  const inputs = given.map((one, index) =>
    readReportInput(one, given.length === 1 ? "The value" : `Value ${index + 1}`),
  );
  const choice = { noTexts: !texts };
  const graphs: Record<string, PageGraph> = {};
  const names = new Map<string, string>();
  const graphOf = (dag: DagProjection): string => {
    const key = JSON.stringify(dag);
    const known = names.get(key);
    if (known !== undefined) return known;
    const name = `g${names.size}`;
    names.set(key, name);
    Object.assign(graphs, pageGraphs(dag, name, choice));
    return name;
  };
  const runs: PageRun[] = [];
  const add = (record: RunRecord, label?: string): number => {
    const more = { ...(label !== undefined && { label }), ...(command !== undefined && { command }) };
    const run = pageRun(record, { ...choice, ...more, graph: graphOf(record.dag) });
    const whatIf = batch === undefined && inputs.length <= mostPredicted ? pageWhatIf(record, prices) : null;
    runs.push(whatIf === null ? run : { ...run, whatIf });
    return runs.length - 1;
  };
  const singles = inputs.flatMap((one) => (one.kind === "record" ? [one.record] : []));
  const compared = inputs.find((one) => one.kind === "comparison");
  if (inputs.length === 0 && batch === undefined) {
    throw new DagError("REPORT_INPUT_INVALID", "There is no record to show.", { hint: "Give at least one." });
  }
  if (compared !== undefined && inputs.length > 1) {
    throw new DagError("REPORT_INPUT_INVALID", "A comparison is shown by itself.", {
      hint: "Give one comparison, or records.",
    });
  }
  const compare = compared?.kind === "comparison" ? comparisonOf(compared.comparison, add) : null;
  singles.forEach((record, index) => {
    add(
      record,
      labels?.[index] ??
        (singles.length === 1
          ? undefined
          : `${index + 1} · ${str(record.topology)} · ${str(record.id).slice(0, 8)}`),
    );
  });
  const [first, second, third] = singles;
  const diff =
    first !== undefined && second !== undefined && third === undefined && batch === undefined
      ? pageDiff(first, second, choice)
      : null;
  const data: PageData = {
    version: 1,
    title: title ?? titleOf(inputs[0]),
    runs,
    graphs,
    compare,
    diff,
    ...(batch !== undefined && { batch }),
    noTexts: !texts,
  };
  return redacted(data);
}

function titleOf(input: CheckedInput | undefined): string {
  if (input === undefined) return "agent-dag";
  if (input.kind === "comparison") return `${cleanLine(str(input.comparison.dag.name))} · comparison`;
  return `${cleanLine(str(input.record.dag.name))} · ${cleanLine(str(input.record.topology))}`;
}

/** A comparison as the page shows it. `add` takes each topology's typical run and gives its number on the page. */
export function comparisonOf(
  comparison: Comparison,
  add: (record: RunRecord, label: string) => number,
): PageComparison {
  const { topologies, agreement, advice } = comparison;
  return {
    advice: str(advice),
    topologies: topologies.map((one) => {
      const wallMs = num(one.wallMs.median);
      const distance = (run: RunRecord) => Math.abs(num(run.durationMs) - wallMs);
      const [first, ...others] = one.runs;
      const typical = others.reduce(
        (best, run) => (best !== undefined && distance(run) < distance(best) ? run : best),
        first,
      );
      return {
        topology: str(one.topology),
        wallMs,
        minMs: num(one.wallMs.min),
        maxMs: num(one.wallMs.max),
        criticalPathMs: num(one.criticalPathMs),
        modelCalls: num(one.modelCalls),
        inputTokens: num(one.inputTokens),
        outputTokens: num(one.outputTokens),
        costUsd: numOrNull(one.costUsd),
        failures: num(one.failures),
        run: typical === undefined ? -1 : add(typical, str(one.topology)),
      };
    }),
    agreement: list(agreement)
      .map(object)
      .filter(({ topology }) => !agreesOnNothing(comparison, str(topology)))
      .map(({ topology, exact, similarity, fields }) => ({
        topology: str(topology),
        exact: num(exact),
        similarity: num(similarity),
        fields: Object.fromEntries(Object.entries(object(fields)).map(([name, share]) => [name, num(share)])),
      })),
  };
}

/** Fields that hold names and hashes, by which parts of the data find each other. */
const structural = new Set([
  "id",
  "parent",
  "row",
  "name",
  "node",
  "first",
  "declared",
  "graph",
  "inner",
  "hash",
  "from",
  "to",
  "needs",
  "left",
  "starts",
]);

/** Fields that hold what models, tools and people wrote. */
const written = new Set(["value", "input", "output", "args", "show", "progress", "texts"]);

/** Page data without what looks like a key; names and hashes stay, because parts of the data find each other by them. */
export function redacted<T>(value: T, isWritten = false): T {
  if (typeof value === "string") return redact(value) as T;
  if (Array.isArray(value)) return value.map((one) => redacted(one as unknown, isWritten)) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => {
      const stays = !isWritten && structural.has(key) && (typeof part === "string" || Array.isArray(part));
      return [key, stays ? part : redacted(part as unknown, isWritten || written.has(key))];
    }),
  ) as T;
}
