import { describe, expect, it } from "@jest/globals";
import { MemorySaver } from "@langchain/langgraph";
import { readLog, ThreadLog } from "../../src/stores/thread-log.js";

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
