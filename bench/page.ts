/**
 * Measures the report's page in a headless Chromium: size, first paint of 1,000 nodes, scrolling through 5,000 bars, and how
 * long an event takes until it stands on the live page. `npm run bench:page`
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { chromium } from "playwright-core";
import type { RunEvent } from "../src/records/events.js";
import { createLivePage } from "../src/report/live-page.js";
import { renderReport } from "../src/report/report.js";
import { nodeListener } from "../src/serve/node-listener.js";
import { mapRecord, projected, recordOf, wideRecord } from "../test/support/page-records.js";

const folder = mkdtempSync(join(tmpdir(), "agent-dag-bench-"));
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu"],
});
const kilobytes = (text: string) => `${(Buffer.byteLength(text) / 1000).toFixed(1)} kB`;
const quantile = (values: readonly number[], share: number) =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(share * values.length))] ?? 0;

const open = async (html: string) => {
  const file = join(folder, "report.html");
  writeFileSync(file, html);
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  const asked: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  await page.goto(pathToFileURL(file).href);
  return { page, asked };
};

try {
  const empty = renderReport(
    recordOf({ name: "one", hash: "0", nodes: { one: projected() }, outputs: ["one"] }, []),
  );
  console.log(`size of one node's report: ${kilobytes(empty)}`);

  const wide = wideRecord(1000);
  const from = performance.now();
  const html = renderReport(wide);
  console.log(
    `1,000 nodes, ${wide.events.length} events: rendered in ${Math.round(performance.now() - from)} ms, ${kilobytes(html)}, gzip ${(gzipSync(html).length / 1000).toFixed(1)} kB`,
  );
  const paints: number[] = [];
  for (let round = 0; round < 5; round++) {
    const { page, asked } = await open(html);
    await page.waitForSelector('[data-node="node-999"]', { state: "attached" });
    paints.push(
      await page.evaluate<number>(
        'performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? -1',
      ),
    );
    if (asked.length !== 1) console.log(`external requests: ${asked.slice(1).join(", ")}`);
    await page.close();
  }
  console.log(
    `1,000 nodes, first contentful paint: median ${Math.round(quantile(paints, 0.5))} ms, worst ${Math.round(quantile(paints, 1))} ms of ${paints.length}; external requests 0`,
  );

  const { page } = await open(renderReport(mapRecord(5000)));
  await page.getByRole("button", { name: "Unfold all" }).click();
  const frames = await page.evaluate<number[]>(`new Promise((done) => {
    const body = document.querySelector(".tl-body");
    const times = [];
    let last = performance.now();
    const step = (now) => {
      times.push(now - last);
      last = now;
      body.scrollTop += 400;
      if (times.length < 240) requestAnimationFrame(step);
      else done(times.slice(5));
    };
    requestAnimationFrame(step);
  })`);
  console.log(
    `5,000 bars, scrolling: ${(1000 / (frames.reduce((a, b) => a + b, 0) / frames.length)).toFixed(0)} frames/s, p95 ${quantile(frames, 0.95).toFixed(1)} ms a frame`,
  );
  await page.close();

  await measureLive();
} finally {
  await browser.close();
  rmSync(folder, { recursive: true, force: true });
}

/** 300 nodes settle one after another, 10 ms apart; the page notes when it shows each. */
async function measureLive(): Promise<void> {
  const live = createLivePage();
  const nothing = () => new Response(null, { status: 404 });
  const server = createServer(nodeListener(async (request) => (await live.respond(request)) ?? nothing()));
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const page = await browser.newPage();
  const names = Array.from({ length: 300 }, (_, at) => `n${at}`);
  const nodes = Object.fromEntries(names.map((name) => [name, projected()]));
  const emit = (event: RunEvent) => live.onEvent(event);
  emit({
    type: "run-started",
    atMs: 0,
    id: "r",
    thread: null,
    dag: { name: "live", hash: "0", nodes, outputs: ["n299"] },
    topology: "deterministic",
    input: null,
    startedAt: new Date().toISOString(),
    simulated: null,
  });
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  await page.waitForSelector('[data-node="n299"]', { state: "attached" });
  await page.evaluate(`globalThis.seen = {}; new MutationObserver((all) => {
    for (const { target } of all) if (target.dataset?.state === "completed") seen[target.dataset.node] ??= Date.now();
  }).observe(document.body, { subtree: true, attributes: true, attributeFilter: ["data-state"] })`);
  const sent = new Map<string, number>();
  for (const [at, node] of names.entries()) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    const key = { node, item: null, invocation: null };
    sent.set(node, Date.now());
    emit({
      type: "node-settled",
      ...key,
      atMs: at * 10,
      outcome: {
        state: "completed",
        value: "done",
        readyAtMs: 0,
        startedAtMs: 1,
        endedAtMs: at * 10,
        attempts: 1,
      },
    });
  }
  await page.waitForSelector('[data-view="graph"] [data-node="n299"][data-state="completed"]', {
    state: "attached",
  });
  await page.waitForTimeout(200);
  const seen = await page.evaluate<Record<string, number>>("seen");
  const waits = names.flatMap((name) =>
    seen[name] === undefined ? [] : [seen[name] - (sent.get(name) ?? 0)],
  );
  console.log(
    `live, 300 events at 100/s with 300 nodes: ${waits.length} seen, p50 ${quantile(waits, 0.5)} ms, p99 ${quantile(waits, 0.99)} ms`,
  );
  live.close();
  server.close();
  server.closeAllConnections();
}
