import { describe, expect, it } from "@jest/globals";
import { MemorySaver } from "@langchain/langgraph";
import { z } from "zod";
import { runMany } from "../../src/batch/run-many.js";
import { simulateLatency } from "../../src/models/simulate-latency.js";
import type { RunRecord } from "../../src/records/record.js";
import { resume, run } from "../../src/run/run.js";
import { defineDag } from "../../src/spec/define.js";
import { collect, counting, lines, pause, type Row, results, rows } from "../support/batch-rows.js";
import { replyModel } from "../support/reply-model.js";

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
