import { describe, expect, it } from "@jest/globals";
import { MemorySaver } from "@langchain/langgraph";
import { type LogEntry, logNamespace, readLog, readLogs, ThreadLog } from "../../src/stores/thread-log.js";

type PutWrites = Parameters<MemorySaver["putWrites"]>;

/** Writes when it is let to, in whatever order that is. */
class HeldSaver extends MemorySaver {
  readonly asked: {
    readonly given: PutWrites;
    readonly done: () => void;
    readonly failed: (e: Error) => void;
  }[] = [];
  readonly keepsOrder: boolean;

  constructor(keepsOrder: boolean) {
    super();
    this.keepsOrder = keepsOrder;
  }

  override putWrites(...given: PutWrites): Promise<void> {
    return new Promise((done, failed) => {
      this.asked.push({ given, done, failed });
    });
  }

  async letWrite(at: number): Promise<void> {
    const { given, done } = this.asked[at] ?? {};
    if (given === undefined) throw new Error(`Nothing asked for write ${at}.`);
    await super.putWrites(...given);
    done?.();
    await turn();
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

async function logOn(keepsOrder: boolean, onFailure: (error: unknown) => void = () => {}) {
  const saver = new HeldSaver(keepsOrder);
  return { saver, log: await ThreadLog.create(saver, "thread", null, onFailure) };
}

describe("the log of a run", () => {
  it("sends what comes while an earlier write is under way at once, where the store keeps the order", async () => {
    const { saver, log } = await logOn(true);
    void log.append({ kind: "settled", of: "b" });
    await turn();
    let isWritten = false;
    const second = log.append({ kind: "settled", of: "c" });
    void second.then(() => {
      isWritten = true;
    });
    await turn();
    expect(saver.asked).toHaveLength(2);
    // Nobody is told that it is safe before what came earlier is.
    await saver.letWrite(1);
    expect(isWritten).toBe(false);
    await saver.letWrite(0);
    expect(isWritten).toBe(true);
    const read = await readLog(saver, "thread");
    expect(read?.entries.map(({ of }) => of)).toEqual(["b", "c"]);
    expect(read?.next).toBe(3);
  });

  it("is told in the order in which it was appended, in whatever order it was written", async () => {
    const { saver, log } = await logOn(true);
    for (const kind of ["a", "b", "c", "d"]) {
      void log.append({ kind });
      await turn();
    }
    let isFlushed = false;
    void log.flushed().then(() => {
      isFlushed = true;
    });
    for (const at of [2, 0, 3]) await saver.letWrite(at);
    expect(isFlushed).toBe(false);
    await saver.letWrite(1);
    expect(isFlushed).toBe(true);
    expect((await readLog(saver, "thread"))?.entries.map(({ kind }) => kind)).toEqual(["a", "b", "c", "d"]);
  });

  it("waits for the earlier write elsewhere, and then writes all that came meanwhile together", async () => {
    const { saver, log } = await logOn(false);
    void log.append({ kind: "a" });
    await turn();
    void log.append({ kind: "b" });
    const last = log.append({ kind: "c" });
    await turn();
    expect(saver.asked).toHaveLength(1);
    await saver.letWrite(0);
    expect(saver.asked.map(({ given: [, writes] }) => writes.length)).toEqual([1, 2]);
    await saver.letWrite(1);
    await last;
    expect((await readLog(saver, "thread"))?.entries.map(({ kind }) => kind)).toEqual(["a", "b", "c"]);
  });

  it.each([true, false])("tells a failure once and drops the rest (keepsOrder: %s)", async (keepsOrder) => {
    const told: unknown[] = [];
    const { saver, log } = await logOn(keepsOrder, (error) => told.push(error));
    const all = [log.append({ kind: "a" })];
    await turn();
    all.push(log.append({ kind: "b" }));
    await turn();
    for (const { failed } of saver.asked) failed(new Error("The disk is full."));
    await Promise.all(all);
    await log.append({ kind: "c" });
    await log.flushed();
    expect(told).toEqual([new Error("The disk is full.")]);
    expect(saver.asked).toHaveLength(keepsOrder ? 2 : 1);
  });
});

const begun = (saver: MemorySaver, after: string | null = null, thread = "thread") =>
  ThreadLog.create(saver, thread, after, (error) => {
    throw error;
  });
const kindsOf = (entries: readonly LogEntry[] | undefined) => entries?.map(({ kind }) => kind);

describe("what is read of a log", () => {
  it("is nothing where nobody began one", async () => {
    expect(await readLog(new MemorySaver(), "thread")).toBeNull();
  });

  it("is each entry as it was appended, numbered from 1 on, though values look like something else", async () => {
    const saver = new MemorySaver();
    const log = await begun(saver);
    expect(await readLog(saver, "thread")).toMatchObject({ thread: "thread", entries: [], next: 1 });
    const odd = { lc: 1, type: "constructor", id: ["a"], kwargs: {} };
    void log.append({ kind: "odd", value: odd, text: '{"n":9}', none: null });
    await log.append({ kind: "next" });
    const read = await readLog(saver, "thread");
    expect(read?.entries).toEqual([
      { n: 1, kind: "odd", value: odd, text: '{"n":9}', none: null },
      { n: 2, kind: "next" },
    ]);
    expect(read?.next).toBe(3);
  });

  it("goes on where an earlier process had stopped", async () => {
    const saver = new MemorySaver();
    await (await begun(saver)).append({ kind: "a" });
    const read = await readLog(saver, "thread");
    if (read === null) throw new Error("It was not written.");
    await ThreadLog.goOn(saver, read, () => {}).append({ kind: "b" });
    const whole = await readLog(saver, "thread");
    expect([kindsOf(whole?.entries), whole?.next, whole?.id]).toEqual([["a", "b"], 3, read.id]);
  });

  it("is the latest run's alone, also where the clock was put back meanwhile", async () => {
    const saver = new MemorySaver();
    await (await begun(saver)).append({ kind: "earlier" });
    const ahead = `9${(await readLog(saver, "thread"))?.id.slice(1)}`;
    for (const after of [(await readLog(saver, "thread"))?.id ?? "", ahead]) {
      const log = await begun(saver, after);
      await log.append({ kind: `after ${after}` });
      const read = await readLog(saver, "thread");
      expect(kindsOf(read?.entries)).toEqual([`after ${after}`]);
      expect((read?.id ?? "") > after).toBe(true);
    }
  });

  it("leaves out what others wrote beside it", async () => {
    const saver = new MemorySaver();
    const log = await begun(saver);
    await log.append({ kind: "a" });
    const { id } = (await readLog(saver, "thread")) ?? { id: "" };
    const place = { configurable: { thread_id: "thread", checkpoint_ns: logNamespace, checkpoint_id: id } };
    await saver.putWrites(place, [["other", '{"n":7,"kind":"b"}']], "task-1");
    await saver.putWrites(place, [["log", { n: 8, kind: "c" }]], "task-2");
    const read = await readLog(saver, "thread");
    expect([kindsOf(read?.entries), read?.next]).toEqual([["a"], 2]);
  });

  it("is that of every thread once, the latest, and no checkpoint of LangGraph's", async () => {
    const saver = new MemorySaver();
    for (const thread of ["one", "two"]) await (await begun(saver, null, thread)).append({ kind: "early" });
    const after = (await readLog(saver, "one"))?.id ?? null;
    await (await begun(saver, after, "one")).append({ kind: "late" });
    const list = saver.list.bind(saver);
    // A checkpointer that does not tell namespaces apart.
    saver.list = async function* () {
      yield { config: { configurable: { thread_id: "three", checkpoint_ns: "" } } } as any;
      yield { config: {} } as any;
      yield* list({ configurable: { checkpoint_ns: logNamespace } });
    };
    const found: Record<string, unknown> = {};
    for await (const { thread, entries } of readLogs(saver)) {
      expect(found).not.toHaveProperty(thread);
      found[thread] = kindsOf(entries);
    }
    expect(found).toEqual({ one: ["late"], two: ["early"] });
  });
});

it("is begun by its first group where the checkpointer can write where nothing stood", async () => {
  const saver = new MemorySaver();
  const steps: string[] = [];
  const { put, putWrites } = saver;
  Object.assign(saver, {
    put: (...args: Parameters<typeof put>) => {
      steps.push("put");
      return put.apply(saver, args);
    },
    putWrites: (...args: PutWrites) => {
      steps.push(`putWrites ${args[1].length}`);
      return putWrites.apply(saver, args);
    },
    putNew: async (config: any, checkpoint: any, metadata: any, writes: PutWrites[1], task: string) => {
      steps.push(`putNew ${writes.length}`);
      const at = await put.call(saver, config, checkpoint, metadata);
      await putWrites.call(saver, at as PutWrites[0], writes, task);
      return true;
    },
  });
  const log = await begun(saver);
  expect(steps).toEqual([]);
  void log.append({ kind: "a" });
  await log.append({ kind: "b" });
  await log.append({ kind: "c" });
  expect(steps).toEqual(["putNew 2", "putWrites 1"]);
  expect(kindsOf((await readLog(saver, "thread"))?.entries)).toEqual(["a", "b", "c"]);
});
