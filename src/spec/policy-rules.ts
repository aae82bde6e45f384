import type { DagIssue } from "../errors.js";
import { longestMs, positiveMs, validateChoice, validateNumber } from "./bounds.js";
import { type Fields, isPlainObject, issue, pathTo, showValue, unknownKeys } from "./issue.js";
import { validateModelName } from "./model-rules.js";
import { kindsStated, type NodeKind } from "./shape.js";

const policyKeys = [
  "retry",
  "timeoutMs",
  "idleTimeoutMs",
  "deadlineMs",
  "onError",
  "fallbackModels",
  "hedge",
  "repairAttempts",
  "maxToolRounds",
] as const;
const retryKeys = [
  "maxAttempts",
  "initialIntervalMs",
  "backoffFactor",
  "maxIntervalMs",
  "jitter",
  "retryOn",
] as const;

/** Issues of a policy; `where` says whose it is: `deadlineMs` is for a run or a spec, not for a node. */
export function validatePolicy(
  policy: unknown,
  path: string,
  { where }: { readonly where: "node" | "run" | "spec" },
): DagIssue[] {
  if (policy === undefined) return [];
  if (!isPlainObject(policy)) return [notAnObject("policy", policy, path)];
  const at = (key: string) => pathTo(path, key);
  const issues = unknownKeys(policy, policyKeys, path);
  if (where === "node" && policy.deadlineMs !== undefined) {
    issues.push(
      issue(
        "deadline-on-node",
        at("deadlineMs"),
        "A node has no deadline.",
        "Set timeoutMs here, or deadlineMs on the spec or the run.",
      ),
    );
  } else {
    issues.push(...validateNumber(policy.deadlineMs, at("deadlineMs"), positiveMs));
  }
  return [
    ...issues,
    ...validateNumber(policy.timeoutMs, at("timeoutMs"), positiveMs),
    ...validateNumber(policy.idleTimeoutMs, at("idleTimeoutMs"), positiveMs),
    ...validateChoice(policy.onError, at("onError"), ["isolate", "fail-fast"]),
    ...validateNumber(policy.repairAttempts, at("repairAttempts"), { min: 0, max: 10, integer: true }),
    ...validateNumber(policy.maxToolRounds, at("maxToolRounds"), { min: 1, max: 100, integer: true }),
    ...validateFallbacks(policy.fallbackModels, at("fallbackModels")),
    ...validateRetry(policy.retry, at("retry")),
    ...validateHedge(policy.hedge, at("hedge")),
    ...validateOrder(policy, path),
  ];
}

/**
 * Issues of a node's policy: those of any policy, and what cannot take effect at a node of its kind.
 * @param node The node, for its kind; one of no or several kinds has an issue of its own.
 */
export function validateNodePolicy(policy: unknown, path: string, node: Fields): DagIssue[] {
  const issues = validatePolicy(policy, path, { where: "node" });
  const [kind, ...others] = kindsStated(node);
  if (!isPlainObject(policy) || kind === undefined || others.length > 0) return issues;
  const effective = effectiveAt[kind];
  if (effective === null) return issues;
  const idle = policyKeys.filter(
    (key) => policy[key] !== undefined && key !== "deadlineMs" && !effective.keys.includes(key),
  );
  return [
    ...issues,
    ...idle.map((key) =>
      issue(
        "policy-without-effect",
        pathTo(path, key),
        `${key} has no effect on ${effective.what}.`,
        effective.hint,
      ),
    ),
  ];
}

type PolicyKey = (typeof policyKeys)[number];

/** Which parts of a policy take effect at a node of each kind; `null` where all do. */
const effectiveAt: Readonly<
  Record<
    NodeKind,
    { readonly keys: readonly PolicyKey[]; readonly what: string; readonly hint: string } | null
  >
> = {
  agent: null,
  function: {
    keys: ["retry", "timeoutMs", "onError"],
    what: "a function, which makes no model requests of its own",
    hint: "Put it on the agents that it is for, or on the spec or the run, which give it to every agent.",
  },
  tool: {
    keys: ["retry", "timeoutMs", "onError"],
    what: "a tool, which makes no model requests of its own",
    hint: "Put it on the agents that it is for, or on the spec or the run, which give it to every agent.",
  },
  graph: {
    keys: ["timeoutMs", "onError"],
    what: "a graph node: what runs are its inner nodes",
    hint: "Put it on the nodes of its DAG, or on that DAG, which gives it to all of them.",
  },
  runnable: {
    keys: ["retry", "timeoutMs", "onError"],
    what: "a runnable, which makes its model requests itself",
    hint: "Set it on the runnable's own model.",
  },
  approval: {
    keys: ["onError"],
    what: "an approval, which waits for a person",
    hint: "Leave it out; a run's or a spec's deadlineMs bounds how long everything may take.",
  },
};

function validateRetry(retry: unknown, path: string): DagIssue[] {
  if (retry === undefined) return [];
  if (!isPlainObject(retry)) return [notAnObject("retry", retry, path)];
  const at = (key: string) => pathTo(path, key);
  const { initialIntervalMs = 500, maxIntervalMs = 30_000, jitter, retryOn } = retry;
  const issues = [
    ...unknownKeys(retry, retryKeys, path),
    ...validateNumber(retry.maxAttempts, at("maxAttempts"), { min: 1, max: 20, integer: true }),
    ...validateNumber(initialIntervalMs, at("initialIntervalMs"), { min: 0, max: longestMs }),
    ...validateNumber(retry.backoffFactor, at("backoffFactor"), { min: 1 }),
    ...validateNumber(maxIntervalMs, at("maxIntervalMs"), { min: 0, max: longestMs }),
  ];
  if (jitter !== undefined && typeof jitter !== "boolean") {
    issues.push(
      issue(
        "bad-value",
        at("jitter"),
        `It has to be true or false, but is ${showValue(jitter)}.`,
        "Use true or false.",
      ),
    );
  }
  const codes = Array.isArray(retryOn) && retryOn.every((code) => typeof code === "string");
  if (retryOn !== undefined && typeof retryOn !== "function" && !codes) {
    issues.push(
      issue(
        "bad-value",
        at("retryOn"),
        `It has to be a list of error codes, but is ${showValue(retryOn)}.`,
        'List codes such as "MODEL_TIMEOUT", or give a function in TypeScript.',
      ),
    );
  }
  if (Number(maxIntervalMs) < Number(initialIntervalMs)) {
    issues.push(
      issue(
        "contradiction",
        at(retry.maxIntervalMs === undefined ? "initialIntervalMs" : "maxIntervalMs"),
        `The longest wait (maxIntervalMs, ${showValue(maxIntervalMs)}) is shorter than the first (initialIntervalMs, ${showValue(initialIntervalMs)}).`,
        "Make maxIntervalMs at least initialIntervalMs.",
      ),
    );
  }
  return issues;
}

function validateHedge(hedge: unknown, path: string): DagIssue[] {
  if (hedge === undefined) return [];
  if (!isPlainObject(hedge)) return [notAnObject("hedge", hedge, path)];
  const at = (key: string) => pathTo(path, key);
  const issues = [
    ...unknownKeys(hedge, ["after", "maxExtraShare"], path),
    ...validateNumber(hedge.maxExtraShare, at("maxExtraShare"), { above: 0, max: 1 }),
  ];
  if (hedge.after === undefined) {
    issues.push(
      issue(
        "missing-field",
        at("after"),
        "A hedge has to say after how long.",
        'Give milliseconds, or "p95".',
      ),
    );
  } else if (hedge.after !== "p95") issues.push(...validateNumber(hedge.after, at("after"), positiveMs));
  return issues;
}

function validateFallbacks(models: unknown, path: string): DagIssue[] {
  if (models === undefined) return [];
  if (!Array.isArray(models)) {
    return [
      issue(
        "bad-value",
        path,
        `It has to be a list of models, but is ${showValue(models)}.`,
        'List models as "provider:name".',
      ),
    ];
  }
  return models.flatMap((model, i) => validateModelName(model, pathTo(path, i)));
}

/** Times that contradict each other: a shorter clock inside a longer one never rings. */
function validateOrder(
  policy: { readonly timeoutMs?: unknown; readonly idleTimeoutMs?: unknown },
  path: string,
): DagIssue[] {
  const { timeoutMs, idleTimeoutMs } = policy;
  if (typeof timeoutMs !== "number" || typeof idleTimeoutMs !== "number" || idleTimeoutMs <= timeoutMs)
    return [];
  return [
    issue(
      "contradiction",
      pathTo(path, "idleTimeoutMs"),
      `The silence that is allowed (${idleTimeoutMs} ms) is longer than the whole attempt (timeoutMs, ${timeoutMs} ms).`,
      "Make idleTimeoutMs at most timeoutMs, or leave it out.",
    ),
  ];
}

function notAnObject(what: string, value: unknown, path: string): DagIssue {
  return issue(
    "bad-value",
    path,
    `${what} has to be an object, but is ${showValue(value)}.`,
    `Write ${what}: { … }, or leave it out.`,
  );
}
