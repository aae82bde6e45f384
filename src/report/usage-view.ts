import type { RunRecord, Usage } from "../records/record.js";
import { usageOf } from "../records/record.js";
import { counted } from "./plain-text.js";

/** Requests, tokens and money of a run and of each node; nothing in it is a time. */
export function renderUsageView({ dag, calls, usage }: Pick<RunRecord, "dag" | "calls" | "usage">): string {
  const names = [...new Set([...Object.keys(dag.nodes), ...calls.map((call) => topOf(call.node)).sort()])];
  const lines = names.flatMap((name) => {
    const own = calls.filter((call) => topOf(call.node) === name);
    return own.length === 0 ? [] : [`  ${name}: ${usageText(usageOf(own))}`];
  });
  return [`usage: ${usageText(usage)}`, ...lines].join("\n");
}

/** Usage as one line. */
export function usageText({ modelCalls, inputTokens, outputTokens, estimated, costUsd }: Usage): string {
  const tokens = `${counted(inputTokens, "input token")}, ${counted(outputTokens, "output token")}`;
  const cost = costUsd === null ? "cost unknown" : `$${Number(costUsd.toPrecision(6))}`;
  return `${counted(modelCalls, "model call")}, ${tokens}${estimated ? " (estimated)" : ""}, ${cost}`;
}

/** The node of the run's own DAG that a call belongs to. */
function topOf(node: string): string {
  return node.split(/[/[]/)[0] ?? node;
}
