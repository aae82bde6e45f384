import { describe, expect, it } from "@jest/globals";
import { z } from "zod";
import { run } from "../../src/run/run.js";
import { defineDag } from "../../src/spec/define.js";
import type { DagSpec } from "../../src/spec/shape.js";
import { scriptedModel, view } from "../../src/testing/index.js";
import { replyModel } from "../support/reply-model.js";

const read = { instructions: "Read." };
const edit = { needs: ["r1", "r2", "r3", "r4"], instructions: "Edit." } as const;
const layered = defineDag({
  name: "layered",
  nodes: {
    list: { run: () => ["a", "b", "c"], output: z.array(z.string()) },
    r1: read,
    r2: read,
    r3: read,
    r4: read,
    each: { needs: ["list"], forEach: { node: "list" }, instructions: "Do each." },
    e1: edit,
    e2: edit,
    e3: edit,
    final: { needs: ["e1", "e2", "e3", "each"], instructions: "Finish." },
  },
});

describe("a graph of three layers, run 100 times with random latencies", () => {
  it.each(["deterministic", "dataflow"] as const)("gives 100 identical snapshots in %s", async (topology) => {
    const orders = new Set<string>();
    const texts = new Set<string>();
    await Promise.all(
      Array.from({ length: 100 }, async () => {
        const model = replyModel((r) => `${r.node} ${r.item ?? ""}`, { delayMs: () => Math.random() * 12 });
        const record = await run(layered, "x", { topology, model });
        const settled = record.events.filter((event) => event.type === "node-settled");
        orders.add(settled.map((event) => event.node).join());
        texts.add(view(record, "all").text);
      }),
    );
    expect(orders.size).toBeGreaterThan(20);
    expect(texts.size).toBe(1);
    expect({ [topology]: [...texts] }).toMatchSnapshot();
  });
});

/** Three layers; `change` is what someone changed in the declaration. */
async function viewsOf(change: { rename?: string; prompt?: string; needs?: string[]; reply?: string }) {
  const tone = change.rename ?? "tone";
  const dag: DagSpec = defineDag({
    name: "changing",
    nodes: {
      facts: { instructions: change.prompt ?? "List the facts." },
      [tone]: { needs: change.needs ?? ["facts"], instructions: "Judge the tone." },
      final: { needs: ["facts", tone], instructions: "Write." },
    },
  });
  const model = scriptedModel({ facts: ["F"], [tone]: ["T"], final: [change.reply ?? "W"] });
  const record = await run(dag, "x", { model });
  return (["graph", "trajectory", "outputs", "all"] as const).map(
    (name) => [name, view(record, name).text] as const,
  );
}

describe("a change", () => {
  it.each([
    ["of nothing", {}, []],
    ["of a node's name", { rename: "mood" }, ["graph", "trajectory", "outputs", "all"]],
    ["of a prompt", { prompt: "List all facts." }, ["graph", "all"]],
    ["of an edge", { needs: [] }, ["graph", "trajectory", "all"]],
    ["of a reply", { reply: "Other" }, ["outputs", "all"]],
  ])("%s makes exactly the views fail that show it", async (_what, change, failing) => {
    const before = await viewsOf({});
    const after = new Map(await viewsOf(change));
    expect(before.filter(([name, text]) => after.get(name) !== text).map(([name]) => name)).toEqual(failing);
  });
});
