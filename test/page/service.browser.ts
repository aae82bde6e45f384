import { afterAll, beforeAll, expect, it } from "@jest/globals";
import type { Browser } from "playwright-core";
import { listen } from "../../examples/service.js";
import { launch, watch } from "./browser.js";

let browser: Browser;
let service: Awaited<ReturnType<typeof listen>>;
beforeAll(async () => {
  browser = await launch();
  service = await listen(0, { model: "offline" });
});
afterAll(async () => {
  await browser.close();
  await service.close();
});

it.each([
  ["chat", "completed"],
  ["ag-ui", "success"],
])("the page %s starts a run, asks, and shows its end", async (page, end) => {
  const tab = await browser.newPage();
  const { errors } = watch(tab);
  await tab.goto(`${service.url}${page}`);
  await tab.getByRole("button", { name: "Send" }).click();
  await tab.getByRole("button", { name: "Approve" }).waitFor();
  expect(await tab.locator("#question").textContent()).toMatch(
    /^May this be published\? It had been [^{}]*Approve/,
  );
  await tab.getByRole("button", { name: "Approve" }).click();
  await tab.waitForSelector(`#state:has-text("${end}")`);
  await tab.waitForSelector('[data-node="publish"][data-state="completed"]');
  expect(await tab.locator("#text").textContent()).toContain("published for");
  expect(errors.filter((error) => !error.includes("favicon") && !error.includes("404"))).toEqual([]);
  await tab.close();
});

it("the live page at the root shows a run that starts after it was opened", async () => {
  const tab = await browser.newPage();
  const { errors } = watch(tab);
  await tab.goto(service.url);
  const response = await fetch(`${service.url}runs`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ input: { message: "The lift is back." } }),
  });
  await tab.waitForSelector('[data-run-state="interrupted"]');
  await tab.getByRole("button", { name: "Approve" }).click();
  await tab.waitForSelector('[data-run-state="completed"]');
  const { id } = (await response.json()) as { id: string };
  const record = (await (await fetch(`${service.url}runs/${id}`)).json()) as { state: string };
  expect(record.state).toBe("completed");
  expect(errors.filter((error) => !error.includes("favicon") && !error.includes("404"))).toEqual([]);
  await tab.close();
});
