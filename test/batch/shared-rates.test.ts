import { describe, expect, it } from "@jest/globals";
import { type GateLimits, type RateState, takeTurn } from "../../src/batch/engine/shared-rates.js";
import fc from "../support/drawn.js";

const minuteMs = 60_000;

/** Workers that take turns at one document, as fast as they may. */
class Simulation {
  state: RateState | null = null;
  readonly sent: { atMs: number; tokens: number; model: string }[] = [];
  readonly #limits: GateLimits;

  constructor(limits: GateLimits) {
    this.#limits = limits;
  }

  turn(worker: string, atMs: number, asks: number, tokens = 10, model = "openai:m") {
    const answer = takeTurn(
      this.state,
      this.#limits,
      { worker, underWay: {}, corrections: [], asks: Array(asks).fill({ model, tokens }) },
      atMs,
    );
    this.state = answer.state;
    for (const isGranted of answer.granted) if (isGranted) this.sent.push({ atMs, tokens, model });
    return answer;
  }

  /** The most that any minute holds, wherever it is laid. */
  worst(weight: (one: { tokens: number }) => number): number {
    let [worst, sum, from] = [0, 0, 0];
    for (const one of this.sent) {
      sum += weight(one);
      for (let first = this.sent[from]; first !== undefined && first.atMs <= one.atMs - minuteMs; ) {
        sum -= weight(first);
        first = this.sent[++from];
      }
      worst = Math.max(worst, sum);
    }
    return worst;
  }
}

describe("limits that machines share", () => {
  it("hold in any minute, whoever asks when", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 200 }),
        fc.array(
          fc.record({
            worker: fc.constantFrom("a", "b", "c", "d"),
            afterMs: fc.integer({ min: 0, max: 20_000 }),
            asks: fc.integer({ min: 1, max: 120 }),
          }),
          { maxLength: 80 },
        ),
        (requestsPerMinute, turns) => {
          const all = new Simulation({ "": { requestsPerMinute, tokensPerMinute: requestsPerMinute * 7 } });
          let nowMs = 1_700_000_000_000;
          for (const { worker, afterMs, asks } of turns) {
            nowMs += afterMs;
            all.turn(worker, nowMs, asks);
          }
          expect(all.worst(() => 1)).toBeLessThanOrEqual(requestsPerMinute);
          expect(all.worst(({ tokens }) => tokens)).toBeLessThanOrEqual(Math.max(10, requestsPerMinute * 7));
        },
      ),
    );
  });

  it("are used to 95 % where there is enough to do", () => {
    const all = new Simulation({ "": { requestsPerMinute: 600 } });
    const endMs = 10 * minuteMs;
    for (let atMs = 0; atMs < endMs; atMs += 100) all.turn(`w${(atMs / 100) % 4}`, atMs, 20);
    expect(all.worst(() => 1)).toBeLessThanOrEqual(600);
    expect(all.sent.length).toBeGreaterThanOrEqual(600 * 10 * 0.95);
  });

  it("say how long to wait, and that is enough", () => {
    const all = new Simulation({ "": { requestsPerMinute: 3 } });
    expect(all.turn("a", 1000, 4).granted).toEqual([true, true, true, false]);
    const { waitMs, granted } = all.turn("b", 2000, 1);
    expect(granted).toEqual([false]);
    expect(all.turn("b", 2000 + waitMs - 1, 1).granted).toEqual([false]);
    expect(all.turn("b", 2000 + waitMs, 1).granted).toEqual([true]);
  });

  it("count what was really used", () => {
    const all = new Simulation({ "": { tokensPerMinute: 100 } });
    const { slice, granted } = all.turn("a", 0, 2, 60);
    expect(granted).toEqual([true, false]);
    const corrections = [{ model: "openai:m", slice, requests: 0, tokens: -50 }];
    const asks = [{ model: "openai:m", tokens: 60 }];
    const turn = { worker: "a", underWay: {}, corrections, asks };
    expect(takeTurn(all.state, { "": { tokensPerMinute: 100 } }, turn, 10).granted).toEqual([true]);
  });

  it("hold for what is under way on all workers, and forget a worker that is gone", () => {
    const limits = { "": { maxConcurrency: 2 } };
    const asks = [{ model: "openai:m", tokens: 1 }];
    const ask = (state: RateState | null, worker: string, underWay: Record<string, number>, atMs: number) =>
      takeTurn(state, limits, { worker, underWay, corrections: [], asks }, atMs);
    const first = ask(null, "a", { "openai:m": 1 }, 0);
    expect(first.granted).toEqual([true]);
    const second = ask(first.state, "b", {}, 1000);
    expect([second.granted, second.waitMs]).toEqual([[false], Number.POSITIVE_INFINITY]);
    expect(ask(second.state, "b", {}, 16_000).granted).toEqual([true]);
  });

  it("hold back one model without the others", () => {
    const limits = { "openai:slow": { requestsPerMinute: 1 } };
    const asks = ["openai:slow", "openai:slow", "openai:m"].map((model) => ({ model, tokens: 1 }));
    const { granted } = takeTurn(null, limits, { worker: "a", underWay: {}, corrections: [], asks }, 0);
    expect(granted).toEqual([true, false, true]);
  });
});
