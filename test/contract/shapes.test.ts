import { describe, expect, it } from "@jest/globals";
import { MemorySaver } from "@langchain/langgraph";
import type { RunEvent } from "agent-dag";
import { compare, compile, defineDag, foldEvents, run, stream, topologyNames, validate } from "agent-dag";
import { z } from "zod";

/** Two specialists and an output node that is a function, so that every topology can run it with the offline model. */
const dag = defineDag({
  name: "contract",
  input: z.object({ text: z.string().min(1) }),
  nodes: {
    topics: { description: "Lists the topics.", instructions: "List the main topics of the text." },
    mood: {
      description: "Judges the sentiment.",
      instructions: "Judge the overall sentiment.",
      output: z.object({ label: z.enum(["positive", "mixed", "negative"]) }),
    },
    report: {
      needs: ["topics", "mood"],
      instructions: "Summarise topics and mood of the text in one sentence.",
    },
  },
});
const input = { text: "The tram is fast and clean. The tickets are far too expensive." };
const offline = { model: "offline" } as const;

it("names the five topologies, the default first", () => {
  expect([...topologyNames].sort()).toEqual([
    "dataflow",
    "deterministic",
    "planned",
    "planned-dag",
    "sequential",
  ]);
  expect(topologyNames[0]).toBe("deterministic");
});

describe.each(topologyNames)("in topology %s", (topology) => {
  it("a compiled graph gives input, outcomes and output, with a checkpointer too", async () => {
    for (const checkpointer of [undefined, new MemorySaver()]) {
      const options = { topology, ...offline, ...(checkpointer !== undefined && { checkpointer }) };
      const result = await compile(dag, options).invoke({ input }, { configurable: { thread_id: "one" } });
      expect(Object.keys(result)).toEqual(expect.arrayContaining(["input", "outcomes", "output"]));
      expect(result.input).toEqual(input);
      expect(Object.keys(result.outcomes).sort()).toEqual(["mood", "report", "topics"]);
      expect(typeof result.output).toBe("string");
    }
  });

  it("a compiled graph streams and is drawn", async () => {
    const graph = compile(dag, { topology, ...offline });
    let chunks = 0;
    for await (const _ of await graph.stream({ input }, { streamMode: "updates" })) chunks++;
    expect(chunks).toBeGreaterThan(0);
    expect(graph.getGraph().drawMermaid()).toMatch(
      topology.startsWith("planned") ? /planner -\.-> tools/ : /topics/,
    );
  });

  it("a record has the promised fields, is JSON, and is the fold of its events", async () => {
    const record = await run(dag, input, { topology, ...offline });
    expect(Object.keys(record).sort()).toEqual(
      [
        ...[
          "version",
          "id",
          "thread",
          "dag",
          "topology",
          "input",
          "startedAt",
          "durationMs",
          "state",
          "output",
          "error",
        ],
        ...["outcomes", "calls", "interrupts", "events", "usage", "criticalPathMs", "simulated"],
      ].sort(),
    );
    expect(record).toMatchObject({
      version: 1,
      thread: null,
      topology,
      input,
      state: "completed",
      simulated: null,
    });
    expect(new Date(record.startedAt).toISOString()).toBe(record.startedAt);
    const json = JSON.parse(JSON.stringify(record));
    expect(foldEvents(json.events)).toEqual(json);
    for (const call of record.calls) {
      expect(Object.keys(call).sort()).toEqual(
        [
          ...[
            "id",
            "node",
            "item",
            "invocation",
            "attempt",
            "model",
            "startedAtMs",
            "firstTokenMs",
            "durationMs",
          ],
          ...[
            "inputTokens",
            "cachedInputTokens",
            "cacheWriteTokens",
            "outputTokens",
            "reasoningTokens",
            "estimated",
            "costUsd",
            "toolCalls",
            "finishReason",
            "hedged",
            "error",
          ],
        ].sort(),
      );
    }
    for (const { needs, join, kind, description } of Object.values(record.dag.nodes)) {
      expect({ needs: Array.isArray(needs), join, kind, described: description !== undefined }).toEqual({
        needs: true,
        join: "all",
        kind: "agent",
        described: true,
      });
    }
  });

  it("a stream gives every event in order, then the record", async () => {
    const events: RunEvent[] = [];
    const running = stream(dag, input, { topology, ...offline });
    for await (const event of running) events.push(event);
    const record = await running.record;
    expect(events[0]?.type).toBe("run-started");
    expect(events.at(-1)?.type).toBe("run-ended");
    expect(events.map(({ atMs }) => atMs)).toEqual(events.map(({ atMs }) => atMs).sort((a, b) => a - b));
    expect(events.filter(({ type }) => type !== "call-delta")).toEqual(record.events);
  });
});

it("a comparison has the promised fields, in the order asked for", async () => {
  const comparison = await compare(dag, input, {
    topologies: ["sequential", "deterministic"],
    repeat: 2,
    ...offline,
  });
  expect(Object.keys(comparison).sort()).toEqual(
    ["version", "dag", "input", "topologies", "agreement", "advice"].sort(),
  );
  expect(comparison.topologies.map(({ topology, runs }) => [topology, runs.length])).toEqual([
    ["sequential", 2],
    ["deterministic", 2],
  ]);
  for (const entry of comparison.topologies) {
    expect(Object.keys(entry)).toEqual(
      expect.arrayContaining([
        ...[
          "topology",
          "runs",
          "wallMs",
          "criticalPathMs",
          "modelCalls",
          "inputTokens",
          "outputTokens",
          "costUsd",
        ],
        "failures",
      ]),
    );
    expect(Object.keys(entry.wallMs).sort()).toEqual(["max", "median", "min"]);
  }
});

it("refuses the names that the state and the planner use", () => {
  for (const name of [
    "input",
    "outcomes",
    "output",
    "planner",
    "tools",
    "joiner",
    "1st",
    "a b",
    "a".repeat(65),
  ]) {
    const issues = validate({ name: "names", nodes: { [name]: { run: () => 1 } } });
    expect(issues.map(({ path }) => path.includes(name))).toContain(true);
  }
});

it("is imported without work: nothing is printed and nothing keeps the process alive", async () => {
  const { execFile } = await import("node:child_process");
  const output = await new Promise<string>((resolve, reject) => {
    const program = 'await import("agent-dag"); await import("agent-dag/testing"); console.log("imported");';
    execFile(
      process.execPath,
      ["--input-type=module", "-e", program],
      { timeout: 300_000 },
      (error, out, err) => (error ? reject(error) : resolve(out + err)),
    );
  });
  expect(output).toBe("imported\n");
});
