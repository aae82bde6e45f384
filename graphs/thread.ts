import type { BaseCheckpointSaver } from "@langchain/langgraph";
import { type EarlierRun, isFinal, Journal, type RunStamp, readRun } from "../nodes/engine/journal.js";
import { answerRecord } from "../nodes/engine/questions.js";
import type { RunOptions } from "../nodes/engine/run-options.js";
import type { DagInput } from "../nodes/engine/scope.js";
import { DagError } from "../src/errors.js";
import type { RunAnswer, RunEvent, RunInterrupt } from "../src/records/events.js";
import type { Outcome, Outcomes } from "../src/records/outcome.js";
import { foldEvents, type RunRecord } from "../src/records/record.js";
import { replayEvents } from "../src/records/replay.js";
import { contains, isTopLevel, nodeWork, type WorkKey, workPath } from "../src/records/work-id.js";
import { canonicalJson, dagHash, hashOf } from "../src/spec/canonical.js";
import { showValue } from "../src/spec/issue.js";
import { jsonCopy } from "../src/spec/json-value.js";
import { composedName, namedIn } from "../src/spec/names.js";
import { orderOf } from "../src/spec/order.js";
import { type DagSpec, kindOf } from "../src/spec/shape.js";
import { storeError, storeNameOf } from "../src/stores/store-error.js";
import { readLog, readLogs, ThreadLog } from "../src/stores/thread-log.js";
import { type CallConfig, type PrivateGraph, privateNames } from "./langgraph/private-names.js";
import type { Topology } from "./topology.js";

/**
 * The name of a run's thread.
 * @throws DagError `THREAD_MISSING` without one, `THREAD_INVALID` for one that some store could not hold.
 */
export function threadOf({ thread }: RunOptions): string {
  if (typeof thread === "string" && thread !== "") {
    if (!unusable.test(thread)) return thread;
    throw new DagError(
      "THREAD_INVALID",
      `A thread cannot be named ${showValue(thread)}: not every store could hold it.`,
      {
        facts: { thread },
        hint: "Choose another name: not __proto__, constructor or prototype, and without NUL and halves of characters.",
      },
    );
  }
  throw new DagError("THREAD_MISSING", "A run with a checkpointer needs a thread to be persisted under.", {
    hint: 'Pass `thread: "…"` (`--thread ID`): a name of your choice for this run.',
  });
}

/** Names that LangGraph's in-memory store refuses, and characters that SQLite and Postgres lose. */
const unusable = /^(?:__proto__|constructor|prototype)$|[\0\p{Surrogate}]/u;

export function threadUnknown(thread: string): DagError {
  return new DagError("THREAD_UNKNOWN", `The checkpointer holds no run under the thread "${thread}".`, {
    hint: "Check the name of the thread and the checkpointer, or start the run with `run`.",
  });
}

/** The topology of a thread's run; `null` where the checkpointer holds none. */
export async function topologyOfThread(saver: BaseCheckpointSaver, thread: string): Promise<Topology | null> {
  const run = await runOfThread(saver, thread);
  return run === null ? null : (run.stamp.topology as Topology);
}

async function runOfThread(saver: BaseCheckpointSaver, thread: string): Promise<EarlierRun | null> {
  try {
    const log = await readLog(saver, thread);
    return log === null ? null : readRun(log.entries);
  } catch (error) {
    throw storeError(error, storeNameOf(saver));
  }
}

/** A run that waits for answers. */
export interface WaitingThread {
  /** Name of the thread, as `resume` takes it. */
  readonly thread: string;
  /** Name of the spec. */
  readonly dag: string;
  /** ISO 8601. */
  readonly startedAt: string;
  /** The questions that it waits at. */
  readonly interrupts: readonly RunInterrupt[];
}

/**
 * The runs that wait for an answer at a checkpointer, with their questions.
 * @throws DagError `STORE_FAILED` when they cannot be read.
 */
export async function waitingThreads(checkpointer: BaseCheckpointSaver): Promise<WaitingThread[]> {
  const waiting: WaitingThread[] = [];
  try {
    for await (const { thread, entries } of readLogs(checkpointer)) {
      const run = readRun(entries);
      if (run === null || run.ended || run.questions.size === 0) continue;
      const { startedAt, declared } = run.stamp;
      waiting.push({ thread, dag: declared.name, startedAt, interrupts: [...run.questions.values()] });
    }
  } catch (error) {
    throw storeError(error, storeNameOf(checkpointer));
  }
  return waiting;
}

/**
 * Cancels the run of a thread for good, while nothing of it is under way. The caller holds the thread.
 * @throws DagError `STORE_FAILED` when that cannot be written down.
 */
export async function cancelThread(saver: BaseCheckpointSaver, thread: string): Promise<void> {
  const failures: unknown[] = [];
  try {
    const log = await readLog(saver, thread);
    if (log !== null) await new Journal(ThreadLog.goOn(saver, log, (e) => failures.push(e))).cancelled();
  } catch (error) {
    failures.push(error);
  }
  if (failures.length > 0) throw storeError(failures[0], storeNameOf(saver));
}

/**
 * Refuses to go on with a run whose spec, topology or input has changed: what is persisted would be mixed with what is new.
 * @throws DagError `CHECKPOINT_MISMATCH`.
 */
export function assertSameRun(
  thread: string,
  stamp: RunStamp,
  now: { readonly spec: DagSpec; readonly topology: string; readonly input: DagInput | null },
): void {
  const { name } = stamp.declared;
  const changed =
    stamp.dag !== dagHash(now.spec)
      ? name !== now.spec.name
        ? `the graph "${name}", not of "${now.spec.name}"`
        : `another version of the spec (${stamp.dag}; "${now.spec.name}" is now ${dagHash(now.spec)})`
      : stamp.topology !== now.topology
        ? `topology "${stamp.topology}" (not "${now.topology}")`
        : now.input !== null && canonicalJson(stamp.input) !== canonicalJson(now.input.given)
          ? "another input"
          : null;
  if (changed === null) return;
  const { id, startedAt, topology, dag } = stamp;
  throw new DagError("CHECKPOINT_MISMATCH", `The thread "${thread}" holds a run of ${changed}.`, {
    facts: { thread, stamp: { id, startedAt, topology, dag } },
    hint: "Run on another thread; with `reuse: { checkpointer, thread }` what has not changed is taken over from this one.",
  });
}

/**
 * Whether an input is the next turn of the conversation that a run was made of, so that their thread is used again: the
 * messages of before, and more. A run that waits for an answer is not passed over.
 */
export function isNextTurn({ stamp, ended, cancelled }: EarlierRun, now: DagInput): boolean {
  const before = stamp.input;
  const { given } = now;
  if (
    (!ended && !cancelled) ||
    !Array.isArray(before) ||
    !Array.isArray(given) ||
    given.length <= before.length
  )
    return false;
  return canonicalJson(given.slice(0, before.length)) === canonicalJson(before);
}

/** The events that what a run did earlier stands for. */
export function replayOf({ settled, calls, given }: EarlierRun): RunEvent[] {
  const done = settled.map(({ key, outcome }) => ({ key, outcome, calls: [] }));
  const answered = given.map((answer): RunEvent => ({ type: "question-answered", atMs: 0, answer }));
  return [...replayEvents([...done, { key: nodeWork(""), outcome: null, calls }]), ...answered];
}

/** What a run reuses, as a record: a thread's run is read from its checkpointer. */
export async function reuseOf({ reuse }: RunOptions): Promise<RunRecord | undefined> {
  if (reuse === undefined || !("checkpointer" in reuse)) return reuse;
  const run = await runOfThread(reuse.checkpointer, reuse.thread);
  if (run === null) throw threadUnknown(reuse.thread);
  const { id, startedAt, topology, declared, input } = run.stamp;
  const started: RunEvent = {
    type: "run-started",
    atMs: 0,
    id,
    thread: reuse.thread,
    dag: declared,
    topology,
    input: input ?? null,
    startedAt,
    simulated: null,
  };
  return foldEvents([started, ...replayOf(run)]);
}

/** Whether LangGraph's own checkpoints on a thread are those of a run: it may have been killed before the first one. */
export async function holdsRun(saver: BaseCheckpointSaver, thread: string, id: string): Promise<boolean> {
  const tuple = await saver.getTuple({ configurable: { thread_id: thread } });
  if (tuple === undefined) return false;
  const { channel_values: values } = tuple.checkpoint as { channel_values: Record<string, any> };
  const known = values[privateNames.start]?.$run ?? values.$run ?? values.__previous__;
  return known?.id === id;
}

/**
 * What a run goes on from when the caller points at an older checkpoint, or has edited the state: what stands in that state,
 * less what LangGraph is about to run again and what follows it. `null` where the thread just goes on.
 */
export async function forkedFrom(
  graph: PrivateGraph,
  config: CallConfig,
  spec: DagSpec,
  run: EarlierRun,
): Promise<EarlierRun | null> {
  const thread = config.configurable?.thread_id;
  const saver = graph.checkpointer as BaseCheckpointSaver | undefined;
  if (saver === undefined || typeof thread !== "string") return null;
  const latest = await saver.getTuple({ configurable: { thread_id: thread } });
  const chosen = config.configurable?.checkpoint_id as string | undefined;
  const latestId = latest?.checkpoint.id;
  const source = latest?.metadata?.source;
  const isOlder = chosen !== undefined && chosen !== latestId;
  const isEdited = source === "update" || source === "fork";
  if ((!isOlder && !isEdited) || run.stamp.fork === (chosen ?? latestId)) return null;
  const state = await graph.getState({ configurable: { ...config.configurable, thread_id: thread } });
  const again = new Set<string>();
  const { successors } = orderOf(spec);
  const stack = [...state.next];
  for (let name = stack.pop(); name !== undefined; name = stack.pop()) {
    if (again.has(name)) continue;
    again.add(name);
    stack.push(...(successors.get(name) ?? []));
  }
  const { outcomes: inState = {} } = (state.values ?? {}) as { outcomes?: Outcomes };
  const outcomes = Object.entries(inState);
  const madeFrom = hashOf(run.stamp.input);
  const settled = outcomes.flatMap(([name, outcome]) =>
    again.has(name) || !Object.hasOwn(spec.nodes, name) || !isFinal(outcome)
      ? []
      : [
          {
            key: nodeWork(name),
            madeFrom,
            outcome: jsonCopy(outcome, "VALUE_NOT_JSON", "The state") as Outcome,
          },
        ],
  );
  const fork = chosen ?? latestId;
  return {
    ...run,
    stamp: { ...run.stamp, ...(fork !== undefined && { fork }) },
    settled,
    steps: [],
    replies: [],
    calls: run.calls.filter((call) => settled.some(({ key }) => contains(key, call))),
    questions: new Map(),
    answers: new Map(),
    given: [],
    ended: false,
    cancelled: false,
    plannerAnswer: null,
  };
}

/** An earlier run without what failed, timed out or was skipped because of that: it is run again. */
export function withoutFailed(spec: DagSpec, run: EarlierRun): EarlierRun {
  const own = new Map(
    run.settled.filter(({ key }) => isTopLevel(key)).map(({ key, outcome }) => [key.node, outcome]),
  );
  const again = new Set<string>();
  for (const name of orderOf(spec).topological) {
    const outcome = own.get(name);
    const needsAgain = (spec.nodes[name]?.needs ?? []).some((need) => again.has(need));
    if (outcome === undefined || needsAgain || hasFailed(outcome)) again.add(name);
  }
  const failed = new Set(
    run.settled.filter(({ outcome }) => hasFailed(outcome)).map(({ key }) => workPath(key)),
  );
  // What models and tools said to work that failed with it would make it fail again.
  const isOfOther = ({ key }: { readonly key: WorkKey }) => !failed.has(workPath(key));
  return {
    ...run,
    steps: run.steps.filter(isOfOther),
    replies: run.replies.filter(isOfOther),
    settled: run.settled.filter(({ key, outcome }) => {
      const [top = ""] = key.node.split("/");
      const isOwn = [...again].some((name) => contains(nodeWork(name), key));
      return !isOwn || (!isTopLevel(key) && top !== "" && !hasFailed(outcome));
    }),
    ended: false,
  };
}

function hasFailed(outcome: Outcome): boolean {
  if ("error" in outcome) return true;
  const parts = [...(outcome.items ?? []), ...Object.values(outcome.outcomes ?? {})];
  return parts.some(hasFailed);
}

/**
 * Refuses a run that could never be answered before it costs anything.
 * @throws DagError `CHECKPOINTER_MISSING` for a spec with an approval.
 */
export function refuseUnanswerable(spec: DagSpec): void {
  const approval = approvalIn(spec, "");
  if (approval === undefined) return;
  throw new DagError(
    "CHECKPOINTER_MISSING",
    `The approval "${approval}" could never be answered: the run has no checkpointer to wait at.`,
    {
      facts: { node: approval },
      hint: "Pass a `checkpointer` and a `thread` (`--checkpoint sqlite:FILE --thread ID`), and answer with `resume`.",
    },
  );
}

function approvalIn(spec: DagSpec, prefix: string): string | undefined {
  for (const [name, node] of Object.entries(spec.nodes)) {
    if (kindOf(node) === "approval") return prefix + name;
    if (node.dag === undefined) continue;
    const inner = approvalIn(node.dag, `${prefix}${name}/`);
    if (inner !== undefined) return inner;
  }
  return undefined;
}

/** An answer to one of a run's questions, read. */
export interface GivenAnswer {
  /** Id of the question. */
  readonly id: string;
  readonly value: unknown;
  readonly record: RunAnswer;
}

/**
 * The answers to a run's questions: one for the only question, or several by the name of the node or the id of the question.
 * @throws DagError `ANSWER_INVALID` when nothing waits for it or it cannot be read, `ANSWER_NOT_JSON`.
 */
export function answersTo({ questions }: EarlierRun, answer: unknown): GivenAnswer[] {
  if (answer === undefined) return [];
  const open = [...questions].map(([id, question]) => ({ id, question }));
  if (open.length === 0) {
    throw new DagError("ANSWER_INVALID", "The run waits for no answer.", {
      hint: "Leave out the answer to go on with the run, or to get the record of one that has ended.",
    });
  }
  const given = jsonCopy(answer, "ANSWER_NOT_JSON", "The answer");
  const byName = namedAnswers(given, open);
  const [only] = open;
  const isForOther = only?.question.kind !== "interrupt" && namesOthers(given);
  if (byName === null && (open.length > 1 || isForOther)) {
    const nodes = open.map(({ question }) => `"${question.node}"`).join(", ");
    const waits = open.length === 1 ? "an answer" : `${open.length} answers`;
    const told = isForOther ? `, not for ${JSON.stringify(given)}` : "";
    throw new DagError("ANSWER_INVALID", `The run waits for ${waits}: ${nodes}${told}.`, {
      hint: 'Answer by name: { "node": true, "other": { "edit": … } }.',
    });
  }
  return open.flatMap(({ id, question }) => {
    const value =
      byName === null ? given : Object.hasOwn(byName, id) ? byName[id] : namedIn(byName, question.node);
    if (value === undefined) return [];
    return [{ id, value, record: answerRecord(question, value) }];
  });
}

/** Whether an answer names nodes, none of which waits. */
function namesOthers(answer: unknown): boolean {
  if (typeof answer !== "object" || answer === null || Array.isArray(answer)) return false;
  return !["approve", "edit", "reject"].some((key) => key in answer);
}

function namedAnswers(
  answer: unknown,
  open: readonly { readonly id: string; readonly question: RunInterrupt }[],
): Readonly<Record<string, unknown>> | null {
  if (typeof answer !== "object" || answer === null || Array.isArray(answer)) return null;
  const names = new Set(open.flatMap(({ id, question }) => [id, question.node]));
  const keys = Object.keys(answer);
  return keys.length > 0 && keys.every((key) => names.has(composedName(key)))
    ? (answer as Record<string, unknown>)
    : null;
}
