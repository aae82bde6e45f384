import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { tool } from "@langchain/core/tools";
import { interrupt, MemorySaver } from "@langchain/langgraph";
import type { Browser } from "playwright-core";
import { z } from "zod";
import { createLivePage, type LivePage } from "../../src/report/live-page.js";
import { resume, run } from "../../src/run/run.js";
import { nodeListener } from "../../src/serve/node-listener.js";
import { defineDag } from "../../src/spec/define.js";
import { scriptedModel } from "../../src/testing/scripted-model.js";
import { launch, watch } from "./browser.js";

let browser: Browser;
let server: Server;
let page: LivePage;
let url = "";
let answered: (answers: Readonly<Record<string, unknown>>) => void = () => {};

beforeAll(async () => {
  browser = await launch();
  page = createLivePage({ command: "agent-dag run letter.ts", onAnswer: (answers) => answered(answers) });
  const nothing = () => new Response(null, { status: 404 });
  server = createServer(nodeListener(async (request) => (await page.respond(request)) ?? nothing()));
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
afterAll(async () => {
  page.close();
  server.close();
  server.closeAllConnections();
  await browser.close();
});

const letter = defineDag({
  name: "letter",
  nodes: {
    draft: { instructions: "Summarise in one sentence." },
    check: { needs: ["draft"], approve: { message: "May it go out?" } },
    send: { needs: ["check"], run: () => "sent" },
  },
});

it("shows a run while it happens, takes its answer, and can be saved", async () => {
  const tab = await browser.newPage();
  const { errors } = watch(tab);
  await tab.goto(url);
  const checkpointer = new MemorySaver();
  const options = {
    model: "offline",
    texts: true,
    checkpointer,
    thread: "one",
    onEvent: page.onEvent,
  } as const;
  const given = new Promise<Readonly<Record<string, unknown>>>((resolve) => {
    answered = resolve;
  });
  const first = await run(letter, "The train was late again, but the staff were kind." as never, options);
  expect(first.state).toBe("interrupted");
  await tab.waitForSelector('[data-run-state="interrupted"]');
  await tab.getByRole("button", { name: "Approve" }).click();
  const answer = await given;
  expect(answer).toEqual({ check: { approve: true } });
  const last = await resume(letter, { ...options, answer });
  expect(last.state).toBe("completed");
  await tab.waitForSelector('[data-run-state="completed"]');
  await tab.waitForSelector('[data-view="graph"] [data-node="send"][data-state="completed"]');
  await tab.locator('[data-view="graph"] [data-node="draft"] [role="button"]').click();
  expect(await tab.locator("#pane").textContent()).toContain("The train was late again");
  const saved = await (await fetch(`${url}report.html`)).text();
  expect([saved.includes("connect-src"), saved.includes("The train was late again")]).toEqual([false, true]);
  expect(errors).toEqual([]);
  await tab.close();
});

it("takes the answers to a tool's approval and to a function's question together", async () => {
  const pay = tool(({ usd }: { usd: number }) => `paid ${usd}`, {
    name: "pay",
    description: "Pays.",
    schema: z.object({ usd: z.number() }),
  });
  const asking = defineDag({
    name: "asking",
    nodes: {
      clerk: { instructions: "Pay.", tools: [{ tool: pay, approve: true }] },
      count: { run: () => interrupt("How many?") as number },
    },
  });
  const tab = await browser.newPage();
  const { errors } = watch(tab);
  await tab.goto(url);
  const options = {
    model: scriptedModel({ clerk: [{ toolCalls: [{ name: "pay", args: { usd: 5 } }] }, "done"] }),
    texts: true,
    checkpointer: new MemorySaver(),
    thread: "two",
    onEvent: page.onEvent,
  } as const;
  const given = new Promise<Readonly<Record<string, unknown>>>((resolve) => {
    answered = resolve;
  });
  await run(asking, "x" as never, options);
  await tab.locator(".questions").getByText("How many?").waitFor();
  expect(await tab.getByLabel("Answer (text or JSON)").inputValue()).toBe("");
  await tab.getByLabel("Answer (text or JSON)").fill("7");
  await tab.getByRole("button", { name: "Answer", exact: true }).click();
  await tab.getByRole("button", { name: "Approve", exact: true }).click();
  const last = await resume(asking, { ...options, answer: await given });
  expect([last.state, last.outcomes.count]).toMatchObject(["completed", { value: 7 }]);
  await tab.waitForSelector('[data-run-state="completed"]');
  expect(errors).toEqual([]);
  await tab.close();
});

it("passes an edit on as what it was, with its comment, and says where it is not JSON any more", async () => {
  const edits = defineDag({
    name: "edits",
    nodes: {
      year: { run: () => "2024" },
      order: { run: () => ({ usd: 5 }) },
      when: { needs: ["year"], approve: { message: "May it go on?" } },
      pay: { needs: ["order"], approve: { message: "May it go on?" } },
    },
  });
  const tab = await browser.newPage();
  const { errors } = watch(tab);
  await tab.goto(url);
  const options = { checkpointer: new MemorySaver(), thread: "edits", onEvent: page.onEvent } as const;
  const given = new Promise<Readonly<Record<string, unknown>>>((resolve) => {
    answered = resolve;
  });
  await run(edits, "x" as never, options);
  const ask = (node: string) => tab.locator(`[data-question="${node}"]`);
  await ask("when").locator("textarea").fill("2025");
  await ask("when").getByLabel("Comment").fill("a year late");
  await ask("when").locator('[data-answer="edit"]').click();
  await ask("pay").locator("textarea").fill('{ "usd": 6');
  await ask("pay").locator('[data-answer="edit"]').click();
  expect(await ask("pay").getByRole("alert").textContent()).toContain("is none");
  await ask("pay").locator("textarea").fill('{ "usd": 6 }');
  await ask("pay").locator('[data-answer="edit"]').click();
  expect(await given).toEqual({
    when: { edit: "2025", comment: "a year late" },
    pay: { edit: { usd: 6 } },
  });
  expect(errors).toEqual([]);
  await tab.close();
});

it("refuses requests for other hosts and from pages of others", async () => {
  const status = (path: string, method: string, headers: Record<string, string>) =>
    new Promise<number | undefined>((resolve) => {
      const sent = request(new URL(path, url), { method, headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      sent.end(method === "POST" ? "{}" : undefined);
    });
  const json = { "content-type": "application/json" };
  expect(await status("", "GET", { host: "evil.test" })).toBe(403);
  expect(await status("events", "GET", { host: `evil.test:${new URL(url).port}` })).toBe(403);
  expect(await status("answer", "POST", { ...json, origin: "http://evil.test" })).toBe(403);
  expect(await status("answer", "POST", { ...json, "sec-fetch-site": "cross-site" })).toBe(403);
  expect(await status("answer", "POST", { "content-type": "text/plain" })).toBe(415);
  const statuses = ["PUT", "DELETE", "HEAD"].map((method) => status("", method, {}));
  expect(await Promise.all(statuses)).toEqual([405, 405, 200]);
  expect(await status("events", "HEAD", {})).toBe(405);
  expect(await status("answer", "GET", {})).toBe(405);
  expect(await status("", "GET", {})).toBe(200);
});
