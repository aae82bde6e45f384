import { expect, it } from "@jest/globals";
import { MemorySaver } from "@langchain/langgraph";
import { defineDag, resume, run } from "../../src/index.js";
import type { RunEntry } from "../../src/serve/run-index.js";
import { readServedRun } from "../../src/serve/stored-runs.js";
import { signals } from "../planner/planner-model.js";

/** A run that waits on thread "t", and one that answers it, whose last node ends when it is let. */
async function answered() {
  const store = new MemorySaver();
  const at = signals(["begun", "go"]);
  const dag = defineDag({
    name: "letter",
    nodes: {
      ask: { approve: { message: "Send it?" } },
      send: {
        needs: ["ask"],
        run: () => {
          at.tell("begun");
          return Promise.resolve(at.told("go")).then(() => "sent");
        },
      },
    },
  });
  const asked = await run(dag, "x", { checkpointer: store, thread: "t" });
  const going = resume(dag, { checkpointer: store, thread: "t", answer: true });
  await at.told("begun");
  const entry = (state: RunEntry["state"]): RunEntry => ({
    id: asked.id,
    thread: "t",
    dag: "letter",
    startedAt: asked.startedAt,
    state,
    takenUp: 0,
  });
  const end = async () => {
    at.tell("go");
    await going;
  };
  return { store, specs: new Map([["letter", dag]]), entry, end };
}

it("a run that another process ends while it is read is read as it ended, not as one without a driver", async () => {
  const { store, specs, entry, end } = await answered();
  let reads = 0;
  const index = {
    // By its thread it is not listed; its entry is read after the thread, and was written before the answer.
    get: async (id: string) => {
      if (id === "t") return null;
      if (++reads > 1) return entry("completed");
      await end();
      return entry("interrupted");
    },
  };
  const it = await readServedRun({ id: "t", index, store, specs });
  expect(it).toMatchObject({ state: "completed", isElsewhere: false, record: { output: "sent" } });
});

it("what was read of a run before its end does not undo its end", async () => {
  const { store, specs, entry, end } = await answered();
  const read = (state: RunEntry["state"]) =>
    readServedRun({ id: "t", index: { get: async () => entry(state) }, store, specs });
  const old = await read("running");
  expect(old).toMatchObject({ state: "running", isElsewhere: true });
  await end();
  const now = await read("completed");
  const told = now?.feed.last;
  if (old !== null) now?.catchUp(old);
  expect(now).toMatchObject({ state: "completed", record: { output: "sent" } });
  expect(now?.feed.last).toBe(told);
});

it("a run that is listed, and whose beginning is about to be written down, is no unknown one", async () => {
  const { store, specs, entry, end } = await answered();
  await end();
  let reads = 0;
  const slow = new Proxy(store, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (key !== "getTuple" && key !== "list")
        return typeof value === "function" ? value.bind(target) : value;
      return (...args: never[]) => {
        if (++reads <= 2) return key === "getTuple" ? Promise.resolve(undefined) : (async function* () {})();
        return (value as (...all: never[]) => unknown).apply(target, args);
      };
    },
  });
  const listed = { get: async () => entry("running") };
  expect(await readServedRun({ id: "t", index: listed, store: slow, specs })).toMatchObject({
    state: "completed",
  });
});
