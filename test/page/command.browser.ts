import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "@jest/globals";
import type { Browser } from "playwright-core";
import { launch, watch } from "./browser.js";

let browser: Browser;
let folder: string;
const children: ChildProcess[] = [];
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "agent-dag-web-"));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  rmSync(folder, { recursive: true });
});

/** Waits until something holds; half a minute at most. */
async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 1500; turn++) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`It did not come to this: ${what}.`);
}

/** A command with `--web` in a process of its own; gives the page's address once it is served. */
async function serve(...args: string[]) {
  const child = spawn(
    process.execPath,
    ["node_modules/jiti/lib/jiti-cli.mjs", "src/cli/main.ts", ...args, "--web"],
    { env: { ...process.env, NODE_OPTIONS: "" }, stdio: ["ignore", "pipe", "pipe"] },
  );
  children.push(child);
  const ended = once(child, "exit").then(([code]) => code as number | null);
  let [out, err] = ["", ""];
  child.stdout.on("data", (part) => {
    out += String(part);
  });
  const url = await new Promise<string>((resolve, reject) => {
    child.stderr.on("data", (part) => {
      err += String(part);
      const found = /Live page: (\S+)/.exec(err)?.[1];
      if (found !== undefined) resolve(found);
    });
    void ended.then(() => reject(new Error(err)));
  });
  return { url, out: () => out, err: () => err, interrupt: () => child.kill("SIGINT"), ended };
}

/** A graph whose function waits until the test lets it go on: until a file is there. */
function gatedGraph(extra = ""): string {
  const gate = JSON.stringify(join(folder, "go"));
  writeFileSync(
    join(folder, "dag.ts"),
    `import { existsSync } from "node:fs";
export default {
  name: "gated",
  nodes: {
    gate: {
      run: async ({ input }) => {
        while (!existsSync(${gate})) await new Promise((resolve) => setTimeout(resolve, 20));
        if (String(input).includes("broken")) throw new Error("It is broken.");
        return "open";
      },
    },
    ${extra}
  },
};`,
  );
  return join(folder, "dag.ts");
}

it("compare --web shows topologies side by side as they run, takes their answers, and saves what --report writes", async () => {
  const graph = gatedGraph(
    `check: { needs: ["gate"], approve: { message: "May it go on?" } }, last: { needs: ["check"], run: () => "done" },`,
  );
  const report = join(folder, "report.html");
  const command = await serve(
    ...["compare", graph, "--text", "a", "--topologies", "sequential,dataflow", "--report", report],
  );
  const tab = await browser.newPage();
  const { errors } = watch(tab);
  await tab.goto(command.url);
  const compared = tab.locator('[data-view="compare"]');
  await compared.getByText("running", { exact: false }).first().waitFor();
  expect(await compared.textContent()).toContain("no run has ended");
  await tab.reload();
  writeFileSync(join(folder, "go"), "");
  for (const topology of ["sequential", "dataflow"]) {
    const question = tab.locator(".questions");
    await question.getByText("May it go on?").waitFor();
    await compared.getByRole("button", { name: topology }).waitFor();
    await question.getByRole("button", { name: "Approve" }).click();
  }
  await until("the page stays", () => command.err().includes("stays on"));
  expect(await (await fetch(`${command.url}report.html`)).text()).toBe(readFileSync(report, "utf8"));
  expect(errors).toEqual([]);
  await tab.close();
  // Whoever closes the page ends nothing: Ctrl-C does.
  expect((await fetch(command.url)).status).toBe(200);
  command.interrupt();
  expect(await command.ended).toBe(0);
  expect(command.out()).toContain("dataflow");
});

it("batch --web shows rows as they run, what failed and what it cost, and saves what --report writes", async () => {
  const graph = gatedGraph();
  const inputs = join(folder, "in.jsonl");
  const rows = Array.from({ length: 40 }, (_, at) =>
    JSON.stringify(at % 10 === 3 ? `broken ${at}` : `row ${at}`),
  );
  writeFileSync(inputs, rows.join("\n"));
  const report = join(folder, "report.html");
  const command = await serve(
    ...["batch", graph, inputs, "--out", join(folder, "out.jsonl"), "--concurrency", "5", "--report", report],
  );
  const tab = await browser.newPage();
  const { errors } = watch(tab);
  await tab.goto(command.url);
  await tab.waitForSelector('[data-view="batch"] [data-row]');
  await tab.getByText("0 of 40").waitFor();
  expect(await tab.locator("[data-row]").count()).toBe(5);
  expect(await tab.locator("[data-row]").first().textContent()).toContain("gate");
  writeFileSync(join(folder, "go"), "");
  await tab.getByText("40 rows").waitFor();
  const shown = await tab.locator('[data-view="batch"]').textContent();
  expect(shown).toContain("40 rows");
  expect(shown).toContain("36 completed");
  expect(shown).toMatch(/Failures by code.*4/);
  expect(await tab.locator('[data-view="timeline"]').count()).toBe(1);
  // The page is the batch's; a row's state and figures stand at the row that is looked into.
  expect(await tab.locator("header").textContent()).toMatch(/· batch.*Save as a file/);
  expect(await tab.locator("header .chip, header .figures").count()).toBe(0);
  await tab.locator('[data-view="batch"] h3:text-is("Failed") + ol button').nth(1).click();
  await tab.locator("#row .chip", { hasText: "failed" }).waitFor();
  expect((await tab.locator("#row").boundingBox())?.y).toBeLessThan(360);
  expect(await (await fetch(`${command.url}report.html`)).text()).toBe(readFileSync(report, "utf8"));
  expect(errors).toEqual([]);
  await tab.close();
  command.interrupt();
  expect(await command.ended).toBe(0);
});

it("batch --web takes the answers of rows that wait, without a slot", async () => {
  const graph = gatedGraph(`check: { needs: ["gate"], approve: { message: "May it go on?" } },`);
  writeFileSync(join(folder, "go"), "");
  const inputs = join(folder, "in.jsonl");
  writeFileSync(inputs, ["one", "two", "three"].map((text) => JSON.stringify(text)).join("\n"));
  const out = join(folder, "out.jsonl");
  const command = await serve("batch", graph, inputs, "--out", out, "--concurrency", "1");
  const tab = await browser.newPage();
  await tab.goto(command.url);
  for (const left of [3, 2, 1]) {
    await until(`${left} questions`, async () => (await tab.locator(".questions").count()) === left);
    await tab.getByRole("button", { name: "Approve" }).first().click();
  }
  await tab.getByText("3 completed").waitFor();
  await until("the page stays", () => command.err().includes("stays on"));
  expect(readFileSync(out, "utf8").match(/"state":"completed"/g)).toHaveLength(3);
  await tab.close();
  command.interrupt();
  expect(await command.ended).toBe(0);
});
