import { afterAll, beforeAll, expect, it } from "@jest/globals";
import type { Browser } from "playwright-core";
import { compare } from "../../src/compare/compare.js";
import { renderReport } from "../../src/report/report.js";
import { run } from "../../src/run/run.js";
import { defineDag } from "../../src/spec/define.js";
import { mapRecord, wideRecord, withStrings } from "../support/page-records.js";
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
const text =
  "The booking page is quick and I like the calendar. Paying was a pain: the form lost my card number twice.";

async function feedbackRun() {
  return run(feedback, text, { model: "offline", texts: true });
}

it("shows states, the critical path, prompts and answers of a run, and asks the network for nothing", async () => {
  const record = await feedbackRun();
  const { page, errors, requests } = await openReport(browser, renderReport(record), {
    hash: "#node=summary",
  });
  await page.waitForSelector('[data-view="graph"] [data-node="summary"][data-state="completed"]');
  expect(await page.locator('[data-view="timeline"] [data-critical="true"]').count()).toBeGreaterThan(0);
  expect(await page.locator('[data-run-state="completed"]').count()).toBe(1);
  const pane = await page.locator("#pane").textContent();
  expect(pane).toContain("Prompt as sent");
  expect(pane).toContain("Summarise in one sentence.");
  await page.keyboard.press("Escape");
  await page.locator('[data-view="graph"] [data-node="mood"] [role="button"]').focus();
  await page.keyboard.press("Enter");
  expect(page.url()).toContain("#node=mood");
  expect([errors, requests]).toEqual([[], []]);
  await page.close();
});

it("leaves prompts, answers and values out where asked", async () => {
  const record = await feedbackRun();
  const html = renderReport(record, { texts: false });
  expect([html.includes("booking page"), html.includes("Summarise in one sentence.")]).toEqual([
    false,
    false,
  ]);
});

it("marks the first of two runs' differences and what followed from it", async () => {
  const record = await feedbackRun();
  const other = structuredClone(record) as typeof record;
  for (const name of ["mood", "summary"])
    Object.assign((other.outcomes as Record<string, object>)[name] ?? {}, { value: `another ${name}` });
  const { page, errors } = await openReport(browser, renderReport([record, other] as never));
  expect(await page.locator('[data-view="diff"] [data-divergence="first"] h3').textContent()).toContain(
    "mood",
  );
  expect(await page.locator('[data-view="diff"] [data-divergence="follows"] h3').textContent()).toContain(
    "summary",
  );
  expect(await page.locator('[data-view="diff"] ins').count()).toBeGreaterThan(0);
  expect(await page.locator('[data-view="diff"] .advice').textContent()).toContain(
    "all that it needs is equal",
  );
  expect(errors).toEqual([]);
  await page.close();
  const elsewhere = await openReport(
    browser,
    renderReport([record, { ...other, input: "another text" }] as never),
  );
  expect(await elsewhere.page.locator('[data-view="diff"] .advice').textContent()).toContain(
    "different inputs",
  );
  await elsewhere.page.close();
  const { nodes, ...dag } = record.dag as { nodes: Record<string, object> };
  const strangers = { ...record, dag: { ...dag, name: "strangers", nodes: { only: nodes.mood } } };
  const [outcome] = Object.values(record.outcomes);
  const two = await openReport(
    browser,
    renderReport([record, { ...strangers, outcomes: { only: outcome } }] as never),
  );
  const said = await two.page.locator('[data-view="diff"] .advice').textContent();
  expect(said).toContain("The runs are of two graphs, feedback and strangers.");
  expect(said).toContain("it stands in one of the two graphs only");
  await two.page.close();
});

/** Texts that do something where they are taken for more than text. */
const hostile = Array.from({ length: 200 }, (_, at) => {
  const act = `globalThis.hit=${at}`;
  const forms = [
    `<script>${act}</script>`,
    `</script><script>${act}</script>`,
    `<img src=x onerror="${act}">`,
    `"><svg onload=${act}>`,
    `'-${act}-'`,
    `javascript:${act}`,
    `<!--<script>${act}</script>-->`,
    `\u202e${act}\u2066<b>`,
    `&lt;script&gt;${act}&lt;/script&gt;`,
    `]]><iframe srcdoc="<script>parent.hit=${at}</script>">`,
    `{{${act}}} \${${act}}`,
    `\u0000\u0001${at}\u001b]8;;javascript:${act}\u0007<a href="javascript:${act}">`,
    `<style>*{display:none}</style><base href="https://example.test/">`,
    `__proto__`,
    `constructor`,
    `<details open ontoggle=${act}>`,
    `\u2028${act}\u2029`,
    `\ud800<math><mi href="javascript:${act}">`,
    `<meta http-equiv=refresh content="0;url=https://example.test/?${at}">`,
    `<form action="https://example.test/"><input autofocus onfocus=${act}>`,
  ];
  return `${forms[at % forms.length]}`;
});

it("shows 200 hostile texts in every field as text", async () => {
  const plain = await feedbackRun();
  const failing = mapRecord(20);
  for (const record of [plain, failing] as const) {
    let next = 0;
    for (let turn = 0; turn < 10; turn++) {
      // Names keep their relations: the same text becomes the same other text.
      const chosen = new Map<string, string>();
      const changed = withStrings(record as never, (given) => {
        const other = chosen.get(given) ?? hostile[next++ % hostile.length] ?? "";
        chosen.set(given, other);
        return other;
      });
      const { page, errors, requests } = await openReport(
        browser,
        renderReport([changed, record as never], { title: hostile[turn] ?? "" }),
      );
      for (const button of await page.locator('[data-view="graph"] [role="button"]').all())
        await button.dispatchEvent("click");
      await page.evaluate('for (const one of document.querySelectorAll("button.fold, summary")) one.click()');
      expect(await page.evaluate('"hit" in globalThis')).toBe(false);
      expect(
        await page.evaluate(
          'document.querySelectorAll("#app :is(script, iframe, img, base, form, style, meta, math)").length',
        ),
      ).toBe(0);
      expect([errors, requests]).toEqual([[], []]);
      await page.close();
    }
  }
});

it("has no accessibility violation in either theme", async () => {
  const record = await feedbackRun();
  const other = structuredClone(record) as typeof record;
  Object.assign((other.outcomes as Record<string, object>).mood ?? {}, { value: "another mood" });
  const comparison = await compare(feedback, text, {
    model: "offline",
    topologies: ["sequential", "deterministic"],
  });
  const reports = [
    renderReport(record),
    renderReport([record, other] as never),
    renderReport(comparison),
    renderReport(mapRecord(300)),
    renderReport([mapRecord(5), mapRecord(9), mapRecord(13)]),
  ];
  for (const html of reports) {
    for (const theme of ["light", "dark"] as const) {
      const { page, errors } = await openReport(browser, html, { theme, hash: "#node=notes" });
      const violations = await axeViolations(page);
      expect([theme, violations]).toEqual([theme, []]);
      expect(errors).toEqual([]);
      await page.close();
    }
  }
});

it("keeps only the rows in sight of 5,000 in the document, and reaches the others", async () => {
  const { page, errors } = await openReport(browser, renderReport(mapRecord(5000)));
  await page.getByRole("button", { name: "Unfold all" }).click();
  expect(await page.locator(".tl-body [role=row]").count()).toBeLessThan(80);
  await page.locator(".tl-body").evaluate((body) => body.scrollTo(0, body.scrollHeight));
  await page.waitForSelector('[data-view="timeline"] [data-node="digest"]');
  expect(errors).toEqual([]);
  await page.close();
});

it("opens 1,000 nodes", async () => {
  const { page, errors } = await openReport(browser, renderReport(wideRecord(1000)));
  await page.waitForSelector('[data-node="node-999"]');
  expect(errors).toEqual([]);
  await page.close();
});
