import { expect, it } from "@jest/globals";
import { type BaseCheckpointSaver, MemorySaver } from "@langchain/langgraph";
import { ThreadLease } from "../../src/stores/thread-lease.js";

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
