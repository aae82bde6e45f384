import { setTimeout } from "node:timers/promises";
import { type LatencyProfile, latencyProfiles } from "../src/models/latency-profile.js";
import type { Model, ModelChunk, ModelRequest } from "../src/models/port.js";
import { drawTtftMs, type LatencyKey } from "../src/models/simulate-latency.js";
import { defineDag } from "../src/spec/define.js";
import type { DagSpec, Node } from "../src/spec/shape.js";

/** gpt-4.1-mini: 661 ms to the first token, sigma .30, 70 tokens a second, 2 % slow at 4 to 8 times the median. */
export const profile = latencyProfiles["gpt-4.1-mini"] as LatencyProfile;
export const perTokenMs = 1000 / profile.tokensPerSecond;

/** Output tokens, as the bench fixes them. */
const specialistTokens = 120;
const answerTokens = 250;
const joinerTokens = 100;

/** One shape: a spec, and the plan that a planner writes for it. */
export interface Shape {
  readonly name: string;
  readonly spec: DagSpec;
  /** The names that are called, in plan order. */
  readonly plan: readonly string[];
  readonly answerTokens: number;
}

/** Deterministic draws of one run: every wait depends on the seed and the name alone. */
export interface Draws {
  readonly seed: number;
  ttftMs(key: LatencyKey): number;
  searchMs(name: string): number;
}

export function drawsOf(seed: number): Draws {
  return {
    seed,
    ttftMs: (key) => drawTtftMs(profile, seed, key),
    searchMs: (name) => {
      let hash = seed * 2654435761;
      for (const char of name) hash = Math.imul(hash ^ char.charCodeAt(0), 16777619);
      const unit = ((hash ^ (hash >>> 15)) >>> 0) / 2 ** 32;
      return 200 + 1300 * unit;
    },
  };
}

/** `current` holds the draws of the run that a search belongs to. */
export function shapesOf(current: () => Draws): readonly Shape[] {
  const search = (name: string): Node => ({
    description: `Searches for ${name}`,
    run: () => setTimeout(current().searchMs(name), `found ${name}`),
  });
  const maths = (needs: readonly string[]): Node => ({ needs, run: () => needs.length });
  const shape = (name: string, nodes: Record<string, Node>, tokens: number): Shape => ({
    name,
    spec: defineDag({ name, nodes } as never) as DagSpec,
    plan: Object.keys(nodes).filter((one) => one !== "answer"),
    answerTokens: tokens,
  });
  const specialists = ["features", "prosCons", "sentiment", "recommend"];
  const review = Object.fromEntries(specialists.map((name) => [name, { instructions: `Do ${name}.` }]));
  const movies = Array.from({ length: 8 }, (_, i) => `movie${i + 1}`);
  const parallel = (n: number) => {
    const searches = Array.from({ length: n }, (_, i) => `search${i + 1}`);
    const sums = searches.map((name, i) => [`maths${i + 1}`, maths([name])] as const);
    return {
      ...Object.fromEntries(searches.map((name) => [name, search(name)])),
      ...Object.fromEntries(sums),
      total: maths(sums.map(([name]) => name)),
      answer: { needs: ["total"], instructions: "Answer." },
    };
  };
  return [
    shape("review", { ...review, answer: { needs: specialists, instructions: "Sum up." } }, answerTokens),
    shape(
      "movie",
      {
        ...Object.fromEntries(movies.map((name) => [name, search(name)])),
        answer: { needs: movies, instructions: "Recommend one." },
      },
      joinerTokens,
    ),
    ...[2, 3, 4, 5].map((n) => shape(`parallel-${n}`, parallel(n), joinerTokens)),
  ];
}

/** When each token of a reply arrives, in milliseconds after the request: the first after the draw. */
export const tokenAtMs = (ttftMs: number, index: number) => ttftMs + index * perTokenMs;

/** A request key with what the draws need. */
export const keyOf = (node: string, turn = 0, invocation: number | null = null): LatencyKey => ({
  node,
  item: null,
  invocation,
  turn,
  attempt: 1,
});

/** Tokens of the messages that a planner writes, as pieces that arrive one by one. */
export interface Scripts {
  /** Plan lines, one list of pieces. */
  readonly plan: readonly string[];
  /** Tool calls: for each its name and the pieces of its arguments. */
  readonly calls: readonly { readonly name: string; readonly args: readonly string[] }[];
}

/** A model that streams fixed replies at the drawn pace, on timers that do not drift. */
export function paceModel(shape: Shape, draws: Draws, scripts: Scripts): Model {
  return {
    id: "bench:paced",
    async *call(request: ModelRequest): AsyncGenerator<ModelChunk> {
      const startedAt = performance.now();
      const { turn } = request;
      const invocation = null;
      const ttft = draws.ttftMs(keyOf(request.node, turn, invocation));
      let tokens = 0;
      const next = () => until(startedAt + tokenAtMs(ttft, tokens++), request.signal);
      if (request.node === "$planner" && request.tools.length === 0) {
        for (const text of scripts.plan) {
          await next();
          yield { type: "text", text };
        }
      } else if (request.node === "$planner" && turn === 0) {
        for (const [index, { name, args }] of scripts.calls.entries()) {
          // The name is a token of its own, before the arguments.
          await next();
          yield { type: "tool-call", index, id: `call_${index}`, name, args: "" };
          for (const piece of args) {
            await next();
            yield { type: "tool-call", index, args: piece };
          }
        }
      } else {
        const count = isAnswer(request.node) ? shape.answerTokens : specialistTokens;
        for (let i = 0; i < count; i += 10) {
          tokens = Math.min(count, i + 10) - 1;
          await next();
          yield { type: "text", text: "word ".repeat(Math.min(10, count - i)) };
        }
      }
      yield { type: "usage", inputTokens: 100, outputTokens: tokens };
      yield { type: "finish", reason: "stop" };
    },
  };
}

const isAnswer = (node: string) => node === "answer" || node === "$planner" || node === "$joiner";

/** Milliseconds that a whole reply takes. */
export const replyMs = (ttftMs: number, tokens: number) => tokenAtMs(ttftMs, tokens - 1);
export const specialistMs = (draws: Draws, name: string) =>
  replyMs(draws.ttftMs(keyOf(name)), specialistTokens);

async function until(at: number, signal: AbortSignal): Promise<void> {
  const left = at - performance.now();
  if (left > 0) await setTimeout(left, undefined, { signal });
}
