import {
  type BaseCheckpointSaver,
  type Command,
  GraphInterrupt,
  isCommand,
  Overwrite,
} from "@langchain/langgraph";
import { cancelOf } from "../nodes/engine/cancel.js";
import { type EarlierRun, isFinal, Journal, type RunStamp, readRun } from "../nodes/engine/journal.js";
import { RunContext } from "../nodes/engine/run-context.js";
import type { RunOptions } from "../nodes/engine/run-options.js";
import { type DagInput, parseInput, Scope } from "../nodes/engine/scope.js";
import { failFast } from "../nodes/engine/settle-node.js";
import { outcomeError } from "../nodes/engine/settle-work.js";
import { performers } from "../nodes/kinds/kinds.js";
import { DagError, errorMessage } from "../src/errors.js";
import { projectDag } from "../src/records/projection.js";
import type { RunRecord } from "../src/records/record.js";
import { dagHash } from "../src/spec/canonical.js";
import type { DagSpec } from "../src/spec/shape.js";
import { ThreadLease } from "../src/stores/thread-lease.js";
import { type ReadLog, readLog, ThreadLog } from "../src/stores/thread-log.js";
import { type Invocation, withInvocation } from "./invocation.js";
import { type OpaqueSaver, opaqueSaver } from "./langgraph/opaque-saver.js";
import { type PrivateGraph, privateNames } from "./langgraph/private-names.js";
import { outsideLangGraph, userCodeHost } from "./langgraph/user-code.js";
import {
  answersTo,
  assertSameRun,
  forkedFrom,
  holdsRun,
  refuseUnanswerable,
  replayOf,
  reuseOf,
  threadOf,
  threadUnknown,
  withoutFailed,
} from "./thread.js";
import type { TopologyWiring } from "./topology.js";

/** What starts a run, or makes it go on. */
export type Start =
  /** A new run; `goesOn` where a thread that holds a run of the same spec and input goes on with that one. */
  | { readonly kind: "new"; readonly input: unknown; readonly goesOn: boolean }
  /** Go on with what the thread holds; `answer` is for the questions that it waits at. */
  | { readonly kind: "go-on"; readonly answer?: unknown; readonly retryFailed?: boolean };

/** A call of a compiled graph by this package itself, which wants the record. */
interface Door {
  readonly options: RunOptions;
  readonly start: Start;
  record?: RunRecord;
}

const doorKey = "__agent_dag_door";

/**
 * Drives a run through a compiled graph and gives its record. What goes wrong once it has begun is in the record; it rejects
 * with what is wrong before.
 */
export async function driveThrough(graph: any, options: RunOptions, start: Start): Promise<RunRecord> {
  const door: Door = { options, start };
  const { thread } = options;
  const configurable = { [doorKey]: door, ...(thread !== undefined && { thread_id: thread }) };
  // Nothing is read from LangGraph's stream: the record is folded from this package's own events.
  await outsideLangGraph(() => graph.invoke({}, { configurable, streamMode: [] }));
  return door.record as RunRecord;
}

/**
 * Gives every invocation of a compiled graph the one lifecycle, whoever calls it: `run`, `stream`, `resume`, `invoke`,
 * LangGraph's server. It begins with the same checks, settles what LangGraph leaves, ends with a record, and gives back all
 * that it acquired on every path.
 */
export function bindLifecycle<G extends PrivateGraph>(
  graph: G,
  spec: DagSpec,
  topology: TopologyWiring,
  options: RunOptions,
): G {
  const iterate = graph[privateNames.iterate].bind(graph);
  const withConfig = graph.withConfig.bind(graph);
  makeOpaque(graph);
  graph.withConfig = (config: any) => bindLifecycle(withConfig(config), spec, topology, options);
  graph[privateNames.iterate] = (input: any, given: any = {}) =>
    inBackground(async (push, left) => {
      const { signal, ...config } = given;
      const { [doorKey]: door, ...configurable } = config.configurable ?? {};
      const ours = door as Door | undefined;
      const lifecycle = new Lifecycle({
        graph,
        iterate,
        push,
        spec,
        topology,
        input: ours === undefined ? input : null,
        config: { ...config, configurable },
        options: ours?.options ?? callOptions(options, config),
        start: ours?.start ?? startOf(input),
        // Whoever breaks off the stream of a compiled graph ends its run, as in LangGraph. LangGraph itself must not hear of
        // an abort: it would leave what is under way.
        signals: ours === undefined ? [options.signal, signal, left] : [ours.options.signal],
      });
      const { record, failure } = await lifecycle.drive();
      if (ours !== undefined) ours.record = record;
      else if (failure !== null) throw failure.error;
      else if (signal?.aborted) throw signal.reason ?? cancelOf(signal.reason);
    });
  return graph;
}

/** What a user asks of a compiled graph: an input begins a run, `null` or a command goes on. */
function startOf(input: any): Start {
  if (isCommand(input)) return { kind: "go-on", answer: (input as Command).resume };
  if (input === null) return { kind: "go-on" };
  return { kind: "new", input: input?.input, goesOn: false };
}

function callOptions(options: RunOptions, config: any): RunOptions {
  const thread: unknown = config.configurable?.thread_id;
  return {
    ...options,
    ...(typeof thread === "string" && { thread }),
    ...(config.context !== undefined && { context: config.context }),
  };
}

/** What one run is driven with. */
interface Drive {
  readonly graph: PrivateGraph;
  readonly iterate: (input: any, config: any) => AsyncGenerator<any>;
  readonly push: (chunk: any) => void;
  readonly spec: DagSpec;
  readonly topology: TopologyWiring;
  /** What the caller of a compiled graph gave; `null` where the start says it all. */
  readonly input: any;
  readonly config: any;
  readonly options: RunOptions;
  readonly start: Start;
  readonly signals: readonly (AbortSignal | undefined)[];
}

/** What a thread holds, as far as a run goes on with it. */
interface Earlier {
  readonly log: ReadLog | null;
  readonly run: EarlierRun | null;
  /** Whether the run is forked from a checkpoint: it gets a log of its own. */
  readonly forked: boolean;
}

const nothingEarlier: Earlier = { log: null, run: null, forked: false };

/** One run from its beginning to its end. */
class Lifecycle {
  readonly #drive: Drive;
  readonly #saver: OpaqueSaver | undefined;
  #lease: ThreadLease | undefined;
  #run: RunContext | undefined;
  #scope: Scope | undefined;
  #storeFailure: string | undefined;

  constructor(drive: Drive) {
    this.#drive = drive;
    this.#saver = saverOf(drive.graph, drive.config);
  }

  async drive(): Promise<{ record: RunRecord; failure: { error: unknown } | null }> {
    try {
      const { run, scope, langGraphGoesOn } = await this.#begin();
      let failure: { error: unknown } | null = null;
      try {
        await this.#go(run, scope, langGraphGoesOn);
      } catch (error) {
        failure = { error };
      }
      return { record: await this.#end(run, failure), failure };
    } finally {
      this.#scope?.close();
      this.#run?.release();
      this.#saver?.onFailure.delete(this.#drive.options.thread ?? "");
      await this.#lease?.release();
    }
  }

  /** All checks, in one order, before anything is sent or done. */
  async #begin(): Promise<{ run: RunContext; scope: Scope; langGraphGoesOn: boolean }> {
    const { spec, topology, options, start } = this.#drive;
    const saver = this.#saver;
    const given = start.kind === "new" ? await parseInput(spec, start.input) : null;
    if (saver === undefined) {
      if (start.kind === "go-on") throw threadUnknown(options.thread ?? "");
      refuseUnanswerable(spec);
    }
    const thread = saver === undefined ? "" : threadOf(options);
    const earlier = saver === undefined ? nothingEarlier : await this.#readEarlier(saver, thread);
    if (earlier.run === null && start.kind === "go-on") throw threadUnknown(thread);
    if (earlier.run !== null) {
      assertSameRun(thread, earlier.run.stamp, { spec, topology: topology.name, input: given });
    }
    const answers =
      start.kind === "go-on" && earlier.run !== null ? answersTo(earlier.run, start.answer) : [];
    const known = earlier.run === null ? null : { ...earlier.run, answers: new Map(earlier.run.answers) };
    for (const { id, value } of answers) known?.answers.set(id, value);
    const input = given ?? (await parseInput(spec, known?.stamp.input));

    const { journal, isNew } = await this.#openJournal(thread, earlier, known);
    const reuse = await reuseOf(options);
    const run = new RunContext({
      spec,
      topology,
      options,
      journal,
      earlier: known,
      reuse,
      host: userCodeHost,
    });
    this.#run = run;
    for (const signal of this.#drive.signals) run.obey(signal);
    await run.models.resolveAll(topology.planned);
    const scope = new Scope(spec, run, performers);
    this.#scope = scope;

    const { id, startedAt } = run.begin(input.given, known === null ? [] : replayOf(known));
    if (isNew) await journal.begun(this.#stamp(id, startedAt, input, known), earlier.forked ? known : null);
    if (this.#storeFailure !== undefined) run.events.notice("STORE_FAILED", this.#storeFailure);
    for (const { id: question, value, record } of answers) {
      await journal.answered(question, value, record);
      run.events.emit({ type: "question-answered", atMs: run.events.nowMs(), answer: record });
    }
    const adopted = scope.open(input);
    for (const [name, outcome] of Object.entries(adopted)) failFast(scope, name, outcome);
    const langGraphGoesOn =
      known !== null && saver !== undefined && (earlier.forked || (await holdsRun(saver, thread, id)));
    return { run, scope, langGraphGoesOn };
  }

  /** Lets LangGraph drive the nodes, and settles what it leaves. */
  async #go(run: RunContext, scope: Scope, langGraphGoesOn: boolean): Promise<void> {
    const { iterate, push, topology, config, spec } = this.#drive;
    const invocation: Invocation = { scope, streamsUpdates: streamsUpdates(config) };
    const own = withInvocation(this.#langGraphConfig(), invocation);
    const step = async (input: unknown) => {
      try {
        for await (const chunk of iterate(input, own)) push(chunk);
      } catch (error) {
        if (!(error instanceof GraphInterrupt)) throw error;
      }
    };
    await step(langGraphGoesOn ? withoutAnswer(this.#drive.input) : this.#freshInput(run, scope));
    // LangGraph stopped at a question that has become moot: with a checkpointer it goes on from there.
    while (this.#saver !== undefined && run.questions.takeWithdrawn() && run.questions.open.length === 0) {
      await step(null);
    }
    const isSettled = Object.keys(spec.nodes).every((name) => scope.frontier.outcomes[name] !== undefined);
    run.atBreakpoint =
      !isSettled &&
      run.canceller.reason === undefined &&
      run.questions.open.length === 0 &&
      hasBreakpoints(this.#drive);
    if (!run.atBreakpoint) await topology.settleLeft(invocation);
  }

  async #end(run: RunContext, failure: { error: unknown } | null): Promise<RunRecord> {
    await run.events.callsEnded();
    const record = run.end(failure === null ? null : outcomeError(failure.error));
    const outcomes = Object.values(record.outcomes);
    const isDone =
      failure === null &&
      record.state !== "interrupted" &&
      outcomes.length === Object.keys(this.#drive.spec.nodes).length &&
      outcomes.every(isFinal);
    if (isDone) await run.journal.ended(record.outcomes, run.plannerAnswer, record.durationMs);
    await run.journal.flushed();
    return record;
  }

  /** Takes the thread, and reads what it holds; a store that fails lets a new run go on in memory. */
  async #readEarlier(saver: OpaqueSaver, thread: string): Promise<Earlier> {
    const { graph, config, spec, start } = this.#drive;
    try {
      this.#lease = await ThreadLease.acquire(saver.inner, thread, () => {
        const message = `Another process has taken over the thread "${thread}".`;
        this.#run?.canceller.cancel(cancelOf(new DagError("THREAD_LOST", message)));
      });
      const log = await readLog(saver.inner, thread);
      const run = log === null ? null : readRun(log.entries);
      if (run === null || (start.kind === "new" && !start.goesOn)) return { ...nothingEarlier, log };
      if (start.kind === "new") return { log, run, forked: false };
      const forked = await forkedFrom(graph, config, spec, run);
      if (forked !== null) return { log, run: forked, forked: true };
      return { log, run: start.retryFailed ? withoutFailed(spec, run) : run, forked: false };
    } catch (error) {
      if (error instanceof DagError || start.kind === "go-on") throw error;
      this.#onStoreFailure(error);
      return nothingEarlier;
    }
  }

  async #openJournal(
    thread: string,
    { log, forked }: Earlier,
    known: EarlierRun | null,
  ): Promise<{ journal: Journal; isNew: boolean }> {
    const saver: BaseCheckpointSaver | undefined = this.#saver?.inner;
    const onFailure = (error: unknown) => this.#onStoreFailure(error);
    if (saver !== undefined && this.#storeFailure === undefined) {
      try {
        if (known !== null && log !== null && !forked) {
          return { journal: new Journal(ThreadLog.goOn(saver, log, onFailure), known), isNew: false };
        }
        const sink = await ThreadLog.create(saver, thread, log?.id ?? null, onFailure);
        return { journal: new Journal(sink, known), isNew: true };
      } catch (error) {
        onFailure(error);
      }
    }
    return { journal: new Journal(undefined, known), isNew: false };
  }

  #stamp(id: string, startedAt: string, { given }: DagInput, known: EarlierRun | null): RunStamp {
    const { spec, topology } = this.#drive;
    const stamp = { id, startedAt, topology: topology.name, dag: dagHash(spec), declared: projectDag(spec) };
    const fork = known?.stamp.fork;
    return {
      ...stamp,
      ...(given !== undefined && { input: given }),
      ...(fork !== undefined && { fork }),
    };
  }

  /** Told once: from then on nothing is persisted any more. */
  #onStoreFailure(error: unknown): void {
    if (this.#storeFailure !== undefined) return;
    const message = `The checkpointer failed, so this run is not persisted any more: ${errorMessage(error)}`;
    this.#storeFailure = message;
    this.#run?.events.notice("STORE_FAILED", message);
  }

  #langGraphConfig(): any {
    const { config, options } = this.#drive;
    if (this.#saver === undefined) return config;
    this.#saver.onFailure.set(options.thread ?? "", (error) => this.#onStoreFailure(error));
    const { configurable } = config;
    const isHanded = typeof configurable[privateNames.checkpointer] === "object";
    return {
      durability: "sync",
      ...config,
      configurable: { ...configurable, ...(isHanded && { [privateNames.checkpointer]: this.#saver }) },
    };
  }

  /** A new run's input; on a thread that has been used, it begins without the outcomes of the run before. */
  #freshInput(run: RunContext, scope: Scope): unknown {
    const input = { ...this.#drive.input, input: scope.given };
    if (this.#saver === undefined) return input;
    const planner = this.#drive.topology.planned ? { talk: null } : {};
    return { ...input, ...planner, $run: { id: run.id }, outcomes: new Overwrite({}), output: null };
  }
}

/** A command without its answer, which LangGraph does not have to know; what else it says is LangGraph's. */
function withoutAnswer(input: any): unknown {
  if (!isCommand(input)) return null;
  const { update, goto } = input as any;
  const says = update !== undefined || (Array.isArray(goto) ? goto.length > 0 : goto !== undefined);
  return says ? Object.assign(input, { resume: undefined }) : null;
}

function saverOf(graph: PrivateGraph, config: any): OpaqueSaver | undefined {
  const given = config.configurable?.[privateNames.checkpointer] ?? graph.checkpointer;
  return typeof given === "object" && given !== null ? opaqueSaver(given as BaseCheckpointSaver) : undefined;
}

/** Whatever checkpointer the graph has, or is given later (LangGraph's server does), LangGraph sees its opaque form. */
function makeOpaque(graph: PrivateGraph): void {
  let saver: unknown = graph.checkpointer;
  const opaque = () =>
    typeof saver === "object" && saver !== null ? opaqueSaver(saver as BaseCheckpointSaver) : saver;
  Object.defineProperty(graph, "checkpointer", {
    enumerable: true,
    configurable: true,
    get: opaque,
    set(other: unknown) {
      saver = other;
    },
  });
}

/** Whether the caller wants to see each node's update; LangGraph shows those of tasks only. */
function streamsUpdates({ streamMode }: { streamMode?: string | string[] }): boolean {
  const modes = streamMode === undefined ? ["updates"] : [streamMode].flat();
  return modes.some((mode) => mode !== "values" && mode !== "custom" && mode !== "messages");
}

function hasBreakpoints({ graph, config }: Drive): boolean {
  const set = (value: unknown) => value === "*" || (Array.isArray(value) && value.length > 0);
  return [config.interruptBefore, config.interruptAfter, graph.interruptBefore, graph.interruptAfter].some(
    set,
  );
}

/**
 * Does work in the background and hands out what it pushes: the work ends, and cleans up, whether or not anybody reads. Its
 * signal is aborted when the reader leaves early.
 */
async function* inBackground(
  work: (push: (chunk: any) => void, left: AbortSignal) => Promise<void>,
): AsyncGenerator<any> {
  let chunks: any[] = [];
  let wake: (() => void) | undefined;
  let ended: { readonly error?: unknown } | undefined;
  const left = new AbortController();
  const push = (chunk: any) => {
    chunks.push(chunk);
    wake?.();
  };
  const end = (how: { readonly error?: unknown }) => {
    ended = how;
    wake?.();
  };
  work(push, left.signal).then(
    () => end({}),
    (error: unknown) => end({ error }),
  );
  try {
    for (;;) {
      const ready = chunks;
      chunks = [];
      for (const chunk of ready) yield chunk;
      if (chunks.length > 0) continue;
      if (ended !== undefined) break;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  } finally {
    if (ended === undefined) left.abort();
  }
  if ("error" in ended) throw ended.error;
}
