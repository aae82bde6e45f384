import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { cli } from "./cli-run.js";

const text = "The screen is bright and sharp. The battery is weak, and the price is far too high.";
const options = ["--model", "offline", "--text", text, "--simulate", "gpt-4.1-mini", "--speed", "200"];

describe("agent-dag compare", () => {
  it("prints one comparison as JSON, in the order asked for", async () => {
    const topologies = "sequential,deterministic,planned,planned-dag,planned?toolInput=argument";
    const result = await cli([
      "compare",
      "examples/review.ts",
      ...options,
      "--topologies",
      topologies,
      "--json",
    ]);
    expect(result.exitCode).toBe(0);
    const comparison = JSON.parse(result.stdout);
    expect(comparison.topologies.map((one: { topology: string }) => one.topology)).toEqual(
      topologies.split(","),
    );
    for (const { runs } of comparison.topologies) {
      expect(runs[0]).toMatchObject({
        state: "completed",
        simulated: { profile: "gpt-4.1-mini", seed: 1, speed: 200 },
      });
    }
    const [, , planned, , argument] = comparison.topologies;
    expect(argument.outputTokens).toBeGreaterThan(planned.outputTokens + 4 * 15);
  });

  it("takes over what an earlier record completed, in each topology", async () => {
    const { stdout } = await cli(["run", "examples/review.ts", ...options, "--json"]);
    const file = join(mkdtempSync(join(tmpdir(), "agent-dag-reuse-")), "run.json");
    writeFileSync(file, stdout);
    const again = ["compare", "examples/review.ts", ...options, "--topologies", "sequential,dataflow"];
    const { exitCode, stdout: compared } = await cli([...again, "--reuse", file, "--json"]);
    expect(exitCode).toBe(0);
    for (const { runs, modelCalls } of JSON.parse(compared).topologies) {
      expect(modelCalls).toBe(0);
      expect(runs[0].outcomes.meta).toMatchObject({ state: "completed", reused: true });
    }
    expect((await cli([...again, "--reuse", `${file}.none`])).exitCode).toBe(2);
    const other = await cli(["run", "examples/text-analysis.ts", "--model", "offline", "--reuse", file]);
    expect(other.stderr).toContain('is of the graph "product-review", not of "text-analysis"');
  });

  it("prints a table, the advice and the timelines", async () => {
    const result = await cli([
      "compare",
      "examples/review.ts",
      ...options,
      "--topologies",
      "deterministic,planned",
      "--repeat",
      "2",
    ]);
    expect(result.exitCode).toBe(0);
    expect(result.stdout).toContain("medians of 2 runs each");
    expect(result.stdout).toContain("latency simulated: gpt-4.1-mini");
    expect(result.stdout).toContain("Advice:");
    expect(result.stdout).toContain("$planner");
  });

  it("runs only the specialist that the goal asks for", async () => {
    const goal = ["--goal", "Only tell me the overall sentiment.", "--topology", "planned-dag", "--json"];
    const { stdout } = await cli([
      "run",
      "examples/review.ts",
      "--model",
      "offline",
      "--text",
      text,
      ...goal,
    ]);
    const { outcomes } = JSON.parse(stdout);
    expect(outcomes.sentiment.state).toBe("completed");
    expect(outcomes.features.reason.code).toBe("not-called");
  });

  it("exits 2 on topologies and flags that it does not know", async () => {
    for (const wrong of [
      ["--topologies", "plannd"],
      ["--topologies", "planned?x=1"],
      ["--simulate", "gpt-9"],
      ["--repeat", "0"],
    ]) {
      const result = await cli([
        "compare",
        "examples/review.ts",
        "--model",
        "offline",
        "--text",
        text,
        ...wrong,
      ]);
      expect(result.exitCode).toBe(2);
      expect(result.stdout).toBe("");
    }
  });
});
