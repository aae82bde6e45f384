import { z } from "zod";
import { DagError } from "../errors.js";
import { excerpt, isObject, showValue } from "../spec/issue.js";
import { isDeeperThan, maxDepth } from "../spec/json-value.js";
import type { DagProjection } from "./events.js";
import type { RunRecord } from "./record.js";

/** The version of records and comparisons that this release writes, and the newest that it reads. */
export const recordVersion = 1;

/** What every comparison holds; the rest is figures over its runs. */
export interface RecordedComparison {
  /** Version of the form. */
  readonly version: 1;
  /** The spec, as its records show it. */
  readonly dag: DagProjection;
  /** What every run was given. */
  readonly input: unknown;
  /** What was compared, in the order asked for, with the record of every run. */
  readonly topologies: readonly { readonly topology: string; readonly runs: readonly RunRecord[] }[];
  /** How far the outputs agree. */
  readonly agreement?: unknown;
  /** Which topology suits, and why. */
  readonly advice?: string;
}

/**
 * Makes sure that a value from outside is the record of a run: every field that a report reads, of the type that it has
 * there. Fields that are not known are let through.
 * @param name What the value is called in the message, for example its file.
 * @throws DagError `RECORD_INVALID` that names the first field that is wrong; `VERSION_UNSUPPORTED` for a newer version.
 */
export function assertRecord(value: unknown, name = "The record"): asserts value is RunRecord {
  assertFits(value, { name, what: "record of a run", schema: runRecord });
  assertGraphs(value as RunRecord, name, "");
}

/**
 * As {@link assertRecord}, for readers that look at a few parts only, and take whatever holds those.
 * @param what What the value has to be, for the message: "record of a run".
 * @param parts What they look at, and what each has to be.
 * @throws DagError `RECORD_INVALID` that names the first part that is wrong.
 */
export function assertParts(
  value: unknown,
  what: string,
  parts: Readonly<Record<string, "list" | "object">>,
): void {
  if (!isObject(value))
    throw invalid("The value", what, `it is ${showValue(value)}, and an object is expected`);
  for (const [name, kind] of Object.entries(parts)) {
    const part = value[name];
    if (kind === "list" ? Array.isArray(part) : isObject(part)) continue;
    throw invalid("The value", what, `${name} is ${nameOf(part)} (${kind} expected)`, { path: name });
  }
}

/**
 * As {@link assertRecord}, for a comparison and the records in it.
 * @throws DagError `RECORD_INVALID`, `VERSION_UNSUPPORTED`.
 */
export function assertComparison(
  value: unknown,
  name = "The comparison",
): asserts value is RecordedComparison {
  assertFits(value, { name, what: "comparison", schema: comparison });
  for (const [i, { runs }] of (value as RecordedComparison).topologies.entries())
    for (const [j, run] of runs.entries()) assertGraphs(run, name, `topologies[${i}].runs[${j}].`);
}

/** Whether a value is meant as a comparison rather than as a record. */
export function isMeantAsComparison(value: unknown): boolean {
  return typeof value === "object" && value !== null && "topologies" in value && !("outcomes" in value);
}

const time = z.number().min(0).max(1e15);
const times = time.nullable();
const count = z.number().min(0).max(Number.MAX_SAFE_INTEGER);
/** Values by name. No name is `__proto__`, which would not be looked at. */
const byName = (schema: z.ZodType) =>
  z
    .custom<object>(
      (value) => typeof value !== "object" || value === null || !Object.hasOwn(value, "__proto__"),
      {
        error: "it has a field `__proto__`",
      },
    )
    .pipe(z.record(z.string(), schema));
const texts = byName(z.string());
const problem = z.looseObject({ code: z.string(), message: z.string(), text: z.string().optional() });

/** Whatever there is; older versions of zod take `unknown` for what may be missing too. */
const anything = z.custom<unknown>((value) => value !== undefined, { error: "it is missing" });

const outcome: z.ZodType = z.lazy(() => {
  const settled = {
    readyAtMs: times,
    startedAtMs: times,
    endedAtMs: times,
    attempts: count,
    items: z.array(outcome).optional(),
    invocations: z.array(outcome).optional(),
    outcomes: byName(outcome).optional(),
    rounds: z.array(byName(outcome)).optional(),
    exhausted: z.boolean().optional(),
  };
  return z.discriminatedUnion("state", [
    z.looseObject({ state: z.literal("completed"), value: anything, ...settled }),
    z.looseObject({ state: z.enum(["failed", "timed-out"]), error: problem, ...settled }),
    z.looseObject({ state: z.enum(["skipped", "cancelled", "interrupted"]), reason: problem, ...settled }),
  ]);
});

const projectedNode = z.looseObject({
  hash: z.string(),
  valueHash: z.string().optional(),
  kind: z.enum(["agent", "function", "tool", "graph", "approval", "runnable"]),
  needs: z.array(z.string()),
  join: z.union([z.enum(["all", "settled", "any"]), z.looseObject({})]),
  description: z.string().nullable(),
  conditional: z.boolean(),
  mapped: z.boolean(),
  declared: texts.optional(),
  dag: z.lazy(() => projection).optional(),
});
const projection: z.ZodType = z.looseObject({
  name: z.string(),
  hash: z.string(),
  nodes: byName(projectedNode),
  outputs: z.array(z.string()),
  declared: texts.optional(),
});

const workKey = { node: z.string(), item: count.nullable(), invocation: count.nullable() };
const usageSums = {
  modelCalls: count,
  inputTokens: count,
  outputTokens: count,
  estimated: z.boolean(),
  costUsd: count.nullable(),
};
/** Kinds of tokens that older records do not tell apart. */
const tokenKinds = {
  cachedInputTokens: count.optional(),
  cacheWriteTokens: count.optional(),
  reasoningTokens: count.optional(),
};
const call = z.looseObject({
  id: z.string(),
  ...tokenKinds,
  ...workKey,
  attempt: count,
  model: z.string(),
  startedAtMs: time,
  firstTokenMs: times,
  durationMs: time,
  inputTokens: count,
  outputTokens: count,
  prefix: z.looseObject({ key: z.string(), tokens: count }).optional(),
  waited: z.looseObject({ limitMs: count.optional(), warmMs: count.optional() }).optional(),
  estimated: z.boolean(),
  costUsd: count.nullable(),
  toolCalls: z.array(z.looseObject({ id: z.string(), name: z.string() })),
  finishReason: z.string().nullable(),
  responseModel: z.string().optional(),
  hedged: z.boolean(),
  error: problem.nullable(),
});
const interrupts = z.array(z.looseObject({ node: z.string(), message: z.string() }));
const simulated = z.looseObject({ profile: z.string(), seed: z.number(), speed: z.number() }).nullable();
const state = z.enum(["completed", "partial", "rejected", "failed", "cancelled", "interrupted"]);

/** What each type of event holds; types that are not known are let through, so that newer records can be read. */
const eventFields: Readonly<Record<string, z.ZodType>> = {
  "run-started": z.looseObject({
    id: z.string(),
    thread: z.string().nullable(),
    dag: projection,
    topology: z.string(),
    startedAt: z.string(),
    simulated,
  }),
  "node-ready": z.looseObject(workKey),
  "node-started": z.looseObject({ ...workKey, items: count.optional() }),
  "node-attempt": z.looseObject({ ...workKey, attempt: count, startedAtMs: time, error: problem.nullable() }),
  "tool-ended": z.looseObject({
    ...workKey,
    tool: z.string(),
    call: z.string(),
    startedAtMs: time,
    error: problem.nullable(),
  }),
  "node-progress": z.looseObject(workKey),
  "question-answered": z.looseObject({
    answer: z.looseObject({
      node: z.string(),
      decision: z.string(),
      comment: z.string().nullable(),
      by: z.string().nullable(),
      at: z.string(),
    }),
  }),
  notice: z.looseObject({ code: z.string(), message: z.string() }),
  "call-started": z.looseObject({
    ...workKey,
    call: z.string(),
    attempt: count,
    model: z.string(),
    inputTokens: count.optional(),
  }),
  "call-ended": z.looseObject({ call }),
  "node-settled": z.looseObject({ ...workKey, outcome }),
  "run-ended": z.looseObject({ state, error: problem.nullable(), interrupts }),
};
const event = z
  .looseObject({ type: z.string(), atMs: time, seq: count.optional(), replayed: z.literal(true).optional() })
  .check(({ value, issues }) => {
    const fields = Object.hasOwn(eventFields, value.type) ? eventFields[value.type] : undefined;
    for (const issue of fields?.safeParse(value).error?.issues ?? [])
      issues.push({ ...issue, input: value } as never);
  });

const runRecord = z.looseObject({
  version: z.literal(recordVersion),
  id: z.string(),
  thread: z.string().nullable(),
  dag: projection,
  topology: z.string(),
  startedAt: z.string().refine((text) => !Number.isNaN(Date.parse(text)), "it is no point in time"),
  durationMs: time,
  state,
  error: problem.nullable(),
  outcomes: byName(outcome),
  calls: z.array(call),
  interrupts,
  events: z.array(event),
  usage: z.looseObject({
    ...usageSums,
    ...tokenKinds,
    reused: z.looseObject({ ...usageSums, ...tokenKinds }).optional(),
  }),
  criticalPathMs: time,
  simulated,
});

// Figures follow from the runs: whoever needs them where they are missing works them out.
const figures = z
  .looseObject({
    wallMs: z.looseObject({ median: time, min: time, max: time }),
    criticalPathMs: time,
    modelCalls: count,
    inputTokens: count,
    outputTokens: count,
    costUsd: count.nullable(),
    failures: count,
  })
  .partial();
const comparison = z.looseObject({
  version: z.literal(recordVersion),
  dag: projection,
  topologies: z
    .array(z.looseObject({ topology: z.string(), runs: z.array(runRecord), ...figures.shape }))
    .min(1),
  agreement: z.array(z.looseObject({ topology: z.string() })).optional(),
  advice: z.string().optional(),
});

interface Expected {
  readonly name: string;
  readonly what: string;
  readonly schema: z.ZodType;
}

function assertFits(value: unknown, { name, what, schema }: Expected): void {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw invalid(name, what, `it holds ${nameOf(value)}, and an object is expected`);
  const version = "version" in value ? value.version : undefined;
  if (typeof version === "number" && version > recordVersion) {
    throw new DagError(
      "VERSION_UNSUPPORTED",
      `${name} has version ${version}; this release reads versions up to ${recordVersion}.`,
      { facts: { version, supportedVersion: recordVersion }, hint: "Update agent-dag." },
    );
  }
  if (isDeeperThan(value, mostLevels))
    throw invalid(name, what, `it is nested more than ${mostLevels} levels deep`);
  const [issue] = schema.safeParse(value).error?.issues ?? [];
  if (issue === undefined) return;
  const at = pathText(issue.path);
  const found = nameOf(valueAt(value, issue.path));
  const expected = issue.message.replace(/^Invalid input: /, "").replace(/, received .*$/, "");
  throw invalid(name, what, `${at} is ${found} (${expected})`, { path: at });
}

/**
 * A value of a run as deep as it may be, within as many graphs: deeper data than any run writes would exhaust the stack of whatever
 * reads it.
 */
const mostLevels = maxDepth + 500;

/** Needs that name no node, or that go round in a circle, would mislead or never end whatever walks the graph. */
function assertGraphs(record: RunRecord, name: string, at: string): void {
  assertGraph(record.dag, name, `${at}dag`);
  for (const [i, one] of record.events.entries())
    if (one.type === "run-started") assertGraph(one.dag, name, `${at}events[${i}].dag`);
}

function assertGraph(dag: DagProjection, name: string, at: string): void {
  const nodes = new Map(Object.entries(dag.nodes));
  for (const [node, { needs, dag: inner }] of nodes) {
    const unknown = needs.find((need) => !nodes.has(need));
    if (unknown !== undefined)
      throw invalid(
        name,
        "record of a run",
        `${at}.nodes.${node}.needs names "${unknown}", which is no node of it`,
      );
    if (inner !== undefined) assertGraph(inner, name, `${at}.nodes.${node}.dag`);
  }
  const output = dag.outputs.find((one) => !nodes.has(one));
  if (output !== undefined)
    throw invalid(name, "record of a run", `${at}.outputs names "${output}", which is no node of it`);
  const circle = firstInCircle(nodes);
  if (circle !== undefined)
    throw invalid(name, "record of a run", `the needs of ${at}.nodes.${circle} go round in a circle`);
}

/** The first node whose needs, or what those need, go round in a circle. */
function firstInCircle(
  nodes: ReadonlyMap<string, { readonly needs: readonly string[] }>,
): string | undefined {
  const after = new Map([...nodes.keys()].map((name) => [name, [] as string[]]));
  const open = new Map<string, number>();
  for (const [name, { needs }] of nodes) {
    open.set(name, needs.length);
    for (const need of needs) after.get(need)?.push(name);
  }
  const clear = [...nodes.keys()].filter((name) => open.get(name) === 0);
  // What is added while the list is gone through is come to as well.
  for (const name of clear) {
    open.delete(name);
    for (const next of after.get(name) ?? []) {
      const left = (open.get(next) ?? 0) - 1;
      open.set(next, left);
      if (left === 0) clear.push(next);
    }
  }
  const [first] = open.keys();
  return first;
}

function invalid(name: string, what: string, why: string, facts: Record<string, unknown> = {}): DagError {
  return new DagError("RECORD_INVALID", `${name} is no ${what}: ${why}.`, {
    facts,
    hint: "Give a file that `agent-dag run --json` or `agent-dag compare --json` wrote.",
  });
}

function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, part) =>
      typeof part === "number" ? `${text}[${part}]` : text === "" ? String(part) : `${text}.${String(part)}`,
    "",
  );
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (at, part) =>
      typeof at === "object" && at !== null && Object.hasOwn(at, part)
        ? (at as Record<PropertyKey, unknown>)[part]
        : undefined,
    value,
  );
}

function nameOf(value: unknown): string {
  if (value === undefined) return "missing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  const text = typeof value === "string" ? JSON.stringify(value) : String(value);
  return excerpt(text, 61);
}
