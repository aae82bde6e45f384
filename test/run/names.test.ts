import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { MemorySaver } from "@langchain/langgraph";
import { compile, type DagSpec, defineDag, loadDag, resume, run, validate } from "agent-dag";
import { scriptedModel } from "agent-dag/testing";
import { topologyNames } from "../../graphs/topology.js";
import { toolNamesOf } from "../../src/models/tool-names.js";
import { projectDag } from "../../src/records/projection.js";
import { renderMermaid } from "../../src/report/mermaid.js";
import { renderSvg } from "../../src/report/svg.js";
import { cli } from "../cli/cli-run.js";
import { plannerModel } from "../planner/planner-model.js";

const composed = "é";
const decomposed = "e\u0301";

const spec = defineDag({
  name: "語",
  nodes: {
    感情: { instructions: "Judge." },
    [`évaluation-١`]: { needs: ["感情"], instructions: "Rate." },
    हिन्दी: { needs: ["évaluation-١"] as never, run: ({ needs }: any) => Object.keys(needs)[0] as string },
  },
} as DagSpec);

describe("names of nodes in any script", () => {
  it.each(topologyNames.filter((name) => !name.startsWith("planned")))(
    "run and resume, %s",
    async (topology) => {
      const model = scriptedModel({ 感情: ["good"], [`e\u0301valuation-١`]: ["five"] });
      const options = { topology, model, checkpointer: new MemorySaver(), thread: "t" };
      const record = await run(spec, "x", options);
      expect(record).toMatchObject({ state: "completed", output: "évaluation-١" });
      expect(Object.keys(record.outcomes)).toEqual(["感情", "évaluation-١", "हिन्दी"]);
      expect((await resume(spec, options)).output).toBe("évaluation-١");
      const compiled = await compile(spec, {
        topology,
        model: scriptedModel({ 感情: ["a"], "évaluation-١": ["b"] }),
      });
      expect((await compiled.invoke({ input: "x" })).output).toBe("évaluation-١");
    },
  );

  it("are tools under names that every provider takes, unique and told apart, of a planner", async () => {
    const model = plannerModel((request, turn) => {
      if (turn > 0) return "done";
      return request.tools.map(({ name }) => [name, "{}"] as const);
    });
    const record = await run(spec, "x", { topology: "planned", model });
    const offered = model.requests[0]?.tools.map(({ name }) => name) ?? [];
    for (const name of offered) expect(name).toMatch(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/);
    expect(new Set(offered).size).toBe(3);
    expect(offered[1]).toMatch(/^evaluation-_?[0-9a-f]{6}$|^evaluation/);
    expect(record.outcomes).toMatchObject({
      感情: { state: "completed", value: "感情 says so" },
      "évaluation-١": { state: "completed" },
    });
  });

  it("are called in a plan by either name", async () => {
    const tool = toolNamesOf(Object.keys(spec.nodes)).get("感情");
    const model = plannerModel(() => `1. ${tool}()\n2. évaluation-١($1)\n3. join()`);
    const record = await run(spec, "x", { topology: "planned-dag", model });
    expect(record.outcomes).toMatchObject({
      感情: { state: "completed" },
      "évaluation-١": { state: "completed" },
    });
  });

  it("make unique tool names that plain names do not collide with", () => {
    const names = ["ä", "a", "é", "e", "好", "坏", "ａ", "x".repeat(64), "好".repeat(64)];
    const made = [...toolNamesOf(names).values()];
    expect(new Set(made).size).toBe(names.length);
    for (const name of made) expect(name).toMatch(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/);
    const taken = toolNamesOf(["ä"]).get("ä") ?? "";
    expect(toolNamesOf([taken, "ä"]).get("ä")).toBe(`${taken}_2`);
  });

  it("that are equal in Unicode's composed form are the same name", async () => {
    const both = defineDag({
      name: "same",
      nodes: {
        [decomposed]: { approve: { message: "Go?" } },
        after: {
          needs: [composed],
          when: { all: [{ node: decomposed, exists: true }] },
          instructions: "Say.",
        },
      },
      output: "after",
    } as DagSpec);
    expect(Object.keys(both.nodes)).toEqual([composed, "after"]);
    const options = {
      checkpointer: new MemorySaver(),
      thread: "t",
      models: { after: scriptedModel({ after: ["yes"] }) },
    };
    await run(both, "x", options);
    expect((await resume(both, { ...options, answer: { [decomposed]: true } })).output).toBe("yes");
    const twice = { name: "twice", nodes: { [composed]: { run: () => 1 }, [decomposed]: { run: () => 2 } } };
    expect(validate(twice).map(({ code }) => code)).toEqual(["same-name"]);
    expect(() => defineDag(twice as DagSpec)).toThrow("the same in Unicode's composed form");
  });

  it("are refused where they hold anything else, are longer than 64 characters, or begin otherwise", () => {
    const codes = (name: string) =>
      validate({ name: "n", nodes: { [name]: { run: () => 1 } } }).map(({ code }) => code);
    for (const name of ["𝒳".repeat(64), "ñandú_2", "ключ-1", "名"]) expect(codes(name)).toEqual([]);
    for (const name of [
      "",
      "1a",
      "_a",
      "a b",
      "a.b",
      "a/b",
      "😀",
      "a\u200db",
      "\u0301a",
      "名".repeat(65),
      "a:b",
      "a\n",
    ]) {
      expect([name, codes(name)]).toEqual([name, ["bad-name"]]);
    }
  });

  it("are drawn, loaded from YAML, and shown by the command line", async () => {
    const folder = mkdtempSync(join(tmpdir(), "names-"));
    const file = join(folder, "graph.yaml");
    writeFileSync(
      file,
      `name: yaml\nnodes:\n  ${decomposed}tape:\n    instructions: List the main topics.\n  結果:\n    needs: [${composed}tape]\n    instructions: Summarize.\n`,
    );
    const dag = await loadDag(file);
    expect(Object.keys(dag.nodes)).toEqual(["étape", "結果"]);
    const projection = projectDag(dag);
    expect(renderMermaid(projection)).toMatch(/n_(\w+)\["étape.*[\s\S]*n_\w+\["結果/);
    expect(renderSvg(projection)).toContain("結果");
    const checked = await cli(["check", file, "--explain"]);
    expect(checked.stdout).toContain("étape → 結果");
  });
});
