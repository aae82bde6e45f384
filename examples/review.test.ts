import { describe, expect, it } from "@jest/globals";
import { compile, loadDag, run, validate } from "agent-dag";
import { view } from "agent-dag/testing";
import { input, review } from "./review.js";

const offline = { model: "offline" } as const;

describe("the product review", () => {
  it("keeps its graph", () => {
    expect(view(review, "graph")).toMatchSnapshot();
  });

  it("keeps its outputs", async () => {
    const record = await run(review, input, offline);
    expect(record.state).toBe("completed");
    expect(view(record, "outputs")).toMatchSnapshot();
  });

  it("gives the same graph and the same outputs from YAML", async () => {
    const fromYaml = await loadDag("examples/review.yaml");
    expect(validate(fromYaml)).toEqual([]);
    const [yaml, typescript] = [await run(fromYaml, input, offline), await run(review, input, offline)];
    expect(yaml.output).toEqual(typescript.output);
    for (const [name, outcome] of Object.entries(typescript.outcomes)) {
      const { state, value } = { value: undefined, ...outcome };
      expect(yaml.outcomes[name]).toMatchObject({ state, value });
    }
    const shape = ({ dag }: typeof yaml | typeof typescript) =>
      Object.entries(dag.nodes).map(([name, { hash: _, ...node }]) => ({ name, ...node }));
    expect(shape(yaml)).toEqual(shape(typescript));
  });

  it("runs its specialists side by side, and the summary after the last of them", async () => {
    const { outcomes } = await run(review, input, offline);
    const specialists = [outcomes.features, outcomes.prosCons, outcomes.sentiment, outcomes.recommend];
    const started = specialists.map(({ startedAtMs }) => startedAtMs ?? Infinity);
    const ended = specialists.map(({ endedAtMs }) => endedAtMs ?? Infinity);
    expect(Math.max(...started)).toBeLessThan(Math.min(...ended));
    expect(outcomes.meta.startedAtMs).toBeGreaterThanOrEqual(Math.max(...ended));
  });

  it("is drawn by LangGraph as START, four specialists, the summary, END", () => {
    const { edges } = compile(review, { topology: "deterministic" }).getGraph();
    expect(edges.map(({ source, target }) => `${source} -> ${target}`).sort()).toEqual([
      "__start__ -> features",
      "__start__ -> prosCons",
      "__start__ -> recommend",
      "__start__ -> sentiment",
      "features -> meta",
      "meta -> __end__",
      "prosCons -> meta",
      "recommend -> meta",
      "sentiment -> meta",
    ]);
  });

  it("answers from the text that it is given", async () => {
    const text =
      "The kettle boils fast. The lid is awful: it broke after two days. I would not buy it again.";
    const record = await run(review, { review: text }, offline);
    expect(record.state).toBe("completed");
    expect(JSON.stringify(record.outcomes)).not.toContain("Halden");
    expect(JSON.stringify(record.outcomes.prosCons)).toContain("lid");
  });
});
