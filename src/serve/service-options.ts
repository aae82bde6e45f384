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

/** Longest that a timer of Node can wait, in milliseconds. */
export const longestMs = 2_147_483_647;

/**
 * Asserts that an option is a whole number; Infinity where there is no `most`.
 * @throws DagValidationError
 */
export function assertCount(
  called: string,
  name: string,
  value: unknown,
  { least, most = Infinity }: { readonly least: number; readonly most?: number },
): void {
  const isCount = typeof value === "number" && (Number.isInteger(value) || value === Infinity);
  const wanted =
    most === Infinity ? `a whole number of at least ${least}` : `a whole number from ${least} to ${most}`;
  assertArgument(called, isCount && value >= least && value <= most, [`options.${name}`, value, wanted]);
}

/** Asserts that what a service itself is told can be used. @throws DagValidationError */
export function assertServiceOptions({
  maxRuns,
  keepRuns,
  keepRunsMs,
  takeUp,
  onNotice,
}: ServiceOptions): void {
  const called = "createHandler";
  if (maxRuns !== undefined) assertCount(called, "maxRuns", maxRuns, { least: 1 });
  if (keepRuns !== undefined) assertCount(called, "keepRuns", keepRuns, { least: 0 });
  if (keepRunsMs !== undefined) assertCount(called, "keepRunsMs", keepRunsMs, { least: 0 });
  const isFlag = takeUp === undefined || typeof takeUp === "boolean";
  assertArgument(called, isFlag, ["options.takeUp", takeUp, "true or false"]);
  const isListener = onNotice === undefined || typeof onNotice === "function";
  assertArgument(called, isListener, ["options.onNotice", onNotice, "a function"]);
}

/** Asserts that no two specs have one name: they are known by it. @throws DagValidationError */
export function assertNamedApart(specs: readonly DagSpec[]): void {
  const byName = new Map<string, DagSpec>();
  for (const spec of specs) {
    const other = byName.get(spec.name);
    const isApart = other === undefined || other === spec;
    assertArgument("createHandler", isApart, ["specs", spec.name, "graphs with a name of their own each"]);
    byName.set(spec.name, spec);
  }
}

/** The specs as a list. */
export function listOf(specs: SpecList): readonly DagSpec[] {
  if (Array.isArray(specs)) return specs as readonly DagSpec[];
  assertArgument("createHandler", isObject(specs), ["specs", specs, "a DAG, or a list of them"]);
  const isOne = "nodes" in specs && typeof specs.name === "string";
  return isOne ? [specs as DagSpec] : Object.values(specs as Readonly<Record<string, DagSpec>>);
}
