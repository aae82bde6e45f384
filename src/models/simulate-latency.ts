import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { DagError } from "../errors.js";
import type { Simulated } from "../records/events.js";
import { assertOptions } from "../spec/issue.js";
import { type LatencyProfile, latencyProfile } from "./latency-profile.js";
import type { ModelChunk, ModelMiddleware, ModelRequest } from "./port.js";
import { loadTokenCounter, type TokenCounter } from "./usage.js";

/** How latency is simulated. */
export interface SimulateLatencyOptions {
  /** Chooses the draws; the same seed gives the same latencies. @default 1 */
  readonly seed?: number;
  /** Real time is divided by this; above 0. @default 1 */
  readonly speed?: number;
}

/** Middleware that says that its latency is simulated, and can be had with other draws. */
export type LatencyMiddleware = ModelMiddleware & {
  /** What is simulated: it stands in the record. */
  readonly simulated: Simulated;
  /** The same profile and speed with another seed. */
  withSeed(seed: number): LatencyMiddleware;
};

/**
 * Middleware that streams any model's replies at a profile's pace: a drawn time to first token, then so many tokens a
 * second, in real time divided by `speed`. Draws depend on seed, node, item, invocation, turn and attempt alone, so the
 * order in which requests are sent changes nothing.
 * @throws DagError `LATENCY_PROFILE_UNKNOWN`, `LATENCY_PROFILE_INVALID`, `SIMULATION_INVALID`.
 */
export function simulateLatency(
  profile: string | LatencyProfile,
  options: SimulateLatencyOptions = {},
): LatencyMiddleware {
  assertOptions("simulateLatency", options);
  const { seed = 1, speed = 1 } = options;
  const drawnFrom = latencyProfile(profile);
  if (!(speed > 0) || !Number.isFinite(speed) || !Number.isFinite(seed)) {
    throw new DagError("SIMULATION_INVALID", `A seed of ${seed} and a speed of ${speed} cannot be used.`, {
      hint: "The speed is a number above 0, the seed any number.",
    });
  }
  const middleware: ModelMiddleware = (model) => ({
    id: model.id,
    async *call(request) {
      const startedAt = performance.now();
      const count = await loadTokenCounter();
      const firstMs = drawTtftMs(drawnFrom, seed, request);
      const perTokenMs = 1000 / drawnFrom.tokensPerSecond;
      let tokens = 0;
      const dueMs = () => (firstMs + Math.max(0, tokens - 1) * perTokenMs) / speed;
      for await (const chunk of model.call(request)) {
        for (const piece of pacedPieces(chunk, count)) {
          tokens += piece.tokens;
          await waitUntil(startedAt + dueMs(), request.signal);
          yield piece.chunk;
        }
      }
      // A reply without a token ends when its first would have come.
      if (tokens === 0) await waitUntil(startedAt + dueMs(), request.signal);
    },
  });
  return Object.assign(middleware, {
    simulated: { profile: drawnFrom.name, seed, speed },
    withSeed: (other: number) => simulateLatency(drawnFrom, { seed: other, speed }),
  });
}

/** A middleware with its seed moved on by `by`, so that another run draws other latencies; any other middleware as it is. */
export function drawnAnew(middleware: ModelMiddleware, by: number): ModelMiddleware {
  if (!("withSeed" in middleware)) return middleware;
  const latency = middleware as LatencyMiddleware;
  return latency.withSeed(latency.simulated.seed + by);
}

/** The time to first token of a request: log-normal around the median, or the slow mode, in milliseconds. */
export function drawTtftMs(profile: LatencyProfile, seed: number, request: LatencyKey): number {
  const { node, item, invocation, turn, attempt, hedged = false } = request;
  const [slow, spread, radius, angle] = uniforms(
    // A planner's first call of a node draws as the node does where no planner calls.
    JSON.stringify([seed, node, item, invocation ?? 0, turn, attempt, hedged]),
  );
  if (slow < (profile.slowShare ?? 0.02)) return profile.ttftMs * (4 + 4 * spread);
  // Box and Muller, "A Note on the Generation of Random Normal Deviates" (1958).
  const normal = Math.sqrt(-2 * Math.log(1 - radius)) * Math.cos(2 * Math.PI * angle);
  return profile.ttftMs * Math.exp(profile.sigma * normal);
}

/** What of a request its latency depends on. */
export type LatencyKey = Pick<ModelRequest, "node" | "item" | "invocation" | "turn" | "attempt" | "hedged">;

function uniforms(key: string): [number, number, number, number] {
  const bytes = createHash("sha256").update(key).digest();
  const at = (index: number) => bytes.readUInt32BE(4 * index) / 2 ** 32;
  return [at(0), at(1), at(2), at(3)];
}

/** A chunk in pieces of about a token each, so that a reply that came at once is streamed. */
export function* pacedPieces(
  chunk: ModelChunk,
  count: TokenCounter,
): Generator<{ chunk: ModelChunk; tokens: number }> {
  if (chunk.type === "text") {
    for (const text of split(chunk.text)) yield { chunk: { type: "text", text }, tokens: count(text) };
  } else if (chunk.type === "tool-call") {
    const [first = "", ...others] = split(chunk.args);
    const named = chunk.name === undefined ? 0 : count(chunk.name);
    yield { chunk: { ...chunk, args: first }, tokens: named + count(first) };
    for (const args of others) {
      yield { chunk: { type: "tool-call", index: chunk.index, args }, tokens: count(args) };
    }
  } else yield { chunk, tokens: 0 };
}

function split(text: string): string[] {
  return text.match(/\s*\S{1,12}|\s+$/gu) ?? [];
}

async function waitUntil(at: number, signal: AbortSignal): Promise<void> {
  const left = at - performance.now();
  if (left <= 0) return;
  try {
    await sleep(left, undefined, { signal });
  } catch (error) {
    throw signal.reason ?? error;
  }
}
