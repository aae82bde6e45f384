import { getEventListeners } from "node:events";
import { describe, expect, it } from "@jest/globals";
import { type Budget, type BudgetNeed, createBudget } from "../../src/limits/budget.js";
import fc from "../support/drawn.js";

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

it("is not made of what is no object of limits", () => {
  expect(() => createBudget(5 as never)).toThrow(/createBudget.*limits.*5.*an object such as/s);
  expect(() => createBudget({}, 3 as never)).toThrow(/createBudget.*3/s);
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

  it("gives its last token, too", async () => {
    const budget = budgetOf({ maxTokens: 101 });
    expect((await budget.reserve(need(100, 5), never)).outputTokens).toBe(1);
  });

  it("is given back by a request that was never sent", async () => {
    const budget = budgetOf({ maxTokens: 500, maxModelCalls: 1 });
    (await budget.reserve(need(100, 400), never)).release();
    expect((await budget.reserve(need(100, 400), never)).outputTokens).toBe(400);
  });
});

describe("what an answer sets aside while it grows", () => {
  it("is twice as much at a time, so that parallel requests see it coming", async () => {
    const budget = budgetOf({ maxTokens: 1000 });
    const answer = await budget.reserve(need(0, 300), never);
    expect(answer.grow(300)).toBe(true);
    const beside = await budget.reserve(need(0, 700), never);
    expect(beside.outputTokens).toBe(700);
    beside.release();
    expect(answer.grow(301)).toBe(true);
    const waiting = budget.reserve(need(0, 401), never);
    expect(await isPending(waiting)).toBe(true);
    answer.settle({ inputTokens: 0, outputTokens: 301 });
    expect((await waiting).outputTokens).toBe(401);
  });

  it("is what is needed where the double does not fit, and stays what it was where neither does", async () => {
    const budget = budgetOf({ maxTokens: 1000 });
    const answer = await budget.reserve(need(100, 500), never);
    expect(answer.grow(700)).toBe(true);
    expect((await budget.reserve(need(0, 200), never)).outputTokens).toBe(200);
    expect(answer.grow(701)).toBe(false);
    expect(answer.grow(700)).toBe(true);
  });

  it("is more than the double where more is needed", async () => {
    const budget = budgetOf({ maxTokens: 1000 });
    const answer = await budget.reserve(need(0, 100), never);
    expect(answer.grow(600)).toBe(true);
    const waiting = budget.reserve(need(0, 401), never);
    expect(await isPending(waiting)).toBe(true);
    answer.release();
    expect((await waiting).outputTokens).toBe(401);
  });
});

it("enters what a request used once, however often it ends", async () => {
  const budget = budgetOf({ maxTokens: 100, maxModelCalls: 2 });
  const request = await budget.reserve(need(10, 20), never);
  request.settle({ inputTokens: 10, outputTokens: 20 });
  request.settle({ inputTokens: 10, outputTokens: 20 });
  request.release();
  expect((await budget.reserve(need(10, 60), never)).outputTokens).toBe(60);
  await expect(budget.reserve(need(1, 1), never)).rejects.toThrow(/2 model calls/);
});

describe("a budget that goes on from an earlier part of a run", () => {
  const used = { modelCalls: 2, inputTokens: 300, outputTokens: 200, costUsd: 0.7 };
  const restOf = async (limits: Parameters<typeof createBudget>[0], how: "used" | "entered") => {
    const budget = createBudget(limits, how === "used" ? { used } : {});
    if (how === "entered") budget?.enter(used);
    return budget as Budget;
  };

  it.each(["used", "entered"] as const)("starts from what was %s", async (how) => {
    const tokens = await restOf({ maxTokens: 1000 }, how);
    expect((await tokens.reserve(need(100, 900), never)).outputTokens).toBe(400);
    const dollars = await restOf({ maxCostUsd: 1 }, how);
    expect((await dollars.reserve(need(100, 900), never)).outputTokens).toBe(100);
    const calls = await restOf({ maxModelCalls: 3 }, how);
    await calls.reserve(need(1, 1), never);
    await expect(calls.reserve(need(1, 1), never)).rejects.toThrow(/3 model calls/);
  });

  it("counts an unknown price as nothing", async () => {
    const unknown = { ...used, costUsd: null };
    const from = createBudget({ maxCostUsd: 1 }, { used: unknown }) as Budget;
    const into = budgetOf({ maxCostUsd: 1 });
    into.enter(unknown);
    for (const budget of [from, into]) {
      expect((await budget.reserve(need(0, 500), never)).outputTokens).toBe(500);
    }
  });
});

describe("a budget is spent", () => {
  it("when nothing is left that a request under way could give back", async () => {
    const budget = budgetOf({ maxTokens: 300 });
    expect(budget.spent).toBe(false);
    const request = await budget.reserve(need(100, 200), never);
    expect(budget.spent).toBe(false);
    request.settle({ inputTokens: 100, outputTokens: 199 });
    expect(budget.spent).toBe(false);
    (await budget.reserve(need(1, 0), never)).settle({ inputTokens: 1, outputTokens: 0 });
    expect(budget.spent).toBe(true);
  });

  it("not while a request under way may give back what another one used too much", async () => {
    for (const limits of [{ maxTokens: 100 }, { maxCostUsd: 0.2 }]) {
      const budget = budgetOf(limits);
      const [first] = [await budget.reserve(need(0, 40), never), await budget.reserve(need(0, 40), never)];
      first.settle({ inputTokens: 0, outputTokens: 80 });
      expect(budget.spent).toBe(false);
    }
  });

  it("when its dollars are", async () => {
    const budget = budgetOf({ maxCostUsd: 1 });
    const request = await budget.reserve(need(0, 500), never);
    expect(budget.spent).toBe(false);
    request.settle({ inputTokens: 0, outputTokens: 500 });
    expect(budget.spent).toBe(true);
  });

  it("when its calls are, of which those under way may turn out not to be sent", async () => {
    const budget = budgetOf({ maxModelCalls: 1 });
    const request = await budget.reserve(need(1, 1), never);
    expect(budget.spent).toBe(false);
    request.settle({ inputTokens: 1, outputTokens: 1 });
    expect(budget.spent).toBe(true);
  });

  it("and gives back what a growing answer had set aside", async () => {
    const budget = budgetOf({ maxTokens: 300 });
    const request = await budget.reserve(need(100, 50), never);
    request.grow(200);
    expect(budget.spent).toBe(false);
    request.settle({ inputTokens: 100, outputTokens: 100 });
    expect(budget.spent).toBe(false);
    expect((await budget.reserve(need(0, 100), never)).outputTokens).toBe(100);
  });
});

describe("what a spent budget says", () => {
  const spent = async (limits: Parameters<typeof createBudget>[0], owner?: "run" | "batch") => {
    const used = { modelCalls: 3, inputTokens: 60, outputTokens: 40, costUsd: 0.5 };
    const budget = createBudget(limits, { used, ...(owner && { owner }) }) as Budget;
    return budget.reserve(need(7, 1), never).then(
      () => "There was room.",
      (error) => error,
    );
  };
  const hint =
    "Raise `limits`, or run again with `reuse` and a budget of its own: what has completed is kept.";

  it.each([
    [{ maxTokens: 100 }, "100 of 100 tokens are used"],
    [{ maxCostUsd: 0.5 }, "0.500000 of 0.5 US dollars are spent"],
    [{ maxModelCalls: 3 }, "3 model calls were made"],
    [{ maxTokens: 100, maxCostUsd: 9 }, "100 of 100 tokens are used"],
    [{ maxTokens: 900_000, maxCostUsd: 0.5 }, "0.500000 of 0.5 US dollars are spent"],
    [{ maxTokens: 107, maxCostUsd: 0.500_001 }, "100 of 107 tokens are used"],
    [{ maxTokens: 108, maxCostUsd: 0.508 }, "0.500000 of 0.508 US dollars are spent"],
    [{ maxTokens: 100, maxCostUsd: 0.500_001 }, "100 of 100 tokens are used"],
  ])("of %j is what, and what to do", async (limits, what) => {
    const error = await spent(limits);
    expect(error).toMatchObject({
      code: "BUDGET_SPENT",
      message: `The run's budget is spent: ${what}. ${hint}`,
      facts: { model: "m", inputTokens: 7 },
    });
  });

  it("names whose it is", async () => {
    expect((await spent({ maxTokens: 1 }, "batch")).message).toMatch(/^The batch's budget is spent: /);
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
    await expect(budget.reserve({ ...need(1, 1), costUsd: () => null }, never)).rejects.toMatchObject({
      code: "BUDGET_PRICE_UNKNOWN",
      message:
        'There is a budget in dollars (`limits.maxCostUsd`), and the price of model "m" is unknown. Use `limits.maxTokens` or `limits.maxModelCalls` instead.',
      facts: { model: "m" },
    });
  });

  it("does not ask for a price where there is none", async () => {
    const budget = budgetOf({ maxTokens: 10 });
    const unknown = { ...need(1, 1), costUsd: () => null };
    expect((await budget.reserve(unknown, never)).outputTokens).toBe(1);
  });

  it("has room without end for what costs nothing", async () => {
    const budget = budgetOf({ maxCostUsd: 1 });
    const free = { ...need(1e9, 1e9), costUsd: () => 0 };
    expect((await budget.reserve(free, never)).outputTokens).toBe(1e9);
  });

  it("has no room for an input that costs too much, though answers cost nothing", async () => {
    const budget = budgetOf({ maxCostUsd: 1, maxTokens: 1e6 });
    const dear = { ...need(1001, 5), costUsd: (usage: { inputTokens: number }) => usage.inputTokens * 0.001 };
    await expect(budget.reserve(dear, never)).rejects.toThrow(/US dollars are spent/);
    expect((await budget.reserve({ ...dear, inputTokens: 1000 }, never)).outputTokens).toBe(5);
  });

  it("lets an answer grow only while there is money for it", async () => {
    const budget = budgetOf({ maxCostUsd: 1 });
    const answer = await budget.reserve(need(100, 100), never);
    // The input costs 0.1 dollars, of the rest there are 450 tokens.
    expect([answer.grow(450), answer.grow(451)]).toEqual([true, false]);
    answer.settle({ inputTokens: 0, outputTokens: 250 });
    const next = await budget.reserve(need(0, 100), never);
    expect([next.grow(251), next.grow(250)]).toEqual([false, true]);
  });

  it("gives the last of its dollars whole, beside the input's price", async () => {
    const budget = budgetOf({ maxCostUsd: 1 });
    expect((await budget.reserve(need(500, 900), never)).outputTokens).toBe(250);
  });

  it("gives as many tokens as the tighter of both budgets has", async () => {
    const tokens = budgetOf({ maxCostUsd: 1, maxTokens: 300 });
    expect((await tokens.reserve(need(100, 900), never)).outputTokens).toBe(200);
    const dollars = budgetOf({ maxCostUsd: 0.5, maxTokens: 900 });
    expect((await dollars.reserve(need(100, 900), never)).outputTokens).toBe(200);
  });

  it("has no room for an answer where the input takes the last of it", async () => {
    const budget = budgetOf({ maxCostUsd: 1 });
    await expect(budget.reserve(need(1000, 5), never)).rejects.toMatchObject({ code: "BUDGET_SPENT" });
    await expect(budget.reserve(need(1001, 0), never)).rejects.toMatchObject({ code: "BUDGET_SPENT" });
    expect((await budget.reserve(need(1000, 0), never)).outputTokens).toBe(0);
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

it("leaves no listener at the signal, however a wait ends", async () => {
  const budget = budgetOf({ maxTokens: 100 });
  const { signal } = new AbortController();
  const first = await budget.reserve(need(50, 50), signal);
  const second = budget.reserve(need(50, 50), signal);
  const third = budget.reserve(need(100, 1), signal);
  expect(getEventListeners(signal, "abort")).toHaveLength(2);
  first.settle({ inputTokens: 0, outputTokens: 0 });
  await second;
  expect(getEventListeners(signal, "abort")).toHaveLength(1);
  (await second).settle({ inputTokens: 50, outputTokens: 50 });
  await expect(third).rejects.toMatchObject({ code: "BUDGET_SPENT" });
  expect(getEventListeners(signal, "abort")).toEqual([]);
});

it("does not begin to wait with a signal that was aborted before", async () => {
  const budget = budgetOf({ maxTokens: 100 });
  await expect(budget.reserve(need(50, 50), AbortSignal.abort("before"))).rejects.toBe("before");
  expect((await budget.reserve(need(50, 50), never)).outputTokens).toBe(50);
});

it("lets those behind a wait that was given up go at once", async () => {
  const budget = budgetOf({ maxTokens: 100 });
  await budget.reserve(need(20, 20), never);
  const controller = new AbortController();
  const large = budget.reserve(need(50, 50), controller.signal);
  const small = budget.reserve(need(10, 10), never);
  expect(await isPending(small)).toBe(true);
  controller.abort("enough");
  await expect(large).rejects.toBe("enough");
  expect((await small).outputTokens).toBe(10);
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
