import { describe, expect, it } from "@jest/globals";
import { validateRunOptions } from "../../nodes/engine/run-option-rules.js";
import { DagValidationError } from "../../src/errors.js";
import { createLimiter } from "../../src/limits/limiter.js";
import { run } from "../../src/run/run.js";
import { defineDag } from "../../src/spec/define.js";
import { replyModel } from "../support/reply-model.js";

const dag = defineDag({ name: "one", nodes: { one: { instructions: "1" } } });

describe("options that cannot be used", () => {
  it.each([
    [{ limits: { maxConcurrency: 0 } }, "limits.maxConcurrency", "out-of-bounds"],
    [{ limits: { maxConcurrency: 1.5 } }, "limits.maxConcurrency", "out-of-bounds"],
    [{ limits: { requestsPerMinute: -1 } }, "limits.requestsPerMinute", "out-of-bounds"],
    [{ limits: { tokensPerMinute: Number.NaN } }, "limits.tokensPerMinute", "out-of-bounds"],
    [{ limits: { maxTokens: Number.POSITIVE_INFINITY } }, "limits.maxTokens", "out-of-bounds"],
    [{ limits: { maxCostUsd: 0 } }, "limits.maxCostUsd", "out-of-bounds"],
    [{ limits: { maxModelCalls: "3" } }, "limits.maxModelCalls", "out-of-bounds"],
    [{ limits: { models: { m: { maxConcurrency: 0 } } } }, "limits.models.m.maxConcurrency", "out-of-bounds"],
    [{ limits: { requestPerMinute: 3 } }, "limits.requestPerMinute", "unknown-option"],
    [{ limits: 3 }, "limits", "bad-value"],
    [{ limits: { limiter: {} } }, "limits.limiter", "bad-value"],
    [{ limits: { limiter: createLimiter(), maxConcurrency: 2 } }, "limits.maxConcurrency", "contradiction"],
    [{ policy: { timeoutMs: 0 } }, "policy.timeoutMs", "out-of-bounds"],
    [{ policy: { deadlineMs: Number.NaN } }, "policy.deadlineMs", "out-of-bounds"],
    [{ policy: { retry: { maxAttempts: 0 } } }, "policy.retry.maxAttempts", "out-of-bounds"],
    [
      { policy: { retry: { initialIntervalMs: 9, maxIntervalMs: 3 } } },
      "policy.retry.maxIntervalMs",
      "contradiction",
    ],
    [{ policy: { timeoutMs: 5, idleTimeoutMs: 9 } }, "policy.idleTimeoutMs", "contradiction"],
    [{ policy: { hedge: { after: -1 } } }, "policy.hedge.after", "out-of-bounds"],
    [{ models: { two: "offline" } }, "models.two", "unknown-node"],
    [{ use: {} }, "use", "bad-value"],
    [{ signal: new AbortController() }, "signal", "bad-value"],
    [{ onEvent: "log" }, "onEvent", "bad-value"],
    [{ reuse: { version: 2 } }, "reuse", "bad-value"],
    [{ polcy: {} }, "polcy", "unknown-option"],
    [{ timeoutMs: 5 }, "timeoutMs", "unknown-option"],
  ])("%j has an issue at %s: %s", (options, path, code) => {
    expect(validateRunOptions(dag, options)).toEqual([
      { path, code, message: expect.any(String), hint: expect.stringMatching(/./) },
    ]);
  });

  it("are told all at once, with what was probably meant, before any model is called", async () => {
    let called = 0;
    const model = replyModel(() => `${called++}`);
    const options = {
      model,
      polcy: {},
      limits: { maxConcurency: 1, maxTokens: -1, maxCost: 1 },
      timeoutMs: 3,
    };
    const running = run(dag, "x", options);
    await expect(running).rejects.toThrow(DagValidationError);
    await expect(running).rejects.toThrow(
      /maxTokens[\s\S]*Did you mean "policy"\?|Did you mean "policy"\?[\s\S]*maxTokens/,
    );
    await expect(running).rejects.toThrow(/Did you mean "maxConcurrency"\?/);
    await expect(running).rejects.toThrow(/Did you mean "maxCostUsd"\?/);
    await expect(running).rejects.toThrow(/Write policy: \{ timeoutMs: … \}/);
    expect(called).toBe(0);
  });
});

it("takes every option that there is", () => {
  const options = {
    topology: "deterministic",
    model: "offline",
    models: { one: "offline", $planner: "offline" },
    policy: { retry: { maxAttempts: 2 }, hedge: { after: "p95" } },
    limits: {
      maxConcurrency: 1,
      requestsPerMinute: 3,
      maxCostUsd: 0.01,
      models: { "openai:m": { tokensPerMinute: 9 } },
    },
    use: [],
    signal: undefined,
  };
  expect(validateRunOptions(dag, options)).toEqual([]);
});
