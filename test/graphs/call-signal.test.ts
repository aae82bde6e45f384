import { getEventListeners } from "node:events";
import { describe, expect, it } from "@jest/globals";
import { MemorySaver } from "@langchain/langgraph";
import { compile, defineDag, type RunEvent, resume, type Topology } from "agent-dag";

const topologies: readonly Topology[] = ["sequential", "deterministic", "dataflow"];
const doors = ["invoke", "stream", "batch"] as const;

/** A DAG whose second node waits, where it is to, for a signal that is aborted meanwhile. */
function waiting(controller: AbortController) {
  const waits = { now: true };
  const spec = defineDag({
    name: "waiting",
    nodes: {
      a: { run: () => "a" },
      b: {
        needs: ["a"],
        run: ({ signal }) =>
          !waits.now
            ? "b"
            : new Promise<string>((_, reject) => {
                signal.addEventListener("abort", () => reject(signal.reason), { once: true });
                setTimeout(() => controller.abort(new Error("enough")));
              }),
      },
    },
  });
  return { spec, waits };
}

describe.each(topologies)("the signal of a call of a compiled graph, %s", (topology) => {
  it.each(doors.flatMap((door) => (["before", "while"] as const).map((when) => ({ door, when }))))(
    "$door, aborted $when it runs: who called hears of it when the run has ended, and can resume it at once",
    async ({ door, when }) => {
      const controller = new AbortController();
      const { spec, waits } = waiting(controller);
      const events: RunEvent[] = [];
      const checkpointer = new MemorySaver();
      const graph = compile(spec, { topology, checkpointer, onEvent: (event) => void events.push(event) });
      const config = { signal: controller.signal, configurable: { thread_id: "t" } };
      if (when === "before") controller.abort(new Error("enough"));
      const call = async () => {
        if (door === "invoke") await graph.invoke({ input: "x" }, config);
        else if (door === "batch") await graph.batch([{ input: "x" }], config);
        else for await (const _ of await graph.stream({ input: "x" }, config));
      };
      await expect(call()).rejects.toThrow("enough");
      expect(events.at(-1)).toMatchObject({ type: "run-ended", state: "cancelled" });
      expect(getEventListeners(controller.signal, "abort")).toEqual([]);
      waits.now = false;
      expect(await resume(spec, { topology, checkpointer, thread: "t" })).toMatchObject({ output: "b" });
    },
  );
});

it.each(["enough", new Error("enough"), undefined])(
  "rejects with an error, whatever the reason of the abort is: %s",
  async (reason) => {
    const graph = compile(defineDag({ name: "one", nodes: { a: { run: () => 1 } } }));
    const called = graph.invoke({ input: "x" }, { signal: AbortSignal.abort(reason) });
    await expect(called).rejects.toThrow(reason === undefined ? /abort/i : "enough");
  },
);

it("ends a run through the signal that a graph is bound to", async () => {
  const controller = new AbortController();
  const { spec } = waiting(controller);
  const graph = compile(spec).withConfig({ signal: controller.signal });
  await expect(graph.invoke({ input: "x" })).rejects.toThrow("enough");
  expect(getEventListeners(controller.signal, "abort")).toEqual([]);
});
