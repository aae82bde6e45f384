import { describe, expect, it } from "@jest/globals";
import { AIMessage, HumanMessage } from "@langchain/core/messages";
import { RunnableLambda } from "@langchain/core/runnables";
import { FakeListChatModel } from "@langchain/core/utils/testing";
import { Annotation, END, interrupt, MemorySaver, START, StateGraph } from "@langchain/langgraph";
import { createReactAgent } from "@langchain/langgraph/prebuilt";
import { createLimiter, defineDag, type RunEvent, resume, run } from "agent-dag";

const declared = ["sequential", "deterministic", "dataflow"] as const;

const agent = (...responses: string[]) =>
  createReactAgent({ llm: new FakeListChatModel({ responses }), tools: [] });
const asked = ({ input }: { readonly input: unknown }) => ({ messages: [new HumanMessage(String(input))] });

describe.each(declared)("an agent that there is already, as a node, %s", (topology) => {
  it("gives its last words; its requests are recorded, its tokens are events", async () => {
    const spec = defineDag({
      name: "has",
      nodes: {
        writer: { runnable: agent("a draft"), input: asked },
        judge: { needs: ["writer"], run: ({ needs }) => `${needs.writer} is good` },
      },
    });
    const events: RunEvent[] = [];
    const record = await run(spec, "go", { topology, onEvent: (event) => events.push(event) });
    expect(record.output).toBe("a draft is good");
    expect(record.calls).toMatchObject([{ node: "writer", error: null }]);
    expect(events.filter(({ type }) => type.startsWith("call-")).length).toBeGreaterThan(1);
  });

  it("is given the messages that its input holds, beside what is filled in", async () => {
    const input = {
      messages: [new HumanMessage("hello"), { role: "user", content: { $ref: { input: true } } }],
    };
    const given: unknown[] = [];
    const runnable = RunnableLambda.from((own: any) => given.push(own.messages) && "done");
    const spec = defineDag({ name: "given", nodes: { a: { runnable, input } } });
    expect((await run(spec, "go", { topology })).output).toBe("done");
    expect(given).toEqual([[input.messages[0], { role: "user", content: "go" }]]);
    expect((given as any)[0][0]).toBeInstanceOf(HumanMessage);
  });

  it("is held to budget, limiter and abort", async () => {
    const spec = defineDag({
      name: "has",
      nodes: {
        a: { runnable: agent("a"), input: asked },
        b: { runnable: agent("b"), input: asked },
      },
    });
    const spent = await run(spec, "go", { topology, limits: { maxModelCalls: 1 } });
    expect(
      Object.values(spent.outcomes)
        .map(({ state }) => state)
        .sort(),
    ).toEqual(["completed", "skipped"]);
    let most = 0;
    let now = 0;
    const limiter = createLimiter({ maxConcurrency: 1 });
    const counted = {
      ...limiter,
      async acquire(...given: Parameters<typeof limiter.acquire>) {
        const lease = await limiter.acquire(...given);
        most = Math.max(most, ++now);
        return {
          ...lease,
          settle(usage: never) {
            now--;
            lease.settle(usage);
          },
        };
      },
    };
    expect((await run(spec, "go", { topology, limits: { limiter: counted as never } })).state).toBe(
      "completed",
    );
    expect([most, now]).toEqual([1, 0]);
    const stop = new AbortController();
    const slow = defineDag({
      name: "slow",
      nodes: {
        wait: {
          runnable: RunnableLambda.from(
            (_: unknown, { signal }: any) =>
              new Promise((_resolve, reject) => {
                signal.addEventListener("abort", () => reject(signal.reason));
                stop.abort();
              }),
          ),
        },
      },
    });
    expect((await run(slow, "go", { topology, signal: stop.signal })).outcomes.wait.state).toBe("cancelled");
  });

  it("asks through `interrupt`, and goes on where it stood", async () => {
    const State = Annotation.Root({ text: Annotation<string> });
    let drafts = 0;
    const graph = new StateGraph(State)
      .addNode("draft", () => {
        drafts++;
        return { text: "draft" };
      })
      .addNode("ask", ({ text }) => ({ text: `${text}, ${interrupt({ message: `Send "${text}"?` })}` }))
      .addEdge(START, "draft")
      .addEdge("draft", "ask")
      .addEdge("ask", END)
      .compile();
    const spec = defineDag({
      name: "asks",
      nodes: { graph: { runnable: graph, input: ({ input }) => ({ text: input }) } },
    });
    const options = { topology, checkpointer: new MemorySaver(), thread: "t" };
    const first = await run(spec, "go", options);
    expect(first.interrupts).toMatchObject([{ node: "graph", kind: "interrupt", message: 'Send "draft"?' }]);
    const second = await resume(spec, { ...options, answer: "sent" });
    expect(second).toMatchObject({ state: "completed", output: { text: "draft, sent" } });
    expect(drafts).toBe(1);
  });
});

it("takes messages and structured answers as JSON", async () => {
  const spec = defineDag({
    name: "values",
    nodes: {
      message: { runnable: RunnableLambda.from(() => new AIMessage("hi")) },
      structured: {
        runnable: RunnableLambda.from(() => ({
          messages: [new AIMessage("x")],
          structuredResponse: { n: 1 },
        })),
      },
    },
  });
  expect((await run(spec, "x")).output).toEqual({ message: "hi", structured: { n: 1 } });
});
