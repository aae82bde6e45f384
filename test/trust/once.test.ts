import { describe, expect, it } from "@jest/globals";
import { MemorySaver } from "@langchain/langgraph";
import { type DagSpec, defineDag, resume, run } from "agent-dag";
import { z } from "zod";
import { topologyNames } from "../../graphs/topology.js";
import type { Model } from "../../src/models/port.js";
import { replyModel } from "../support/reply-model.js";

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const declared = ["sequential", "deterministic", "dataflow"] as const;

describe.each(declared)("work is done once, %s", (topology) => {
  it("when two answers come at the same time", async () => {
    let sent = 0;
    const spec = defineDag({
      name: "publish",
      nodes: {
        a: { run: () => 1 },
        ok: { needs: ["a"], approve: { message: "Send?" } },
        send: {
          needs: ["ok"],
          run: async () => {
            sent++;
            await wait(20);
            return "sent";
          },
        },
      },
    });
    const options = { topology, checkpointer: new MemorySaver(), thread: "t" };
    await run(spec, "x", options);
    const both = await Promise.allSettled([
      resume(spec, { ...options, answer: true }),
      resume(spec, { ...options, answer: true }),
    ]);
    expect(sent).toBe(1);
    expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    const refused = both.find((one) => one.status === "rejected");
    expect(refused).toMatchObject({ reason: { code: "THREAD_BUSY" } });
    expect((await resume(spec, options)).output).toBe("sent");
    expect(sent).toBe(1);
  });

  it("without a retry that was stated, whatever went wrong, its own timeout too", async () => {
    let tries = 0;
    const spec = defineDag({
      name: "pay",
      nodes: {
        pay: {
          policy: { timeoutMs: 20 },
          run: async () => {
            tries++;
            await wait(60);
            return "charged";
          },
        },
      },
    });
    const record = await run(spec, "x", { topology });
    await wait(100);
    expect(tries).toBe(1);
    expect(record.outcomes.pay).toMatchObject({ state: "timed-out", attempts: 1 });
  });
});

/** Checkpointers of one store that take their time, each as if it were opened by itself. */
function ofOneStore(count: number, seed: number): MemorySaver[] {
  const store = new MemorySaver();
  let state = seed;
  const pause = () => {
    state = (state * 48_271) % 2_147_483_647;
    return wait(state % 4);
  };
  return Array.from(
    { length: count },
    () =>
      new Proxy(store, {
        get(target, name) {
          const own: unknown = Reflect.get(target, name, target);
          if (typeof own !== "function") return own;
          if (!["getTuple", "put", "putWrites"].includes(String(name))) return own.bind(target);
          return async (...args: unknown[]) => {
            await pause();
            const given: unknown = await own.apply(target, args);
            await pause();
            return given;
          };
        },
      }),
  );
}

it.each([
  ["of one checkpointer", () => new Array(3).fill(new MemorySaver())],
  ["of one each, on the same store", (race: number) => ofOneStore(3, race + 1)],
])("races of drivers never do work twice: %s", async (_, checkpointersFor) => {
  for (let race = 0; race < 60; race++) {
    const done: string[] = [];
    const step = (name: string) => async () => {
      done.push(name);
      await wait(race % 3);
      return name;
    };
    const spec = defineDag({
      name: "race",
      nodes: { a: { run: step("a") }, b: { run: step("b") }, c: { needs: ["a", "b"], run: step("c") } },
    } as DagSpec);
    const topology = topologyNames[race % 3];
    if (topology === undefined) throw new Error("no topology");
    const drivers = checkpointersFor(race).map(async (checkpointer: MemorySaver, late: number) => {
      await wait(late * (race % 12));
      return run(spec, "x", { topology, checkpointer, thread: `t${race}` });
    });
    await Promise.allSettled(drivers);
    expect(done.sort()).toEqual(["a", "b", "c"]);
  }
});

describe("every request counts", () => {
  it("also those of a run that was aborted within a repair: in the record, and against the budget", async () => {
    let sent = 0;
    const controller = new AbortController();
    const model: Model = {
      id: "test:model",
      async *call({ signal }) {
        sent++;
        yield { type: "text", text: "not json" };
        if (sent === 2) {
          controller.abort();
          signal.throwIfAborted();
        }
        yield { type: "finish", reason: "stop" };
      },
    };
    const spec = defineDag({
      name: "repair",
      nodes: { a: { instructions: "Answer.", output: z.object({ n: z.number() }) } },
    });
    const options = { model, checkpointer: new MemorySaver(), thread: "t", limits: { maxModelCalls: 2 } };
    const first = await run(spec, "x", { ...options, signal: controller.signal });
    expect(first.state).toBe("cancelled");
    expect(first.calls).toHaveLength(2);
    const second = await resume(spec, options);
    expect(second.calls.length).toBe(sent);
    expect(sent).toBe(2);
    expect(second.outcomes.a).toMatchObject({ state: "skipped", reason: { code: "budget" } });
  });

  it("and no finished turn of an agent is asked or called again", async () => {
    let calls = 0;
    let turns = 0;
    const controller = new AbortController();
    const tool = {
      name: "count",
      description: "Counts.",
      schema: z.object({}),
      invoke: async () => String(++calls),
    };
    const model: Model = {
      id: "test:model",
      async *call({ turn, signal }) {
        turns++;
        if (turn === 0) {
          yield { type: "tool-call", index: 0, id: "c", name: "count", args: "{}" };
          yield { type: "finish", reason: "tool_calls" };
          return;
        }
        if (!controller.signal.aborted) {
          controller.abort();
          signal.throwIfAborted();
        }
        yield { type: "text", text: `counted ${calls}` };
        yield { type: "finish", reason: "stop" };
      },
    };
    const spec = defineDag({
      name: "agent",
      nodes: { a: { instructions: "Count.", tools: [tool] } },
    } as DagSpec);
    const options = { model, checkpointer: new MemorySaver(), thread: "t" };
    await run(spec, "x", { ...options, signal: controller.signal });
    const record = await resume(spec, options);
    expect(record.output).toBe("counted 1");
    expect({ calls, turns }).toEqual({ calls: 1, turns: 3 });
    expect(record.calls).toHaveLength(3);
  });
});

it("tries again what failed where that is asked for, and nothing else", async () => {
  const tries: Record<string, number> = {};
  const step = (name: string, fails: boolean) => () => {
    tries[name] = (tries[name] ?? 0) + 1;
    if (fails && tries[name] === 1) throw new Error("first");
    return name;
  };
  const spec = defineDag({
    name: "again",
    nodes: {
      good: { run: step("good", false) },
      bad: { run: step("bad", true) },
      after: { needs: ["good", "bad"], run: step("after", false) },
    },
  } as DagSpec);
  for (const topology of declared) {
    for (const key of Object.keys(tries)) delete tries[key];
    const options = { topology, checkpointer: new MemorySaver(), thread: "t" };
    expect((await run(spec, "x", options)).state).toBe("failed");
    expect((await resume(spec, options)).state).toBe("failed");
    expect((await resume(spec, { ...options, retryFailed: true })).output).toBe("after");
    expect(tries).toEqual({ good: 1, bad: 2, after: 1 });
  }
});

it("asks an agent that failed again, where that is asked for", async () => {
  let asked = 0;
  const model = replyModel(() => (++asked < 3 ? "not json" : '{"n":1}'));
  const spec = defineDag({
    name: "bad-output",
    nodes: { a: { instructions: "Answer.", output: z.object({ n: z.number() }) } },
  });
  const options = { model, checkpointer: new MemorySaver(), thread: "t" };
  expect((await run(spec, "x", options)).outcomes.a).toMatchObject({ error: { code: "OUTPUT_INVALID" } });
  expect((await resume(spec, options)).state).toBe("failed");
  expect(asked).toBe(2);
  const again = await resume(spec, { ...options, retryFailed: true });
  expect(again.outcomes.a).toMatchObject({ state: "completed", value: { n: 1 } });
  expect(again.calls).toHaveLength(3);
});

it("reuses a thread's run after an edit: what has not changed is not run again", async () => {
  let asked = 0;
  const model = replyModel(({ node }) => {
    asked++;
    return `${node} said`;
  });
  const spec = (extra: object) =>
    defineDag({
      name: "edited",
      input: z.object({ rows: z.array(z.object({ id: z.string() })) }),
      nodes: {
        each: { forEach: { items: "rows", key: "id" }, instructions: "Read.", ...extra },
        sum: { needs: ["each"], include: "needs", instructions: "Sum up." },
      },
    } as DagSpec);
  const checkpointer = new MemorySaver();
  const rows = [{ id: "a" }, { id: "b" }];
  await run(spec({}), { rows }, { model, checkpointer, thread: "one" });
  expect(asked).toBe(3);
  const reuse = { checkpointer, thread: "one" };
  const described = await run(spec({ description: "Now with words." }), { rows }, { model, reuse });
  expect(asked).toBe(3);
  expect(described.usage.reused).toMatchObject({ modelCalls: 3 });
  const more = { rows: [{ id: "z" }, ...rows] };
  const added = await run(spec({}), more, { model, reuse });
  expect(asked).toBe(5);
  expect(added.outcomes.each?.items?.map(({ reused }) => reused === true)).toEqual([false, true, true]);
});
