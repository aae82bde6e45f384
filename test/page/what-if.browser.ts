import { afterAll, beforeAll, expect, it } from "@jest/globals";
import type { Browser } from "playwright-core";
import { predict } from "../../src/compare/predict.js";
import { simulateLatency } from "../../src/models/simulate-latency.js";
import type { RunRecord } from "../../src/records/record.js";
import { renderReport } from "../../src/report/report.js";
import { run } from "../../src/run/run.js";
import { defineDag } from "../../src/spec/define.js";
import { callAt, projected, recordOf } from "../support/page-records.js";
import { axeViolations, launch, openReport } from "./browser.js";

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());

const feedback = defineDag({
  name: "feedback",
  nodes: {
    topics: { instructions: "List the main topics of the message." },
    mood: { instructions: "Judge the overall sentiment of the message, with the reason." },
    summary: { needs: ["topics", "mood"], instructions: "Summarise in one sentence." },
  },
});

it("predicts another topology, model and limit as `agent-dag predict` does, moves the timeline, and says that it is predicted", async () => {
  const record: RunRecord = await run(feedback, "The booking page is quick. Paying was a pain.", {
    model: "offline",
    texts: true,
    use: [simulateLatency("gpt-4.1-mini", { speed: 200 })],
  });
  const choices = [
    { topology: "sequential" as const },
    { topology: "planned-dag" as const, model: "anthropic:claude-sonnet-4-6" },
    { topology: "dataflow" as const, limits: { maxConcurrency: 1 } },
  ];
  const { page, errors, requests } = await openReport(browser, renderReport(record));
  const timeline = page.locator('[data-view="timeline"]');
  const widths = () =>
    timeline.locator(".b.body").evaluateAll((all) => all.map((one) => one.getAttribute("style")));
  const recorded = await widths();
  for (const choice of choices) {
    await page.selectOption('[data-what-if="topology"]', choice.topology);
    await page.selectOption('[data-what-if="model"]', choice.model ?? "");
    await page.fill('[data-what-if="maxConcurrency"]', String(choice.limits?.maxConcurrency ?? ""));
    const [told] = (await predict(record, [choice])).topologies;
    const value = async (name: string) =>
      Number(await page.locator(`[data-predicted="${name}"]`).getAttribute("data-value"));
    expect(await value("wall")).toBeCloseTo(told?.wallMs.median ?? 0, 6);
    expect(await value("critical path")).toBeCloseTo(told?.criticalPathMs ?? 0, 6);
    expect(await value("model calls")).toBe(told?.modelCalls);
    expect(await value("tokens")).toBe((told?.inputTokens ?? 0) + (told?.outputTokens ?? 0));
    expect(await value("cost")).toBeCloseTo(told?.costUsd ?? -1, 9);
    expect(await timeline.getAttribute("data-predicted")).toBe("true");
    expect(await timeline.textContent()).toContain("not run: predicted");
    expect(await widths()).not.toEqual(recorded);
  }
  expect(await axeViolations(page)).toEqual([]);
  await page.getByRole("button", { name: "As recorded" }).click();
  expect(await widths()).toEqual(recorded);
  expect([errors, requests]).toEqual([[], []]);
  await page.close();
});

it("shows what requests waited for, and how far a function was, with a legend", async () => {
  const key = (node: string) => ({ node, item: null, invocation: null });
  const nodes = { one: projected(), two: projected(), work: projected({ kind: "function" }) };
  const record = recordOf({ name: "waits", hash: "0", nodes, outputs: ["one", "two", "work"] }, [
    ...Object.keys(nodes).flatMap((node) => [
      { type: "node-ready" as const, ...key(node), atMs: 0 },
      { type: "node-started" as const, ...key(node), atMs: 0 },
    ]),
    {
      type: "call-ended",
      atMs: 490,
      call: callAt("c1", "one", 400, { waited: { limitMs: 250, warmMs: 100 } }),
    },
    { type: "call-ended", atMs: 90, call: callAt("c2", "two", 0) },
    { type: "node-progress", ...key("work"), atMs: 100, value: { done: 30, total: 120 } },
    ...Object.keys(nodes).map((node) => ({
      type: "node-settled" as const,
      ...key(node),
      atMs: 500,
      outcome: {
        state: "completed" as const,
        value: "done",
        readyAtMs: 0,
        startedAtMs: 0,
        endedAtMs: 500,
        attempts: 1,
      },
    })),
  ]);
  const { page, errors } = await openReport(browser, renderReport(record), { hash: "#node=one" });
  const timeline = page.locator('[data-view="timeline"]');
  const left = async (what: string) =>
    Number.parseFloat(
      (await timeline.locator(`.b.${what}`).getAttribute("style"))?.replace(/^\D+/, "") ?? "",
    );
  expect([Math.round(await left("warm")), Math.round(await left("limit"))]).toEqual([10, 30]);
  expect(await timeline.locator(".legend").textContent()).toMatch(
    /waits for a limit.*waits for a warm cache/s,
  );
  expect(await page.locator("#pane").textContent()).toMatch(/0\.25 s for a limit.*0\.10 s for a warm cache/s);
  expect(await timeline.locator('[data-node="work"]').textContent()).toContain("30 of 120");
  await timeline.locator('[data-node="work"]').click();
  expect(await page.locator("#pane progress").getAttribute("value")).toBe("0.25");
  expect(errors).toEqual([]);
  await page.close();
});

it("stays below 250 kB beside its data", () => {
  const nodes = { one: projected() };
  const html = renderReport(recordOf({ name: "one", hash: "0", nodes, outputs: ["one"] }, []));
  expect(Buffer.byteLength(html)).toBeLessThan(250_000);
});
