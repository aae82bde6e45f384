import { afterAll, beforeAll, expect, it } from "@jest/globals";
import type { Browser } from "playwright-core";
import type { RunEvent } from "../../src/records/events.js";
import { renderReport } from "../../src/report/report.js";
import { callAt, projected, recordOf } from "../support/page-records.js";
import { axeViolations, launch, openReport } from "./browser.js";

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());

/** Names in many scripts, and with what addresses and paths are made of. */
const names = [
  "感情分析の結果をまとめる長い名前のノード",
  "تحليل_المشاعر",
  "עברית",
  "👨\u200d👩\u200d👧_семья",
  "می\u200cخواهم",
  "e\u0301valuation-१",
  "a#b&c=d%20?é",
  "x y+z",
  "constructor",
];

function record() {
  const key = (node: string) => ({ node, item: null, invocation: null });
  const needs = names.slice(0, 1);
  const nodes = Object.fromEntries(
    names.map((name, at) => [name, projected(at === 0 ? {} : { needs, description: "وصف – описание" })]),
  );
  const events = names.flatMap((name, at): RunEvent[] => [
    { type: "node-started", ...key(name), atMs: at * 50 },
    { type: "call-ended", atMs: at * 50 + 90, call: callAt(`c${at}`, name, at * 50) },
    {
      type: "node-settled",
      ...key(name),
      atMs: at * 50 + 100,
      outcome: {
        state: "completed",
        value: `結果 ${at}`,
        readyAtMs: at * 50,
        startedAtMs: at * 50,
        endedAtMs: at * 50 + 100,
        attempts: 1,
      },
    },
  ]);
  return recordOf({ name: "書類の確認 مراجعة", hash: "0", nodes, outputs: [names[2] as string] }, events);
}

it("leads to nodes of any name, by address, pointer and keys", async () => {
  const html = renderReport(record());
  for (const [at, name] of names.entries()) {
    const { page, errors } = await openReport(browser, html, { hash: `#node=${encodeURIComponent(name)}` });
    expect(await page.locator("#pane").textContent()).toContain(`結果 ${at}`);
    const rows = page.locator('[data-view="timeline"] [role="row"][data-node]');
    expect(await rows.nth(at).getAttribute("data-node")).toBe(name);
    expect(await rows.nth(at).getAttribute("aria-selected")).toBe("true");
    await page.keyboard.press("Escape");
    expect(await page.locator("#pane").count()).toBe(0);
    const button = page.locator('[data-view="graph"] [role="button"]').nth(at);
    // What joins letters and pictures stays, so that they are read as one.
    expect(await button.getAttribute("aria-label")).toContain(name);
    await button.focus();
    await page.keyboard.press("Enter");
    expect(new URLSearchParams(new URL(page.url()).hash.slice(1)).get("node")).toBe(name);
    await page.locator('[role="treegrid"]').focus();
    await page.keyboard.press("Home");
    for (let step = 0; step < at; step++) await page.keyboard.press("ArrowDown");
    expect(await page.locator("#pane").textContent()).toContain(`結果 ${at}`);
    expect(errors).toEqual([]);
    await page.close();
  }
});

it("keeps names within their boxes, and is read aloud alike in both themes", async () => {
  for (const theme of ["light", "dark"] as const) {
    const { page, errors } = await openReport(browser, renderReport(record()), {
      theme,
      hash: "#node=x%20y%2Bz",
    });
    expect(await axeViolations(page)).toEqual([]);
    const outside = await page.locator('[data-view="graph"] g.node').evaluateAll(
      (all) =>
        all.filter((node) => {
          const box = node.querySelector(".card")?.getBoundingClientRect();
          const text = node.querySelector(".name")?.getBoundingClientRect();
          return box === undefined || text === undefined || text.right > box.right + 1;
        }).length,
    );
    expect(outside).toBe(0);
    // The pane takes its own column and covers nothing.
    const [main, pane] = [
      await page.locator("main").boundingBox(),
      await page.locator("#pane").boundingBox(),
    ];
    expect((main?.x ?? 0) + (main?.width ?? 0)).toBeLessThanOrEqual((pane?.x ?? 0) + 1);
    expect(errors).toEqual([]);
    await page.close();
  }
});

it("writes out what turns text around or cannot be seen, also where it poses as a joiner", async () => {
  const plain = record();
  const notices = ["ab\u200dcd", "ab\u200d \u200dcd", "\u202eab", "1\u200c2"].map((message) => ({
    type: "notice" as const,
    atMs: 0,
    code: "X",
    message,
  }));
  const { page } = await openReport(
    browser,
    renderReport({ ...plain, events: [...plain.events, ...notices] }),
  );
  expect(await page.locator("#notices-title + ul li").allTextContents()).toEqual([
    "ab\u200dcd",
    "ab⟨U+200D⟩ ⟨U+200D⟩cd",
    "⟨U+202E⟩ab",
    "1⟨U+200C⟩2",
  ]);
  await page.close();
});
