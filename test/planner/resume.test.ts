import { describe, expect, it } from "@jest/globals";
import { MemorySaver } from "@langchain/langgraph";
import { defineDag, resume, run } from "agent-dag";
import type { ModelRequest } from "../../src/models/port.js";
import { plannerModel } from "./planner-model.js";

const spec = defineDag({
  name: "resumable",
  nodes: {
    base: { instructions: "Base." },
    quick: { needs: ["base"], instructions: "Quick." },
    stuck: { instructions: "Stuck." },
    meta: { needs: ["quick", "stuck"], instructions: "Sum up." },
  },
});

const says = (request: ModelRequest, turn: number) => {
  if (request.tools.length === 0) return '1. quick("short")\n2. stuck()\njoin()';
  return turn === 0
    ? ([
        ["quick", '{"focus":"short"}'],
        ["stuck", "{}"],
      ] as const)
    : "the answer";
};

describe.each(["planned", "planned-dag"] as const)("%s with a checkpointer", (topology) => {
  it("makes no finished call again when it is resumed", async () => {
    const checkpointer = new MemorySaver();
    const first = plannerModel(says);
    const lost = new AbortController();
    const reached = new Promise<void>((resolve) => {
      const onEvent = (event: { type: string; node?: string }) => {
        if (event.type === "node-settled" && event.node === "quick") setTimeout(resolve, 50);
      };
      // Left behind in the middle, as a process that dies leaves it.
      void run(spec, "input", {
        topology,
        model: neverEnding(first),
        checkpointer,
        thread: "t",
        onEvent,
        signal: lost.signal,
      });
    });
    await reached;
    expect(first.requests.map(({ node }) => node).sort()).toEqual(["$planner", "base", "quick", "stuck"]);

    const second = plannerModel(says);
    const left = leftBehind(checkpointer, "t");
    const record = await resume(spec, { topology, model: second, checkpointer: left, thread: "t" });
    expect(record).toMatchObject({
      state: "completed",
      output: topology === "planned" ? "the answer" : "joined",
    });
    expect(second.requests.map(({ node }) => node)).toEqual([
      "stuck",
      topology === "planned" ? "$planner" : "$joiner",
    ]);
    expect(Object.values(record.outcomes).map(({ state }) => state)).toEqual(Array(4).fill("completed"));
    expect(record.outcomes.quick.invocations).toBeUndefined();
    const finished = ["$planner", "base", "quick", "stuck", topology === "planned" ? "$planner" : "$joiner"];
    // The request that was under way in the dead process was sent: it counts.
    const cutOff = record.calls.filter(({ error }) => error?.code === "CALL_LOST");
    expect(cutOff.map(({ node }) => node)).toEqual(["stuck"]);
    expect(record.calls.filter((call) => !cutOff.includes(call)).map(({ node }) => node)).toEqual(finished);
    expect(record.outcomes.stuck.startedAtMs).toBeGreaterThan(record.outcomes.quick.endedAtMs ?? Infinity);
  });
});

/** What a dead process leaves of its thread: all but the lease that it still held. */
function leftBehind(checkpointer: MemorySaver, thread: string): MemorySaver {
  const left = new MemorySaver();
  left.storage = structuredClone(checkpointer.storage);
  const isLease = (key: string) => key.includes("agent-dag-lease");
  left.writes = Object.fromEntries(
    Object.entries(structuredClone(checkpointer.writes)).filter(([key]) => !isLease(key)),
  );
  delete left.storage[thread]?.["agent-dag-lease"];
  return left;
}

/** The model, whose stuck node never answers and holds no timer. */
function neverEnding(model: ReturnType<typeof plannerModel>): typeof model {
  return {
    ...model,
    async *call(request) {
      if (request.node !== "stuck") return yield* model.call(request);
      model.requests.push(request);
      await new Promise(() => {});
    },
  };
}

describe.each(["planned", "planned-dag"] as const)("%s with an approval", (topology) => {
  const guarded = defineDag({
    name: "guarded",
    nodes: {
      draft: { instructions: "Draft." },
      allow: { needs: ["draft"], approve: { message: "Send it?" } },
      send: { needs: ["allow"], instructions: "Send." },
      meta: { needs: ["send"], instructions: "Report." },
    },
  });
  const calls = (request: ModelRequest, turn: number) => {
    if (request.tools.length === 0) return "1. send()\n2. draft()\njoin()";
    return turn === 0
      ? ([
          ["draft", "{}"],
          ["send", "{}"],
        ] as const)
      : "reported";
  };

  it("never offers it to the planner, stops at it, and goes on with the answer", async () => {
    const checkpointer = new MemorySaver();
    const model = plannerModel(calls);
    const options = { topology, model, checkpointer, thread: "t" };
    const first = await run(guarded, "input", options);
    expect(first.state).toBe("interrupted");
    expect(first.interrupts).toMatchObject([{ node: "allow", message: "Send it?" }]);
    expect(first.outcomes.draft.state).toBe("completed");
    expect(model.requests[0]?.messages.at(-1)?.content).not.toContain('"name":"allow"');

    const record = await resume(guarded, { ...options, answer: true });
    expect(record).toMatchObject({ state: "completed" });
    expect(record.outcomes.send.state).toBe("completed");
    expect(model.requests.filter(({ node }) => node === "draft")).toHaveLength(1);
    expect(model.requests.filter(({ node }) => node === "send")).toHaveLength(1);
  });
});

describe.each(["planned", "planned-dag"] as const)("%s without an output node of its own", (topology) => {
  const two = defineDag({
    name: "two",
    nodes: { quick: { instructions: "Quick." }, stuck: { instructions: "Stuck." } },
  });

  it("gives the same record when a finished run is resumed", async () => {
    const options = { topology, model: plannerModel(says), checkpointer: new MemorySaver(), thread: "t" };
    const first = await run(two, "input", options);
    expect(first).toMatchObject({ state: "completed" });
    const asked = options.model.requests.length;
    const again = await resume(two, options);
    expect(again).toMatchObject({ state: "completed", output: first.output, error: null });
    expect(again.usage).toEqual(first.usage);
    expect(options.model.requests).toHaveLength(asked);
  });

  it("gives the same error when a run that found no answer is resumed", async () => {
    const model = plannerModel(() => "");
    const options = { topology, model, checkpointer: new MemorySaver(), thread: "t" };
    const first = await run(two, "input", options);
    expect(first).toMatchObject({ state: "failed", output: null });
    expect(await resume(two, options)).toMatchObject({ state: "failed", error: first.error });
  });

  it("finishes a run that was aborted, and makes no finished call again", async () => {
    const model = plannerModel(says);
    const checkpointer = new MemorySaver();
    const lost = new AbortController();
    const first = await run(two, "input", {
      topology,
      model: neverEnding(model),
      checkpointer,
      thread: "t",
      signal: lost.signal,
      onEvent(event) {
        if (event.type === "node-settled" && event.node === "quick") setTimeout(() => lost.abort(), 20);
      },
    });
    expect(first).toMatchObject({
      state: "cancelled",
      outcomes: { quick: { state: "completed" }, stuck: { state: "cancelled" } },
    });
    model.requests.length = 0;
    const record = await resume(two, { topology, model, checkpointer, thread: "t" });
    expect(record).toMatchObject({ state: "completed", error: null });
    expect(record.outcomes.stuck.state).toBe("completed");
    const asked = model.requests.map(({ node }) => node);
    expect(asked).toContain("stuck");
    expect(asked).not.toContain("quick");
  });

  it("asks the planner again where the run was aborted while it wrote", async () => {
    const model = plannerModel(says);
    const checkpointer = new MemorySaver();
    const lost = new AbortController();
    const silent: typeof model = {
      ...model,
      async *call(request) {
        lost.abort();
        await new Promise(() => {});
        yield* model.call(request);
      },
    };
    const options = { topology, checkpointer, thread: "t" };
    const first = await run(two, "input", { ...options, model: silent, signal: lost.signal });
    expect(first).toMatchObject({ state: "cancelled", outcomes: { quick: { state: "cancelled" } } });
    expect(await resume(two, { ...options, model })).toMatchObject({ state: "completed", error: null });
  });
});
