import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { type Budget, type BudgetNeed, createBudget } from "../../src/limits/budget.js";

const never = new AbortController().signal;
const need = (inputTokens: number, outputTokens: number): BudgetNeed => ({
  model: "m",
  inputTokens,
  outputTokens,
  costUsd: (usage) => usage.inputTokens * 0.001 + usage.outputTokens * 0.002,
});
const budgetOf = (limits: Parameters<typeof createBudget>[0]): Budget => {
  const budget = createBudget(limits);
  if (budget === null) throw new Error("There is a limit.");
  return budget;
};
const isPending = async (promise: Promise<unknown>) =>
  (await Promise.race([promise, Promise.resolve("pending")])) === "pending";

it("is none without a limit", () => {
  expect(createBudget({})).toBeNull();
});

describe("a token budget", () => {
  it("lets a request wait for those under way, which may need less", async () => {
    const budget = budgetOf({ maxTokens: 1000 });
    const first = await budget.reserve(need(100, 800), never);
    const second = budget.reserve(need(100, 400), never);
    expect(await isPending(second)).toBe(true);
    first.settle({ inputTokens: 100, outputTokens: 100 });
    expect((await second).outputTokens).toBe(400);
  });

  it("gives its last tokens whole, then refuses", async () => {
    const budget = budgetOf({ maxTokens: 300 });
    const last = await budget.reserve(need(100, 800), never);
    expect(last.outputTokens).toBe(200);
    last.settle({ inputTokens: 100, outputTokens: 150 });
    await expect(budget.reserve(need(100, 10), never)).rejects.toMatchObject({ code: "BUDGET_SPENT" });
  });

  it("lets an answer grow only while there is room", async () => {
    const budget = budgetOf({ maxTokens: 1000 });
    const answer = await budget.reserve(need(100, 200), never);
    expect([answer.grow(150), answer.grow(500), answer.grow(900), answer.grow(901)]).toEqual([
      true,
      true,
      true,
      false,
    ]);
  });

  it("is given back by a request that was never sent", async () => {
    const budget = budgetOf({ maxTokens: 500, maxModelCalls: 1 });
    (await budget.reserve(need(100, 400), never)).release();
    expect((await budget.reserve(need(100, 400), never)).outputTokens).toBe(400);
  });
});

it("counts model calls, also those under way", async () => {
  const budget = budgetOf({ maxModelCalls: 2 });
  await budget.reserve(need(1, 1), never);
  await budget.reserve(need(1, 1), never);
  await expect(budget.reserve(need(1, 1), never)).rejects.toThrow(/2 model calls were made/);
});

describe("a budget in dollars", () => {
  it("reserves by price", async () => {
    const budget = budgetOf({ maxCostUsd: 1 });
    const first = await budget.reserve(need(100, 200), never);
    const second = budget.reserve(need(100, 300), never);
    expect(await isPending(second)).toBe(true);
    first.settle({ inputTokens: 100, outputTokens: 100 });
    expect((await second).outputTokens).toBe(300);
  });

  it("refuses a model whose price is unknown, and says what to use instead", async () => {
    const budget = budgetOf({ maxCostUsd: 1 });
    await expect(budget.reserve({ ...need(1, 1), costUsd: () => null }, never)).rejects.toThrow(
      /limits\.maxTokens/,
    );
  });
});

it("ends a wait when the signal is aborted, and reserves nothing", async () => {
  const budget = budgetOf({ maxTokens: 100 });
  const first = await budget.reserve(need(50, 50), never);
  const controller = new AbortController();
  const waiting = budget.reserve(need(50, 50), controller.signal);
  controller.abort(new Error("stop"));
  await expect(waiting).rejects.toThrow("stop");
  first.settle({ inputTokens: 0, outputTokens: 0 });
  expect((await budget.reserve(need(50, 50), never)).outputTokens).toBe(50);
});

it("is never overshot by requests that keep to their reservation, and leaves none waiting", async () => {
  const loads = fc.record({
    maxTokens: fc.integer({ min: 1, max: 2000 }),
    requests: fc.array(
      fc.record({
        input: fc.integer({ min: 1, max: 300 }),
        output: fc.integer({ min: 1, max: 600 }),
        used: fc.double({ min: 0, max: 1, noNaN: true }),
        turns: fc.integer({ min: 0, max: 5 }),
      }),
      { minLength: 1, maxLength: 20 },
    ),
  });
  await fc.assert(
    fc.asyncProperty(loads, async ({ maxTokens, requests }) => {
      const budget = budgetOf({ maxTokens });
      let spent = 0;
      await Promise.all(
        requests.map(async ({ input, output, used, turns }) => {
          const reservation = await budget.reserve(need(input, output), never).catch((error) => {
            expect(error.code).toBe("BUDGET_SPENT");
            return null;
          });
          if (reservation === null) return;
          for (let turn = 0; turn < turns; turn++) await Promise.resolve();
          const outputTokens = Math.floor(reservation.outputTokens * used);
          spent += input + outputTokens;
          expect(spent).toBeLessThanOrEqual(maxTokens);
          reservation.settle({ inputTokens: input, outputTokens });
        }),
      );
    }),
  );
});
