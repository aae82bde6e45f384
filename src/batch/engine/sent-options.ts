import { callerIn, isInstrument } from "../../../nodes/engine/instrument.js";
import type { DagIssue } from "../../errors.js";
import { latencyProfiles } from "../../models/latency-profile.js";
import type { LatencyMiddleware } from "../../models/simulate-latency.js";
import type { RunDagOptions } from "../../run/run.js";
import { isPlainObject, issue, showValue } from "../../spec/issue.js";
import type { RunManyOptions } from "../batch-options.js";
import type { BatchSettings } from "./batch-document.js";

/** Options of `run` that are sent to the workers: JSON. */
const sent = [
  "model",
  "models",
  "policy",
  "limits",
  "prices",
  "layout",
  "warm",
  "planner",
  "texts",
  "reuse",
  "times",
] as const;

/** Options that only a process of its own can have, and where they are given instead. */
const kept: Readonly<Record<string, string>> = {
  use: "Give it to the workers: runWorker(spec, { use }).",
  context: "Give it to the workers: runWorker(spec, { context }).",
  onEvent: "Give it to the workers: runWorker(spec, { onEvent }).",
  checkpointer: "Leave it out: rows are kept in the engine's own store; another one is given to the workers.",
  id: "Leave it out: each row's run has an id of its own.",
};

/** Limits that live in one process. */
const ownLimits = ["limiter", "budget", "hedgeStatistics", "warmth", "place"];

/** What a batch's options come to at the workers, and every issue of those that cannot be sent. */
export function sentOptions(
  options: RunManyOptions,
  runOptions: RunDagOptions,
): { readonly settings: BatchSettings; readonly issues: DagIssue[] } {
  const given = runOptions as Readonly<Record<string, unknown>>;
  const { limits: givenLimits } = runOptions;
  const limits = Object.fromEntries(
    Object.entries(givenLimits ?? {}).filter(([name]) => !ownLimits.includes(name)),
  );
  const simulated = (runOptions.use ?? []).filter(isSimulated);
  // What traces runs is needed where they run; what it would put them under is sent.
  const others = (runOptions.use ?? []).filter((one) => !isSimulated(one) && !isInstrument(one));
  const caller = callerIn(runOptions);
  const issues = [
    ...Object.entries(kept)
      .filter(([name]) => given[name] !== undefined && (name !== "use" || others.length > 0))
      .filter(([name]) => name !== "onEvent" || !isInstrument(given.onEvent))
      .map(([name, hint]) => cannotBeSent(name, hint)),
    ...ownLimits
      .filter((name) => (runOptions.limits as Record<string, unknown> | undefined)?.[name] !== undefined)
      .map((name) =>
        cannotBeSent(`limits.${name}`, "State the limits themselves: they are shared through the engine."),
      ),
    ...sent.flatMap((name) =>
      isJson(name === "limits" ? limits : given[name])
        ? []
        : [
            cannotBeSent(
              name,
              'Give JSON: models by name ("provider:name"), or leave it to the graph and to runWorker.',
            ),
          ],
    ),
  ];
  const [simulate] = simulated;
  const settings: BatchSettings = {
    options: Object.fromEntries(
      sent.filter((name) => given[name] !== undefined).map((name) => [name, given[name]]),
    ),
    simulate: simulate?.simulated ?? null,
    // Texts are kept to be looked at in records.
    keepsRecords: options.records !== undefined || runOptions.texts === true,
    maxFailures: options.maxFailures ?? null,
    ...(caller !== null && { caller }),
  };
  return { settings, issues };
}

/** Simulated latency of a profile that every worker knows is told by its name. */
function isSimulated(one: unknown): one is LatencyMiddleware {
  return (
    typeof one === "function" &&
    "simulated" in one &&
    Object.hasOwn(latencyProfiles, (one as LatencyMiddleware).simulated.profile)
  );
}

function cannotBeSent(path: string, hint: string): DagIssue {
  return issue(
    "bad-value",
    path,
    `${showValue(path)} cannot be sent to the workers of an engine, which are processes of their own.`,
    hint,
  );
}

function isJson(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  if (Array.isArray(value)) return value.every(isJson);
  if (isPlainObject(value)) return Object.values(value).every(isJson);
  return typeof value === "string" || typeof value === "boolean" || Number.isFinite(value);
}
