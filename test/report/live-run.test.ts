import { expect, it } from "@jest/globals";
import { DagError } from "../../src/errors.js";
import type { RunEvent } from "../../src/records/events.js";
import { liveRun } from "../../src/report/live-run.js";
import { run } from "../../src/run/run.js";
import { defineDag } from "../../src/spec/define.js";
import { scriptedModel } from "../../src/testing/scripted-model.js";

it("counts at every moment what the requests so far have used, and anew where a run goes on", async () => {
  const dag = defineDag({
    name: "counted",
    nodes: {
      a: { instructions: "A." },
      b: { instructions: "B." },
      c: { needs: ["a", "b"], instructions: "C." },
    },
  });
  const events: RunEvent[] = [];
  const script = { a: [new DagError("BUSY", "Busy.", { retryable: true }), "yes"], b: ["no"], c: ["both"] };
  const record = await run(dag, "x", {
    model: scriptedModel(script),
    policy: { retry: { maxAttempts: 2, initialIntervalMs: 1 } },
    onEvent: (event) => void events.push(event),
  });
  expect(record.state).toBe("completed");
  const live = liveRun();
  const open = new Set<string>();
  let ended = 0;
  for (const event of [...events, ...events]) {
    live.add(event);
    if (event.type === "run-started") ended = 0;
    if (event.type === "call-started") open.add(event.call);
    if (event.type === "call-ended") {
      open.delete(event.call.id);
      ended++;
    }
    const shown = live.run();
    const calls = shown?.calls ?? [];
    const sum = (of: (call: (typeof calls)[number]) => number) =>
      calls.reduce((all, one) => all + of(one), 0);
    expect(shown?.usage).toEqual({
      modelCalls: ended + open.size,
      inputTokens: sum(({ inputTokens }) => inputTokens),
      outputTokens: sum(({ outputTokens }) => outputTokens),
      costUsd: calls.some(({ costUsd }) => costUsd === null) ? null : sum(({ costUsd }) => costUsd ?? 0),
      estimated: calls.some(({ estimated }) => estimated),
    });
  }
  expect(live.run()?.usage).toMatchObject({
    modelCalls: record.usage.modelCalls,
    inputTokens: record.usage.inputTokens,
    outputTokens: record.usage.outputTokens,
    costUsd: record.usage.costUsd,
  });
});
