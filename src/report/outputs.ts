import { isDeepStrictEqual } from "node:util";
import { completedValue, type Outcome, type OutcomeState } from "../records/outcome.js";
import { assertParts } from "../records/read-record.js";
import type { RunRecord } from "../records/record.js";
import { assertOptions } from "../spec/issue.js";
import { cleanLine, cleanText, counted, displayWidth, seconds, shorten } from "./plain-text.js";
import { type Style, stateMark } from "./state-mark.js";
import { createPaint, type Paint } from "./styled-line.js";
import { plainYaml } from "./yaml-text.js";

/** What the outputs of a run are read from: a `RunRecord` fits. */
export type OutputsRecord = Pick<
  RunRecord,
  "dag" | "outcomes" | "output" | "state" | "error" | "interrupts" | "durationMs"
>;

/** How outputs are printed. */
export interface OutputsOptions {
  /** Whether to paint with ANSI colours. @default false */
  readonly color?: boolean;
  /** Columns of the headings, at least 20; values are printed as they are. @default 80 */
  readonly width?: number;
}

/** What each node gave, for a person: nodes in the spec's order, the output last, then how the run ended. */
export function renderOutputs(record: OutputsRecord, options: OutputsOptions = {}): string {
  assertOptions("renderOutputs", options);
  assertParts(record, "record of a run", { dag: "object", outcomes: "object", interrupts: "list" });
  const paint = createPaint(options.color ?? false);
  const width = Math.max(20, Math.floor(options.width ?? 80));
  const { outputs } = record.dag;
  const inner = Object.keys(record.dag.nodes).filter((name) => !outputs.includes(name));
  const sections = [
    ...inner.map((name) => section(name, record.outcomes[name], { paint, width, prominent: false })),
    ...outputs.map((name) => section(name, record.outcomes[name], { paint, width, prominent: true })),
  ];
  if (hasOwnOutput(record)) {
    sections.push(
      `${heading("output", "", { paint, width, prominent: true })}\n${renderValue(record.output)}`,
    );
  }
  return [...sections, ...endLines(record, paint)].join("\n\n");
}

/** Whether the run's output is not what the output nodes gave: a planner's own answer. */
function hasOwnOutput({ dag, outcomes, output }: OutputsRecord): boolean {
  if (output === null || output === undefined) return false;
  const [only, ...more] = dag.outputs;
  if (only !== undefined && more.length === 0)
    return !isDeepStrictEqual(completedValue(outcomes[only]), output);
  return typeof output !== "object";
}

/** A value as a person reads it: text as it is, everything else as YAML; control characters taken out. */
export function renderValue(value: unknown): string {
  if (value === undefined) return "(no value)";
  const text = typeof value === "string" ? value : plainYaml(value);
  const cleaned = cleanText(text).trimEnd();
  return cleaned === "" ? "(empty)" : cleaned;
}

interface SectionStyle {
  readonly paint: Paint;
  readonly width: number;
  readonly prominent: boolean;
}

function heading(
  name: string,
  state: string,
  { paint, width, prominent }: SectionStyle,
  style: Style = "bold",
): string {
  const line = prominent ? "═" : "─";
  const title = shorten([cleanLine(name), state].filter((part) => part !== "").join("  "), width - 6);
  return paint(style, `${line}${line} ${title} ${line.repeat(Math.max(2, width - displayWidth(title) - 4))}`);
}

function section(name: string, outcome: Outcome | undefined, layout: SectionStyle): string {
  if (outcome === undefined) return `${heading(name, "not settled", layout, "dim")}`;
  const mark = stateMark(outcome.state);
  if (outcome.state !== "completed") {
    const title = heading(name, `${mark.symbol} ${outcome.state}`, layout, mark.style);
    return [title, ...whyLines(outcome, layout.paint)].join("\n");
  }
  const lines = [heading(name, "", layout), renderValue(outcome.value)];
  const lost = (outcome.items ?? []).flatMap((item, index) =>
    item.state === "completed" ? [] : [`  [${index}] ${item.state} ${codeAndMessage(item)}`],
  );
  if (lost.length > 0) {
    const head = `${lost.length} of ${counted(outcome.items?.length ?? 0, "item")} did not complete:`;
    lines.push(layout.paint("warn", [head, ...lost].join("\n")));
  }
  return lines.join("\n");
}

function codeAndMessage(outcome: Exclude<Outcome, { state: "completed" }>): string {
  const { code, message } = "error" in outcome ? outcome.error : outcome.reason;
  return `${cleanLine(code)}: ${cleanLine(message)}`;
}

function whyLines(outcome: Exclude<Outcome, { state: "completed" }>, paint: Paint): string[] {
  const { code, message, text } = "error" in outcome ? outcome.error : { ...outcome.reason, text: undefined };
  const why = paint(stateMark(outcome.state).style, `${cleanLine(code)}: ${cleanText(message).trimEnd()}`);
  return text === undefined || text === ""
    ? [why]
    : [why, paint("dim", "What the model answered:"), renderValue(text)];
}

const worstFirst: readonly OutcomeState[] = ["failed", "timed-out", "cancelled", "interrupted", "skipped"];

/** How the run ended, in one line, and one more for each question that waits for an answer. */
function endLines(record: OutputsRecord, paint: Paint): string[] {
  const mark = stateMark(record.state);
  const states = new Map<string, string[]>();
  for (const state of worstFirst) states.set(state, []);
  for (const [name, { state }] of Object.entries(record.outcomes)) {
    if (state !== "completed") states.set(state, [...(states.get(state) ?? []), cleanLine(name)]);
  }
  const counts = [...states]
    .filter(([, names]) => names.length > 0)
    .map(
      ([state, names]) =>
        `${names.length} ${state} (${names.slice(0, 5).join(", ")}${names.length > 5 ? ", …" : ""})`,
    );
  const error =
    record.error === null ? [] : [`${cleanLine(record.error.code)}: ${cleanLine(record.error.message)}`];
  const facts = [...counts, ...error].join("; ");
  const end = `${mark.symbol} ${record.state} in ${seconds(record.durationMs)} s${facts === "" ? "" : `: ${facts}`}`;
  const questions = record.interrupts.map(
    ({ node, message }) => `${mark.symbol} ${cleanLine(node)} waits for an answer: ${cleanLine(message)}`,
  );
  return [[paint(mark.style, end), ...questions.map((line) => paint("warn", line))].join("\n")];
}
