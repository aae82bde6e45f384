import type { BaseCheckpointSaver } from "@langchain/langgraph";
import type { RemoteSpan } from "../../nodes/engine/instrument.js";
import { createHedgeStatistics } from "../limits/hedge-statistics.js";
import type { LimitOptions } from "../limits/limit-options.js";
import { createLimiter } from "../limits/limiter.js";
import type { RunDagOptions } from "../run/run.js";
import { assertArgument, isObject } from "../spec/issue.js";
import type { DagSpec } from "../spec/shape.js";

/** What is served: a spec, several, or several by any key; they are known by their names. */
export type SpecList = DagSpec | readonly DagSpec[] | Readonly<Record<string, DagSpec>>;

/** A context for all runs (any value that is no function), or a function that makes one for each. */
export type ServiceContext =
  | object
  | string
  | number
  | boolean
  | null
  | ((request: Request | null) => unknown);

/** How a service runs what it serves: the options of `run` for every run, and what holds for all of them together. */
export interface ServiceOptions
  extends Omit<RunDagOptions, "id" | "thread" | "signal" | "reuse" | "context" | "limits"> {
  /**
   * Where runs are persisted, so that they can be answered later, from another process too, and go on when the service was
   * killed. @default in memory, each run for itself
   */
  readonly checkpointer?: BaseCheckpointSaver;
  /** Rates and concurrency of all runs together, and the budget of each. @default no limits; what providers say is shared */
  readonly limits?: LimitOptions;
  /**
   * What functions and tools get as `context`: a value, or a function of the request that starts the run or answers it;
   * of `null` where a run goes on because the service was started again. @default none
   */
  readonly context?: ServiceContext;
  /** Most runs under way at once, at least 1; further ones are refused with status 503. @default 1000 */
  readonly maxRuns?: number;
  /** Most ended runs that stay in memory with all their events; with a checkpointer older ones are read from there. @default 1000 */
  readonly keepRuns?: number;
  /** How long an ended run stays in memory, in milliseconds. @default 300000 */
  readonly keepRunsMs?: number;
  /** Whether runs whose service is gone go on with this one. @default true */
  readonly takeUp?: boolean;
  /** Is told what whoever runs the service should know. @default nobody */
  readonly onNotice?: (message: string) => void;
}

/** What starts a run. */
export interface StartRequest {
  /** Name of the spec; may be left out where there is one. */
  readonly dag: string | undefined;
  readonly input: unknown;
  readonly thread: string | undefined;
  readonly request: Request | null;
  /** The caller's span, where it is told otherwise than by the request's headers. */
  readonly caller?: RemoteSpan | null;
}

/** One limiter for all runs; what is left are budgets of each run. */
export function sharedLimits(limits: LimitOptions = {}): LimitOptions {
  const { maxConcurrency, requestsPerMinute, tokensPerMinute, models, ...own } = limits;
  const rates = { maxConcurrency, requestsPerMinute, tokensPerMinute, models };
  const stated = Object.fromEntries(Object.entries(rates).filter(([, value]) => value !== undefined));
  return {
    ...own,
    limiter: own.limiter ?? createLimiter(stated),
    hedgeStatistics: own.hedgeStatistics ?? createHedgeStatistics(),
  };
}

/** The specs as a list. */
export function listOf(specs: SpecList): readonly DagSpec[] {
  if (Array.isArray(specs)) return specs as readonly DagSpec[];
  assertArgument("createHandler", isObject(specs), ["specs", specs, "a DAG, or a list of them"]);
  const isOne = "nodes" in specs && typeof specs.name === "string";
  return isOne ? [specs as DagSpec] : Object.values(specs as Readonly<Record<string, DagSpec>>);
}
