import { describe, expect, it } from "@jest/globals";
import { run, topologyNames } from "agent-dag";
import { view } from "agent-dag/testing";
import { input, supportTriage } from "./support-triage.js";

const deterministic = topologyNames.filter((name) => !name.startsWith("planned"));

describe("examples/support-triage.ts", () => {
  it("keeps its graph", () => {
    expect(view(supportTriage, "graph")).toMatchSnapshot();
  });

  it.each(deterministic)("keeps its outputs in topology %s", async (topology) => {
    const record = await run(supportTriage, input, { model: "offline", topology });
    expect(record.state).toBe("completed");
    expect(view(record, "outputs").text).toMatchSnapshot("outputs");
  });

  it("asks the specialist for the ticket's kind and no other", async () => {
    const ticket =
      "I have a technical problem. The app crashes whenever I open the settings. I get error 500 and the screen stays black.";
    const { outcomes, output } = await run(supportTriage, { ticket }, { model: "offline" });
    expect(outcomes.technical.state).toBe("completed");
    expect(outcomes.billing).toMatchObject({ state: "skipped", reason: { code: "condition" } });
    expect(output).toMatch(/^Dear customer,[\s\S]*crashes/);
  });
});
