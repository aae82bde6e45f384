import { describe, expect, it } from "@jest/globals";
import { projectDag } from "../../src/records/projection.js";
import { renderGraph } from "../../src/report/graph.js";
import { conditionLabel } from "../../src/report/graph-label.js";
import { renderMermaid } from "../../src/report/mermaid.js";
import { renderSvg } from "../../src/report/svg.js";
import { run } from "../../src/run/run.js";
import { defineDag } from "../../src/spec/define.js";
import type { DagSpec } from "../../src/spec/shape.js";

const spec = defineDag({ name: "two", nodes: { a: { run: () => 1 }, b: { needs: ["a"], run: () => 2 } } });

describe("renderGraph", () => {
  it("draws a spec as Mermaid, and as SVG on request", () => {
    expect(renderGraph(spec)).toBe(renderMermaid(projectDag(spec)));
    expect(renderGraph(spec, { format: "svg" })).toBe(renderSvg(projectDag(spec)));
  });

  it("draws a record with what happened in it, or a spec with a record's states", async () => {
    const record = await run(spec, "x", { topology: "dataflow" });
    expect(renderGraph(record)).toBe(renderMermaid(projectDag(spec)));
    const drawn = renderGraph(record, { format: "svg" });
    expect(drawn).toContain("completed");
    expect(renderGraph(spec, { format: "svg", record })).toBe(drawn);
    expect(renderGraph(JSON.parse(JSON.stringify(record)), { format: "svg" })).toBe(drawn);
  });

  it("says what is wrong with a spec and with a format", () => {
    const bad = { name: "bad", nodes: { a: { run: () => 1, needs: ["b"] } } } as DagSpec;
    expect(() => renderGraph(bad)).toThrow(/"b"/);
    expect(() => renderGraph(spec, { format: "png" as "svg" })).toThrow(/"mermaid" or "svg"/);
  });
});

it.each([
  [{ node: "classify", path: "kind", equals: "billing" }, 'classify.kind is "billing"'],
  [{ input: true, path: "size", gt: 3 }, "input.size > 3"],
  [{ item: true, exists: false }, "item is missing"],
  [{ node: "a", state: ["failed", "timed-out"] }, "a is failed or timed-out"],
  [{ not: { node: "a", in: [1, 2] } }, "not (a is 1 or 2)"],
  [
    {
      any: [
        { node: "a", lt: 1 },
        { node: "b", exists: true },
      ],
    },
    "a < 1 or b is there",
  ],
])("says the condition %j in words", (when, words) => {
  expect(conditionLabel(JSON.stringify(when))).toBe(words);
});

it("shows a condition that is a function, or was cut, as it is stated", () => {
  expect(conditionLabel("(function)")).toBe("a function says so");
  expect(conditionLabel('{"node":"a… #12345678')).toBe('{"node":"a… #12345678');
  expect(conditionLabel("null")).toBe("null");
});
