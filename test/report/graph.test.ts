import { describe, expect, it } from "@jest/globals";
import { projectDag } from "../../src/records/projection.js";
import { renderGraph } from "../../src/report/graph.js";
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
