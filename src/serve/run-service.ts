import { type BaseCheckpointSaver, MemorySaver } from "@langchain/langgraph";
import { cancelThread } from "../../graphs/thread.js";
import { CancelError, RunCancelled } from "../../nodes/engine/cancel.js";
import { instrumentsInUse, type RemoteSpan, underSpan } from "../../nodes/engine/instrument.js";
import { assertRunOptions } from "../../nodes/engine/run-option-rules.js";
import { parseInput } from "../../nodes/engine/scope.js";
import { errorCode, errorMessage } from "../errors.js";
import type { RunEvent } from "../records/events.js";
import type { RunRecord } from "../records/record.js";
import { type RunDagOptions, resume, resumeWhere, run } from "../run/run.js";
import { fixedSpec } from "../spec/assert-valid.js";
import { didYouMean } from "../spec/did-you-mean.js";
import type { DagSpec } from "../spec/shape.js";
import { ThreadLease } from "../stores/thread-lease.js";
import { callerOf } from "../telemetry/trace-context.js";
import { KeptRuns } from "./kept-runs.js";
import { busy, RequestError } from "./problem.js";
import { newRunId, type RunEntry, RunIndex } from "./run-index.js";
import { RunLookup } from "./run-lookup.js";
import { RunSearch } from "./run-search.js";
import { ServedRun } from "./served-run.js";
import {
  assertNamedApart,
  assertServiceOptions,
  longestMs,
  type ServiceOptions,
  type StartRequest,
  sharedLimits,
} from "./service-options.js";

type Drive = (options: RunDagOptions & { readonly thread: string }) => Promise<RunRecord>;

/** Longest that whoever cancels a run waits for work that pays no heed to its signal, in milliseconds. */
const longestEndingMs = 5000;

/** The runs of a service: those under way, those that wait, those that ended, in memory and at the checkpointer. */
export class RunService {
  readonly specs: ReadonlyMap<string, DagSpec>;
  /** Where runs are found. */
  readonly lookup: RunLookup;
  readonly #options: ServiceOptions;
  readonly #shared: RunDagOptions;
  readonly #onEvent: RunDagOptions["onEvent"];
  readonly #store: BaseCheckpointSaver | null;
  readonly #index: RunIndex | null;
  readonly #runs: KeptRuns;
  readonly #starting = new Set<string>();
  readonly #watchers = new Set<(run: ServedRun, event: RunEvent) => void>();
  readonly #search: RunSearch | null;
  #takingUp: Promise<void> = Promise.resolve();
  #active = 0;
  #stopping = false;
  /** The run that was started last. */
  newest: ServedRun | null = null;

  /** @throws DagValidationError for an invalid spec or invalid options. */
  constructor(specs: readonly DagSpec[], options: ServiceOptions) {
    const { checkpointer, context: _c, maxRuns: _m, keepRuns: _k, keepRunsMs: _ms, ...rest } = options;
    const { takeUp: _t, onNotice: _n, limits, ...own } = rest;
    this.#options = options;
    this.#shared = instrumentsInUse({ ...own, limits: sharedLimits(limits) });
    this.#onEvent = this.#shared.onEvent;
    assertServiceOptions(options);
    const fixed = specs.map(fixedSpec);
    assertNamedApart(fixed);
    for (const spec of fixed) assertRunOptions(spec, { ...own, ...(limits !== undefined && { limits }) });
    this.specs = new Map(fixed.map((spec) => [spec.name, spec]));
    this.#store = checkpointer ?? null;
    const { keepRuns = 1000, keepRunsMs = 300_000 } = options;
    this.#runs = new KeptRuns({ most: keepRuns, longestMs: keepRunsMs, waitingToo: this.#store !== null });
    this.#index = checkpointer === undefined ? null : new RunIndex(checkpointer);
    this.lookup = new RunLookup({
      runs: this.#runs,
      specs: this.specs,
      stored: this.#index && this.#store && { index: this.#index, store: this.#store },
    });
    this.#search =
      this.#index === null || checkpointer === undefined || options.takeUp === false
        ? null
        : new RunSearch({
            index: this.#index,
            store: checkpointer,
            specs: this.specs,
            isHere: (id) => (this.#runs.get(id)?.part ?? null) !== null,
            room: async () => {
              const { maxRuns = 1000 } = options;
              while (this.#active >= maxRuns) await Promise.race(this.#runs.parts());
            },
            goOn: (entry, dag) => this.#goOn(entry, dag, checkpointer),
            notice: (message) => this.#notice(message),
          });
  }

  get stopping(): boolean {
    return this.#stopping;
  }

  /** Runs under way. */
  get active(): number {
    return this.#active;
  }

  /** Hears of every event of every run, before the number that it is told under is given; gives the way to stop. */
  watch(watcher: (run: ServedRun, event: RunEvent) => void): () => void {
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  }

  /** Goes on with the runs that the service before left under way. Resolves once all are begun; never rejects. */
  open(): Promise<void> {
    if (this.#search !== null) this.#takingUp = this.#search.begin();
    return this.#takingUp;
  }

  /** The spec of that name. @throws RequestError 404. */
  specOf(name: string | undefined): DagSpec {
    const names = [...this.specs.keys()];
    if (name === undefined && names.length !== 1) {
      throw new RequestError("REQUEST_INVALID", 400, "The request does not say which graph is to run.", {
        hint: `Name one as "dag": ${names.join(", ")}.`,
      });
    }
    const spec = this.specs.get(name ?? names[0] ?? "");
    if (spec !== undefined) return spec;
    throw new RequestError("DAG_UNKNOWN", 404, `There is no graph ${JSON.stringify(name)} here.`, {
      hint: didYouMean(name ?? "", names),
    });
  }

  /**
   * Starts a run, or goes on with the one that its thread holds. Resolves once it has begun, all checks passed.
   * @throws RequestError, and what `run` throws before anything is run.
   */
  async start({ dag, input, thread, request, caller = callerOf(request) }: StartRequest): Promise<ServedRun> {
    const spec = this.specOf(dag);
    this.#assertRoom();
    // Before anything is written down.
    await parseInput(spec, input);
    const name = thread ?? "";
    if (this.#starting.has(name)) throw busy({ thread: name, isElsewhere: false });
    if (thread !== undefined) this.#starting.add(thread);
    try {
      const known = thread === undefined ? null : await this.lookup.find(thread);
      await known?.settled();
      if (known !== null && (known.part !== null || known.isElsewhere)) throw busy(known);
      const served = known?.dag === spec && known.ended === null ? known : null;
      const id = known?.id ?? newRunId();
      const it =
        served ??
        new ServedRun({
          id,
          thread: thread ?? id,
          dag: spec,
          checkpointer: known?.checkpointer ?? this.#store ?? new MemorySaver(),
          takenUp: known === null ? 0 : known.takenUp + 1,
          startedAt: known?.startedAt ?? new Date().toISOString(),
        });
      it.caller = caller ?? it.caller;
      await this.#drive(it, request, input, (options) => run(spec, input, { ...options, id }));
      return it;
    } finally {
      this.#starting.delete(name);
    }
  }

  /**
   * Goes on with a run that waits. Resolves once it goes on.
   * @throws RequestError 404 for an unknown run, 409 where it waits for nothing or is under way, DagError `ANSWER_INVALID`.
   */
  async answer(
    id: string,
    answer: unknown,
    request: Request | null,
    caller: RemoteSpan | null = callerOf(request),
  ): Promise<ServedRun> {
    this.#assertRoom();
    const it = await this.get(id);
    await it.settled();
    if (it.part !== null || it.isElsewhere) throw busy(it);
    if (!it.waits) throw waitsForNothing(it.state);
    // Another service may have gone on with it, or withdrawn it, at this moment.
    const admits = async () => {
      const now = await this.lookup.stored(it.id);
      if (now !== null && !now.waits) throw waitsForNothing(now.state);
    };
    it.caller = caller ?? it.caller;
    await this.#drive(it, request, undefined, ({ topology: _, ...options }) =>
      resumeWhere(it.dag, { ...options, checkpointer: it.checkpointer, answer }, admits),
    );
    return it;
  }

  /** Cancels a run, under way or waiting; one that has ended stays as it is. */
  async cancel(id: string): Promise<ServedRun> {
    const it = await this.get(id);
    await it.settled();
    if (it.part === null && it.isElsewhere) throw busy(it);
    if (it.part !== null) {
      it.ended = "cancelled";
      it.part.controller.abort(new RunCancelled(it.thread, "The run was cancelled by a request."));
      await Promise.race([it.part.done, later(longestEndingMs)]);
    }
    if (it.part === null && it.isOpen && it.record !== null) await this.#withdraw(it, it.record);
    return it;
  }

  /** The run of that id, or under that thread. @throws RequestError 404. */
  async get(id: string): Promise<ServedRun> {
    const it = await this.lookup.find(id);
    if (it !== null) return it;
    throw new RequestError("RUN_UNKNOWN", 404, `There is no run ${JSON.stringify(id.slice(0, 200))} here.`, {
      hint: "Give the id of its record, or its thread.",
    });
  }

  /** The runs, newest first. Of those that wait, the store is asked whether they still do. */
  async *list(before?: string): AsyncGenerator<RunEntry> {
    await this.#takingUp;
    yield* this.lookup.list(before);
  }

  /** Asks the store whether it answers. Rejects with its error. */
  async ping(): Promise<void> {
    await this.#index?.get("ping");
  }

  /**
   * Takes no more runs, waits for those under way, and ends those that are not done in time: what they have finished is
   * persisted, and the next service goes on with them.
   * @param drainMs How long is waited, in milliseconds.
   */
  async close(drainMs: number): Promise<void> {
    this.#stopping = true;
    this.#search?.end();
    this.lookup.end();
    await this.#takingUp;
    await Promise.race([Promise.all(this.#runs.parts()), later(drainMs)]);
    for (const it of this.#runs.all()) {
      if (it.part === null) continue;
      if (this.#index !== null && it.ended !== "cancelled") {
        it.ended = "suspended";
        it.feed.close();
      }
      it.part.controller.abort(new CancelError("aborted", "The service is being shut down."));
    }
    await Promise.race([Promise.all(this.#runs.parts()), later(longestEndingMs)]);
    await this.#index?.settle();
    for (const it of this.#runs.all()) {
      it.feed.close();
      it.page?.close();
    }
  }

  /** Ends a run that waits. Its thread is held meanwhile: what another service does with it comes before, or not at all. */
  async #withdraw(it: ServedRun, record: RunRecord): Promise<void> {
    const lease = await takenThread(it.checkpointer, it.thread);
    try {
      const now = await this.lookup.stored(it.id);
      if (now !== null && !now.waits) return it.catchUp(now);
      await cancelThread(it.checkpointer, it.thread);
      const error = { code: "ABORTED", message: "The run was cancelled, which ends it for good." };
      const { output, durationMs: atMs } = record;
      const { interrupts: _, ...entry } = it.entry();
      if (this.#index !== null) await this.#index.put({ ...entry, state: "cancelled" });
      it.ended = "cancelled";
      it.state = "cancelled";
      it.record = { ...record, state: "cancelled", interrupts: [], error };
      const event = { type: "run-ended", atMs, state: "cancelled", output, error, interrupts: [] } as const;
      it.feed.add(event);
      for (const watcher of this.#watchers) watcher(it, event);
      it.feed.close();
    } finally {
      await lease.release();
    }
    // An answer that came at this moment is refused.
    await it.part?.done;
  }

  /** Drives one part of a run. Resolves once it has begun; rejects with what is wrong before. */
  async #drive(it: ServedRun, request: Request | null, input: unknown, start: Drive): Promise<void> {
    const before = { state: it.state, known: this.#runs.get(it.id) };
    if (it.part !== null) throw busy(it);
    const { context } = this.#options;
    const controller = new AbortController();
    let entered: Promise<void> | undefined;
    let begun: (entering: Promise<void>) => void = () => {};
    const hasBegun = new Promise<void>((resolve) => {
      begun = resolve;
    });
    // Only now is the thread this process's own: before, another one might have taken the entry for one of a killed service.
    const enter = async () => {
      await this.#index?.put(it.entry(input));
    };
    const work = async () => {
      const given: unknown = typeof context === "function" ? await context(request) : context;
      return start({
        ...underSpan(this.#shared, it.caller),
        ...(given !== undefined && { context: given }),
        checkpointer: it.checkpointer,
        thread: it.thread,
        signal: controller.signal,
        onEvent: (event) => {
          if (entered === undefined) {
            entered = enter();
            begun(entered);
          }
          return this.#told(it, event);
        },
      });
    };
    it.state = "running";
    it.ended = null;
    it.isElsewhere = false;
    it.feed.begin();
    this.#active++;
    this.#runs.keep(it);
    this.newest = it;
    const whole = work();
    const done = whole.then(
      async (record) => {
        await entered?.catch(() => {});
        return this.#settled(it, record);
      },
      () => this.#refused(it, before),
    );
    it.part = { controller, done, begun: Promise.race([hasBegun.catch(() => {}), done]) };
    try {
      await Promise.race([hasBegun, whole]);
    } catch (error) {
      controller.abort(new CancelError("aborted", "The run cannot be entered in the store."));
      await done;
      throw error;
    }
  }

  #told(it: ServedRun, event: RunEvent): unknown {
    if (it.ended === "suspended") return undefined;
    it.feed.add(event);
    for (const watcher of this.#watchers) watcher(it, event);
    return this.#onEvent?.(event);
  }

  async #settled(it: ServedRun, record: RunRecord): Promise<void> {
    if (it.ended !== "suspended") {
      it.record = record;
      it.state = record.state;
      await this.#index?.put(it.entry()).catch((error: unknown) => {
        this.#notice(`The run ${it.id} cannot be entered as ${it.state}: ${errorMessage(error)}`);
      });
    }
    this.#partEnded(it);
  }

  /** It was refused before it began: everything is as it was. */
  async #refused(
    it: ServedRun,
    before: { readonly state: ServedRun["state"]; readonly known: ServedRun | undefined },
  ): Promise<void> {
    if (it.state === "running") it.state = before.state;
    this.#partEnded(it);
    if (before.known === it) return;
    this.#runs.forget(it);
    if (before.known !== undefined) this.#runs.keep(before.known);
  }

  #partEnded(it: ServedRun): void {
    it.part = null;
    it.settledAt = Date.now();
    this.#active--;
    it.feed.end();
    this.#runs.forgetOld();
  }

  #assertRoom(): void {
    if (this.#stopping) {
      throw new RequestError("SERVICE_STOPPING", 503, "The service is being shut down.", {
        hint: "Send the request again to the one that follows it.",
      });
    }
    const { maxRuns = 1000 } = this.#options;
    if (this.#active < maxRuns) return;
    throw new RequestError("SERVICE_BUSY", 503, `${this.#active} runs are under way, which is the most.`, {
      hint: "Send the request again a little later.",
    });
  }

  /** Goes on with a run of the store that nobody drives. Rejects with what is wrong before it begins. */
  async #goOn(entry: RunEntry, dag: DagSpec, store: BaseCheckpointSaver): Promise<void> {
    const it = new ServedRun({ ...entry, dag, checkpointer: store, takenUp: entry.takenUp + 1 });
    it.caller = entry.caller ?? null;
    await this.#drive(it, null, entry.input, async ({ topology, ...options }) => {
      try {
        return await resume(dag, { ...options, checkpointer: store });
      } catch (error) {
        if (errorCode(error) !== "THREAD_UNKNOWN") throw error;
        // It was killed before it wrote anything down.
        const how = topology === undefined ? {} : { topology };
        return run(dag, entry.input, { ...options, ...how, checkpointer: store, id: entry.id });
      }
    });
  }

  #notice(message: string): void {
    this.#options.onNotice?.(message);
  }
}

/** A thread that nobody drives, taken. @throws RequestError 409 where somebody does. */
async function takenThread(store: BaseCheckpointSaver, thread: string): Promise<ThreadLease> {
  try {
    return await ThreadLease.acquire(store, thread, () => {});
  } catch (error) {
    throw errorCode(error) === "THREAD_BUSY" ? busy({ thread, isElsewhere: true }) : error;
  }
}

function waitsForNothing(state: ServedRun["state"]): RequestError {
  return new RequestError("ANSWER_INVALID", 409, `The run waits for no answer: it is ${state}.`);
}

function later(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, Math.min(Math.max(0, ms), longestMs)).unref());
}
