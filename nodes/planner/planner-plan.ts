import { DagError, type DagIssue } from "../../src/errors.js";
import type { ModelChunk, ModelReply } from "../../src/models/port.js";
import type { Section } from "../../src/models/sections.js";
import { CancelError } from "../engine/cancel.js";
import { needSection } from "../kinds/prompt.js";
import { brokenIssue, createPlanCheck, type PlanCall, type PlanCheck } from "./plan-check.js";
import { callsIn, type PlanPiece } from "./plan-line.js";
import { createPlanReader } from "./plan-stream.js";
import type { NodeCall, NodeRun } from "./planner-calls.js";
import { type Ending, endingOf } from "./planner-ending.js";
import { defaultMaxCalls } from "./planner-options.js";
import { planPrompt } from "./planner-prompt.js";
import { askPlanner, type CallUnit, type PlannerSession } from "./planner-session.js";

/** Where a run whose planner writes plans stands: JSON, stored between LangGraph nodes. */
export interface PlanTalk {
  readonly next: "planner" | "tools" | "joiner" | "end";
  /** Plans that were asked for so far. */
  readonly plans: number;
  /** Requests to the joiner so far. */
  readonly joins: number;
  /** The calls of every plan so far. */
  readonly calls: readonly PlanCall[];
  /** Of the calls that have settled: which run of their node each is. */
  readonly places: Readonly<Record<number, number>>;
  /** Why another plan is wanted. */
  readonly trouble: { readonly label: string; readonly content: string } | null;
}

export const newPlanTalk: PlanTalk = {
  next: "planner",
  plans: 0,
  joins: 0,
  calls: [],
  places: {},
  trouble: null,
};

export const defaultMaxReplans = 2;

/**
 * Asks for a plan until one is valid; its calls start while it is being written, each as soon as its line is complete
 * and its needs allow. Calls of an invalid plan that were started before its first mistake are kept.
 */
export async function writePlan(
  session: PlannerSession,
  talk: PlanTalk,
): Promise<{ readonly talk: PlanTalk } | { readonly ending: Ending }> {
  const { maxReplans = defaultMaxReplans } = session.options;
  const startedAtMs = session.scope.run.events.nowMs();
  restoreRuns(session, talk);
  let { plans, calls, trouble } = talk;
  try {
    for (;;) {
      const writing = readWhileWritten(session, calls);
      session.plan++;
      const reply = await askPlanner(session, {
        as: "$planner",
        ...(await planPrompt(session, {
          first: lastNumber(calls) + 1,
          results: callSections(session, calls),
          trouble: trouble === null ? [] : [trouble],
        })),
        turn: plans++,
        onChunk: writing.onChunk,
      });
      const plan = writing.end(reply);
      calls = [...calls, ...plan.calls];
      if (plan.issues.length === 0) {
        const next = calls.some(({ number }) => talk.places[number] === undefined) ? "tools" : "joiner";
        return { talk: { ...talk, next, plans, calls, trouble: null } };
      }
      if (plans > maxReplans) throw planInvalid(plan.issues, plans, reply.text);
      trouble = { label: "issues", content: plan.issues.map(issueLine).join("\n") };
    }
  } catch (error) {
    return { ending: endingOf(error, startedAtMs) };
  }
}

/** The calls that have not settled, as units to settle. */
export function callsToSettle(session: PlannerSession, talk: PlanTalk): CallUnit[] {
  restoreRuns(session, talk);
  return talk.calls
    .filter(({ number }) => talk.places[number] === undefined)
    .map((call) => ({ id: lineId(call.number), start: () => startOnce(session, call) }));
}

/** The talk once every call has settled. */
export function afterCalls(session: PlannerSession, talk: PlanTalk): PlanTalk {
  const places = Object.fromEntries(
    talk.calls.map(({ number, node }) => {
      const run = session.runs.get(lineId(number));
      return [number, run === undefined ? -1 : session.pendingCalls.runsOf(node).indexOf(run)];
    }),
  );
  return { ...talk, next: "joiner", places };
}

const lineId = (number: number) => `line ${number}`;

/** Finds the runs of settled calls again, in a process that resumes. */
function restoreRuns({ runs, pendingCalls }: PlannerSession, { calls, places }: PlanTalk): void {
  for (const { number, node } of calls) {
    const run = pendingCalls.runsOf(node)[places[number] ?? -1];
    if (run !== undefined && !runs.has(lineId(number))) runs.set(lineId(number), run);
  }
}

function lastNumber(calls: readonly PlanCall[]): number {
  return calls.reduce((last, { number }) => Math.max(last, number), 0);
}

/** Reads a plan as its text arrives. */
function readWhileWritten(session: PlannerSession, earlier: readonly PlanCall[]) {
  const numbers = new Set(earlier.map(({ number }) => number));
  const { maxCalls = defaultMaxCalls } = session.options;
  const left = maxCalls - earlier.length;
  let reader = createPlanReader();
  let check: PlanCheck = createPlanCheck(session.callables, numbers, left);
  let calls: PlanCall[] = [];
  let issues: DagIssue[] = [];
  let joined = false;
  /** Runs of a text that broke off and was begun again, by line. */
  const abandoned = new Map<string, NodeRun>();

  const take = (piece: PlanPiece) => {
    if (joined) return;
    if (piece.piece === "join") joined = true;
    else if (piece.piece === "broken") issues.push(brokenIssue(piece));
    else {
      const checked = check.add(piece);
      if ("issues" in checked) issues.push(...checked.issues);
      else if (issues.length === 0) {
        calls.push(checked.call);
        startCall(session, checked.call, abandoned);
      }
    }
  };
  const restart = () => {
    for (const { number, text } of calls) {
      const run = session.runs.get(lineId(number));
      if (run !== undefined) abandoned.set(text, run);
      session.runs.delete(lineId(number));
    }
    reader = createPlanReader();
    check = createPlanCheck(session.callables, numbers, left);
    [calls, issues, joined] = [[], [], false];
  };
  return {
    onChunk(chunk: ModelChunk) {
      if (chunk.type === "restart") restart();
      else if (chunk.type === "text") for (const piece of reader.add(chunk.text)) take(piece);
    },
    end(reply: ModelReply) {
      for (const piece of reader.end()) take(piece);
      for (const run of abandoned.values()) {
        run.cancel(new CancelError("not-needed", `The plan does not hold this call of "${run.node}".`));
      }
      issues.push(...check.end());
      if (!joined && issues.length === 0) issues.push(missingJoin(reply));
      return { calls, issues };
    },
  };
}

/** Starts a call that may be started early; any other is left to the tools node. */
function startCall(session: PlannerSession, call: PlanCall, abandoned: Map<string, NodeRun>): void {
  const again = abandoned.get(call.text);
  abandoned.delete(call.text);
  const waits = call.feeds.some((feed) => !session.runs.has(lineId(feed)));
  if (again === undefined && waits) return;
  session.runs.set(lineId(call.number), again ?? startOnce(session, call));
}

/** Starts a call, or gives the run of the same call in an earlier plan: what was paid for once is not paid for again. */
function startOnce(session: PlannerSession, call: PlanCall): NodeRun {
  const asked = nodeCallOf(session, call);
  const text = JSON.stringify([asked.node, asked.focus, asked.args]);
  const feeds = Object.values(asked.feeds ?? {});
  const twin = session.planned.find(
    (one) =>
      one.plan < session.plan &&
      one.text === text &&
      one.feeds.length === feeds.length &&
      one.feeds.every((feed, index) => feed === feeds[index]) &&
      (one.run.outcome === undefined || one.run.outcome.state === "completed"),
  );
  const run = twin?.run ?? session.pendingCalls.start(asked);
  if (twin === undefined) session.planned.push({ plan: session.plan, text, feeds, run });
  return run;
}

/** A plan's call as it is started: references name the runs that they point at. */
function nodeCallOf({ runs }: PlannerSession, call: PlanCall): NodeCall {
  const feeds: Record<string, NodeRun> = {};
  const labels = new Map<number, string>();
  for (const feed of [...call.feeds].reverse()) {
    const run = runs.get(lineId(feed));
    if (run === undefined) continue;
    let label = run.node;
    for (let other = 2; Object.hasOwn(feeds, label); other++) label = `${run.node} ${other}`;
    feeds[label] = run;
    labels.set(feed, label);
  }
  const { node, focus, args } = call;
  return {
    node,
    ...(focus !== undefined && { focus }),
    ...(args !== undefined && { args: relabel(args, labels) }),
    ...(call.feeds.length > 0 && { feeds }),
  };
}

/** Arguments whose references name labels instead of line numbers. */
function relabel(value: unknown, labels: ReadonlyMap<number, string>): unknown {
  if (Array.isArray(value)) return value.map((part) => relabel(part, labels));
  if (typeof value !== "object" || value === null) return value;
  if ("$ref" in value) return { $ref: { node: labels.get(callsIn(value)[0] ?? 0) ?? "" } };
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, relabel(part, labels)]));
}

/** What came of the calls so far, for the planner. */
function callSections({ runs }: PlannerSession, calls: readonly PlanCall[]): Section[] {
  return calls.map(({ number, node }) => {
    const label = `$${number} ${node}`;
    const outcome = runs.get(lineId(number))?.outcome;
    return outcome === undefined ? { label, missing: "It is still running." } : needSection(label, outcome);
  });
}

function missingJoin({ finishReason, text }: ModelReply): DagIssue {
  const empty = text.trim() === "" || finishReason === "content_filter";
  return {
    code: empty ? "no-plan" : "missing-join",
    path: "plan",
    message: empty
      ? `There is no plan (finish reason: ${finishReason ?? "none"}).`
      : "The plan does not end with join().",
    hint: "Write the calls that are left, then a last line `join()`.",
  };
}

function issueLine({ path, message, hint }: DagIssue): string {
  return `${path}: ${message} ${hint}`;
}

function planInvalid(issues: readonly DagIssue[], plans: number, text: string): DagError {
  const lines = issues.slice(0, 5).map((issue) => `${issue.path}: ${issue.message}`);
  return new DagError(
    "PLAN_INVALID",
    `No valid plan came in ${plans} ${plans === 1 ? "attempt" : "attempts"}; the last had ${issues.length === 1 ? "1 issue" : `${issues.length} issues`}: ${lines.join("; ")}.`,
    {
      facts: { issues },
      text,
      hint: 'Raise `planner.maxReplans`, use a stronger planner model, or set `planner.fallback: "deterministic"`.',
    },
  );
}
