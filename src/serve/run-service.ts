import { type BaseCheckpointSaver, MemorySaver } from "@langchain/langgraph";
import { CancelError } from "../../nodes/engine/cancel.js";
import { instrumentsInUse, type RemoteSpan, underSpan } from "../../nodes/engine/instrument.js";
import { assertRunOptions } from "../../nodes/engine/run-option-rules.js";
import { parseInput } from "../../nodes/engine/scope.js";
import { errorCode, errorMessage } from "../errors.js";
import type { RunEvent } from "../records/events.js";
import type { RunRecord } from "../records/record.js";
import { type RunDagOptions, resume, run } from "../run/run.js";
import { fixedSpec } from "../spec/assert-valid.js";
import { didYouMean } from "../spec/did-you-mean.js";
import type { DagSpec } from "../spec/shape.js";
import { callerOf } from "../telemetry/trace-context.js";
import { KeptRuns } from "./kept-runs.js";
import { busy, RequestError } from "./problem.js";
import { isRunName, newRunId, type RunEntry, RunIndex } from "./run-index.js";
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
import { readServedRun } from "./stored-runs.js";

type Drive = (options: RunDagOptions & { readonly thread: string }) => Promise<RunRecord>;

/** Longest that whoever cancels a run waits for work that pays no heed to its signal, in milliseconds. */
const longestEndingMs = 5000;

/** A run that another process drives is looked at in the store this often while somebody follows it, in milliseconds. */
const lookEveryMs = 500;

/** The runs of a service: those under way, those that wait, those that ended, in memory and at the checkpointer. */
export class RunService {
  readonly specs: ReadonlyMap<string, DagSpec>;
  readonly #options: ServiceOptions;
  readonly #shared: RunDagOptions;
  readonly #onEvent: RunDagOptions["onEvent"];
  readonly #store: BaseCheckpointSaver | null;
  readonly #index: RunIndex | null;
  readonly #runs: KeptRuns;
  readonly #starting = new Set<string>();
  readonly #watchers = new Set<(run: ServedRun, event: RunEvent) => void>();
  readonly #search: RunSearch | null;
  readonly #followed = new Set<ServedRun>();
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

  /** The events of a run after a number, as they happen, whichever process drives it. */
  read(it: ServedRun, after: number, signal: AbortSignal): AsyncGenerator<RunEvent> {
    if (it.part === null && this.#store !== null) void this.#follow(it);
    return it.feed.read(after, () => it.isOpen, signal);
  }

  /** Whether another process on the same store may have told an event of a run under this number. */
  mayHaveTold(it: ServedRun, number: number): boolean {
    return number < it.feed.last || (this.#store !== null && it.feed.mayBeOfAnother(number));
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
      const known = thread === undefined ? null : await this.#find(thread);
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
    if (!it.waits) {
      throw new RequestError("ANSWER_INVALID", 409, `The run waits for no answer: it is ${it.state}.`);
    }
    it.caller = caller ?? it.caller;
    await this.#drive(it, request, undefined, ({ topology: _, ...options }) =>
      resume(it.dag, { ...options, checkpointer: it.checkpointer, answer }),
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
      it.part.controller.abort(new CancelError("aborted", "The run was cancelled by a request."));
      await Promise.race([it.part.done, later(longestEndingMs)]);
    } else if (it.isOpen && it.record !== null) {
      it.ended = "cancelled";
      it.state = "cancelled";
      const error = { code: "ABORTED", message: "The run was cancelled while nothing of it was under way." };
      it.record = { ...it.record, state: "cancelled", interrupts: [], error };
      const { output, durationMs } = it.record;
      const atMs = durationMs;
      const event = { type: "run-ended", atMs, state: "cancelled", output, error, interrupts: [] } as const;
      await this.#index?.put(it.entry());
      it.feed.add(event);
      for (const watcher of this.#watchers) watcher(it, event);
      it.feed.close();
    }
    return it;
  }

  /** The run of that id, or under that thread. @throws RequestError 404. */
  async get(id: string): Promise<ServedRun> {
    const it = await this.#find(id);
    if (it !== null) return it;
    throw new RequestError("RUN_UNKNOWN", 404, `There is no run ${JSON.stringify(id.slice(0, 200))} here.`, {
      hint: "Give the id of its record, or its thread.",
    });
  }

  /** The runs, newest first. Of those that wait, the store is asked whether they still do. */
  async *list(before?: string): AsyncGenerator<RunEntry> {
    await this.#takingUp;
    if (this.#index === null) {
      const all = this.#runs.all().map((it) => it.entry());
      for (const entry of all.sort((a, b) => (a.id < b.id ? 1 : -1)))
        if (before === undefined || entry.id < before) yield entry;
      return;
    }
    for await (const entry of this.#index.list(before)) {
      const it = this.#runs.get(entry.id);
      if (it !== undefined && (it.part !== null || !it.isOpen)) yield it.entry();
      else if (entry.state !== "interrupted") yield entry;
      else yield (await this.#find(entry.id))?.entry() ?? entry;
    }
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
    await this.#takingUp;
    await Promise.race([Promise.all(this.#runs.parts()), later(drainMs)]);
    for (const it of this.#runs.all()) {
      if (it.part === null) continue;
      if (this.#index !== null) {
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

  /** In memory, or else as the store has it; there too where more may have happened in another process. */
  async #find(id: string): Promise<ServedRun | null> {
    const here = this.#runs.get(id);
    if (here !== undefined && (here.part !== null || !here.isOpen)) return here;
    const now = await this.#stored(id);
    if (now === null) return here ?? null;
    const again = this.#runs.get(now.id);
    if (again === undefined) {
      // Whoever reads many old runs fills nothing.
      this.#runs.forgetOld();
      this.#runs.keep(now);
    } else if (again.part === null) again.catchUp(now);
    return again ?? now;
  }

  async #stored(id: string): Promise<ServedRun | null> {
    if (this.#index === null || this.#store === null || !isRunName(id)) return null;
    return readServedRun({ id, index: this.#index, store: this.#store, specs: this.specs });
  }

  /** Tells those who follow a run what another process does with it, until they have gone or it goes on here. */
  async #follow(it: ServedRun): Promise<void> {
    if (this.#followed.has(it)) return;
    this.#followed.add(it);
    for (let waitMs = lookEveryMs; ; ) {
      await later(waitMs);
      if (it.feed.readers === 0 || it.part !== null || !it.isOpen || this.#stopping) break;
      const from = performance.now();
      // A store that fails is asked again.
      const now = await this.#stored(it.id).catch(() => null);
      waitMs = Math.max(lookEveryMs, 10 * (performance.now() - from));
      if (now !== null && it.part === null) it.catchUp(now);
    }
    this.#followed.delete(it);
    if (this.#stopping) it.feed.close();
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
      if (it.ended === "cancelled" && record.state === "interrupted") {
        it.record = { ...record, state: "cancelled", interrupts: [] };
      }
      it.state = it.record.state;
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
    it.state = before.state;
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

function later(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, Math.min(Math.max(0, ms), longestMs)).unref());
}
