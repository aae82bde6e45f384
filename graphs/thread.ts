import type { BaseCheckpointSaver, CheckpointTuple } from "@langchain/langgraph";
import type { Kept } from "../nodes/engine/kept.js";
import { fingerprint } from "../nodes/engine/kept.js";
import { DagError } from "../src/errors.js";
import type { CallRecord } from "../src/records/events.js";
import type { Outcomes } from "../src/records/outcome.js";
import { type Done, workPath } from "../src/records/replay.js";
import type { PlannerAnswer } from "../src/records/run-state.js";
import { dagHash } from "../src/spec/canonical.js";
import type { DagSpec } from "../src/spec/shape.js";
import type { DagState, RunStamp } from "./state.js";

/** A question that a thread stopped at, as LangGraph knows it. */
export interface Question {
  /** LangGraph's id of the interrupt. */
  readonly id: string;
  /** The node that asks, as a path. */
  readonly node: string;
}

/** What a checkpointer holds of a run. */
export interface Thread {
  readonly stamp: RunStamp;
  readonly input: unknown;
  readonly done: readonly Done[];
  readonly questions: readonly Question[];
  /** What its planner said, once it has finished. */
  readonly answer: PlannerAnswer | null;
}

/** The part of a compiled graph that reads a thread's state. */
interface StateReader {
  getState(config: { configurable: Record<string, unknown> }): Promise<{ values: unknown }>;
}

/** The stamp of a thread's run, `null` where the checkpointer holds none. */
export async function readStamp(checkpointer: BaseCheckpointSaver, thread: string): Promise<RunStamp | null> {
  const tuple = await checkpointer.getTuple({ configurable: { thread_id: thread } });
  return tuple === undefined ? null : stampIn(tuple);
}

/**
 * What a checkpointer holds of a thread's run, `null` where it holds none: finished nodes from the graph's state, and
 * from the writes of the step that was under way.
 */
export async function readThread(
  graph: StateReader,
  checkpointer: BaseCheckpointSaver,
  thread: string,
): Promise<Thread | null> {
  const config = { configurable: { thread_id: thread } };
  const tuple = await checkpointer.getTuple(config);
  const stamp = tuple === undefined ? null : stampIn(tuple);
  if (tuple === undefined || stamp === null) return null;
  const started = startedIn(tuple);
  // Until a run's first step has ended, the state is still that of the thread's run before it.
  const values = started ?? (((await graph.getState(config)).values ?? {}) as Partial<DagState>);
  const done: Done[] = [];
  const outcomes: Outcomes[] = [];
  const calls: Record<string, readonly CallRecord[]>[] = [];
  const questions = new Map<string, Question>();

  const readWrites = ({ pendingWrites = [] }: CheckpointTuple) => {
    for (const [, channel, value] of pendingWrites) {
      if (channel === "__return__" && isKept(value)) done.push(...doneOf(value));
      else if (channel === "outcomes") outcomes.push(value as Outcomes);
      else if (channel === "$calls") calls.push(value as Record<string, readonly CallRecord[]>);
      else if (channel === "__interrupt__") for (const one of questionsIn(value)) questions.set(one.id, one);
    }
  };
  readWrites(tuple);
  // The tasks of an entrypoint that has ended hang on the checkpoint before its last one.
  const ended = started === undefined && "__end__" in tuple.checkpoint.channel_values;
  if (ended && done.length === 0 && tuple.parentConfig !== undefined) {
    const before = await checkpointer.getTuple(tuple.parentConfig);
    if (before !== undefined) readWrites(before);
  }
  const allCalls = Object.assign({}, values.$calls, ...calls) as Record<string, readonly CallRecord[]>;
  const settled = Object.assign({}, values.outcomes, ...outcomes) as Outcomes;
  for (const [name, outcome] of Object.entries(settled)) {
    done.push({
      key: { node: name, item: null, invocation: null },
      outcome,
      calls: allCalls[name] ?? [],
    });
  }
  for (const [node, own] of Object.entries(allCalls)) {
    if (settled[node] === undefined)
      done.push({ key: { node, item: null, invocation: null }, outcome: null, calls: own });
  }
  const { input, answer = null } = values;
  const answered = new Set(done.flatMap(({ key, outcome }) => (outcome === null ? [] : [workPath(key)])));
  const open = [...questions.values()]
    .filter(({ node }) => !answered.has(node))
    .sort((a, b) => a.node.localeCompare(b.node));
  return { stamp, input, done, questions: open, answer };
}

/**
 * Refuses to go on with a run whose spec, topology or input has changed: what is kept would be mixed with what is new.
 * @throws DagError `CHECKPOINT_MISMATCH`.
 */
export function assertSameRun(
  thread: string,
  { stamp }: Pick<Thread, "stamp">,
  now: { readonly spec: DagSpec; readonly topology: string; readonly input?: { readonly given: unknown } },
): void {
  const changed =
    stamp.dag !== dagHash(now.spec)
      ? `another version of the spec (${stamp.dag}; "${now.spec.name}" is now ${dagHash(now.spec)})`
      : stamp.topology !== now.topology
        ? `topology "${stamp.topology}" (not "${now.topology}")`
        : now.input !== undefined && stamp.input !== fingerprint(now.input.given)
          ? "another input"
          : null;
  if (changed === null) return;
  throw new DagError("CHECKPOINT_MISMATCH", `The thread "${thread}" holds a run of ${changed}.`, {
    facts: { thread, stamp },
    hint: "Use another thread for a new run, or go back to what the run was started with.",
  });
}

function stampIn(tuple: CheckpointTuple): RunStamp | null {
  const { channel_values: values } = tuple.checkpoint;
  const stamp = startedIn(tuple)?.$run ?? values.$run ?? values.__previous__;
  return (stamp as RunStamp | undefined) ?? null;
}

/** What a run was given, as long as none of its steps has ended; without outcomes, which its input only resets. */
function startedIn({ checkpoint }: CheckpointTuple): Partial<DagState> | undefined {
  const started = checkpoint.channel_values.__start__ as DagState | undefined;
  return started === undefined ? undefined : { input: started.input, $run: started.$run ?? null };
}

function isKept(value: unknown): value is Kept {
  return typeof value === "object" && value !== null && "madeFrom" in value && "outcomes" in value;
}

function doneOf({ key, outcomes, calls }: Kept): Done[] {
  return Object.values(outcomes).map((outcome) => ({ key, outcome, calls }));
}

function questionsIn(value: unknown): Question[] {
  const interrupts = (Array.isArray(value) ? value : [value]) as {
    id?: string;
    value?: { node?: unknown };
  }[];
  return interrupts.flatMap(({ id, value: asked }) =>
    id !== undefined && typeof asked?.node === "string" ? [{ id, node: asked.node }] : [],
  );
}
