import type { UsageSums } from "../records/events.js";
import { addUsages, type RunRecord } from "../records/record.js";
import { declaredPath } from "../records/work-id.js";
import { type BatchItem, type BatchItemState, isInputError } from "./item.js";
import { Percentiles } from "./percentiles.js";

/**
 * Why a batch ended: `done` when every input was met; `finished` when it was told to start no more; `aborted` by its signal;
 * `budget` when that was spent; `failures` when there were more than `maxFailures`.
 */
export type BatchEnd = "done" | "finished" | "aborted" | "budget" | "failures";

/** What a batch came to: JSON. */
export interface BatchSummary {
  /** Version of the form. */
  readonly version: 1;
  /** Name of the spec. */
  readonly dag: string;
  /** How every run was wired. */
  readonly topology: string;
  /** Why the batch ended. */
  readonly ended: BatchEnd;
  /** Inputs that were met: the rows of the states below together. */
  readonly total: number;
  /** Rows with all that was asked for. */
  readonly completed: number;
  /** Rows with an output, but not all of it. */
  readonly partial: number;
  /** Rows without an output because a person said no. */
  readonly rejected: number;
  /** Rows without an output. */
  readonly failed: number;
  /** Rows that wait for an answer; they are not done. */
  readonly interrupted: number;
  /** Rows that were ended before they were done. */
  readonly cancelled: number;
  /** Of them, rows that the results file held already. */
  readonly reused: number;
  /** Failed rows whose input could not be used: nothing was sent for them. */
  readonly badInputs: number;
  /** Rows without a result, by the code of their error. */
  readonly errors: Readonly<Record<string, number>>;
  /** Requests and tokens of the rows that were run now. */
  readonly usage: UsageSums;
  /** US dollars of the rows that were run now; `null` when the price of a call is unknown. */
  readonly costUsd: number | null;
  /** Wall time of the batch. */
  readonly durationMs: number;
  /** Of the rows that were run now. Quantiles are true to about 2 %. */
  readonly rows: DurationFigures;
  /** By node, planner and joiner (`$planner`, `$joiner`) included, of the rows that were run now. */
  readonly nodes: Readonly<Record<string, NodeFigures>>;
}

/** How long something took, over the rows in which it was done. */
export interface DurationFigures {
  /** In how many rows it was done. */
  readonly count: number;
  /** The median, in milliseconds. */
  readonly p50Ms: number;
  /** The 95th percentile, in milliseconds. */
  readonly p95Ms: number;
  /** The longest, in milliseconds. */
  readonly maxMs: number;
}

/** What a node took and cost in all rows; what is nested in it is counted with it. */
export interface NodeFigures extends DurationFigures {
  /** Model requests, retries and hedged ones included. */
  readonly modelCalls: number;
  /** All input tokens, those from and into the cache included. */
  readonly inputTokens: number;
  /** All output tokens, those of thoughts included. */
  readonly outputTokens: number;
  /** US dollars; `null` when the price of a call is unknown. */
  readonly costUsd: number | null;
  /** By the code of its error. */
  readonly errors: Readonly<Record<string, number>>;
}

/** What the summary takes from a row's record, by node: small enough to be kept with each row. */
export type RowFigures = Readonly<Record<string, NodeShare>>;

interface NodeShare {
  /** Milliseconds of each time that it ran. */
  readonly times: readonly number[];
  readonly usage: UsageSums;
  /** By the code of its error. */
  readonly errors: Readonly<Record<string, number>>;
}

/** The figures of a record; what is nested in a node is counted with it. */
export function figuresOf({ outcomes, calls }: RunRecord): RowFigures {
  const shares = new Map<string, { times: number[]; usage: UsageSums; errors: Record<string, number> }>();
  const shareOf = (name: string) => {
    const share = shares.get(name) ?? { times: [], usage: addUsages([]), errors: {} };
    shares.set(name, share);
    return share;
  };
  const note = (errors: Record<string, number>, code: string) => {
    errors[code] = (errors[code] ?? 0) + 1;
  };
  for (const [name, outcome] of Object.entries(outcomes)) {
    const share = shareOf(name);
    const { startedAtMs, endedAtMs } = outcome;
    if (startedAtMs !== null && endedAtMs !== null) share.times.push(endedAtMs - startedAtMs);
    if ("error" in outcome) note(share.errors, outcome.error.code);
  }
  for (const call of calls) {
    const [name = call.node] = declaredPath(call.node).split("/");
    const share = shareOf(name);
    share.usage = addUsages([share.usage, { modelCalls: 1, ...call }]);
    // Planner and joiner have no outcome.
    if (name.startsWith("$")) {
      share.times.push(call.durationMs);
      if (call.error !== null) note(share.errors, call.error.code);
    }
  }
  return Object.fromEntries(shares);
}

interface NodeSums {
  readonly times: Percentiles;
  usage: UsageSums;
  readonly errors: Map<string, number>;
}

/** Adds up a batch, row by row, in memory that does not grow with their number. */
export class BatchSums {
  readonly #states = new Map<BatchItemState, number>();
  readonly #errors = new Map<string, number>();
  readonly #nodes = new Map<string, NodeSums>();
  readonly #times = new Percentiles();
  #usage = addUsages([]);
  #reused = 0;
  #badInputs = 0;

  /** Rows that failed, those of earlier batches left out. */
  failedNow = 0;
  /** Rows that were run now. */
  ranNow = 0;

  /** @param figures Of the row's record, where it was run now. */
  add(item: BatchItem, figures = item.record === undefined ? null : figuresOf(item.record)): void {
    count(this.#states, item.state);
    if (item.error !== null) count(this.#errors, item.error.code);
    if (isInputError(item.error?.code)) this.#badInputs++;
    if (item.reused) {
      this.#reused++;
      return;
    }
    this.ranNow++;
    if (item.state === "failed") this.failedNow++;
    this.#usage = addUsages([this.#usage, item.usage]);
    if (figures === null) return;
    this.#times.add(item.durationMs);
    for (const [name, { times, usage, errors }] of Object.entries(figures)) {
      const node = this.#nodeOf(name);
      for (const ms of times) node.times.add(ms);
      node.usage = addUsages([node.usage, usage]);
      for (const [code, times] of Object.entries(errors)) count(node.errors, code, times);
    }
  }

  #nodeOf(name: string): NodeSums {
    let node = this.#nodes.get(name);
    if (node === undefined) {
      node = { times: new Percentiles(), usage: addUsages([]), errors: new Map() };
      this.#nodes.set(name, node);
    }
    return node;
  }

  summary(facts: Pick<BatchSummary, "dag" | "topology" | "ended" | "durationMs">): BatchSummary {
    const of = (state: BatchItemState) => this.#states.get(state) ?? 0;
    const { dag, topology, ended, durationMs } = facts;
    return {
      version: 1,
      dag,
      topology,
      ended,
      total: [...this.#states.values()].reduce((sum, one) => sum + one, 0),
      completed: of("completed"),
      partial: of("partial"),
      rejected: of("rejected"),
      failed: of("failed"),
      interrupted: of("interrupted"),
      cancelled: of("cancelled"),
      reused: this.#reused,
      badInputs: this.#badInputs,
      errors: Object.fromEntries(this.#errors),
      usage: this.#usage,
      costUsd: this.#usage.costUsd,
      durationMs,
      rows: durationsOf(this.#times),
      nodes: Object.fromEntries(
        [...this.#nodes].map(([name, { times, usage, errors }]) => [
          name,
          {
            ...durationsOf(times),
            modelCalls: usage.modelCalls,
            inputTokens: usage.inputTokens,
            outputTokens: usage.outputTokens,
            costUsd: usage.costUsd,
            errors: Object.fromEntries(errors),
          },
        ]),
      ),
    };
  }
}

function durationsOf(times: Percentiles): DurationFigures {
  return { count: times.count, p50Ms: times.at(0.5), p95Ms: times.at(0.95), maxMs: times.max };
}

function count<K>(counts: Map<K, number>, key: K, by = 1): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}
