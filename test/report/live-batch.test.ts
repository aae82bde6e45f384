import { afterEach, beforeEach, expect, it, jest } from "@jest/globals";
import { itemOf } from "../../src/batch/item.js";
import type { RunEvent } from "../../src/records/events.js";
import { foldEvents } from "../../src/records/record.js";
import { BatchSample } from "../../src/report/batch-sample.js";
import { createBatchPage } from "../../src/report/live-batch.js";
import type { LiveChange } from "../../src/report/page-model.js";
import { projected } from "../support/page-records.js";

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

/** The events of a row that takes so long. */
function eventsOf(index: number, tookMs: number): RunEvent[] {
  const key = { node: "one", item: null, invocation: null };
  const times = { readyAtMs: 0, startedAtMs: 0, endedAtMs: tookMs, attempts: 1 };
  return [
    {
      type: "run-started",
      atMs: 0,
      id: `run-${index}`,
      thread: null,
      dag: { name: "rows", hash: "0", nodes: { one: projected() }, outputs: ["one"] },
      topology: "deterministic",
      input: "x".repeat(1000),
      startedAt: "2026-01-01T00:00:00Z",
      simulated: null,
    },
    { type: "node-started", ...key, atMs: 0 },
    { type: "node-settled", ...key, atMs: tookMs, outcome: { state: "completed", value: index, ...times } },
    { type: "run-ended", atMs: tookMs, state: "completed", output: index, error: null, interrupts: [] },
  ];
}

it("sends a page of 20,000 rows some hundred messages, and of the rows only those that are worth a look", async () => {
  const sample = new BatchSample();
  const page = createBatchPage({ title: "rows", sample, report: () => Promise.resolve("the file") });
  const response = await page.respond(
    new Request("http://localhost/events", { headers: { host: "localhost" } }),
  );
  const messages: LiveChange[] = [];
  const reader = (response as Response & { body: ReadableStream<Uint8Array> }).body.getReader();
  const reading = (async () => {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      messages.push(JSON.parse(new TextDecoder().decode(value).slice("data: ".length)) as LiveChange);
    }
  })();
  page.setTotal(20_000);
  for (let index = 0; index < 20_000; index++) {
    const row = { key: `row ${index}`, index };
    // Times in no order, so that now and then a row is the slowest so far.
    const events = eventsOf(index, ((index * 7919) % 20_011) + 1);
    for (const event of events) page.onRowEvent(event, row);
    const item = itemOf({ ...row, inputHash: "0", dag: "0" }, foldEvents(events));
    sample.add(item);
    page.add(item);
    if (index % 20 === 0) await jest.advanceTimersByTimeAsync(50);
  }
  await jest.advanceTimersByTimeAsync(1000);
  const added = messages.flatMap((message) => message.added ?? []);
  const last = messages.at(-1)?.batch;
  expect(messages.length).toBeLessThan(300);
  expect(added.length).toBeGreaterThan(10);
  expect(added.filter((run) => run.whatIf !== undefined)).toEqual([]);
  expect(added.length).toBeLessThan(300);
  expect(new Set(added.map(({ id }) => id)).size).toBe(added.length);
  expect(last).toMatchObject({
    total: 20_000,
    progress: { rows: 20_000, running: 0, underWay: [], costUsd: 0 },
  });
  // What was told holds the slowest of all.
  expect(added.some(({ durationMs }) => durationMs === last?.time?.most)).toBe(true);
  expect(await (await page.respond(new Request("http://localhost/report.html")))?.text()).toBe("the file");
  page.close();
  await reading;
});

it("leaves rows that could not be run out of how times and costs are spread", () => {
  const sample = new BatchSample();
  const row = { key: "a", index: 0, inputHash: "0", dag: "0" };
  sample.add(itemOf(row, foldEvents(eventsOf(0, 40))));
  const error = { code: "INPUT_INVALID", message: "It does not fit." };
  const item = itemOf({ ...row, key: "b", index: 1 }, foldEvents(eventsOf(1, 0)));
  sample.add({ ...item, state: "failed", error, durationMs: 0 });
  expect(sample.figures()).toMatchObject({
    total: 2,
    codes: [["INPUT_INVALID", 1]],
    time: { least: 40, p50: 40 },
  });
});
