import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { MemorySaver } from "@langchain/langgraph";
import { z } from "zod";
import type { BatchItem } from "../../src/batch/item.js";
import { runMany } from "../../src/batch/run-many.js";
import { DagError } from "../../src/errors.js";
import { simulateLatency } from "../../src/models/simulate-latency.js";
import type { RunRecord } from "../../src/records/record.js";
import { resume, run } from "../../src/run/run.js";
import { defineDag } from "../../src/spec/define.js";
import { scriptedModel } from "../../src/testing/scripted-model.js";
import { replyModel } from "../support/reply-model.js";

let folder: string;
let results: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "agent-dag-batch-"));
  results = join(folder, "results.jsonl");
});
afterEach(() => rmSync(folder, { recursive: true }));

const pause = (ms = 0) => new Promise((resolve) => setTimeout(resolve, ms));
const lines = () =>
  readFileSync(results, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as BatchItem);

interface Row {
  readonly id: string;
  readonly text: string;
}

/** A graph that counts its runs, and fails on "bad". */
function counting() {
  const ran: string[] = [];
  const spec = defineDag({
    name: "shout",
    input: z.object({ id: z.string(), text: z.string() }),
    nodes: {
      loud: {
        run: ({ input }) => {
          ran.push(input.id);
          if (input.text === "bad") throw new DagError("TOO_BAD", "It is bad.");
          return input.text.toUpperCase();
        },
      },
      out: { needs: ["loud"], run: ({ needs }) => `${needs.loud}!` },
    },
  });
  return { spec, ran };
}

const rows = (...texts: string[]): Row[] => texts.map((text, i) => ({ id: `r${i}`, text }));

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

describe("a batch", () => {
  it("tells the events of each row, and lets rows that wait for an answer rest without a slot", async () => {
    const asking = defineDag({
      name: "asking",
      nodes: {
        draft: { run: ({ input }) => String(input) },
        check: { needs: ["draft"], approve: { message: "May it go out?" } },
      },
    });
    const ended: string[] = [];
    const waiting: (() => void)[] = [];
    const batch = runMany(asking, ["a", "b", "c"], {
      concurrency: 1,
      key: (input) => String(input),
      checkpointer: new MemorySaver(),
      onRowEvent: (event, { key }) => {
        if (event.type === "run-ended") ended.push(`${key} ${event.state}`);
      },
      answer: async (_record, { key }) => {
        await new Promise<void>((resolve) => {
          waiting.push(resolve);
          // The third one waits as the others do: nobody holds the one slot.
          if (waiting.length === 3) for (const go of waiting) go();
        });
        return key === "b" ? null : { check: true };
      },
    });
    expect(await batch.summary).toMatchObject({ completed: 2, interrupted: 1 });
    expect(ended.slice(0, 3)).toEqual(["a interrupted", "b interrupted", "c interrupted"]);
    expect(ended.slice(3).sort()).toEqual(["a completed", "c completed"]);
  });

  it("gives an item for every input, with its record, and a summary", async () => {
    const { spec } = counting();
    const batch = runMany(spec, rows("a", "b", "bad"), { key: "id", concurrency: 1 });
    const items = await collect(batch);
    expect(items.map(({ key, index, state, output }) => [key, index, state, output])).toEqual([
      ["r0", 0, "completed", "A!"],
      ["r1", 1, "completed", "B!"],
      ["r2", 2, "failed", null],
    ]);
    expect(items[0]?.record?.outcomes.loud).toMatchObject({ state: "completed", value: "A" });
    expect(items[0]?.inputHash).toMatch(/^[0-9a-f]{16}$/);
    const summary = await batch.summary;
    expect(summary).toMatchObject({
      ended: "done",
      total: 3,
      completed: 2,
      failed: 1,
      reused: 0,
      errors: { NO_OUTPUT: 1 },
      nodes: { loud: { count: 3, errors: { TOO_BAD: 1 } }, out: { count: 2 } },
    });
  });

  it("reads inputs as rows are started, and never runs more than `concurrency`", async () => {
    let [read, running, most] = [0, 0, 0];
    const spec = defineDag({
      name: "slow",
      nodes: {
        a: {
          run: async () => {
            most = Math.max(most, ++running);
            await pause(1);
            running--;
            return 1;
          },
        },
      },
    });
    async function* inputs() {
      for (; read < 30; read++) yield `${read}`;
    }
    let ended = 0;
    for await (const _ of runMany(spec, inputs(), { concurrency: 3 })) {
      ended++;
      expect(read - ended).toBeLessThanOrEqual(4);
    }
    expect([ended, most]).toEqual([30, 3]);
  });

  it("lets a slow reader set the pace", async () => {
    let started = 0;
    const spec = defineDag({ name: "quick", nodes: { a: { run: () => ++started } } });
    function* inputs() {
      for (let i = 0; i < 400; i++) yield `${i}`;
    }
    let seen = 0;
    for await (const _ of runMany(spec, inputs(), { concurrency: 2 })) {
      if (seen++ === 0) await pause(300);
      expect(started - seen).toBeLessThanOrEqual(70);
    }
    expect(seen).toBe(400);
  });

  it("can be read by several, and after its end", async () => {
    const { spec } = counting();
    const batch = runMany(spec, rows("a", "b"), { concurrency: 1 });
    const both = await Promise.all([collect(batch), collect(batch)]);
    await batch.summary;
    both.push(await collect(batch));
    for (const items of both) expect(items.map(({ output }) => output)).toEqual(["A!", "B!"]);
  });

  it("ends with the rows that run when its reader leaves, unless the summary was asked for", async () => {
    for (const asked of [false, true]) {
      const { spec, ran } = counting();
      const batch = runMany(spec, rows(..."abcdefgh"), { concurrency: 1 });
      if (asked) void batch.summary;
      for await (const _ of batch) break;
      const summary = await batch.summary;
      expect(summary.ended).toBe(asked ? "done" : "finished");
      if (asked) expect(ran).toHaveLength(8);
      else expect(ran.length).toBeLessThan(4);
    }
  });

  it.each(["sequential", "dataflow", "planned", "planned-dag"] as const)(
    "runs in topology %s",
    async (topology) => {
      const spec = defineDag({
        name: "p",
        nodes: {
          note: { instructions: "Summarise the text." },
          all: { needs: ["note"], instructions: "Summarise the note." },
        },
      });
      const items = await collect(
        runMany(spec, ["The lamp is bright. It broke.", "The cup is blue."], { topology, model: "offline" }),
      );
      expect(items.map(({ state }) => state)).toEqual(["completed", "completed"]);
    },
  );

  it("hands context to functions and draws simulated latency anew for each row", async () => {
    const spec = defineDag({
      name: "c",
      nodes: {
        a: { instructions: "Say." },
        b: { needs: ["a"], run: ({ context }) => (context as { n: number }).n },
      },
    });
    const items = await collect(
      runMany(spec, ["x", "y"], {
        context: { n: 7 },
        model: replyModel(() => "ok"),
        use: [simulateLatency("gpt-4.1-mini", { speed: 100 })],
      }),
    );
    expect(items.map(({ output }) => output)).toEqual([7, 7]);
    const seeds = items.map(({ record }) => (record as RunRecord).simulated?.seed);
    expect(new Set(seeds).size).toBe(2);
  });
});

describe("a row's bad input", () => {
  it("costs only that row", async () => {
    const { spec, ran } = counting();
    const cycle: Record<string, unknown> = { id: "c" };
    cycle.self = cycle;
    const inputs = [
      { id: "a", text: "a" },
      { id: "b" },
      { text: "no id" },
      cycle,
      { id: "a", text: "again" },
    ] as unknown as Row[];
    const items = await collect(runMany(spec, inputs, { key: "id", results, concurrency: 1 }));
    expect(items.map(({ key, error }) => [key, error?.code ?? null])).toEqual([
      ["a", null],
      ["b", "INPUT_INVALID"],
      ["#2", "ROW_KEY_INVALID"],
      ["#3", "INPUT_NOT_JSON"],
      ["#4", "ROW_KEY_INVALID"],
    ]);
    expect(items[4]?.error?.message).toMatch(/"a", which an earlier row has/);
    expect(ran).toEqual(["a"]);
    // Mended, its old line goes.
    await runMany(spec, rows("a"), { key: "id", results }).summary;
    expect(
      lines()
        .map(({ key }) => key)
        .sort(),
    ).toEqual(["a", "r0"]);
  });

  it("is whatever a schema's own code throws", async () => {
    const input = z.string().refine((text) => {
      if (text === "x") throw new TypeError("No x.");
      return true;
    });
    const spec = defineDag({ name: "t", input, nodes: { a: { run: () => 1 } } });
    const items = await collect(runMany(spec, ["x", "y"], { concurrency: 1 }));
    expect(items.map(({ state }) => state)).toEqual(["failed", "completed"]);
  });
});

describe("the results file", () => {
  it("holds one line a row, and spares the next batch what is done", async () => {
    const { spec, ran } = counting();
    await runMany(spec, rows("a", "b", "bad"), { key: "id", results }).summary;
    expect(lines()).toHaveLength(3);
    expect(Object.keys(lines()[0] ?? {})).not.toContain("record");
    ran.length = 0;

    const changed = [
      { id: "r0", text: "a" },
      { id: "r1", text: "B2" },
      { id: "r2", text: "bad" },
      { id: "r3", text: "new" },
    ];
    const batch = runMany(spec, changed, { key: "id", results, concurrency: 1 });
    const items = await collect(batch);
    expect(ran).toEqual(["r1", "r3"]);
    expect(items.map(({ key, output, reused }) => [key, output, reused === true]).sort()).toEqual([
      ["r0", "A!", true],
      ["r1", "B2!", false],
      ["r2", null, true],
      ["r3", "NEW!", false],
    ]);
    expect(await batch.summary).toMatchObject({ total: 4, completed: 3, failed: 1, reused: 2 });
    const byKey = lines().map(({ key, output }) => [key, output]);
    expect(byKey.sort()).toEqual([
      ["r0", "A!"],
      ["r1", "B2!"],
      ["r2", null],
      ["r3", "NEW!"],
    ]);
  });

  it("gives failed rows another try when asked", async () => {
    const { spec, ran } = counting();
    await runMany(spec, rows("a", "bad"), { key: "id", results }).summary;
    await runMany(spec, rows("a", "bad"), { key: "id", results }).summary;
    expect(ran).toEqual(["r0", "r1"]);
    await runMany(spec, rows("a", "bad"), { key: "id", results, retryFailed: true }).summary;
    expect(ran).toEqual(["r0", "r1", "r1"]);
    expect(lines()).toHaveLength(2);
  });

  it("knows rows without a key by their content: inserted, moved and equal ones", async () => {
    const { spec, ran } = counting();
    const [a, b] = rows("a", "b") as [Row, Row];
    await runMany(spec, [a, b, a], { results }).summary;
    expect(ran).toHaveLength(3);
    await runMany(spec, [{ id: "new", text: "n" }, b, a, a], { results }).summary;
    expect(ran.slice(3)).toEqual(["new"]);
    expect(new Set(lines().map(({ key }) => key)).size).toBe(4);
  });

  it.each([
    ["half a line", (text: string) => text.slice(0, -20)],
    ["a line without its break", (text: string) => text.slice(0, -1)],
  ])("is mended where it ends in %s", async (name, cut) => {
    const { spec, ran } = counting();
    await runMany(spec, rows("a", "b", "c"), { key: "id", results, concurrency: 1 }).summary;
    writeFileSync(results, cut(readFileSync(results, "utf8")));
    ran.length = 0;
    await runMany(spec, rows("a", "b", "c"), { key: "id", results }).summary;
    expect(ran).toEqual(name === "half a line" ? ["r2"] : []);
    expect(
      lines()
        .map(({ key }) => key)
        .sort(),
    ).toEqual(["r0", "r1", "r2"]);
  });

  it("is refused, untouched, when it is something else or another batch writes it", async () => {
    const { spec, ran } = counting();
    writeFileSync(results, '{"id":"r0","text":"an input"}\n');
    await expect(runMany(spec, rows("a"), { results }).summary).rejects.toMatchObject({
      code: "RESULTS_UNUSABLE",
    });
    expect(readFileSync(results, "utf8")).toBe('{"id":"r0","text":"an input"}\n');
    rmSync(results);
    const first = runMany(spec, rows("a", "b"), { results });
    const second = runMany(spec, rows("a", "b"), { results });
    await expect(collect(second)).rejects.toMatchObject({ code: "RESULTS_BUSY" });
    await first.summary;
    expect(ran).toHaveLength(2);
    await runMany(spec, rows("a", "b"), { results }).summary;
    expect(ran).toHaveLength(2);
    expect(readdirSync(folder)).toEqual(["results.jsonl"]);
  });

  it("tells of rows that another version of the graph made, and runs them again when asked", async () => {
    const { spec } = counting();
    await runMany(spec, rows("a", "b"), { key: "id", results }).summary;
    const other = defineDag({ name: "shout", nodes: { loud: { run: () => "other" } } });
    const notices: string[] = [];
    const again = { key: "id", results, onNotice: (text: string) => notices.push(text) };
    await runMany(other as unknown as typeof spec, rows("a", "b"), again).summary;
    expect(notices.join()).toMatch(/2 of the rows .* another version of the graph/);
    expect(
      lines()
        .map(({ output }) => output)
        .sort(),
    ).toEqual(["A!", "B!"]);
    const loose = defineDag({ name: "shout", input: z.any(), nodes: { loud: { run: () => "other" } } });
    await runMany(loose, rows("a", "b"), { ...again, retryChanged: true }).summary;
    expect(lines().map(({ output }) => output)).toEqual(["other", "other"]);
  });
});

it("lets any number of rows, and of resumed runs, obey one signal without Node's warning of a leak", async () => {
  const spec = defineDag({ name: "w", nodes: { a: { run: () => 1 } } });
  const [batch, alone] = [new AbortController().signal, new AbortController().signal];
  await runMany(spec, [], { signal: batch }).summary;
  expect(mostListeners(batch)).toBe(0);
  const thread = { checkpointer: new MemorySaver(), thread: "t" };
  await run(spec, "x", thread);
  await resume(spec, { ...thread, signal: alone });
  expect(mostListeners(alone)).toBe(0);
});

/** What `getMaxListeners` of node:events says, which does not know the signals of Jest's own realm. */
function mostListeners(signal: AbortSignal): unknown {
  const keys = Object.getOwnPropertySymbols(signal);
  const key = keys.find(({ description }) => description === "events.maxEventTargetListeners");
  return key === undefined ? undefined : Reflect.get(signal, key);
}

it("refuses a key that no store keeps, and only that row", async () => {
  const { spec } = counting();
  const inputs = ["a\0", "\ud800b", "fine"].map((id) => ({ id, text: "t" }));
  const items = await collect(runMany(spec, inputs, { key: "id" }));
  expect(items.map(({ key, error }) => [key, error?.code]).sort()).toEqual([
    ["#0", "ROW_KEY_INVALID"],
    ["#1", "ROW_KEY_INVALID"],
    ["fine", undefined],
  ]);
});

describe("a place for results that cannot be used", () => {
  const refused = (path: string) => {
    const { spec, ran } = counting();
    const ended = runMany(spec, rows("a"), { results: path }).summary.then(
      () => "written",
      (error) => `${error.code}: ${error.message} (${ran.length} ran)`,
    );
    return ended;
  };

  it("is a folder, a device or a pipe", async () => {
    expect(await refused(folder)).toMatch(/^RESULTS_UNUSABLE: .*it is a folder.*\(0 ran\)$/);
    expect(await refused("/dev/zero")).toMatch(/^RESULTS_UNUSABLE: .*no file on a disk.*\(0 ran\)$/);
  });

  it("is one below a file", async () => {
    writeFileSync(results, "");
    expect(await refused(join(results, "r.jsonl"))).toMatch(
      /^STORE_FAILED: The store ".*r\.jsonl" failed: .*\(0 ran\)$/,
    );
  });

  it("leaves no half-written record behind", async () => {
    const { spec } = counting();
    const records = join(folder, "records");
    mkdirSync(join(records, "k.json"), { recursive: true });
    const options = { records, key: () => "k" };
    await expect(runMany(spec, rows("a"), options).summary).rejects.toMatchObject({ code: "STORE_FAILED" });
    expect(readdirSync(records)).toEqual(["k.json"]);
  });
});

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
      let ended = 0;
      const spec = defineDag({
        name: "s",
        nodes: {
          a: {
            run: async ({ signal }) => {
              setTimeout(() => control.abort(), 20);
              await pause(60);
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
      await new Promise(() => {});
    }
    setTimeout(() => control.abort(), 30);
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

it("keeps what replaced lines had used", async () => {
  const spec = defineDag({
    name: "k",
    input: z.object({ id: z.string(), v: z.number() }),
    nodes: { a: { instructions: "Say." } },
  });
  let asked = 0;
  const model = replyModel(() => `${++asked}`);
  for (const v of [1, 2, 3]) await runMany(spec, [{ id: "x", v }], { key: "id", results, model }).summary;
  expect(lines()).toMatchObject([{ usage: { modelCalls: 1 }, before: { modelCalls: 2 } }]);
  const summary = await runMany(spec, [{ id: "y", v: 1 }], {
    key: "id",
    results,
    model,
    limits: { maxModelCalls: 3 },
  }).summary;
  expect([summary.ended, asked]).toEqual(["budget", 3]);
});

it("writes each row's whole record before its line", async () => {
  const { spec } = counting();
  const records = join(folder, "records");
  await runMany(
    spec,
    [
      { id: "a/../b", text: "a" },
      { id: "ok", text: "b" },
    ],
    { key: "id", results, records },
  ).summary;
  const names = readdirSync(records).sort();
  expect(names).toHaveLength(2);
  expect(names[1]).toBe("ok.json");
  expect(names[0]).toMatch(/^a_.*-[0-9a-f]{16}\.json$/);
  const record = JSON.parse(readFileSync(join(records, "ok.json"), "utf8")) as RunRecord;
  expect(record).toMatchObject({ version: 1, output: "B!" });
});

describe("rows that wait for a slot", () => {
  it("are finished before later ones go on", async () => {
    const started: string[] = [];
    const spec = defineDag({
      name: "steps",
      nodes: {
        a: { instructions: "A." },
        b: { needs: ["a"], instructions: "B." },
        c: { needs: ["b"], instructions: "C." },
      },
    });
    const model = replyModel(({ node, messages }) => {
      started.push(`${/row \d/.exec(messages.at(-1)?.content ?? "")?.[0]} ${node}`);
      return `row ${node}`;
    });
    const { summary } = runMany(spec, ["row 1", "row 2", "row 3"], {
      model,
      topology: "dataflow",
      concurrency: 3,
      limits: { maxConcurrency: 1 },
    });
    await summary;
    const ends = ["row 1 c", "row 2 c", "row 3 c"].map((step) => started.indexOf(step));
    expect(ends).toEqual([...ends].sort((a, b) => a - b));
    // Without an order the rows would go side by side: every row's second step before any row's third.
    expect(started.indexOf("row 1 c")).toBeLessThan(started.indexOf("row 3 b"));
  });
});
