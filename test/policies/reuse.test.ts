import { describe, expect, it } from "@jest/globals";
import { topologyNames } from "../../graphs/topology.js";
import { faults } from "../../src/models/faults.js";
import type { RunRecord } from "../../src/records/record.js";
import { run } from "../../src/run/run.js";
import { defineDag } from "../../src/spec/define.js";
import type { DagSpec } from "../../src/spec/shape.js";
import { plannerModel } from "../planner/planner-model.js";
import { replyModel } from "../support/reply-model.js";

const scheduled = topologyNames.filter((name) => !name.startsWith("planned"));

const dagWith = (instructions: string) =>
  defineDag({
    name: "reused",
    nodes: {
      a: { instructions },
      b: { instructions: "B" },
      meta: { needs: ["a", "b"], instructions: "Meta" },
    },
  });
const dag = dagWith("A");
const asJson = (record: unknown) => JSON.parse(JSON.stringify(record)) as RunRecord;
const failB = { use: [faults([{ node: "b", fault: "unauthorized" as const }])] };

describe.each(scheduled)("%s: reuse", (topology) => {
  it("runs only what the earlier record did not complete, and counts the rest apart", async () => {
    const earlier = await run(dag, "x", { topology, model: replyModel(), ...failB });
    expect(earlier.state).toBe("failed");
    const record = await run(dag, "x", { topology, model: replyModel(), reuse: asJson(earlier) });
    expect(record.calls.map(({ node }) => node)).toEqual(["b", "meta"]);
    expect(record.outcomes.a).toMatchObject({
      state: "completed",
      value: "a says so",
      reused: true,
      startedAtMs: null,
    });
    expect(record.outcomes.b).not.toHaveProperty("reused");
    expect(record.usage).toMatchObject({
      modelCalls: 2,
      inputTokens: 20,
      reused: { modelCalls: 1, inputTokens: 10, outputTokens: 5 },
    });
    expect(record.state).toBe("completed");

    const again = await run(dag, "x", { topology, model: replyModel(), reuse: asJson(record) });
    expect(again.calls).toEqual([]);
    expect(again.usage).toMatchObject({ modelCalls: 0, reused: { modelCalls: 3, inputTokens: 30 } });
    expect(again.output).toBe(record.output);
  });

  it("runs a node again when its declaration, its input or a need has changed", async () => {
    const earlier = asJson(await run(dag, "x", { topology, model: replyModel() }));
    const ran = async (spec: typeof dag, input: string, model = replyModel()) => {
      const { calls } = await run(spec, input, { topology, model, reuse: earlier });
      return calls.map(({ node }) => node).sort();
    };
    expect(await ran(dag, "x")).toEqual([]);
    expect(await ran(dagWith("Another"), "x")).toEqual(["a"]);
    const changed = replyModel(() => "something else");
    expect(await ran(dagWith("Another"), "x", changed)).toEqual(["a", "meta"]);
    expect(await ran(dag, "y")).toEqual(["a", "b", "meta"]);
  });

  it("takes over the items of a map that completed", async () => {
    const mapped = defineDag({
      name: "mapped",
      nodes: {
        items: { run: () => ["one", "two", "three"] },
        each: { needs: ["items"], forEach: { node: "items" }, instructions: "Each" },
      },
    });
    const use = [faults([{ node: "each", call: 2, fault: "unauthorized" }])];
    const earlier = await run(mapped, "x", { topology, model: replyModel(), use });
    expect(earlier.outcomes.each).toMatchObject({
      state: "completed",
      value: ["each says so", null, "each says so"],
    });
    const record = await run(mapped, "x", { topology, model: replyModel(), reuse: asJson(earlier) });
    expect(record.calls.map(({ item }) => item)).toEqual([1]);
    expect(record.outcomes.each).toMatchObject({ value: Array(3).fill("each says so") });
    expect(record.usage.reused).toMatchObject({ modelCalls: 2 });
  });

  it("takes over a function's items by key when the list has changed, and nothing else of the input", async () => {
    let worked: string[] = [];
    type Row = { readonly id: string; readonly n: number };
    const keyed = (key: object) =>
      defineDag({
        name: "keyed",
        input: { type: "object" },
        nodes: {
          each: {
            forEach: { items: "rows", ...key },
            run: ({ item }) => {
              const { id, n } = item as Row;
              worked.push(id);
              return `${id}${n}`;
            },
          },
        },
      } as DagSpec);
    const row = (id: string, n = 1): Row => ({ id, n });
    const first = { rows: [row("a"), row("b"), row("c")], unit: "m" };
    const again = async (key: object, input: object) => {
      const earlier = await run(keyed(key), first, { topology });
      worked = [];
      const { output } = await run(keyed(key), input, { topology, reuse: asJson(earlier) });
      return [worked.sort(), output];
    };
    const key = { key: "id" };
    const rows = [row("z"), row("c"), row("b", 2), row("a")];
    expect(await again(key, { ...first, rows })).toEqual([
      ["b", "z"],
      ["z1", "c1", "b2", "a1"],
    ]);
    expect(await again(key, { ...first, unit: "km" })).toEqual([
      ["a", "b", "c"],
      ["a1", "b1", "c1"],
    ]);
    // Without a key, a function may go by its place in the list.
    expect((await again({}, { ...first, rows }))[0]).toEqual(["a", "b", "c", "z"]);
  });

  it("brings back a settled node when the need that was missing is there", async () => {
    const settled = defineDag({
      name: "settled",
      nodes: {
        a: { instructions: "A" },
        b: { instructions: "B" },
        meta: {
          needs: ["a", "b"],
          join: "settled",
          run: ({ needs }) => Object.values(needs).filter(Boolean).length,
        },
      },
    });
    const earlier = await run(settled, "x", { topology, model: replyModel(), ...failB });
    expect(earlier.output).toBe(1);
    const record = await run(settled, "x", { topology, model: replyModel(), reuse: asJson(earlier) });
    expect(record.output).toBe(2);
  });
});

describe.each(["planned", "planned-dag"] as const)("%s: reuse", (topology) => {
  const spec = defineDag({
    name: "asked",
    nodes: {
      list: { run: () => ["p", "q"] },
      each: { needs: ["list"], forEach: { items: { node: "list" } }, instructions: "Each" },
      a: { instructions: "A" },
      end: { needs: ["each", "a"], run: ({ needs }) => `${needs.a}` },
    },
  });
  const planner = (focus: string | null) =>
    plannerModel(({ tools, turn }) => {
      if (tools.length === 0) {
        const a = focus === null ? "" : `1. a("${focus}")\n`;
        return `${a}2. end()\njoin()`;
      }
      if (turn === 0 && focus !== null) return [["a", JSON.stringify({ focus })]];
      return turn === (focus === null ? 0 : 1) ? [["end", "{}"]] : "done";
    });
  const worked = (record: RunRecord) =>
    record.calls.map(({ node }) => node).filter((node) => !node.startsWith("$"));

  it.each([topology, "deterministic"] as const)(
    "runs no call again that %s completed, and counts it once",
    async (from) => {
      const earlier = await run(spec, "x", { topology: from, model: planner(null) });
      expect(worked(earlier)).toHaveLength(3);
      const record = await run(spec, "x", { topology, model: planner(null), reuse: asJson(earlier) });
      expect(worked(record)).toEqual([]);
      expect(record.outcomes).toMatchObject({
        a: { reused: true },
        end: { value: "a says so", reused: true },
      });
      expect(record.usage.reused).toMatchObject({ modelCalls: 3 });
    },
  );

  it("takes nothing over that a planner gave a focus, in any topology", async () => {
    const earlier = await run(spec, "x", { topology, model: planner("the price") });
    expect(earlier.outcomes.a).toMatchObject({ state: "completed", directed: true });
    for (const to of [topology, "deterministic"] as const) {
      const record = await run(spec, "x", { topology: to, model: planner(null), reuse: asJson(earlier) });
      expect(worked(record)).toEqual(["a"]);
      expect(record.outcomes.each).toMatchObject({ reused: true });
    }
    const directed = await run(spec, "x", { topology, model: planner("the colour"), reuse: asJson(earlier) });
    expect(worked(directed)).toEqual(["a"]);
  });
});
