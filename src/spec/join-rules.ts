import type { DagIssue } from "../errors.js";
import { positiveMs, validateNumber } from "./bounds.js";
import { nearest } from "./did-you-mean.js";
import { isPlainObject, issue, pathTo, showValue, unknownKeys } from "./issue.js";

const modes = ["all", "settled", "any"];
const forms =
  'Use "all", "settled", "any", { atLeast: k, deadlineMs? } or { mode: "settled" | "any", deadlineMs? }.';

/** Issues of a node's `join`; `needs` is how many nodes it needs. */
export function validateJoin(join: unknown, needs: number, path: string): DagIssue[] {
  if (join === undefined) return [];
  const issues = isPlainObject(join) ? validateObjectJoin(join, needs, path) : validateNamedJoin(join, path);
  if (needs === 0 && join !== "all" && issues.length === 0) {
    issues.push(
      issue(
        "join-without-needs",
        path,
        "There is a join, but the node needs nothing.",
        "Add needs, or leave the join out.",
      ),
    );
  }
  return issues;
}

function validateNamedJoin(join: unknown, path: string): DagIssue[] {
  if (modes.includes(join as string)) return [];
  const meant = typeof join === "string" ? nearest(join, modes) : undefined;
  return [
    issue(
      "bad-join",
      path,
      `${showValue(join)} is not a join.`,
      meant === undefined ? forms : `Did you mean "${meant}"?`,
    ),
  ];
}

function validateObjectJoin(
  join: Readonly<Record<string, unknown>>,
  needs: number,
  path: string,
): DagIssue[] {
  const issues = [
    ...unknownKeys(join, ["atLeast", "mode", "deadlineMs"], path),
    ...validateNumber(join.deadlineMs, pathTo(path, "deadlineMs"), positiveMs),
  ];
  if ((join.atLeast === undefined) === (join.mode === undefined)) {
    const which = join.atLeast === undefined ? "neither atLeast nor mode" : "both atLeast and mode";
    return [...issues, issue("bad-join", path, `The join states ${which}.`, forms)];
  }
  if (join.mode !== undefined) {
    if (join.mode === "settled" || join.mode === "any") return issues;
    return [
      ...issues,
      issue(
        "bad-join",
        pathTo(path, "mode"),
        `${showValue(join.mode)} is not a mode.`,
        'Use "settled" or "any".',
      ),
    ];
  }
  const at = pathTo(path, "atLeast");
  const bounds = validateNumber(join.atLeast, at, { min: 1, integer: true });
  if (bounds.length === 0 && needs > 0 && Number(join.atLeast) > needs) {
    const message = `The join waits for ${join.atLeast} completed needs, but the node has ${needs}.`;
    bounds.push(issue("join-above-needs", at, message, `Use at most ${needs}.`));
  }
  return [...issues, ...bounds];
}
