import { Canceller } from "../../../nodes/engine/cancel.js";
import { Journal, readRun } from "../../../nodes/engine/journal.js";
import type { NestedCalls } from "../../../nodes/engine/nested-calls.js";
import { type Pace, RunContext, type UserCodeHost } from "../../../nodes/engine/run-context.js";
import type { RunOptions } from "../../../nodes/engine/run-options.js";
import {
  type Performers,
  parseInput,
  Scope,
  type Work,
  type WorkResult,
} from "../../../nodes/engine/scope.js";
import { settleDag } from "../../../nodes/engine/settle-dag.js";
import { ctxOf } from "../../../nodes/engine/work.js";
import type { RunRecord } from "../../../src/records/record.js";
import { nodeWork } from "../../../src/records/work-id.js";
import { nodeOf } from "../../../src/spec/order.js";
import type { DagSpec } from "../../../src/spec/shape.js";
import type { LogEntry } from "../../../src/stores/thread-log.js";

export const bareHost: UserCodeHost = Object.assign(
  <T>(_answers: readonly unknown[], code: () => T): T => code(),
  {
    payloadOf: () => undefined,
    outside: <T>(code: () => T): T => code(),
    threadFor: () => ({}),
  },
);

/** Functions do what they do; agents say their instructions; approvals ask. */
export const performers = {
  function: (work: Work): WorkResult | Promise<WorkResult> => {
    const value: unknown = work.node.run?.(ctxOf(work) as never);
    return value instanceof Promise ? value.then((awaited) => ({ value: awaited })) : { value };
  },
  agent: ({ node }: Work): WorkResult => ({ value: node.instructions }),
  approval: ({ scope, key }: Work): WorkResult => ({
    value: scope.run.questions.ask(key, "", { message: "Well?", value: null }),
  }),
} as unknown as Performers;

export interface BareRun {
  readonly pace?: Pace;
  readonly options?: RunOptions;
  readonly reuse?: RunRecord;
  /** What an earlier process wrote down; where it is given, the run is persisted. */
  readonly log?: LogEntry[];
  /** Writes an entry down in place of the log. */
  readonly append?: (entry: LogEntry) => Promise<void>;
  readonly planned?: boolean;
  readonly around?: NestedCalls;
  /** In place of some kinds' own. */
  readonly performers?: Partial<Performers>;
  /** In place of a host that asks nothing. */
  readonly host?: UserCodeHost;
  /** Done with the run before its first node is settled. */
  readonly prepare?: (run: RunContext, scope: Scope) => void;
}

/** A run that has not begun, and what it goes on from. */
export function bareContext(
  spec: DagSpec,
  {
    pace = "dataflow",
    options = {},
    reuse,
    log,
    append,
    planned = false,
    around,
    host = bareHost,
  }: BareRun = {},
) {
  const earlier = log === undefined ? null : readRun(log);
  const toLog = async (entry: LogEntry) => void log?.push(JSON.parse(JSON.stringify(entry)) as LogEntry);
  const journal = new Journal(log && { append: append ?? toLog, flushed: async () => {} }, earlier);
  const topology = { name: "bare", pace, planned };
  const contexts = () => options.context;
  const facts = { spec, topology, options, journal, earlier, reuse, host, contexts, around };
  return { run: new RunContext(facts), earlier, journal };
}

/** A piece of work of a run that has begun; nothing of it is done. */
export function bareWork(
  spec: DagSpec,
  name: string,
  {
    input = "x",
    needs = {},
    ...how
  }: BareRun & { readonly input?: unknown; readonly needs?: Work["needs"] } = {},
): Work {
  const { run } = bareContext(spec, how);
  const scope = new Scope(spec, run, { ...performers, ...how.performers });
  run.begin(input, []);
  scope.open({ given: input, parsed: input });
  const node = nodeOf(spec, name);
  const canceller = new Canceller();
  return { scope, name, node, key: nodeWork(name), item: undefined, needs, attempt: 1, canceller };
}

/** A run of the engine by itself, without LangGraph around it. */
export async function bareRun(spec: DagSpec, input: unknown = "x", how: BareRun = {}): Promise<RunRecord> {
  const { options = {}, prepare } = how;
  const { run, earlier, journal } = bareContext(spec, how);
  run.obey(options.signal);
  const scope = new Scope(spec, run, { ...performers, ...how.performers });
  const given = await parseInput(spec, input);
  const { id, startedAt } = run.begin(given.given, []);
  if (earlier === null) {
    const declared = { name: spec.name, hash: "h", nodes: {}, outputs: [] };
    await journal.begun({ id, startedAt, topology: "bare", dag: "h", declared }, null);
  }
  scope.open(given);
  prepare?.(run, scope);
  await settleDag(scope);
  scope.close();
  return run.end(null);
}
