import { describe, expect, it } from "@jest/globals";
import { CancelError } from "../../../nodes/engine/cancel.js";
import { Suspension } from "../../../nodes/engine/suspension.js";
import { workPath } from "../../../src/records/work-id.js";
import type { DagSpec, ForEach, Node } from "../../../src/spec/shape.js";
import type { LogEntry } from "../../../src/stores/thread-log.js";
import { type BareRun, bareRun } from "./bare-run.js";

type Each = (item: any, index: number) => unknown;

/** Runs `each` for the items that a node before it gives. */
function mapOver(items: unknown, each: Each, how: object = {}, options: BareRun = {}) {
  const forEach = { items: { node: "list" }, ...how } as unknown as ForEach;
  const node = {
    needs: ["list"],
    forEach,
    run: ({ item, index }: any) => each(item, index),
  } as unknown as Node;
  const spec: DagSpec = { name: "d", nodes: { list: { run: () => items as never }, each: node } };
  return bareRun(spec, "x", options);
}
const failFor =
  (...bad: unknown[]): Each =>
  (item) => {
    if (bad.includes(item)) throw new Error(`${item} is bad.`);
    return item * 10;
  };

describe("a map", () => {
  it("gives the values in item order, whatever order they come in", async () => {
    const slowFirst: Each = async (item, index) => {
      for (let turn = 0; turn < 5 - index; turn++) await new Promise((resolve) => setImmediate(resolve));
      return [item, index];
    };
    const record = await mapOver(["a", "b", "c"], slowFirst);
    expect(record.outcomes.each).toMatchObject({
      state: "completed",
      attempts: 1,
      value: [
        ["a", 0],
        ["b", 1],
        ["c", 2],
      ],
      items: [{ state: "completed" }, { state: "completed" }, { state: "completed" }],
    });
    const started = record.events.filter(({ type }) => type === "node-started");
    expect(started.map((event) => ("items" in event ? event.items : undefined))).toEqual([
      undefined,
      3,
      undefined,
      undefined,
      undefined,
    ]);
  });

  it("over nothing gives nothing", async () => {
    expect((await mapOver([], failFor())).outcomes.each).toMatchObject({
      state: "completed",
      value: [],
      items: [],
    });
  });

  it.each([
    [{}, [10, null, 30]],
    [{ onItemError: "null" }, [10, null, 30]],
    [{ onItemError: "omit" }, [10, 30]],
  ])("with %j puts in the place of what failed: %j", async (how, value) => {
    const record = await mapOver([1, 2, 3], failFor(2), how);
    expect(record.outcomes.each).toMatchObject({ state: "completed", value });
    expect(record.state).toBe("partial");
  });

  it("fails with the first item's error where any must not fail, or all did", async () => {
    expect((await mapOver([1, 2, 3], failFor(2, 3), { onItemError: "fail" })).outcomes.each).toMatchObject({
      state: "failed",
      error: { code: "ITEMS_FAILED", message: "2 of 3 items failed; item 1: 2 is bad." },
    });
    expect((await mapOver([1, 2], failFor(1, 2))).outcomes.each).toMatchObject({
      state: "failed",
      error: { code: "ITEMS_FAILED", message: "All 2 items failed; the first: 1 is bad." },
      items: [{ state: "failed" }, { state: "failed" }],
    });
    expect((await mapOver([1], failFor(1))).outcomes.each).toMatchObject({
      error: { message: "The only item failed: 1 is bad." },
    });
  });

  it.each([
    ["as many as there are", {}, "dataflow", 4],
    ["as many as it is told", { maxConcurrency: 2 }, "dataflow", 2],
    ["as many as it is told, also in supersteps", { maxConcurrency: 3 }, "supersteps", 3],
    ["one", { maxConcurrency: 2 }, "one-by-one", 1],
  ] as const)("runs %s at once with %j at pace %s", async (_what, how, pace, expected) => {
    let [active, peak] = [0, 0];
    const each: Each = async () => {
      peak = Math.max(peak, ++active);
      await new Promise((resolve) => setImmediate(resolve));
      active--;
    };
    await mapOver([1, 2, 3, 4], each, how, { pace });
    expect(peak).toBe(expected);
  });

  it("that must not lose any item completes where none was lost", async () => {
    const record = await mapOver([1, 2], failFor(), { onItemError: "fail" });
    expect(record.outcomes.each).toMatchObject({ state: "completed", value: [10, 20] });
  });

  it("tells why its items were not run where none failed", async () => {
    const spent: Each = () => {
      throw new CancelError("budget", "The run's budget is spent.");
    };
    expect((await mapOver([1, 2], spent)).outcomes.each).toMatchObject({
      state: "failed",
      error: { message: "All 2 items failed; the first: The run's budget is spent." },
      items: [{ state: "skipped" }, { state: "skipped" }],
    });
  });

  it("waits for an answer where one of its items does, the others being done", async () => {
    const asking: Each = (item) => {
      if (item === 2) throw new Suspension({ node: "each", message: "Well?", value: null });
      return item;
    };
    expect((await mapOver([1, 2, 3], asking)).outcomes.each).toMatchObject({
      state: "interrupted",
      endedAtMs: null,
      items: [{ value: 1 }, { state: "interrupted" }, { value: 3 }],
    });
  });

  it("says whether its items wait for a decision or for the answer to a question", async () => {
    const reasonOf = async (kind: "approval" | "interrupt") => {
      const record = await mapOver([1, 2], (item) => {
        if (item === 2) throw new Suspension({ node: "each", kind, message: "Well?", value: null });
        return item;
      });
      return record.outcomes.each;
    };
    expect(await reasonOf("interrupt")).toMatchObject({ reason: { code: "question" } });
    expect(await reasonOf("approval")).toMatchObject({ reason: { code: "approval" } });
  });

  it("runs out of time with the run: items that had not begun are skipped", async () => {
    const each: Each = (item) => (item === 1 ? item : new Promise(() => {}));
    const options = { policy: { deadlineMs: 20 } };
    const record = await mapOver([1, 2, 3], each, { maxConcurrency: 1 }, { options });
    expect(record.outcomes.each).toMatchObject({
      state: "timed-out",
      error: { code: "DEADLINE" },
      items: [{ state: "completed" }, { state: "timed-out" }, { state: "skipped", startedAtMs: null }],
    });
  });

  it("ends with the run, and skips or cancels what it had not begun", async () => {
    const controller = new AbortController();
    const each: Each = (item) => {
      if (item !== 2) return item;
      setImmediate(() => controller.abort());
      return new Promise(() => {});
    };
    const record = await mapOver(
      [1, 2, 3],
      each,
      { maxConcurrency: 1 },
      { options: { signal: controller.signal } },
    );
    expect(record.outcomes.each).toMatchObject({
      state: "cancelled",
      items: [
        { state: "completed", value: 1 },
        { state: "cancelled" },
        { state: "cancelled", startedAtMs: null },
      ],
    });
  });
});

describe("what a map goes over", () => {
  it.each([
    [undefined, "`forEach` points at null where an array is expected."],
    ["text", "`forEach` points at string where an array is expected."],
    [{ a: 1 }, "`forEach` points at object where an array is expected."],
  ])("has to be a list: %j", async (items, message) => {
    const record = await mapOver(items, failFor());
    expect(record.outcomes.each).toMatchObject({
      state: "failed",
      startedAtMs: null,
      error: {
        code: "FOR_EACH_NOT_ARRAY",
        message: `${message} Point it at an array of the input or of one of the node's needs.`,
      },
    });
  });

  it("may lie deeper in, in the input, too", async () => {
    const spec = (forEach: unknown): DagSpec => ({
      name: "d",
      input: { type: "object" } as never,
      nodes: { each: { forEach, run: ({ item }: any) => item } as unknown as Node },
    });
    const input = { deep: { list: [1, 2] } };
    expect((await bareRun(spec("deep.list"), input)).output).toEqual([1, 2]);
    expect((await bareRun(spec({ input: true, path: "deep.list" }), input)).output).toEqual([1, 2]);
    expect((await bareRun(spec({ items: "deep.list" }), input)).output).toEqual([1, 2]);
    expect((await bareRun(spec("deep.gone"), input)).outcomes.each).toMatchObject({
      error: {
        message: expect.stringMatching(
          /^`forEach` points at nothing at "deep\.gone" where an array is expected\./,
        ),
      },
    });
  });

  it.each([
    [[{ id: "a" }, { id: "a" }], 'Item 1 has the key "a", which item 0 has too (`forEach.key`).'],
    [[{ id: 1 }, { id: "1" }], 'Item 1 has the key "1", which item 0 has too (`forEach.key`).'],
    [[{ id: "a" }, {}], 'Item 1 has no text or number at "id" (`forEach.key`).'],
    [[{ id: null }], 'Item 0 has no text or number at "id" (`forEach.key`).'],
  ])("has to have keys of its own where it has some: %j", async (items, message) => {
    const record = await mapOver(items, () => 1, { key: "id" });
    expect(record.outcomes.each).toMatchObject({
      state: "failed",
      error: {
        code: "ITEM_KEY_INVALID",
        message: `${message} Name a field in which every item has a value of its own.`,
      },
    });
  });
});

describe("what is persisted of a map", () => {
  it("is each item, so that a later process does only those that are left", async () => {
    const log: LogEntry[] = [];
    const done: unknown[] = [];
    const controller = new AbortController();
    const each: Each = (item) => {
      if (item === 3 && !controller.signal.aborted) {
        setImmediate(() => controller.abort());
        return new Promise(() => {});
      }
      done.push(item);
      return item;
    };
    const how = { maxConcurrency: 1 };
    await mapOver([1, 2, 3, 4], each, how, { log, options: { signal: controller.signal } });
    expect(done).toEqual([1, 2]);
    const record = await mapOver([1, 2, 3, 4], each, how, { log });
    expect(done).toEqual([1, 2, 3, 4]);
    expect(record.outcomes.each).toMatchObject({ state: "completed", value: [1, 2, 3, 4] });
  });

  it("is not an item that is another now, or has another key", async () => {
    const settledItem = async (items: readonly unknown[], log: LogEntry[], how = {}) => {
      const done: unknown[] = [];
      await mapOver(items, (item) => void done.push(item.id), how, { log });
      return done;
    };
    const keyed: LogEntry[] = [];
    await settledItem([{ id: "a", v: 1 }], keyed, { key: "id" });
    const kept = keyed.filter(({ kind, key }) => kind !== "settled" || workPath(key as never).includes("["));
    expect(await settledItem([{ id: "a", v: 1 }], [...kept], { key: "id" })).toEqual([]);
    expect(await settledItem([{ id: "a", v: 2 }], [...kept], { key: "id" })).toEqual(["a"]);
    const of = (...ids: string[]) => ids.map((id) => ({ id }));
    const log: LogEntry[] = [];
    await settledItem(of("a", "b"), log);
    // The map as a whole, and what it goes over, are to be done again.
    const items = log.filter(({ kind, key }) => kind !== "settled" || workPath(key as never).includes("["));
    expect(await settledItem(of("a", "c"), [...items])).toEqual(["c"]);
    expect(await settledItem(of("a", "b"), [...items], { key: "id" })).toEqual(["a", "b"]);
  });
});
