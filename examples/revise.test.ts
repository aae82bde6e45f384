import { describe, expect, it } from "@jest/globals";
import { loadDag, run, topologyNames } from "agent-dag";
import { scriptedModel, view } from "agent-dag/testing";
import { input, revise } from "./revise.js";

const deterministic = topologyNames.filter((name) => !name.startsWith("planned"));

describe("examples/revise.ts", () => {
  it("keeps its graph", () => {
    expect(view(revise, "graph")).toMatchSnapshot();
  });

  it.each(deterministic)("keeps its outputs and its rounds in topology %s", async (topology) => {
    const record = await run(revise, input, { model: "offline", topology });
    expect(record.state).toBe("completed");
    expect(record).toHaveRunRounds("summary", 2, { exhausted: false });
    expect(record).toHaveOutcome("beginning", "cancelled", { code: "not-needed" });
    expect(view(record, "outputs").text).toMatchSnapshot("outputs");
  });

  it("takes the text's beginning where no summary fits, or the writer cannot write", async () => {
    const short = await run(revise, { ...input, maxWords: 6 }, { model: "offline" });
    expect(short).toHaveRunRounds("summary", 3, { exhausted: true });
    expect(short).toMatchObject({ state: "partial", output: { summary: "The new swimming pool opened …" } });
    const german = { text: "Das Schwimmbad hat im Juni geöffnet. Es ist hell, und das Wasser ist warm." };
    const other = await run(revise, german, { model: "offline" });
    expect(other).toMatchObject({ state: "partial", output: { revised: false, rounds: 1 } });
  });
});

describe("examples/revise.yaml", () => {
  it.each(deterministic)("revises until the critic is content, told what it said, %s", async (topology) => {
    const dag = await loadDag("examples/revise.yaml");
    const verdict = (good: boolean) => ({ paragraph: good ? "better" : "draft", good, advice: "Shorter." });
    const model = scriptedModel({
      "rounds@1/writer": ["draft"],
      "rounds@1/critic": [verdict(false)],
      "rounds@2/writer": [({ prompt }) => (prompt.includes("Shorter.") ? "better" : "the same")],
      "rounds@2/critic": [verdict(true)],
      result: ["better"],
    });
    const record = await run(dag, { topic: "Bridges." }, { model, topology });
    expect(record).toMatchObject({ state: "completed", output: "better" });
    expect(record).toHaveRunRounds("rounds", 2);
    expect(view(record, "trajectory").text).toMatchSnapshot(topology);
  });
});
