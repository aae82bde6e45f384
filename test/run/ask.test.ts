import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { tool } from "@langchain/core/tools";
import { MemorySaver } from "@langchain/langgraph";
import { type DagSpec, defineDag, resume, run } from "agent-dag";
import { cassette, scriptedModel } from "agent-dag/testing";
import { z } from "zod";
import { topologyNames } from "../../graphs/topology.js";
import { DagError } from "../../src/errors.js";
import { plannerModel } from "../planner/planner-model.js";

const declared = ["sequential", "deterministic", "dataflow"] as const;
const verdict = z.object({ ok: z.boolean() });

describe.each(declared)("a function that asks a model, %s", (topology) => {
  it("is given text, or what its schema says, and the requests are its own calls", async () => {
    const spec = defineDag({
      name: "asks",
      nodes: {
        judge: {
          run: async ({ ask, input }) => {
            const text = await ask(`Summarize: ${input}`);
            const { ok } = await ask(`Is this good? ${text}`, { schema: verdict });
            return { text, ok };
          },
        },
      },
    });
    const model = scriptedModel({ judge: ["short", { ok: true }] });
    const record = await run(spec, "long", { topology, model, texts: true });
    expect(record).toMatchObject({ state: "completed", output: { text: "short", ok: true } });
    expect(record.calls.map(({ node, model: id }) => [node, id])).toEqual([
      ["judge", "scripted:model"],
      ["judge", "scripted:model"],
    ]);
    expect(model.calls.map(({ turn, prompt }) => [turn, prompt])).toEqual([
      [0, "Summarize: long"],
      [1, "Is this good? short"],
    ]);
    expect(record.usage).toMatchObject({ modelCalls: 2 });
    expect(record.calls[0]?.reply).toBeDefined();
  });

  it("asks again what does not fit, and fails when it still does not", async () => {
    const spec = defineDag({
      name: "asks",
      nodes: { judge: { run: ({ ask }) => ask("Good?", { schema: verdict }) } },
    });
    const mended = await run(spec, "x", { topology, model: scriptedModel({ judge: ["no", { ok: true }] }) });
    expect(mended.output).toEqual({ ok: true });
    const wrong = await run(spec, "x", { topology, model: scriptedModel({ judge: ["no", "no"] }) });
    expect(wrong.outcomes.judge).toMatchObject({ state: "failed", error: { code: "OUTPUT_INVALID" } });
  });

  it("asks for each item and in each round", async () => {
    const item = defineDag({
      name: "items",
      input: z.object({ words: z.array(z.string()) }),
      nodes: { each: { forEach: "words", run: ({ ask, item }) => ask(`Translate ${item}`) } },
    });
    const mapped = await run(
      item,
      { words: ["a", "b"] },
      { topology, model: scriptedModel({ each: ["A", "B"] }) },
    );
    expect(mapped.output).toEqual(["A", "B"]);
    expect(mapped.calls.map(({ item: index }) => index)).toEqual([0, 1]);
    const loop = defineDag({
      name: "loop",
      nodes: {
        revise: {
          dag: { name: "inner", nodes: { write: { run: ({ ask, input }: any) => ask(input) } } },
          repeat: { until: { node: "write", equals: "good" }, maxRounds: 3 },
        },
      },
    } as DagSpec);
    const model = scriptedModel({ "revise@1/write": ["bad"], "revise@2/write": ["good"] });
    expect((await run(loop, "x", { topology, model })).output).toBe("good");
  });

  it("finds in a resumed run what it had been answered, in whatever order it asks", async () => {
    const stop = new AbortController();
    let runs = 0;
    const spec = defineDag({
      name: "asks",
      nodes: {
        both: {
          run: async ({ ask, signal }) => {
            const names = runs++ === 0 ? ["a", "b"] : ["c", "b", "a"];
            const answers: Record<string, string> = {};
            for (const name of names) answers[name] = await ask(name);
            if (runs === 1) stop.abort();
            signal.throwIfAborted();
            return answers;
          },
        },
      },
    });
    const model = scriptedModel({ both: ["A", "B", "C"] });
    const options = { topology, model, checkpointer: new MemorySaver(), thread: "t" };
    expect((await run(spec, "x", { ...options, signal: stop.signal })).state).toBe("cancelled");
    const record = await resume(spec, options);
    expect(record).toMatchObject({ state: "completed", output: { a: "A", b: "B", c: "C" } });
    expect(record.usage.modelCalls).toBe(3);
    model.assertDone();
  });

  it("calls tools, and waits for a person where a tool asks first, even if the function minds no error", async () => {
    const called: unknown[] = [];
    const look = tool(
      ({ city }: { city: string }) => {
        called.push(city);
        return "sunny";
      },
      { name: "look", description: "Looks", schema: z.object({ city: z.string() }) },
    );
    const spec = defineDag({
      name: "asks",
      nodes: {
        weather: {
          run: async ({ ask }) => {
            try {
              return await ask("Weather in Rome?", { tools: [{ tool: look, approve: true }] });
            } catch {
              return "no idea";
            }
          },
        },
      },
    });
    const model = scriptedModel({
      weather: [{ toolCalls: [{ name: "look", args: { city: "Rome" } }] }, "It is sunny."],
    });
    const options = { topology, model, checkpointer: new MemorySaver(), thread: "t" };
    const first = await run(spec, "x", options);
    expect(first.interrupts).toMatchObject([{ node: "weather", kind: "tool", value: { tool: "look" } }]);
    const second = await resume(spec, { ...options, answer: true });
    expect(second).toMatchObject({ state: "completed", output: "It is sunny." });
    expect(called).toEqual(["Rome"]);
  });

  it("is held to the run's budget, and sent again as the policy says, the function not besides", async () => {
    let runs = 0;
    const spec = defineDag({
      name: "asks",
      nodes: {
        ask: {
          policy: { retry: { maxAttempts: 2, initialIntervalMs: 1 } },
          run: async ({ ask }) => {
            runs++;
            return [await ask("a"), await ask("b")];
          },
        },
      },
    });
    const spent = await run(spec, "x", {
      topology,
      model: scriptedModel({ ask: ["A"] }),
      limits: { maxModelCalls: 1 },
    });
    expect(spent.outcomes.ask).toMatchObject({ state: "skipped", reason: { code: "budget" } });
    runs = 0;
    const broken = () => new DagError("MODEL_SERVER_ERROR", "down", { retryable: true });
    const model = scriptedModel({ ask: [broken(), broken()] });
    const failed = await run(spec, "x", { topology, model });
    expect(failed.outcomes.ask).toMatchObject({ state: "failed", error: { code: "MODEL_SERVER_ERROR" } });
    expect(runs).toBe(1);
    expect(failed.calls.map(({ attempt }) => attempt)).toEqual([1, 2]);
  });

  it("is recorded and replayed by a cassette", async () => {
    const spec = defineDag({ name: "asks", nodes: { a: { run: ({ ask, input }) => ask(input) } } });
    const file = join(mkdtempSync(join(tmpdir(), "ask-")), "ask.yaml");
    const taped = cassette(file, { mode: "record" });
    await run(spec, "hello", { topology, model: scriptedModel({ a: ["hi"] }), use: [taped] });
    taped.assertComplete();
    const replay = cassette(file);
    expect((await run(spec, "hello", { topology, use: [replay] })).output).toBe("hi");
    replay.assertComplete();
  });

  it("refuses what it cannot ask, naming each issue, and what is asked too late", async () => {
    const wrong = defineDag({
      name: "asks",
      nodes: { a: { run: ({ ask }) => ask(" ", { modle: "offline", schema: 3 } as never) } },
    });
    const { outcomes } = await run(wrong, "x", { topology, model: scriptedModel({}) });
    const message = (outcomes.a as any)?.error.message;
    expect(message).toContain("prompt: The prompt has to be a text");
    expect(message).toContain('"modle" is not an option here');
    expect(message).toContain("options.schema: 3 is not a schema");
    let late: unknown;
    let ended = () => {};
    const told = new Promise<void>((resolve) => {
      ended = resolve;
    });
    const spec = defineDag({
      name: "late",
      nodes: {
        a: {
          run: ({ ask }) => {
            setTimeout(() => {
              ask("late").catch((error: unknown) => {
                late = error;
                ended();
              });
            }, 1);
            return "done";
          },
        },
      },
    });
    expect((await run(spec, "x", { topology, model: scriptedModel({}) })).output).toBe("done");
    await told;
    expect(late).toMatchObject({ code: "ASK_TOO_LATE" });
  });
});

it("takes over a function that asked only while the spec's model is the same", async () => {
  let runs = 0;
  const of = (model: string) =>
    defineDag({
      name: "asks",
      model,
      nodes: {
        a: {
          run: ({ ask }) => {
            runs++;
            return ask("a");
          },
        },
      },
    });
  const first = await run(of("openai:one"), "x", { model: scriptedModel({ a: ["A"] }) });
  expect((await run(of("openai:one"), "x", { reuse: first })).output).toBe("A");
  expect(runs).toBe(1);
  const other = await run(of("openai:two"), "x", { reuse: first, model: scriptedModel({ a: ["B"] }) });
  expect(other.output).toBe("B");
});

it.each(topologyNames.filter((name) => name.startsWith("planned")))(
  "asks under a planner, %s",
  async (topology) => {
    const spec = defineDag({
      name: "asks",
      nodes: {
        look: { description: "Looks", run: ({ ask }) => ask("What is there?") },
        tell: { needs: ["look"], instructions: "Tell." },
      },
    });
    const model = plannerModel(
      (_request, turn) =>
        topology === "planned-dag" ? "1. look()\n2. join()" : turn === 0 ? [["look", "{}"]] : "A tree.",
      { node: () => "a tree" },
    );
    const record = await run(spec, "x", { topology, model });
    expect(record.outcomes.look).toMatchObject({ state: "completed", value: "a tree" });
    expect(record.calls.map(({ node }) => node)).toContain("look");
  },
);
