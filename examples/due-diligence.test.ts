import { describe, expect, it } from "@jest/globals";
import { MemorySaver } from "@langchain/langgraph";
import { resume, run, topologyNames } from "agent-dag";
import { view } from "agent-dag/testing";
import { dueDiligence, input } from "./due-diligence.js";

const deterministic = topologyNames.filter((name) => !name.startsWith("planned"));

describe("examples/due-diligence.ts", () => {
  it("keeps its graph", () => {
    expect(view(dueDiligence, "graph")).toMatchSnapshot();
  });

  it.each(deterministic)(
    "waits for a person with a cited report, then publishes it, %s",
    async (topology) => {
      const options = {
        model: "offline",
        topology,
        checkpointer: new MemorySaver(),
        thread: "acme",
      } as const;
      const asked = await run(dueDiligence, input, options);
      expect(asked.interrupts).toMatchObject([{ node: "release", message: "Publish this report?" }]);
      const record = await resume(dueDiligence, { ...options, answer: true });
      // One document is in German, which the offline model does not read: the report says so, and the run is partial.
      expect(record.state).toBe("partial");
      expect(record).toHaveRunRounds("report", 2, { exhausted: false });
      expect(view(record, "outputs").text).toMatchSnapshot("outputs");
    },
  );

  it("asks only the specialists that have claims, and publishes nothing after a no", async () => {
    const documents = input.documents.filter(({ title }) => title === "Annual accounts");
    const options = { model: "offline", checkpointer: new MemorySaver(), thread: "small" } as const;
    const asked = await run(dueDiligence, { ...input, documents }, options);
    expect(asked).toHaveCompleted("finance");
    expect(asked).toHaveSkipped("legal", { reason: "condition" });
    expect(asked).toHaveSkipped("people", { reason: "condition" });
    const record = await resume(dueDiligence, {
      ...options,
      answer: { approve: false, comment: "Too thin." },
    });
    expect(record.state).toBe("rejected");
    expect(record.output).toBeNull();
  });
});
