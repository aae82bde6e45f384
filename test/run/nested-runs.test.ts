import { describe, expect, it } from "@jest/globals";
import { MemorySaver } from "@langchain/langgraph";
import { createLimiter, defineDag, renderReport, renderTimeline, resume, run } from "agent-dag";
import { scriptedModel } from "agent-dag/testing";

const declared = ["sequential", "deterministic", "dataflow"] as const;

const inner = defineDag({
  name: "inner",
  nodes: { draft: { instructions: "Draft." }, final: { needs: ["draft"], instructions: "End." } },
});
const replies = { draft: ["a draft"], final: ["the end"] };

describe.each(declared)("a run inside a function, %s", (topology) => {
  it("has a checkpointer and a thread of its own, which hold it when the outer run goes on", async () => {
    const own = new MemorySaver();
    const stop = new AbortController();
    let runs = 0;
    const model = scriptedModel(replies);
    const spec = defineDag({
      name: "outer",
      nodes: {
        nested: {
          run: async ({ input, signal }) => {
            const record = await run(inner, input, { topology, model, checkpointer: own, thread: "inner" });
            if (runs++ === 0) stop.abort();
            signal.throwIfAborted();
            return record.output;
          },
        },
      },
    });
    const options = { topology, checkpointer: new MemorySaver(), thread: "outer" };
    expect((await run(spec, "x", { ...options, signal: stop.signal })).state).toBe("cancelled");
    const record = await resume(spec, options);
    expect(record).toMatchObject({ state: "completed", output: "the end" });
    expect((await resume(inner, { checkpointer: own, thread: "inner" })).output).toBe("the end");
    expect(record.usage.modelCalls).toBe(2);
  });

  it("stands in the outer record's calls, usage and cost, at the outer's times", async () => {
    const spec = defineDag({
      name: "outer",
      nodes: {
        before: { instructions: "Say." },
        nested: {
          needs: ["before"],
          run: async ({ input }) =>
            (await run(inner, input, { topology, model: scriptedModel(replies), texts: true })).output,
        },
      },
    });
    const record = await run(spec, "x", { topology, model: scriptedModel({ before: ["hi"] }) });
    expect(record.calls.map(({ id, node }) => [id, node])).toEqual([
      ["call-1", "before"],
      ["call-2", "nested/draft"],
      ["call-3", "nested/final"],
    ]);
    expect(record.usage.modelCalls).toBe(3);
    const [first, second] = record.calls;
    expect(second?.startedAtMs).toBeGreaterThanOrEqual((first?.startedAtMs ?? 0) + (first?.durationMs ?? 0));
    expect(JSON.stringify(record)).not.toContain("a draft");
    expect(renderTimeline(record)).toContain("nested");
    expect(renderReport(record)).toContain("nested/draft");
  });

  it("is held to the outer run's budget and limits, and to a shared limiter once", async () => {
    const of = (options: object) =>
      defineDag({
        name: "outer",
        nodes: {
          nested: {
            run: async ({ input }) =>
              (
                await run(inner, input, {
                  topology,
                  ...options,
                })
              ).state,
          },
        },
      });
    const spent = await run(of({ model: scriptedModel({ draft: ["a draft"] }) }), "x", {
      topology,
      limits: { maxModelCalls: 1 },
    });
    expect(spent.usage.modelCalls).toBe(1);
    expect(spent.output).toBe("failed");
    const limiter = createLimiter({ maxConcurrency: 1 });
    const model = scriptedModel(replies);
    const shared = await run(of({ limits: { limiter }, model }), "x", { topology, limits: { limiter } });
    expect(shared.output).toBe("completed");
  });

  it("stops with the outer run, and with the function's own time", async () => {
    const states: string[] = [];
    const slow = () => scriptedModel({ draft: [{ text: "late", delayMs: 60_000 }] });
    const of = (policy: object, begun = () => {}) =>
      defineDag({
        name: "outer",
        nodes: {
          nested: {
            policy,
            run: async ({ input }) => {
              const model = slow();
              begun();
              const { state } = await run(inner, input, { topology, model });
              model.assertDone = () => {};
              states.push(state);
              return state;
            },
          },
        },
      });
    const stop = new AbortController();
    const begun = () => void setImmediate(() => stop.abort());
    expect((await run(of({}, begun), "x", { topology, signal: stop.signal })).state).toBe("cancelled");
    expect((await run(of({ timeoutMs: 30 }), "x", { topology })).outcomes.nested).toMatchObject({
      state: "timed-out",
    });
    while (states.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(states[0]).toBe("cancelled");
  });
});
