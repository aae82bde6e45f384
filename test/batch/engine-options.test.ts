import { describe, expect, it } from "@jest/globals";
import { cancelBatch, defineDag, followBatch, forgetBatch, runMany, runWorker } from "agent-dag";
import { simulateLatency } from "agent-dag/testing";
import { sentOptions } from "../../src/batch/engine/sent-options.js";
import { cli } from "../cli/cli-run.js";
import { replyModel } from "../support/reply-model.js";

const dag = defineDag({ name: "sent", nodes: { a: { instructions: "Say." } } });
const nowhere = "redis://me:s3cret@127.0.0.1:1/0";

describe("options of a worker and of whoever looks on", () => {
  it.each<[string, () => Promise<unknown>, RegExp]>([
    ["no engine", () => runWorker(dag, {} as never), /undefined names no engine/],
    ["no options", () => runWorker(dag, undefined as never), /undefined names no engine/],
    [
      "no options to follow with",
      () => followBatch("x", undefined as never).summary,
      /undefined names no engine/,
    ],
    ["no engine to cancel at", () => cancelBatch("x", {} as never), /undefined names no engine/],
    ["no engine to forget at", () => forgetBatch("x", { engine: 5 as never }), /5 names no engine/],
    [
      "no rows at once",
      () => runWorker(dag, { engine: nowhere, concurrency: 0 }),
      /concurrency: .*at least 1, but is 0/,
    ],
  ])("are refused in words: %s", async (_, call, message) => {
    await expect(call()).rejects.toThrow(message);
  });
});

describe("a batch for an engine", () => {
  it("sends what is data, simulated latency by its name", () => {
    const options = {
      model: "openai:m",
      limits: { requestsPerMinute: 5, models: { "openai:m": { maxConcurrency: 2 } } },
      policy: { retry: { maxAttempts: 2 } },
      use: [simulateLatency("gpt-4.1-mini", { seed: 3, speed: 100 })],
      maxFailures: "5%",
      records: "folder",
    } as const;
    const { maxFailures, records, ...runOptions } = options;
    const { settings, issues } = sentOptions({ ...options, maxFailures, records }, runOptions);
    expect(issues).toEqual([]);
    expect(JSON.parse(JSON.stringify(settings))).toEqual({
      options: { model: "openai:m", limits: options.limits, policy: options.policy },
      simulate: { profile: "gpt-4.1-mini", seed: 3, speed: 100 },
      keepsRecords: true,
      maxFailures: "5%",
    });
  });

  it.each([
    ["use", { use: [(model: never) => model] }],
    ["context", { context: { db: 1 } }],
    ["onEvent", { onEvent: () => {} }],
    ["model", { model: replyModel() }],
    ["limits.limiter", { limits: { limiter: { acquire: () => {}, waiting: 0, active: 0 } } }],
    ["policy", { policy: { retry: { retryOn: () => true } } }],
  ])("refuses what only this process has, and says where it goes: %s", async (path, options) => {
    const { summary } = runMany(dag, ["x"], { engine: nowhere, ...options } as never);
    const error = await summary.catch((reason) => reason);
    expect(error.issues.map((one: { path: string }) => one.path)).toEqual([path]);
    expect(error.message).toMatch(/cannot be sent to the workers/);
    expect(error.message).toMatch(/workers|Leave it out|engine/);
  });

  it("says what an engine is, and that one cannot be reached, without its password", async () => {
    await expect(runMany(dag, ["x"], { engine: "mysql://me:s3cret@db/x" }).summary).rejects.toMatchObject({
      code: "ENGINE_UNKNOWN",
      message: expect.not.stringContaining("s3cret"),
    });
    const error = await followBatch("x", { engine: nowhere }).summary.catch((reason) => reason);
    expect(error).toMatchObject({ code: "CHECKPOINTER_UNUSABLE" });
    expect(`${error.message}${JSON.stringify(error.facts)}`).not.toContain("s3cret");
  });

  it.each([
    [["batch", "--follow", "x"], /Add --engine URL/],
    [["batch", "graph.ts", "rows.csv", "--cancel", "x", "--engine", nowhere], /take no graph and no inputs/],
    [["worker", "examples/review.ts"], /--engine/],
    [["worker", "examples/review.ts", "--engine", "kafka://x"], /names no engine/],
    [
      [
        "batch",
        "examples/review.ts",
        "examples/reviews.csv",
        "--out",
        "r",
        "--engine",
        nowhere,
        "--replay",
        "t",
      ],
      /--replay belongs to whoever runs the rows/,
    ],
  ])("is wrong usage: %j", async (args, message) => {
    const { stderr, exitCode } = await cli(args);
    expect([exitCode, stderr]).toEqual([2, expect.stringMatching(message)]);
    expect(stderr).not.toContain("s3cret");
  });
});
