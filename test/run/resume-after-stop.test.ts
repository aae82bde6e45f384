import { expect, it } from "@jest/globals";
import { MemorySaver } from "@langchain/langgraph";
import type { Topology } from "../../graphs/topology.js";
import type { Model } from "../../src/models/port.js";
import { resume, run } from "../../src/run/run.js";
import { defineDag } from "../../src/spec/define.js";

const dag = defineDag({
  name: "stopped",
  nodes: {
    a: { instructions: "A." },
    b: { needs: ["a"], instructions: "B." },
    c: { needs: ["b"], instructions: "C." },
    d: { needs: ["a", "c"], join: "settled", instructions: "D." },
  },
});

it.each<Topology>(["sequential", "deterministic", "dataflow"])(
  "finishes a run that was aborted, asking only for what had not finished, in topology %s",
  async (topology) => {
    const controller = new AbortController();
    const asked: string[] = [];
    const model: Model = {
      id: "test:stopped",
      async *call({ node, signal }) {
        asked.push(node);
        if (asked.length === 2) controller.abort();
        signal.throwIfAborted();
        yield { type: "text", text: `${node} done` };
        yield { type: "usage", inputTokens: 1, outputTokens: 1 };
        yield { type: "finish", reason: "stop" };
      },
    };
    const options = { checkpointer: new MemorySaver(), thread: "one", model };
    const stopped = await run(dag, "x", { ...options, topology, signal: controller.signal });
    expect(stopped).toMatchObject({
      state: "cancelled",
      outcomes: { a: { state: "completed" }, b: { state: "cancelled" } },
    });
    expect(Object.keys(stopped.outcomes)).toEqual(["a", "b", "c", "d"]);

    const finished = await resume(dag, options);
    expect(finished).toMatchObject({ state: "completed", output: "d done" });
    expect(asked).toEqual(["a", "b", "b", "c", "d"]);
  },
);
