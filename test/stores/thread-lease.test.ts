import { spawnSync } from "node:child_process";
import { hostname } from "node:os";
import { afterEach, describe, expect, it, jest } from "@jest/globals";
import { type BaseCheckpointSaver, MemorySaver } from "@langchain/langgraph";
import { expiresAfterMs, isDriven, renewEveryMs, ThreadLease } from "../../src/stores/thread-lease.js";

afterEach(() => {
  jest.useRealTimers();
});

it("has one holder, though another read the thread between its two writes", async () => {
  const store = new MemorySaver();
  const writing = gate();
  const looking = gate();
  const first = changed(store, {
    putWrites: async (...args) => {
      await writing.passed();
      return store.putWrites(...args);
    },
  });
  const second = changed(store, {
    getTuple: async (config) => {
      const found = await store.getTuple(config);
      await looking.passed();
      return found;
    },
  });
  const one = ThreadLease.acquire(first, "t", () => {});
  await writing.reached;
  const two = ThreadLease.acquire(second, "t", () => {});
  await looking.reached;
  writing.open();
  await one.catch(() => {});
  looking.open();
  const ends = await Promise.allSettled([one, two]);
  expect(ends.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
  expect(ends[1]).toMatchObject({ reason: { code: "THREAD_BUSY" } });
  await (await one).release();
});

it("is taken where one who reached for it is gone between its two writes", async () => {
  const store = new MemorySaver();
  const never = changed(store, { putWrites: () => new Promise(() => {}) });
  const reached = store.put.bind(store);
  const put = new Promise<void>((resolve) => {
    store.put = async (...args) => {
      const done = await reached(...args);
      resolve();
      return done;
    };
  });
  void ThreadLease.acquire(never, "t", () => {});
  await put;
  const lease = await ThreadLease.acquire(store, "t", () => {});
  await expect(ThreadLease.acquire(changed(store, {}), "t", () => {})).rejects.toMatchObject({
    code: "THREAD_BUSY",
  });
  await lease.release();
});

/** A store whose clock is put on by hand. */
class ClockedStore extends MemorySaver {
  nowMs = 1_000_000;
  storeNowMs = async () => this.nowMs;
}

const take = (saver: BaseCheckpointSaver, onLost = () => {}) => ThreadLease.acquire(saver, "t", onLost);

/** A lease in the store whose holder is another one than this process. */
async function heldBy(store: ClockedStore, holder: object): Promise<void> {
  const other = changed(store, {
    putWrites: (config, writes, task) =>
      store.putWrites(
        config,
        writes.map(([channel, text]) => [
          channel,
          JSON.stringify({ ...JSON.parse(String(text)), ...holder }),
        ]),
        task,
      ),
  });
  // It does not find itself there: in the store stands somebody else.
  await take(other).catch(() => {});
}

describe("a thread that is driven", () => {
  it("in this process is busy until it is given back, through any checkpointer of the store", async () => {
    const store = new ClockedStore();
    const [here, there] = [changed(store, {}), changed(store, {})];
    const lease = await take(here);
    expect(lease.isFirst).toBe(false);
    for (const saver of [here, there]) {
      expect(await isDriven(saver, "t")).toBe(true);
      await expect(take(saver)).rejects.toMatchObject({
        code: "THREAD_BUSY",
        message: expect.stringMatching(/^The thread "t" is being driven by this process since \d{4}-/),
        facts: { thread: "t", holder: { pid: process.pid }, waitMs: saver === here ? null : expiresAfterMs },
        hint: expect.stringContaining(saver === here ? "has ended." : "the thread is free in 12 s."),
      });
    }
    expect(await isDriven(there, "another")).toBe(false);
    await (await ThreadLease.acquire(here, "another", () => {})).release();
    await lease.release();
    for (const saver of [here, there]) expect(await isDriven(saver, "t")).toBe(false);
    await (await take(there)).release();
    await (await take(here)).release();
  });

  it("elsewhere is busy until its lease has run out by the store's clock", async () => {
    const store = new ClockedStore();
    await heldBy(store, { host: "elsewhere", process: "p", pid: 7 });
    store.nowMs += expiresAfterMs - 1;
    expect(await isDriven(store, "t")).toBe(true);
    await expect(take(store)).rejects.toMatchObject({
      code: "THREAD_BUSY",
      message: expect.stringContaining("driven by process 7 on elsewhere since"),
      facts: { waitMs: 1 },
    });
    store.nowMs += 1;
    expect(await isDriven(store, "t")).toBe(false);
    await (await take(store)).release();
  });

  it.each([
    ["by a process that lives", () => ({ pid: process.ppid }), true],
    ["by a process that is dead", () => ({ pid: spawnSync("true").pid }), false],
    ["by an earlier process of this number", () => ({ pid: process.pid }), false],
    ["on another host of this name", () => ({ pid: process.pid, place: "another boot" }), true],
  ])("on this host %s is busy as long as that can be: %#", async (_, of, isBusy) => {
    const store = new ClockedStore();
    await heldBy(store, { host: hostname(), process: "p", ...of() });
    expect(await isDriven(store, "t")).toBe(isBusy);
    const lease = await take(store).catch((error: { code: string }) => error.code);
    if (isBusy) expect(lease).toBe("THREAD_BUSY");
    else await (lease as ThreadLease).release();
  });
});

describe("a lease", () => {
  const clocks = () =>
    jest.useFakeTimers({ doNotFake: ["setImmediate", "nextTick", "queueMicrotask", "performance", "Date"] });

  it("is renewed for as long as it is held", async () => {
    clocks();
    const store = new ClockedStore();
    const lease = await take(changed(store, {}));
    for (let beat = 0; beat < 5; beat++) {
      store.nowMs += renewEveryMs;
      await jest.advanceTimersByTimeAsync(renewEveryMs);
    }
    await expect(take(changed(store, {}))).rejects.toMatchObject({ facts: { waitMs: expiresAfterMs } });
    await lease.release();
    expect(jest.getTimerCount()).toBe(0);
  });

  it("is given back in the store, where other processes read it, and lies beside LangGraph's own checkpoints", async () => {
    const store = new ClockedStore();
    const leaseIn = async (checkpoint_ns: string) =>
      (await store.getTuple({ configurable: { thread_id: "t", checkpoint_ns } }))?.metadata as
        | { lease: string }
        | undefined;
    const lease = await take(store);
    const held = { beat: store.nowMs, released: false };
    expect(JSON.parse((await leaseIn("agent-dag-lease"))?.lease ?? "")).toEqual(held);
    await lease.release();
    expect(JSON.parse((await leaseIn("agent-dag-lease"))?.lease ?? "")).toEqual({ ...held, released: true });
    expect(await leaseIn("")).toBeUndefined();
  });

  it("is one of any number, the latest of which counts", async () => {
    const store = new ClockedStore();
    for (let n = 0; n < 12; n++) await (await take(store)).release();
    const lease = await take(store);
    await expect(take(changed(store, {}))).rejects.toMatchObject({ code: "THREAD_BUSY" });
    await lease.release();
  });

  it("is not had by one that another overtook while it wrote", async () => {
    const store = new ClockedStore();
    const slow = changed(store, {
      putWrites: async (...args) => {
        await store.putWrites(...args);
        // It hung for so long that its lease ran out, and another took the thread.
        store.nowMs += expiresAfterMs;
        await (await take(changed(store, {}))).release();
      },
    });
    await expect(take(slow)).rejects.toMatchObject({ code: "THREAD_BUSY" });
  });

  it("that was taken over is told once, and not taken back", async () => {
    clocks();
    const store = new ClockedStore();
    let lost = 0;
    const hung = await take(changed(store, {}), () => lost++);
    store.nowMs += expiresAfterMs;
    const next = await take(changed(store, {}));
    await jest.advanceTimersByTimeAsync(3 * renewEveryMs);
    expect(lost).toBe(1);
    await hung.release();
    await expect(take(changed(store, {}))).rejects.toMatchObject({ code: "THREAD_BUSY" });
    await next.release();
  });

  it("outlives a beat at which the store is not there, and is given back without an error", async () => {
    clocks();
    const store = new ClockedStore();
    let isThere = true;
    let lost = 0;
    const saver = changed(store, {
      put: async (...args) => {
        if (!isThere) throw new Error("The store is gone.");
        return store.put(...args);
      },
    });
    const lease = await take(saver, () => lost++);
    isThere = false;
    await jest.advanceTimersByTimeAsync(renewEveryMs);
    isThere = true;
    store.nowMs += 2 * renewEveryMs;
    await jest.advanceTimersByTimeAsync(renewEveryMs);
    await expect(take(changed(store, {}))).rejects.toMatchObject({ facts: { waitMs: expiresAfterMs } });
    expect(lost).toBe(0);
    isThere = false;
    await lease.release();
  });

  it("that could not be taken for the store's sake leaves the thread free in this process", async () => {
    const store = new ClockedStore();
    let isThere = false;
    const saver = changed(store, {
      put: async (...args) => {
        if (!isThere) throw new Error("The store is gone.");
        return store.put(...args);
      },
    });
    await expect(take(saver)).rejects.toThrow("The store is gone.");
    expect(await isDriven(saver, "t")).toBe(false);
    isThere = true;
    await (await take(saver)).release();
  });

  it("is handed to a checkpointer that gives threads back by itself", async () => {
    const store = new ClockedStore();
    const given: (() => Promise<void>)[] = [];
    const saver = Object.assign(store, {
      letGo: (_thread: string, giveBack: () => Promise<void>) => void given.push(giveBack),
    });
    await (await take(saver)).release();
    expect(given).toHaveLength(1);
    await given[0]?.();
    expect(await isDriven(changed(store, {}), "t")).toBe(false);
  });
});

describe("a checkpointer that can write where nothing stood", () => {
  /** Such a store; `answers` is what it says of a write that it has made. */
  function storeWithNew(answers = true) {
    const store = new ClockedStore();
    const steps: string[] = [];
    const putNew = async (config: any, checkpoint: any, metadata: any, writes: any, task: string) => {
      steps.push("putNew");
      if ((await store.getTuple(config)) !== undefined) return false;
      const at = await store.put(config, checkpoint, metadata);
      await store.putWrites(at as any, writes, task);
      return answers;
    };
    return { store, steps, saver: changed(store, { putNew } as Partial<MemorySaver>) };
  }

  it("takes a thread that nobody has driven in one step, and says that it is the first", async () => {
    const { saver, steps, store } = storeWithNew();
    const first = await take(saver);
    expect([first.isFirst, steps]).toEqual([true, ["putNew"]]);
    await expect(take(changed(store, {}))).rejects.toMatchObject({ code: "THREAD_BUSY" });
    await first.release();
    const second = await take(saver);
    expect(second.isFirst).toBe(false);
    await second.release();
  });

  it("has taken it too where the answer was lost", async () => {
    const { saver } = storeWithNew(false);
    jest.useFakeTimers({ doNotFake: ["setImmediate", "nextTick", "queueMicrotask", "performance", "Date"] });
    const lease = await take(saver);
    expect([lease.isFirst, jest.getTimerCount()]).toEqual([true, 1]);
    await lease.release();
    expect(jest.getTimerCount()).toBe(0);
  });
});

/** Another checkpointer over the same store, with some methods of its own. */
function changed(store: MemorySaver, own: Partial<MemorySaver>): BaseCheckpointSaver {
  return new Proxy(store, {
    get: (target, name) => {
      const value = name in own ? own[name as keyof MemorySaver] : Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

function gate() {
  let open = () => {};
  let reach = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const reached = new Promise<void>((resolve) => {
    reach = resolve;
  });
  return {
    open,
    reached,
    passed: () => {
      reach();
      return opened;
    },
  };
}
