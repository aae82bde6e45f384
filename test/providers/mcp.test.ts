import { type ChildProcess, spawn } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { MultiServerMCPClient } from "@langchain/mcp-adapters";
import { defineDag, run, type ToolLike } from "../../src/index.js";
import { scriptedModel } from "../../src/testing/scripted-model.js";
import { featureTable, tableInDocs } from "./feature-table.js";

const program = "test/providers/mcp-server.mjs";
const progress: unknown[] = [];
const table = featureTable("Tools …");

describe.each(["stdio", "http"] as const)("tools of an MCP server over %s", (transport) => {
  const proves = (feature: string, test: () => Promise<void>) => table.proves(feature, transport, {}, test);

  let client: MultiServerMCPClient;
  let server: ChildProcess | undefined;
  let tools: readonly ToolLike[];

  beforeAll(async () => {
    const onProgress = (told: unknown) => {
      progress.push(told);
    };
    if (transport === "stdio") {
      const tests = { transport, command: process.execPath, args: [program, "stdio"] };
      client = new MultiServerMCPClient({ mcpServers: { tests }, onProgress });
    } else {
      server = spawn(process.execPath, [program, "http"], { stdio: ["pipe", "pipe", "inherit"] });
      const port = await new Promise((resolve) => server?.stdout?.once("data", resolve));
      const tests = { transport, url: `http://127.0.0.1:${String(port).trim()}/mcp` };
      client = new MultiServerMCPClient({ mcpServers: { tests }, onProgress });
    }
    tools = await client.getTools();
  });
  afterAll(async () => {
    await client.close();
    server?.stdin?.end();
    server?.kill();
  });

  /** What a model is told of its call. */
  async function told(name: string, args: unknown) {
    const model = scriptedModel({ a: [{ toolCalls: [{ name, args }] }, "Done."] });
    const spec = defineDag({ name: "mcp", nodes: { a: { instructions: "Use tools.", tools } } });
    const record = await run(spec, "go", { model });
    expect(record).toMatchObject({ state: "completed", output: "Done." });
    return model.calls[1]?.messages.at(-1);
  }

  proves("are described to the model by name and schema", async () => {
    const model = scriptedModel({ a: ["Hello."] });
    await run(defineDag({ name: "mcp", nodes: { a: { instructions: "Hi.", tools } } }), "go", { model });
    const add = model.calls[0]?.tools.find(({ name }) => name === "add");
    expect(add?.parameters).toMatchObject({ type: "object", properties: { a: { type: "number" } } });
  });

  proves("answer as text, of one block, of several, without arguments", async () => {
    for (const [name, args, answer] of [
      ["add", { a: 2, b: 3 }, "5"],
      ["now", {}, "12:00"],
      ["two", {}, "one\ntwo"],
    ] as const)
      expect(await told(name, args)).toMatchObject({ role: "tool", content: answer });
  });

  proves("that fail, refuse or are called wrongly tell the model why", async () => {
    expect((await told("fails", {}))?.content).toMatch(/The tool failed: .*the disk is full/s);
    expect((await told("refuses", {}))?.content).toMatch(/The tool failed: .*not today/s);
    expect((await told("add", { a: "two" }))?.content).toMatch(/The tool failed: /);
  });

  proves("give images as images", async () => {
    const message = await told("camera", {});
    expect(message).toMatchObject({
      content: "Here:\n[image image/png, 3 kB]",
      parts: [{ text: "Here:" }, { type: "image", mediaType: "image/png" }],
    });
  });

  proves("give resources and structured content where that is all they give", async () => {
    expect((await told("report", {}))?.content).toBe("# All is well");
    expect((await told("figures", {}))?.content).toBe('{\n  "sum": 12\n}');
    expect((await told("both", {}))?.content).toBe("The sum is 12.");
    expect(await told("photo", {})).toMatchObject({
      content: "[image image/png, 3 kB]",
      parts: [{ type: "image", mediaType: "image/png" }],
    });
    const own = (name: string) => tools.find((tool) => tool.name === name) as ToolLike;
    const spec = defineDag({
      name: "mcp",
      nodes: { report: { tool: own("report") }, figures: { tool: own("figures") } },
    });
    const { outcomes } = await run(spec, "go");
    expect(outcomes.report).toMatchObject({ value: "# All is well" });
    expect(outcomes.figures).toMatchObject({ value: { sum: 12 } });
  });

  proves("may take long, and say how far they are", async () => {
    progress.length = 0;
    expect((await told("slow", { ms: 90 }))?.content).toBe("done");
    expect(progress).toMatchObject([{ progress: 1 }, { progress: 2 }, { progress: 3 }]);
  });

  proves("are aborted on the server with the run", async () => {
    const controller = new AbortController();
    const model = scriptedModel({ a: [{ toolCalls: [{ name: "slow", args: { ms: 30_000 } }] }] });
    const spec = defineDag({ name: "mcp", nodes: { a: { instructions: "Use tools.", tools } } });
    progress.length = 0;
    const running = run(spec, "go", { model, signal: controller.signal });
    while (progress.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    controller.abort();
    expect((await running).state).toBe("cancelled");
    // The server hears of it in a request of its own.
    const aborted = async () => (await told("aborted", {}))?.content;
    while ((await aborted()) === "0") await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await aborted()).toBe("1");
  });

  proves("can be nodes of their own", async () => {
    const add = tools.find(({ name }) => name === "add") as ToolLike;
    const spec = defineDag({ name: "mcp", nodes: { sum: { tool: add, args: { a: 20, b: 22 } } } });
    expect((await run(spec, "go", { model: "offline" })).output).toBe("42");
  });
});

it("are told in docs/providers.md as they are tested (UPDATE_DOCS=1 writes it there)", () => {
  expect(tableInDocs("mcp", table.markdown())).toBe(table.markdown());
});
