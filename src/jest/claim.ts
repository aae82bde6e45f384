import type { RunRecord } from "../records/record.js";
import { renderTrajectoryView } from "../report/trajectory-view.js";
import { usageText } from "../report/usage-view.js";
import { showValue } from "../spec/issue.js";

/** What a matcher gives Jest and Vitest. */
export interface MatcherResult {
  readonly pass: boolean;
  readonly message: () => string;
}

/** The part of a matcher's `this` that is read. */
export interface MatcherThis {
  readonly isNot?: boolean;
}

/** A claim about a record, and what is said when it does not hold, or holds under `.not`. */
export interface Claim {
  readonly pass: boolean;
  /** What was found, in one or a few lines. */
  readonly found: string;
  /** What did happen, as text below it. */
  readonly happened: string;
}

/** A matcher's result: the call as it was written, what was found, what did happen. */
export function judge(
  context: MatcherThis,
  name: string,
  args: readonly unknown[],
  claim: Claim,
): MatcherResult {
  const call = `expect(record)${context.isNot === true ? ".not" : ""}.${name}(${args.map(shown).join(", ")})`;
  return { pass: claim.pass, message: () => `${call}\n\n${claim.found}\n\n${claim.happened}` };
}

function shown(value: unknown): string {
  if (typeof value === "bigint") return showValue(value);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    const fields = Object.entries(value).map(([key, part]) => `${key}: ${shown(part)}`);
    return `{ ${fields.join(", ")} }`;
  }
  if (Array.isArray(value)) return `[${value.map(shown).join(", ")}]`;
  return JSON.stringify(value) ?? String(value);
}

/** Who ran and how it ended, as a message shows it. */
export function trajectoryText(record: RunRecord): string {
  return `What happened:\n${renderTrajectoryView(record)}`;
}

/** When each node ran, as a message shows it. */
export function intervalsText(record: RunRecord): string {
  const names = Object.keys(record.dag.nodes);
  const width = Math.max(...names.map((name) => name.length));
  const lines = names.map((name) => {
    const { state = "not settled", startedAtMs = null, endedAtMs = null } = record.outcomes[name] ?? {};
    const when =
      startedAtMs === null
        ? "never started"
        : `${ms(startedAtMs)} to ${endedAtMs === null ? "?" : ms(endedAtMs)}`;
    return `  ${name.padEnd(width)}  ${when} (${state})`;
  });
  return `When each node ran:\n${lines.join("\n")}`;
}

/** Requests, tokens and money, as a message shows them. */
export function spentText(record: RunRecord): string {
  return `What was used: ${usageText(record.usage)}`;
}

/** Milliseconds as a message shows them. */
export function ms(value: number): string {
  return `${Math.round(value * 100) / 100} ms`;
}
