import {
  type BaseCheckpointSaver,
  type Command,
  GraphInterrupt,
  isCommand,
  Overwrite,
} from "@langchain/langgraph";
import { cancelOf, RunCancelled } from "../nodes/engine/cancel.js";
import { readContexts } from "../nodes/engine/context.js";
import { type EarlierRun, isFinal, Journal, type RunStamp, readRun } from "../nodes/engine/journal.js";
import { RunContext } from "../nodes/engine/run-context.js";
import type { RunOptions } from "../nodes/engine/run-options.js";
import { type DagInput, type Performers, parseInput, Scope } from "../nodes/engine/scope.js";
import { failFast } from "../nodes/engine/settle-node.js";
import { outcomeError } from "../nodes/engine/settle-work.js";
import { surroundingWork } from "../nodes/engine/surrounding.js";
import { runAgent } from "../nodes/kinds/agent.js";
import { runApproval } from "../nodes/kinds/approval.js";
import { runFunction } from "../nodes/kinds/function.js";
import { runGraph } from "../nodes/kinds/graph.js";
import { takesConversation } from "../nodes/kinds/prompt.js";
import { runRunnable } from "../nodes/kinds/runnable.js";
import { runTool } from "../nodes/kinds/tool.js";
import { asError, DagError } from "../src/errors.js";
import { projectDag } from "../src/records/projection.js";
import type { RunRecord } from "../src/records/record.js";
import { outputOf } from "../src/records/run-state.js";
import { dagHash } from "../src/spec/canonical.js";
import { showValue } from "../src/spec/issue.js";
import type { DagSpec } from "../src/spec/shape.js";
import { storeError, storeNameOf } from "../src/stores/store-error.js";
import { ThreadLease } from "../src/stores/thread-lease.js";
import { type ReadLog, readLog, ThreadLog } from "../src/stores/thread-log.js";
import { threadSaver } from "../src/stores/thread-saver.js";
import { type Invocation, withInvocation } from "./invocation.js";
import { type OpaqueSaver, opaqueSaver, type StoreWatcher } from "./langgraph/opaque-saver.js";
import { type CallConfig, type PrivateGraph, privateNames } from "./langgraph/private-names.js";
import { userCodeHost } from "./langgraph/user-code.js";
import {
  answersTo,
  assertSameRun,
  forkedFrom,
  holdsRun,
  isNextTurn,
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
  | {
      readonly kind: "go-on";
      readonly answer?: unknown;
      readonly retryFailed?: boolean;
      readonly admits?: Admits;
    };

/** Asked once the thread is taken and nobody else can do anything about it: rejects where the run must not go on. */
export type Admits = () => Promise<void>;

/** What one run is driven with. */
export interface Drive {
  readonly graph: PrivateGraph;
  readonly iterate: PrivateGraph[typeof privateNames.iterate];
  readonly push: (chunk: unknown) => void;
  readonly spec: DagSpec;
  readonly topology: TopologyWiring;
  /** What the caller of a compiled graph gave; `null` where the start says it all. */
  readonly input: unknown;
  readonly config: CallConfig;
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

/** How each kind of node does its work. */
const performers: Performers = {
  agent: runAgent,
  function: runFunction,
  tool: runTool,
  graph: runGraph,
  approval: runApproval,
  runnable: runRunnable,
};

/** One run from its beginning to its end: every door goes through it. */
export class Lifecycle {
  readonly #drive: Drive;
  readonly #saver: OpaqueSaver | undefined;
  #lease: ThreadLease | undefined;
  #run: RunContext | undefined;
  #scope: Scope | undefined;
  #storeFailure: string | undefined;
  readonly #watcher: StoreWatcher = {
    hasFailed: () => this.#storeFailure !== undefined,
    onFailure: (error) => this.#onStoreFailure(error),
  };

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
    } catch (thrown) {
      // Whatever a user's own code threw before anything ran, a caller can catch it as an error.
      throw asError(thrown);
    } finally {
      this.#scope?.close();
      this.#run?.release();
      this.#unwatch();
      const released = this.#lease?.release();
      // A store that has failed may not answer for a while.
      if (this.#storeFailure === undefined) await released;
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
    const earlier = saver === undefined ? nothingEarlier : await this.#readEarlier(saver, thread, given);
    if (earlier.run === null && start.kind === "go-on") throw threadUnknown(thread);
    if (earlier.run !== null) {
      assertSameRun(thread, earlier.run.stamp, { spec, topology: topology.name, input: given });
    }
    const answers =
      start.kind === "go-on" && earlier.run !== null ? answersTo(earlier.run, start.answer) : [];
    const known = earlier.run === null ? null : { ...earlier.run, answers: new Map(earlier.run.answers) };
    for (const { id, value } of answers) known?.answers.set(id, value);
    const input = given ?? (await parseInput(spec, known?.stamp.input));
    const contexts = await readContexts(spec, options.context);

    const { journal, isNew } = await this.#openJournal(thread, earlier, known);
    const reuse = await reuseOf(options);
    const failedBefore = this.#storeFailure;
    const outer = surroundingWork();
    const run = new RunContext({
      spec,
      topology,
      options,
      journal,
      earlier: known,
      reuse,
      host: userCodeHost,
      contexts,
      around: outer?.scope.run.models.nestedIn(outer.key),
    });
    this.#run = run;
    if (known?.cancelled) run.canceller.cancel(new RunCancelled(thread));
    else run.canceller.onCancel(() => void (run.isCancelled && journal.cancelled()));
    for (const signal of this.#drive.signals) run.obey(signal);
    run.obey(outer?.canceller.signal);
    await run.models.resolveAll(topology.planned);
    const scope = new Scope(spec, run, performers);
    this.#scope = scope;

    const { id, startedAt } = run.begin(input.given, known === null ? [] : replayOf(known));
    if (isNew) await journal.begun(this.#stamp(id, startedAt, input, known), earlier.forked ? known : null);
    if (failedBefore !== undefined) run.events.notice("STORE_FAILED", failedBefore);
    if (saver === undefined && options.thread !== undefined) {
      run.events.notice(
        "THREAD_NOT_PERSISTED",
        `Nothing is persisted under the thread ${showValue(options.thread)}: there is no \`checkpointer\`, so it cannot be resumed.`,
      );
    }
    for (const { id: question, value, record } of answers) {
      await journal.answered(question, value, record);
      run.events.emit({ type: "question-answered", atMs: run.events.nowMs(), answer: record });
    }
    const adopted = scope.open(input);
    for (const [name, outcome] of Object.entries(adopted)) failFast(scope, name, outcome);
    const langGraphGoesOn =
      known !== null &&
      saver !== undefined &&
      (earlier.forked || ((await holdsRun(saver, thread, id)) && !(await this.#isOverTooEarly(scope))));
    return { run, scope, langGraphGoesOn };
  }

  /**
   * Whether a planner's LangGraph had come to its end when its process was killed, before the run was ended in the journal: then
   * it begins anew, and finds the planner's replies and the calls in the journal.
   */
  async #isOverTooEarly(scope: Scope): Promise<boolean> {
    const { graph, config, spec, topology, options } = this.#drive;
    const isSettled = Object.keys(spec.nodes).every((name) => scope.frontier.outcomes[name] !== undefined);
    if (!topology.planned || isSettled) return false;
    const { next } = await graph.getState({
      configurable: { ...config.configurable, thread_id: options.thread },
    });
    return next.length === 0;
  }

  /** Lets LangGraph drive the nodes, and settles what it leaves. */
  async #go(run: RunContext, scope: Scope, langGraphGoesOn: boolean): Promise<void> {
    const { iterate, push, topology, config, spec } = this.#drive;
    const invocation: Invocation = { scope, streamsUpdates: streamsUpdates(config) };
    const own = withInvocation(this.#langGraphConfig(), invocation);
    const isSettled = () =>
      Object.keys(spec.nodes).every((name) => scope.frontier.outcomes[name] !== undefined);
    let input = langGraphGoesOn ? withoutAnswer(this.#drive.input) : this.#freshInput(run, scope);
    let stopped: boolean;
    for (;;) {
      stopped = false;
      try {
        for await (const chunk of iterate(input, own)) {
          if (tellsQuestions(chunk)) stopped = true;
          else push(chunk);
        }
      } catch (error) {
        // Without its store LangGraph may not find where it was; what is left is settled without it.
        if (!(error instanceof GraphInterrupt) && this.#storeFailure === undefined) throw error;
        stopped = true;
      }
      const { reason } = run.canceller;
      const waits = run.questions.open.length > 0;
      run.atBreakpoint = hasBreakpoints(this.#drive) && reason === undefined && !waits && !isSettled();
      if (run.atBreakpoint) return;
      await topology.settleLeft(invocation);
      // LangGraph stopped at a question that has become moot: with a checkpointer it catches up.
      const isMoot = run.questions.takeWithdrawn() && run.questions.open.length === 0;
      if (this.#saver === undefined || !isMoot) break;
      input = null;
    }
    if (stopped || run.questions.open.length > 0) for (const chunk of lastChunks(scope, config)) push(chunk);
  }

  async #end(run: RunContext, failure: { error: unknown } | null): Promise<RunRecord> {
    await run.events.callsEnded();
    const record = run.end(failure === null ? null : outcomeError(failure.error));
    const outcomes = Object.values(record.outcomes);
    const isDone =
      failure === null &&
      record.state !== "interrupted" &&
      !run.isCancelled &&
      outcomes.length === Object.keys(this.#drive.spec.nodes).length &&
      outcomes.every(isFinal);
    if (isDone) await run.journal.ended(record.outcomes, run.plannerAnswer, record.durationMs);
    await run.journal.flushed();
    return record;
  }

  /** Takes the thread, and reads what it holds; a store that fails lets a new run go on in memory. */
  async #readEarlier(saver: OpaqueSaver, thread: string, given: DagInput | null): Promise<Earlier> {
    const { graph, config, spec, start } = this.#drive;
    try {
      this.#lease = await ThreadLease.acquire(saver.inner, thread, () => {
        const message = `Another process has taken over the thread "${thread}".`;
        this.#run?.canceller.cancel(cancelOf(new DagError("THREAD_LOST", message)));
      });
      if (start.kind === "go-on") await start.admits?.();
      const log = this.#lease.isFirst ? null : await readLog(saver.inner, thread);
      const run = log === null ? null : readRun(log.entries);
      if (run === null || (start.kind === "new" && !start.goesOn)) return { ...nothingEarlier, log };
      const isChat = given !== null && takesConversation(spec);
      if (isChat && isNextTurn(run, given)) return { ...nothingEarlier, log };
      if (start.kind === "new") return { log, run, forked: false };
      const forked = await forkedFrom(graph, config, spec, run);
      if (forked !== null) return { log, run: forked, forked: true };
      return { log, run: start.retryFailed ? withoutFailed(spec, run) : run, forked: false };
    } catch (error) {
      if (error instanceof DagError) throw error;
      if (start.kind === "go-on") throw storeError(error, storeNameOf(saver.inner));
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
    const told = storeError(error, storeNameOf(this.#saver?.inner));
    const message = `This run is not persisted any more. ${told.message}`;
    this.#storeFailure = message;
    this.#run?.events.notice("STORE_FAILED", message);
  }

  /** Whoever was refused the thread leaves the one alone who drives it. */
  #unwatch(): void {
    const [watchers, thread] = [this.#saver?.watchers, this.#drive.options.thread ?? ""];
    if (watchers?.get(thread) === this.#watcher) watchers.delete(thread);
  }

  #langGraphConfig(): CallConfig {
    const { config, options } = this.#drive;
    if (this.#saver === undefined) return config;
    this.#saver.watchers.set(options.thread ?? "", this.#watcher);
    const { configurable = {} } = config;
    const isHanded = typeof configurable[privateNames.checkpointer] === "object";
    return {
      durability: threadSaver(this.#saver.inner).keepsCheckpoints === false ? "exit" : "sync",
      ...config,
      configurable: { ...configurable, ...(isHanded && { [privateNames.checkpointer]: this.#saver }) },
    };
  }

  /** A new run's input; on a thread that has been used, it begins without the outcomes of the run before. */
  #freshInput(run: RunContext, scope: Scope): unknown {
    const input = { ...(this.#drive.input as object | null), input: scope.given };
    if (this.#saver === undefined) return input;
    const planner = this.#drive.topology.planned ? { talk: null } : {};
    return { ...input, ...planner, $run: { id: run.id }, outcomes: new Overwrite({}), output: null };
  }
}

/** Whether a chunk of LangGraph's stream tells what the graph waits for: what is still true of it is told at the end. */
function tellsQuestions(chunk: unknown): boolean {
  const payload: unknown = Array.isArray(chunk) ? chunk.at(-1) : chunk;
  return typeof payload === "object" && payload !== null && privateNames.interrupt in payload;
}

/**
 * What the stream of a run ends with that LangGraph did not bring to its end: all that has settled, and the questions that it
 * waits for, as LangGraph tells them.
 */
function lastChunks(scope: Scope, { streamMode, subgraphs }: CallConfig): unknown[] {
  const { run, spec, frontier } = scope;
  const modes: string[] = streamMode === undefined ? ["updates"] : [streamMode].flat();
  const interrupts = run.questions.open.map(({ id, question }) => ({ id, value: question }));
  const questions = interrupts.length > 0 ? [{ [privateNames.interrupt]: interrupts }] : [];
  const outcomes = run.topology.planned ? run.events.outcomes() : frontier.outcomes;
  const settled = Object.fromEntries(
    Object.entries(outcomes).filter(([, { state }]) => state !== "interrupted"),
  );
  const { output } = outputOf(projectDag(spec), settled);
  return modes.flatMap((mode) => {
    const values = { input: scope.given, outcomes: settled, output };
    const payloads = mode === "values" ? [values, ...questions] : mode === "updates" ? questions : [];
    const isSingle = !Array.isArray(streamMode);
    return payloads.map((payload) => {
      const told: unknown[] = isSingle ? [payload] : [mode, payload];
      return subgraphs ? [[], ...told] : isSingle ? payload : told;
    });
  });
}

/** A command without its answer, which LangGraph does not have to know; what else it says is LangGraph's. */
function withoutAnswer(input: unknown): unknown {
  if (!isCommand(input)) return null;
  const { update, goto } = input as Command;
  const says = update !== undefined || (Array.isArray(goto) ? goto.length > 0 : goto !== undefined);
  return says ? Object.assign(input, { resume: undefined }) : null;
}

function saverOf(graph: PrivateGraph, config: CallConfig): OpaqueSaver | undefined {
  const given = config.configurable?.[privateNames.checkpointer] ?? graph.checkpointer;
  return typeof given === "object" && given !== null ? opaqueSaver(given as BaseCheckpointSaver) : undefined;
}

/** Whether the caller wants to see each node's update; LangGraph shows those of tasks only. */
function streamsUpdates({ streamMode }: CallConfig): boolean {
  const modes = streamMode === undefined ? ["updates"] : [streamMode].flat();
  return modes.some((mode) => mode !== "values" && mode !== "custom" && mode !== "messages");
}

function hasBreakpoints({ graph, config }: Drive): boolean {
  const set = (value: unknown) => value === "*" || (Array.isArray(value) && value.length > 0);
  return [config.interruptBefore, config.interruptAfter, graph.interruptBefore, graph.interruptAfter].some(
    set,
  );
}
