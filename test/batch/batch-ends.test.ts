import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "@jest/globals";
import { MemorySaver } from "@langchain/langgraph";
import { z } from "zod";
import { runMany } from "../../src/batch/run-many.js";
import type { DagError } from "../../src/errors.js";
import { defineDag } from "../../src/spec/define.js";
import { scriptedModel } from "../../src/testing/scripted-model.js";
import { collect, counting, folder, lines, pause, results, rows } from "../support/batch-rows.js";
import { replyModel } from "../support/reply-model.js";

describe("what ends a batch early", () => {
  it("is more failures than `maxFailures`, by number or share", async () => {
    const texts = Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? "bad" : "ok"));
    for (const [maxFailures, most] of [
      [3, 8],
      ["25%", 7],
    ] as const) {
      const { spec, ran } = counting();
      const summary = await runMany(spec, rows(...texts), { maxFailures, concurrency: 1 }).summary;
      expect(summary.ended).toBe("failures");
      expect(ran.length).toBeLessThanOrEqual(most);
    }
    const { spec, ran } = counting();
    const summary = await runMany(spec, rows(...texts).slice(1), { maxFailures: "60%", concurrency: 1 })
      .summary;
    expect([summary.ended, ran.length]).toEqual(["done", 39]);
  });

  it("starts no more rows while the ones that failed are written down", async () => {
    const { spec, ran } = counting();
    const texts = Array.from({ length: 60 }, () => "bad");
    const options = { maxFailures: 0, concurrency: 1, results };
    const summary = await runMany(spec, rows(...texts), options).summary;
    expect([summary.ended, ran.length, lines().length]).toEqual(["failures", 1, 1]);
    expect(lines()[0]?.error?.message).toMatch(/"loud" failed \(TOO_BAD\): It is bad\./);
  });

  it("is a budget of all rows together, which the next batch goes on counting", async () => {
    const spec = defineDag({ name: "b", nodes: { a: { instructions: "Say." } } });
    let asked = 0;
    const model = replyModel(() => `reply ${++asked}`);
    const inputs = Array.from({ length: 20 }, (_, i) => `row ${i}`);
    const limits = { maxModelCalls: 5 };
    const first = await runMany(spec, inputs, { model, limits, results, concurrency: 4 }).summary;
    expect([first.ended, first.completed, asked]).toEqual(["budget", 5, 5]);
    const second = await runMany(spec, inputs, { model, limits, results }).summary;
    expect([second.ended, asked]).toEqual(["budget", 5]);
    const third = await runMany(spec, inputs, { model, limits: { maxModelCalls: 20 }, results }).summary;
    expect([third.ended, third.completed, third.reused, asked]).toEqual(["done", 20, 5, 20]);
  });

  it("never costs more than `maxCostUsd`", async () => {
    const spec = defineDag({
      name: "b",
      nodes: { a: { instructions: "Say.", modelOptions: { maxTokens: 100 } } },
    });
    const model = replyModel(() => "word ".repeat(50), { id: "openai:gpt-4.1-mini", delayMs: 2 });
    const inputs = Array.from({ length: 50 }, (_, i) => `row ${i}`);
    const summary = await runMany(spec, inputs, { model, limits: { maxCostUsd: 0.0003 }, results }).summary;
    expect(summary.ended).toBe("budget");
    expect(summary.costUsd).toBeLessThanOrEqual(0.0003);
    expect(summary.completed).toBeGreaterThan(3);
  });

  it("is `finish`, which lets rows end, and `signal`, which aborts them", async () => {
    for (const how of ["finish", "signal"] as const) {
      const control = new AbortController();
      let [begun, ended] = [0, 0];
      const spec = defineDag({
        name: "s",
        nodes: {
          a: {
            run: async ({ signal }) => {
              if (++begun === 2) setImmediate(() => control.abort());
              while (!control.signal.aborted) await pause();
              signal.throwIfAborted();
              return ++ended;
            },
          },
        },
      });
      const inputs = Array.from({ length: 9 }, (_, i) => `${i}`);
      const file = join(folder, `${how}.jsonl`);
      const summary = await runMany(spec, inputs, { concurrency: 2, results: file, [how]: control.signal })
        .summary;
      expect(summary.ended).toBe(how === "finish" ? "finished" : "aborted");
      expect([ended, readFileSync(file, "utf8").split("\n").length - 1]).toEqual(
        how === "finish" ? [2, 2] : [0, 0],
      );
    }
  });

  it("is a source that never answers, once it is told to end", async () => {
    const { spec } = counting();
    const control = new AbortController();
    async function* inputs() {
      yield* rows("a");
      setImmediate(() => control.abort());
      await new Promise(() => {});
    }
    expect(await runMany(spec, inputs(), { finish: control.signal }).summary).toMatchObject({ completed: 1 });
  });

  it("is what every row would meet, told once and before anything is written", async () => {
    const approval = defineDag({ name: "q", nodes: { ok: { approve: { message: "?" } } } });
    await expect(runMany(approval, ["x", "y"], { results }).summary).rejects.toMatchObject({
      code: "CHECKPOINTER_MISSING",
    });
    expect(readFileSync(results, "utf8")).toBe("");
    const { spec } = counting();
    async function* broken() {
      yield* rows("a", "b");
      throw new Error("The database is gone.");
    }
    await expect(collect(runMany(spec, broken(), { results }))).rejects.toThrow("The database is gone.");
    expect(lines()).toHaveLength(2);
  });

  it("is options that cannot be used, all listed", async () => {
    const { spec } = counting();
    const wrong = {
      concurrency: 0,
      maxFailures: "x%",
      key: 3,
      results: "",
      limits: { maxTokens: -1 },
      nonsense: 1,
      onRowEvent: 5,
      answer: "yes",
    };
    const error = await runMany(spec, rows("a"), wrong as any).summary.catch((thrown: unknown) => thrown);
    for (const path of ["concurrency", "maxFailures", "key", "results", "limits.maxTokens", "nonsense"]) {
      expect((error as DagError).message).toContain(path);
    }
    expect((error as DagError).message).toMatch(/^The options have 8 issues:.*onRowEvent: .*answer: /s);
    await expect(runMany(spec, "text" as any).summary).rejects.toThrow(/inputs/);
  });
});

describe("with a checkpointer", () => {
  it("a row that was broken off goes on, and one that ended unrecorded is not run again", async () => {
    const checkpointer = new MemorySaver();
    const control = new AbortController();
    const did: string[] = [];
    let stop = true;
    const spec = defineDag({
      name: "th",
      nodes: {
        first: { run: ({ input }) => did.push(`first ${input}`) },
        second: {
          needs: ["first"],
          run: async ({ input }) => {
            if (stop && input === "b") {
              control.abort();
              await new Promise((resolve) => setTimeout(resolve, 10_000).unref());
            }
            did.push(`second ${input}`);
            return 2;
          },
        },
      },
    });
    const options = { checkpointer, results, concurrency: 1 };
    await runMany(spec, ["a", "b", "c"], { ...options, signal: control.signal }).summary;
    expect(did).toEqual(["first a", "second a", "first b"]);
    stop = false;
    await runMany(spec, ["a", "b", "c"], options).summary;
    expect(did.slice(3)).toEqual(["second b", "first c", "second c"]);
    // As after a kill between a row's end and its line.
    const [, ...others] = readFileSync(results, "utf8").trimEnd().split("\n");
    writeFileSync(results, `${others.join("\n")}\n`);
    expect(await runMany(spec, ["a", "b", "c"], options).summary).toMatchObject({ completed: 3, reused: 2 });
    expect(did).toHaveLength(6);
  });

  it("a failed row keeps its paid work when it is tried again, and counts it once", async () => {
    const model = scriptedModel({ paid: [{ text: "dear", usage: { inputTokens: 10, outputTokens: 5 } }] });
    let broken = true;
    const spec = defineDag({
      name: "rf",
      nodes: {
        paid: { instructions: "Say." },
        sink: {
          needs: ["paid"],
          run: () => {
            if (broken) throw new Error("The sink is down.");
            return "ok";
          },
        },
      },
    });
    const options = { checkpointer: new MemorySaver(), results, model, limits: { maxModelCalls: 2 } };
    expect(await runMany(spec, ["x"], options).summary).toMatchObject({ failed: 1 });
    broken = false;
    const batch = runMany(spec, ["x"], { ...options, retryFailed: true });
    expect(await collect(batch)).toMatchObject([
      { state: "completed", output: "ok", usage: { modelCalls: 1 } },
    ]);
    expect(lines()).toMatchObject([{ usage: { modelCalls: 1 } }]);
    expect(lines()[0]?.before).toBeUndefined();
    model.assertDone();
  });

  describe("counts against the batch's budget", () => {
    let asked = 0;
    const model = replyModel(() => `${++asked}`);
    beforeEach(() => {
      asked = 0;
    });
    const broken = { yes: true };
    const spec = defineDag({
      name: "tb",
      input: z.object({ id: z.string(), v: z.number() }),
      nodes: {
        paid: { instructions: "Say." },
        sink: {
          needs: ["paid"],
          run: ({ input }) => {
            if (broken.yes && input.id === "x") throw new Error("The sink is down.");
            return "ok";
          },
        },
      },
    });
    const batch = (checkpointer: MemorySaver, maxModelCalls: number, inputs: { id: string; v: number }[]) =>
      runMany(spec, inputs, {
        key: "id",
        checkpointer,
        results,
        model,
        concurrency: 1,
        retryFailed: true,
        limits: { maxModelCalls },
      }).summary;

    it("what lines that its row's line had replaced had used", async () => {
      const checkpointer = new MemorySaver();
      broken.yes = true;
      for (const v of [1, 2]) await batch(checkpointer, 10, [{ id: "x", v }]);
      expect(lines()).toMatchObject([{ usage: { modelCalls: 1 }, before: { modelCalls: 1 } }]);
      broken.yes = false;
      const others = ["y", "z"].map((id) => ({ id, v: 1 }));
      const summary = await batch(checkpointer, 3, [{ id: "x", v: 2 }, ...others]);
      expect([asked, summary.ended, summary.completed]).toEqual([3, "budget", 2]);
    });

    it("what a thread had used that its store does not hold any more", async () => {
      broken.yes = true;
      await batch(new MemorySaver(), 10, [{ id: "x", v: 1 }]);
      broken.yes = false;
      const others = ["y", "z"].map((id) => ({ id, v: 1 }));
      const summary = await batch(new MemorySaver(), 3, [{ id: "x", v: 1 }, ...others]);
      expect([asked, summary.ended, summary.completed]).toEqual([3, "budget", 2]);
    });

    it("what was used before an answer once", async () => {
      const asking = defineDag({
        name: "ask",
        nodes: {
          draft: { instructions: "Say." },
          check: { needs: ["draft"], approve: { message: "May it go out?" } },
          after: { needs: ["check"], instructions: "Go on." },
        },
      });
      const summary = await runMany(asking, ["a", "b"], {
        checkpointer: new MemorySaver(),
        model,
        concurrency: 1,
        limits: { maxModelCalls: 4 },
        answer: async () => ({ check: true }),
      }).summary;
      expect([asked, summary.ended, summary.completed]).toEqual([4, "done", 2]);
    });
  });
});
