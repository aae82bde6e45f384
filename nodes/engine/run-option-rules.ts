import { type DagIssue, DagValidationError } from "../../src/errors.js";
import { validateLimits } from "../../src/limits/limit-rules.js";
import { layouts } from "../../src/models/prompt-layout.js";
import { validatePrices } from "../../src/records/price-rules.js";
import { didYouMean } from "../../src/spec/did-you-mean.js";
import { isObject, isPlainObject, issue, pathTo, readable, showValue } from "../../src/spec/issue.js";
import { composedName } from "../../src/spec/names.js";
import { validatePolicy } from "../../src/spec/policy-rules.js";
import type { DagSpec } from "../../src/spec/shape.js";
import { validatePlanner } from "../planner/planner-options.js";
import type { RunOptions } from "./run-options.js";

const known: Readonly<Record<keyof RunOptions, true>> = {
  model: true,
  models: true,
  policy: true,
  limits: true,
  prices: true,
  layout: true,
  planner: true,
  warm: true,
  use: true,
  checkpointer: true,
  id: true,
  thread: true,
  reuse: true,
  times: true,
  texts: true,
  context: true,
  signal: true,
  onEvent: true,
};

/** Options of `compile`, `compare` and `resume`, which pass theirs on. */
const alsoKnown = ["topology", "topologies", "repeat", "answer"];

/** Options that are looked for at the top and belong in another one. */
const homes: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ["retry", "timeoutMs", "idleTimeoutMs", "deadlineMs", "onError", "fallbackModels", "hedge"].map((key) => [
      key,
      "policy",
    ]),
  ),
  ...Object.fromEntries(
    [
      ...[
        "maxConcurrency",
        "requestsPerMinute",
        "tokensPerMinute",
        "maxTokens",
        "maxCostUsd",
        "maxModelCalls",
      ],
      ...["limiter", "hedgeStatistics"],
    ].map((key) => [key, "limits"]),
  ),
};

/** Every issue of a run's options; an empty list means that they can be used. Takes any value and never throws. */
export function validateRunOptions(spec: DagSpec, options: unknown): DagIssue[] {
  if (!isObject(options)) {
    return [
      issue("bad-value", "", `Options have to be an object, but are ${showValue(options)}.`, "Write { … }."),
    ];
  }
  return [
    ...unknownOptions(options),
    ...readable("policy", () => validatePolicy(options.policy, "policy", { where: "run" })),
    ...readable("limits", () => validateLimits(options.limits, "limits")),
    ...readable("prices", () => validatePrices(options.prices, "prices")),
    ...readable("planner", () => validatePlanner(options.planner, "planner")),
    ...validateModels(spec, options.models),
    ...validateChoice("layout", options.layout, layouts),
    ...validateChoice("warm", options.warm, ["first-token", "off"]),
    ...validateUse(options.use),
    ...validateSignal(options.signal),
    ...validateObserver(options.onEvent),
    ...validateCheckpointer(options.checkpointer),
    ...validateReuse(options.reuse),
    ...validateRecord("times", options.times),
  ];
}

/**
 * Asserts that a run's options can be used.
 * @throws DagValidationError carrying every issue.
 */
export function assertRunOptions(spec: DagSpec, options: RunOptions): void {
  const issues = validateRunOptions(spec, options);
  if (issues.length > 0) throw new DagValidationError("The options", issues);
}

function unknownOptions(options: object): DagIssue[] {
  const names = [...Object.keys(known), ...alsoKnown];
  return Object.entries(options)
    .filter(([key, value]) => value !== undefined && !names.includes(key))
    .map(([key]) => {
      const home = Object.hasOwn(homes, key) ? homes[key] : undefined;
      const hint = home === undefined ? didYouMean(key, names) : `Write ${home}: { ${key}: … }.`;
      return issue("unknown-option", key, `${showValue(key)} is not an option here.`, hint);
    });
}

function validateModels(spec: DagSpec, models: unknown): DagIssue[] {
  if (models === undefined) return [];
  if (!isPlainObject(models)) {
    const message = `It has to be an object of models by node, but is ${showValue(models)}.`;
    return [issue("bad-value", "models", message, "Write { node: model }.")];
  }
  const names = Object.keys(spec.nodes);
  return Object.keys(models)
    .filter((path) => !path.startsWith("$") && !names.includes(composedName(path.split(/[/[#]/)[0] ?? path)))
    .map((path) => {
      const message = `${showValue(path)} is not a node of "${spec.name}".`;
      return issue("unknown-node", pathTo("models", path), message, didYouMean(path, names));
    });
}

function validateChoice(option: string, value: unknown, choices: readonly string[]): DagIssue[] {
  if (value === undefined || choices.some((choice) => choice === value)) return [];
  const named = choices.map((choice) => `"${choice}"`).join(", ");
  const message = `It has to be one of ${named}, but is ${showValue(value)}.`;
  const hint = typeof value === "string" ? didYouMean(value, choices) : `Write one of ${named}.`;
  return [issue("bad-value", option, message, hint)];
}

function validateUse(use: unknown): DagIssue[] {
  if (use === undefined || (Array.isArray(use) && use.every((one) => typeof one === "function"))) return [];
  return [
    issue("bad-value", "use", `It has to be a list of middleware, but is ${showValue(use)}.`, "Write [ … ]."),
  ];
}

function validateSignal(signal: unknown): DagIssue[] {
  if (signal === undefined || (isObject(signal) && typeof signal.addEventListener === "function")) return [];
  const message = `It has to be an AbortSignal, but is ${showValue(signal)}.`;
  return [issue("bad-value", "signal", message, "Pass the `signal` of an AbortController.")];
}

function validateObserver(onEvent: unknown): DagIssue[] {
  if (onEvent === undefined || typeof onEvent === "function") return [];
  const message = `It has to be a function, but is ${showValue(onEvent)}.`;
  return [issue("bad-value", "onEvent", message, "Write onEvent: (event) => { … }.")];
}

function validateCheckpointer(checkpointer: unknown): DagIssue[] {
  if (checkpointer === undefined || isCheckpointer(checkpointer)) return [];
  const message = `It has to be a LangGraph checkpointer, but is ${showValue(checkpointer)}.`;
  const isOpened = isObject(checkpointer) && isCheckpointer(checkpointer.checkpointer);
  const hint = isOpened
    ? "Pass its `checkpointer`."
    : 'Pass a saver, such as `new MemorySaver()` or the `checkpointer` of `await openCheckpointer("sqlite:FILE")`.';
  return [issue("bad-value", "checkpointer", message, hint)];
}

function isCheckpointer(value: unknown): boolean {
  if (!isObject(value)) return false;
  return ["getTuple", "put", "putWrites"].every((method) => typeof value[method] === "function");
}

function validateReuse(reuse: unknown): DagIssue[] {
  if (isObject(reuse) && isObject(reuse.checkpointer) && typeof reuse.thread === "string") return [];
  return validateRecord("reuse", reuse);
}

function validateRecord(option: string, reuse: unknown): DagIssue[] {
  if (reuse === undefined) return [];
  const fits =
    isObject(reuse) &&
    reuse.version === 1 &&
    isObject(reuse.dag) &&
    isObject(reuse.dag.nodes) &&
    isObject(reuse.outcomes) &&
    Array.isArray(reuse.calls) &&
    Array.isArray(reuse.events);
  if (fits) return [];
  const message = `It has to be the record of an earlier run, but is ${showValue(reuse)}.`;
  return [issue("bad-value", option, message, "Pass what `run` returned, or its JSON, parsed.")];
}
