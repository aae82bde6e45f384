import { describe, expect, it } from "@jest/globals";
import { interrupt, MemorySaver } from "@langchain/langgraph";
import { type DagSpec, defineDag, resume, run, waitingThreads } from "agent-dag";
import { z } from "zod";
import { topologyNames } from "../../graphs/topology.js";
import type { Model } from "../../src/models/port.js";
import { plannerModel } from "../planner/planner-model.js";

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const declared = ["sequential", "deterministic", "dataflow"] as const;
const kept = () => ({ checkpointer: new MemorySaver(), thread: "t" });

it.each(declared)("a question holds back only what needs its answer, %s", async (topology) => {
  const spec = defineDag({
    name: "beside",
    nodes: {
      ask: { approve: { message: "Pay?" } },
      pay: { needs: ["ask"], run: () => "paid" },
      fetch: { run: () => wait(10).then(() => "fetched") },
      index: { needs: ["fetch"], run: ({ needs }: any) => `index of ${needs.fetch}` },
      report: { needs: ["index"], run: ({ needs }: any) => `report on ${needs.index}` },
    },
  } as DagSpec);
  const options = { topology, ...kept() };
  const waiting = await run(spec, "x", options);
  expect(waiting.state).toBe("interrupted");
  expect(waiting.outcomes).toMatchObject({
    ask: { state: "interrupted" },
    pay: { state: "interrupted" },
    report: { state: "completed", value: "report on index of fetched" },
  });
  expect(await waitingThreads(options.checkpointer)).toMatchObject([
    { thread: "t", dag: "beside", interrupts: [{ node: "ask", kind: "approval", message: "Pay?" }] },
  ]);
  const done = await resume(spec, { ...options, answer: { approve: true, by: "ada", comment: "fine" } });
  expect(done.output).toEqual({ pay: "paid", report: "report on index of fetched" });
  expect(done.outcomes.report).toEqual(waiting.outcomes.report);
  const answered = done.events.find((event) => event.type === "question-answered");
  expect(answered).toMatchObject({
    answer: { node: "ask", decision: "approved", by: "ada", comment: "fine" },
  });
  expect(await waitingThreads(options.checkpointer)).toEqual([]);
});

describe.each(topologyNames)("an abort while a question is open, %s", (topology) => {
  async function aborted() {
    const controller = new AbortController();
    const worked: string[] = [];
    const spec = defineDag({
      name: "abort",
      nodes: {
        ok: { approve: { message: "Send?" } },
        slow: {
          run: async () => {
            worked.push("slow");
            await wait(20);
            if (worked.length > 1) return "slow";
            controller.abort();
            return wait(1000);
          },
        },
        behind: { needs: ["ok"], run: ({ needs }: any) => needs.ok },
        send: { needs: ["behind", "slow"], run: () => worked.push("send") },
      },
      output: "send",
    } as DagSpec);
    const model = plannerModel(({ tools, turn }) =>
      turn > 0 ? "done" : tools.length > 0 ? [["send", "{}"]] : "1. send()\njoin()",
    );
    const options = { topology, model, ...kept() };
    const record = await run(spec, "x", { ...options, signal: controller.signal });
    return { record, worked, goOn: (answer?: object) => resume(spec, { ...options, ...answer }) };
  }

  it("leaves the question open", async () => {
    const { record, worked, goOn } = await aborted();
    expect(record.state).toBe("interrupted");
    expect(record.interrupts).toMatchObject([{ node: "ok", message: "Send?" }]);
    const state = (name: string) => record.outcomes[name]?.state;
    expect(["ok", "slow", "behind", "send"].map(state)).toEqual([
      "interrupted",
      "cancelled",
      "interrupted",
      "interrupted",
    ]);
    const again = await goOn();
    expect([again.state, again.interrupts.length, again.outcomes.slow?.state]).toEqual([
      "interrupted",
      1,
      "completed",
    ]);
    const done = await goOn({ answer: true });
    expect([done.state, done.outcomes.send?.state, worked]).toEqual([
      "completed",
      "completed",
      ["slow", "slow", "send"],
    ]);
  });

  it("can be answered at once", async () => {
    const { worked, goOn } = await aborted();
    const done = await goOn({ answer: true });
    expect([done.state, done.outcomes.send?.state, worked]).toEqual([
      "completed",
      "completed",
      ["slow", "slow", "send"],
    ]);
  });
});

it.each(["planned", "planned-dag"] as const)(
  "a planner's approval cancels no slower sibling, %s",
  async (topology) => {
    const spec = defineDag({
      name: "send",
      nodes: {
        draft: { instructions: "Draft." },
        ok: { needs: ["draft"], approve: { message: "Send?" } },
        facts: { instructions: "Facts." },
        send: { needs: ["ok", "facts"], run: () => "sent" },
      },
    });
    const model = plannerModel(
      ({ tools, turn }) => (turn > 0 ? "done" : tools.length > 0 ? [["send", "{}"]] : "1. send()\njoin()"),
      { before: ({ node }) => new Promise((resolve) => setTimeout(resolve, node === "facts" ? 40 : 1)) },
    );
    const options = { topology, model, ...kept() };
    const waiting = await run(spec, "x", options);
    expect(waiting.state).toBe("interrupted");
    expect(waiting.outcomes.facts.state).toBe("completed");
    const record = await resume(spec, { ...options, answer: true });
    expect(record.state).toBe("completed");
    expect(record.outcomes.send).toMatchObject({ state: "completed", value: "sent" });
    expect(model.requests.filter(({ node }) => node === "facts")).toHaveLength(1);
  },
);

describe.each(declared)("LangGraph's own interrupt, %s", (topology) => {
  it("in a function is a question that can be answered, several in a row too", async () => {
    let begun = 0;
    const spec = defineDag({
      name: "asks",
      nodes: {
        form: {
          run: () => {
            begun++;
            const name = interrupt("What is your name?");
            const age = interrupt({ message: "How old?", min: 1 });
            return `${name}, ${age}`;
          },
        },
        other: { run: () => "meanwhile" },
      },
    });
    const options = { topology, ...kept() };
    const first = await run(spec, "x", options);
    expect(first).toMatchObject({
      state: "interrupted",
      interrupts: [
        { node: "form", kind: "interrupt", message: "What is your name?", value: "What is your name?" },
      ],
      outcomes: {
        form: { state: "interrupted", reason: { code: "question" } },
        other: { state: "completed" },
      },
    });
    const second = await resume(spec, { ...options, answer: "Ada" });
    expect(second.interrupts).toMatchObject([
      { message: "How old?", value: { message: "How old?", min: 1 } },
    ]);
    expect((await resume(spec, { ...options, answer: 36 })).outcomes.form).toMatchObject({
      value: "Ada, 36",
    });
    expect(begun).toBe(3);
  });

  it("in a tool that an agent calls is no failure of the tool", async () => {
    const tool = {
      name: "transfer",
      description: "Transfers.",
      schema: z.object({ to: z.string() }),
      invoke: async ({ to }: { to: string }) => `${interrupt({ to })} to ${to}`,
    };
    const model: Model = {
      id: "test:agent",
      async *call({ messages, turn }) {
        if (turn === 0) yield { type: "tool-call", index: 0, id: "c", name: "transfer", args: '{"to":"Bo"}' };
        else yield { type: "text", text: messages.at(-1)?.content as string };
        yield { type: "finish", reason: turn === 0 ? "tool_calls" : "stop" };
      },
    };
    const spec = defineDag({
      name: "bank",
      nodes: { agent: { instructions: "Pay.", tools: [tool] } },
    } as DagSpec);
    const options = { topology, model, ...kept() };
    const first = await run(spec, "x", options);
    expect(first.interrupts).toMatchObject([{ node: "agent", kind: "interrupt", value: { to: "Bo" } }]);
    const done = await resume(spec, { ...options, answer: "100" });
    expect(done.output).toBe("100 to Bo");
    expect(done.calls).toHaveLength(2);
  });
});

it("a tool call can be approved, edited and refused, the refusal told to the model", async () => {
  for (const [answer, said, called] of [
    [true, "wiped /tmp", ["/tmp"]],
    [{ edit: { folder: "/safe" } }, "wiped /safe", ["/safe"]],
    [{ approve: false, comment: "too risky" }, "A person did not allow this call: too risky.", []],
  ] as const) {
    const wiped: string[] = [];
    const tool = {
      name: "wipe",
      description: "Wipes.",
      schema: z.object({ folder: z.string() }),
      invoke: async ({ folder }: { folder: string }) => {
        wiped.push(folder);
        return `wiped ${folder}`;
      },
    };
    const model: Model = {
      id: "test:agent",
      async *call({ messages, turn }) {
        if (turn === 0)
          yield { type: "tool-call", index: 0, id: "c", name: "wipe", args: '{"folder":"/tmp"}' };
        else yield { type: "text", text: messages.at(-1)?.content as string };
        yield { type: "finish", reason: turn === 0 ? "tool_calls" : "stop" };
      },
    };
    const tools = [{ tool, approve: ({ folder }: any) => folder === "/tmp" }];
    const spec = defineDag({ name: "clean", nodes: { agent: { instructions: "Clean.", tools } } } as DagSpec);
    const options = { model, ...kept() };
    const first = await run(spec, "x", options);
    expect(first.interrupts).toMatchObject([
      { node: "agent", kind: "tool", value: { tool: "wipe", args: { folder: "/tmp" } } },
    ]);
    expect(wiped).toEqual([]);
    const done = await resume(spec, { ...options, answer });
    expect(done.output).toContain(said);
    expect(wiped).toEqual(called);
  }
});

describe.each(topologyNames)("a no, %s", (topology) => {
  it("is a result: the run is rejected, with the comment where it was said", async () => {
    const spec = defineDag({
      name: "no",
      nodes: {
        draft: { run: () => "draft" },
        ok: { needs: ["draft"], approve: { message: "Send?", show: [{ node: "draft" }, { input: true }] } },
        send: { needs: ["ok"], run: () => "sent" },
      },
    } as DagSpec);
    const model = plannerModel(({ tools, turn }) =>
      turn > 0 ? "done" : tools.length > 0 ? [["send", "{}"]] : "1. send()\njoin()",
    );
    const options = { topology, model, ...kept() };
    const waiting = await run(spec, "x", options);
    expect(waiting.interrupts).toMatchObject([{ node: "ok", show: { draft: "draft", input: "x" } }]);
    const record = await resume(spec, { ...options, answer: { approve: false, comment: "not like this" } });
    expect(record.outcomes.ok).toMatchObject({
      state: "skipped",
      reason: { code: "rejected", message: "Rejected: not like this" },
    });
    expect(record.outcomes.send?.state).toBe("skipped");
    if (!topology.startsWith("planned")) expect(record).toMatchObject({ state: "rejected", error: null });
  });
});

it.each(declared)(
  "a no before only one of two outputs leaves the other, and nothing is missed, %s",
  async (topology) => {
    const spec = defineDag({
      name: "two",
      nodes: {
        ok: { approve: { message: "Send?" } },
        send: { needs: ["ok"], run: () => "sent" },
        log: { run: () => "logged" },
      },
    });
    const options = { topology, ...kept() };
    await run(spec, "x", options);
    expect(await resume(spec, { ...options, answer: false })).toMatchObject({
      state: "completed",
      output: { log: "logged" },
    });
  },
);

it("a run that could never be answered is refused before it costs anything", async () => {
  let ran = 0;
  const inner = defineDag({ name: "inner", nodes: { ok: { approve: { message: "?" } } } });
  const spec = defineDag({
    name: "late",
    nodes: { a: { run: () => ++ran }, g: { needs: ["a"], dag: inner } },
  });
  await expect(run(spec, "x")).rejects.toMatchObject({ code: "CHECKPOINTER_MISSING" });
  expect(ran).toBe(0);
});
