import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { emptyCheckpoint } from "@langchain/langgraph";
import {
  compile,
  defineDag,
  type OpenCheckpointer,
  openCheckpointer,
  resume,
  run,
  waitingThreads,
} from "agent-dag";
import type { RedisSaver } from "../../src/stores/redis.js";
import { hasRedis, startRedis, type TestRedis } from "../support/redis.js";

const metadata = { source: "input" as const, step: -1, parents: {} };

const suite = hasRedis() ? describe : describe.skip;

suite("runs kept in Redis", () => {
  let redis: TestRedis;
  let url: string;
  let store: OpenCheckpointer;

  beforeAll(async () => {
    redis = await startRedis();
    url = await redis.database();
    store = await openCheckpointer(url);
  });
  afterAll(async () => {
    await store.close();
    await redis.end();
  });

  let broken = true;
  let drafts = 0;
  const dag = defineDag({
    name: "letter",
    nodes: {
      draft: {
        run: ({ input }) => {
          drafts++;
          return { text: `Dear ${input}`, odd: '\u0000 "__proto__" \ud800', lc: 1, type: "constructor" };
        },
      },
      ok: { needs: ["draft"], approve: { message: "Send it?" } },
      sent: {
        needs: ["draft", "ok"],
        run: ({ needs }) => {
          if (broken) throw new Error("no post");
          return needs.draft;
        },
      },
    },
  });

  it.each(["sequential", "deterministic", "dataflow"] as const)(
    "wait, are answered and go on where they were: %s",
    async (topology) => {
      broken = true;
      drafts = 0;
      const thread = `letter-${topology}`;
      const options = {
        checkpointer: store.checkpointer,
        thread,
        topology,
      };
      const first = await run(dag, "Ada", options);
      expect(first.state).toBe("interrupted");
      expect(first.events.filter(({ type }) => type === "notice")).toEqual([]);
      const waiting = (await waitingThreads(store.checkpointer)).map((one) => one.thread);
      expect(waiting).toContain(thread);
      const failed = await resume(dag, { ...options, answer: true });
      expect(failed.outcomes.sent.state).toBe("failed");
      broken = false;
      const done = await resume(dag, { ...options, retryFailed: true });
      expect(done.outcomes.sent).toMatchObject({ state: "completed" });
      expect((done.outcomes.sent as { value: unknown }).value).toEqual({
        text: "Dear Ada",
        odd: '\u0000 "__proto__" \ud800',
        lc: 1,
        type: "constructor",
      });
      expect(drafts).toBe(1);
    },
  );

  it("are driven by one at a time", async () => {
    let [release, begin] = [() => {}, () => {}];
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const slow = defineDag({ name: "slow", nodes: { a: { run: () => begin() ?? held.then(() => 1) } } });
    const other = await openCheckpointer(url);
    const running = run(slow, "x", { checkpointer: store.checkpointer, thread: "busy" });
    await begun;
    await expect(run(slow, "x", { checkpointer: other.checkpointer, thread: "busy" })).rejects.toMatchObject({
      code: "THREAD_BUSY",
    });
    release();
    expect((await running).state).toBe("completed");
    await other.close();
  });

  it("can be looked at, forked and deleted through LangGraph", async () => {
    broken = false;
    const { checkpointer } = store;
    const plain = defineDag({
      name: "sum",
      nodes: { a: { run: () => 1 }, b: { needs: ["a"], run: ({ needs }) => needs.a + 1 } },
    });
    const graph = compile(plain, { checkpointer });
    const config = { configurable: { thread_id: "looked-at" } };
    await graph.invoke({ input: "x" }, config);
    expect((await graph.getState(config)).values.outcomes.b.value).toBe(2);
    const history = [];
    for await (const state of graph.getStateHistory(config)) history.push(state);
    expect(history.length).toBeGreaterThan(1);
    await checkpointer.deleteThread("looked-at");
    expect(await checkpointer.getTuple(config)).toBeUndefined();
    expect((await graph.getState(config)).values).toEqual({});
  });

  it("begin once, whoever else begins them at the same time, with the writes of the one that did", async () => {
    const saver = store.checkpointer as RedisSaver;
    const config = { configurable: { thread_id: "begun", checkpoint_ns: "x" } };
    const point = { ...emptyCheckpoint(), id: "1" };
    const began = await Promise.all(
      Array.from({ length: 20 }, (_, at) => saver.putNew(config, point, metadata, [["by", at]], "task")),
    );
    expect(began.filter(Boolean)).toHaveLength(1);
    const tuple = await saver.getTuple(config);
    expect(tuple?.pendingWrites).toEqual([["task", "by", began.indexOf(true)]]);
  });

  it("are kept in the order in which they are put, though packing the first takes longer", async () => {
    const saver = store.checkpointer as RedisSaver;
    const config = { configurable: { thread_id: "in order", checkpoint_ns: "x" } };
    const { serde } = saver;
    const unhurried = async (value: unknown) => {
      if (value === "slow") await new Promise((resolve) => setTimeout(resolve, 50));
      return serde.dumpsTyped(value);
    };
    saver.serde = { ...serde, dumpsTyped: unhurried, loadsTyped: serde.loadsTyped.bind(serde) };
    try {
      const begun = saver.putNew(config, { ...emptyCheckpoint(), id: "1" }, metadata, [["at", "slow"]], "a");
      const at = { configurable: { ...config.configurable, checkpoint_id: "1" } };
      const second = saver.putWrites(at, [["at", "quick"]], "a");
      await second;
      expect((await saver.getTuple(config))?.pendingWrites).toEqual([["a", "at", "slow"]]);
      expect(await begun).toBe(true);
    } finally {
      saver.serde = serde;
    }
  });

  it("are not made up where nothing is to be created, and nothing names the password", async () => {
    const empty = await redis.database();
    await expect(openCheckpointer(empty, { create: false })).rejects.toMatchObject({
      code: "CHECKPOINTER_UNUSABLE",
    });
    const secret = "s3cret-password";
    const error = await openCheckpointer(`redis://me:${secret}@127.0.0.1:1/0`).catch((reason) => reason);
    expect(error).toMatchObject({ code: "CHECKPOINTER_UNUSABLE" });
    expect(`${error.message} ${JSON.stringify(error.facts)} ${error.cause}`).not.toContain(secret);
  });
});
