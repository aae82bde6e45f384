import { expect, it } from "@jest/globals";
import { MemorySaver } from "@langchain/langgraph";
import type { Topology } from "../../graphs/topology.js";
import { resume, run } from "../../src/run/run.js";
import { defineDag } from "../../src/spec/define.js";
import { replyModel } from "../support/reply-model.js";

const dag = defineDag({
  name: "two-parts",
  nodes: {
    before: { instructions: "Before." },
    ok: { needs: ["before"], approve: { message: "Go on?" } },
    after: { needs: ["ok"], instructions: "After." },
    last: { needs: ["after"], instructions: "Last." },
  },
});

it.each<Topology>(["sequential", "deterministic", "dataflow"])(
  "goes on with the first part's budget and usage after a resume in topology %s",
  async (topology) => {
    const options = {
      checkpointer: new MemorySaver(),
      thread: "one",
      model: replyModel(),
      limits: { maxModelCalls: 2 },
    };
    const first = await run(dag, "x", { ...options, topology });
    expect(first).toMatchObject({ state: "interrupted", usage: { modelCalls: 1 } });
    const second = await resume(dag, { ...options, answer: true });
    expect(second.usage.modelCalls).toBe(2);
    expect(second.outcomes.after.state).toBe("completed");
    expect(second.outcomes.last).toMatchObject({ state: "skipped", reason: { code: "budget" } });
    expect(second.durationMs).toBeGreaterThan(first.outcomes.before.endedAtMs ?? Infinity);
  },
);
