import { createHash } from "node:crypto";
import { DagError } from "../errors.js";
import { waitMs } from "../limits/wait.js";
import { assertArgument, assertOptions, isObject } from "../spec/issue.js";
import type { ModelChunk, ModelMiddleware, ModelRequest } from "./port.js";

/** What can go wrong with a model request, as the adapter of a real model would tell it. */
export type Fault =
  | "rate-limited"
  | "server-error"
  | "unauthorized"
  | "bad-request"
  | "not-found"
  | "unreachable"
  | "connection-lost"
  | "stream-cut"
  | "stalled"
  | "bad-response"
  | "content-filter"
  | "cut-at-length"
  | "not-json"
  | "wrong-shape"
  | "unknown-tool"
  | "invalid-tool-arguments";

/** One line of a plan: which requests fail, and how. Without `call` and `rate` it is every request that it names. */
export interface FaultRule {
  /** What goes wrong. */
  readonly fault: Fault;
  /** Node whose requests fail; nested nodes as `outer/inner`. @default every node */
  readonly node?: string;
  /** Which request of the node fails, counted from 1 with retries and repairs; a list for several. */
  readonly call?: number | readonly number[];
  /** Share of the requests that fail, from 0 to 1; drawn from the seed, the node and the request. */
  readonly rate?: number;
  /** What a `rate-limited` reply asks to wait, in milliseconds, at least 0. @default nothing is asked */
  readonly retryAfterMs?: number;
}

const faultNames: Readonly<Record<Fault, true>> = {
  "rate-limited": true,
  "server-error": true,
  unauthorized: true,
  "bad-request": true,
  "not-found": true,
  unreachable: true,
  "connection-lost": true,
  "stream-cut": true,
  stalled: true,
  "bad-response": true,
  "content-filter": true,
  "cut-at-length": true,
  "not-json": true,
  "wrong-shape": true,
  "unknown-tool": true,
  "invalid-tool-arguments": true,
};

/**
 * Middleware that makes model requests fail as planned, to test what a graph does then. The first rule that fits a request
 * counts. The same plan and seed fail the same requests, in whatever order they come.
 * @param options `seed` draws which requests fail under a `rate`; 1 by default.
 * @throws DagError `FAULTS_INVALID` for a plan that cannot be meant.
 */
export function faults(
  plan: readonly FaultRule[],
  options: { readonly seed?: number } = {},
): ModelMiddleware {
  assertPlan(plan);
  assertOptions("faults", options);
  const { seed = 1 } = options;
  const counts = new Map<string, number>();
  const draws = new Map<string, number>();
  return (model) => ({
    id: model.id,
    async *call(request) {
      const nth = next(counts, request.node);
      const { node, item, invocation, turn } = request;
      const work = [node, item, invocation, turn].join("|");
      const draw = drawOf(`${seed}|${work}|${next(draws, work)}`);
      const rule = plan.find((one) => fits(one, request, nth, draw));
      if (rule === undefined) yield* model.call(request);
      else yield* fail(rule, model.id, request, () => model.call(request));
    },
  });
}

function next(counts: Map<string, number>, key: string): number {
  const count = (counts.get(key) ?? 0) + 1;
  counts.set(key, count);
  return count;
}

/** A number from 0 to below 1. */
function drawOf(text: string): number {
  return createHash("sha256").update(text).digest().readUInt32BE(0) / 2 ** 32;
}

function fits(rule: FaultRule, request: ModelRequest, nth: number, draw: number): boolean {
  if (rule.node !== undefined && rule.node !== request.node) return false;
  if (rule.call !== undefined && ![rule.call].flat().includes(nth)) return false;
  return rule.rate === undefined || draw < rule.rate;
}

type Refusal = readonly [code: string, what: string, retryable: boolean, status?: number];

const refusals: Partial<Record<Fault, Refusal>> = {
  "rate-limited": ["MODEL_RATE_LIMITED", "answered 429: slow down", true, 429],
  "server-error": ["MODEL_SERVER_ERROR", "answered 500: it broke", true, 500],
  unauthorized: ["MODEL_UNAUTHORIZED", "answered 401: the key is not valid", false, 401],
  "bad-request": ["MODEL_BAD_REQUEST", "answered 400: the request is not valid", false, 400],
  "not-found": ["MODEL_NOT_FOUND", "answered 404: there is no such model", false, 404],
  unreachable: ["MODEL_UNREACHABLE", "cannot be reached (ECONNREFUSED)", true],
  "connection-lost": ["MODEL_CONNECTION_LOST", "lost the connection", true],
  "bad-response": ["MODEL_BAD_RESPONSE", "sent a reply that cannot be read", true],
  "content-filter": ["MODEL_CONTENT_FILTERED", "withheld its reply (content_filter)", false],
};

async function* fail(
  rule: FaultRule,
  model: string,
  request: ModelRequest,
  answer: () => AsyncIterable<ModelChunk>,
): AsyncGenerator<ModelChunk> {
  const { fault, retryAfterMs } = rule;
  const refusal = refusals[fault];
  if (refusal !== undefined) {
    const [code, what, retryable, status] = refusal;
    const asked = retryAfterMs === undefined || fault !== "rate-limited" ? {} : { retryAfterMs };
    throw new DagError(code, `Model "${model}" ${what} (an injected fault).`, {
      retryable,
      facts: { model, injected: true },
      ...asked,
      ...(status !== undefined && { status }),
    });
  }
  if (fault === "stalled" || fault === "stream-cut" || fault === "cut-at-length") {
    yield* firstPiece(answer());
    if (fault === "stalled") await waitMs(longestMs, request.signal);
    if (fault === "cut-at-length") {
      yield { type: "finish", reason: "length" };
      return;
    }
    throw new DagError("MODEL_STREAM_CUT", `The reply of model "${model}" was cut (an injected fault).`, {
      retryable: true,
      facts: { model, injected: true },
    });
  }
  if (fault === "not-json" || fault === "wrong-shape") {
    yield { type: "text", text: fault === "not-json" ? "This is { not JSON" : '{"unexpected":[null]}' };
    yield { type: "finish", reason: "stop" };
    return;
  }
  const [tool] = request.tools;
  const name = fault === "unknown-tool" || tool === undefined ? "no_such_tool" : tool.name;
  yield {
    type: "tool-call",
    index: 0,
    id: "injected",
    name,
    args: fault === "unknown-tool" ? "{}" : '{"a": ',
  };
  yield { type: "finish", reason: "tool_calls" };
}

const longestMs = 2_147_483_647;

/** Half of the first text of a reply, then nothing more. */
async function* firstPiece(stream: AsyncIterable<ModelChunk>): AsyncGenerator<ModelChunk> {
  for await (const chunk of stream) {
    if (chunk.type !== "text") continue;
    yield { type: "text", text: chunk.text.slice(0, Math.ceil(chunk.text.length / 2)) };
    return;
  }
}

function assertPlan(plan: readonly FaultRule[]): void {
  const isPlan = Array.isArray(plan) && plan.every(isObject);
  assertArgument("faults", isPlan, ["plan", plan, 'a list of rules such as { fault: "error" }']);
  for (const [i, { fault, rate = 0, call = 1 }] of plan.entries()) {
    const wrong = !Object.hasOwn(faultNames, fault)
      ? `has no fault "${fault}"; there are ${Object.keys(faultNames).join(", ")}`
      : !(rate >= 0 && rate <= 1)
        ? `has a rate of ${rate}; it has to be from 0 to 1`
        : [call].flat().every((nth) => Number.isInteger(nth) && nth >= 1)
          ? null
          : `has a call of ${String(call)}; calls are counted from 1`;
    if (wrong === null) continue;
    throw new DagError("FAULTS_INVALID", `Rule ${i} of the fault plan ${wrong}.`, { facts: { rule: i } });
  }
}
