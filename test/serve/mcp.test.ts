import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { PassThrough } from "node:stream";
import { afterAll, afterEach, expect, it } from "@jest/globals";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { z } from "zod";
import { serveMcp } from "../../src/serve/mcp-stdio.js";
import { type ServedDags, serve } from "../../src/serve/serve.js";
import { defineDag } from "../../src/spec/define.js";

const folder = mkdtempSync(join(tmpdir(), "agent-dag-mcp-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let aborted: () => void = () => {};
const add = defineDag({
  name: "add",
  description: "Adds two numbers.",
  input: z.object({ a: z.number(), b: z.number() }),
  nodes: {
    sum: { run: ({ input: { a, b } }) => a + b },
    told: { needs: ["sum"], run: ({ needs }) => ({ sum: needs.sum }) },
  },
});
const shout = defineDag({ name: "shout it", nodes: { loud: { run: ({ input }) => `${input}!` } } });
const letter = defineDag({
  name: "letter",
  nodes: {
    draft: { run: () => "Dear all" },
    check: { needs: ["draft"], approve: { message: "May it go out?", show: [{ node: "draft" }] } },
    send: { needs: ["check"], run: () => "sent" },
  },
});
const breaks = defineDag({
  name: "breaks",
  nodes: {
    a: {
      run: () => {
        throw new Error("broken");
      },
    },
  },
});
const waits = defineDag({
  name: "waits",
  nodes: {
    a: { run: ({ signal }) => new Promise((_, no) => signal.addEventListener("abort", () => no(aborted()))) },
  },
});
const tenant = defineDag({ name: "tenant", nodes: { who: { run: ({ context }) => String(context) } } });

let service: ServedDags | undefined;
const clients: Client[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  await service?.close({ drainMs: 0 });
  service = undefined;
});

/** A client of the SDK over HTTP; with `answer` one whose person answers. */
async function connected(answer?: (message: string) => object): Promise<Client> {
  service ??= await serve([add, shout, letter, breaks, waits, tenant], {
    context: (request: Request | null) => request?.headers.get("x-tenant") ?? "nobody",
  });
  const client = new Client(
    { name: "test", version: "1" },
    { capabilities: answer === undefined ? {} : { elicitation: {} } },
  );
  if (answer !== undefined) {
    client.setRequestHandler(ElicitRequestSchema, ({ params }) => answer(params.message) as never);
  }
  const requestInit = { headers: { "x-tenant": "ada" } };
  await client.connect(
    new StreamableHTTPClientTransport(new URL(`${service.url}mcp`), { requestInit }) as never,
  );
  clients.push(client);
  return client;
}

const textOf = (result: any): string => result.content[0].text;

it("offers one tool a graph, with the graph's own input", async () => {
  const client = await connected();
  const { tools } = await client.listTools();
  expect(tools.map(({ name }) => name)).toEqual(["add", "shout_it", "letter", "breaks", "waits", "tenant"]);
  expect(tools[0]).toMatchObject({
    description: "Adds two numbers.",
    inputSchema: { type: "object", properties: { a: { type: "number" } }, required: ["a", "b"] },
  });
  expect(tools[1]?.inputSchema).toMatchObject({ properties: { input: { type: "string" } } });
});

it("runs a graph, tells its nodes as progress, and gives text and structure", async () => {
  const client = await connected();
  const progress: string[] = [];
  const result = await client.callTool({ name: "add", arguments: { a: 1, b: 2 } }, undefined, {
    onprogress: ({ progress: done, total, message }) => void progress.push(`${done}/${total} ${message}`),
  });
  expect(result).toMatchObject({ structuredContent: { sum: 3 }, content: [{ text: '{"sum":3}' }] });
  expect(progress).toEqual(["1/2 sum: completed", "2/2 told: completed"]);
  expect(textOf(await client.callTool({ name: "shout_it", arguments: { input: "hey" } }))).toBe("hey!");
  expect(textOf(await client.callTool({ name: "tenant", arguments: { input: "x" } }))).toBe("ada");
});

it("tells wrong arguments and failed runs as errors of the tool", async () => {
  const client = await connected();
  const wrong = await client.callTool({ name: "add", arguments: { a: "x" } });
  expect([wrong.isError, textOf(wrong)]).toEqual([true, expect.stringMatching(/^INPUT_INVALID: .*a: /s)]);
  const failed = await client.callTool({ name: "breaks", arguments: { input: "x" } });
  expect([failed.isError, textOf(failed)]).toEqual([true, expect.stringContaining("broken")]);
  await expect(client.callTool({ name: "none", arguments: {} })).rejects.toThrow(/There are: add/);
});

it("ends the run of a call that is cancelled", async () => {
  const client = await connected();
  const wasAborted = new Promise<void>((done) => {
    aborted = done;
  });
  const controller = new AbortController();
  const call = client.callTool({ name: "waits", arguments: { input: "x" } }, undefined, {
    signal: controller.signal,
  });
  for (let runs: unknown[] = []; runs.length === 0; )
    runs = (await (await fetch(`${service?.url}runs?state=running`)).json()) as unknown[];
  controller.abort();
  await expect(call).rejects.toThrow();
  await wasAborted;
});

it.each([
  [{ action: "accept", content: { approve: true } }, "sent"],
  [{ action: "accept", content: { approve: false, comment: "too early" } }, "A person said no"],
  [{ action: "decline" }, "A person said no"],
  [{ action: "cancel" }, "waits for a person's answer"],
])("asks the person at the client, who says %j", async (said, expected) => {
  const asked: string[] = [];
  const client = await connected((message) => {
    asked.push(message);
    return said;
  });
  const result = await client.callTool({ name: "letter", arguments: { input: "x" } });
  expect(textOf(result)).toContain(expected);
  expect(asked).toEqual([expect.stringMatching(/May it go out\?[\s\S]*Dear all/)]);
});

it("asks no longer what was answered elsewhere, and gives what comes of it", async () => {
  let asked: () => void = () => {};
  const wasAsked = new Promise<void>((done) => {
    asked = done;
  });
  const client = await connected(() => {
    asked();
    return new Promise(() => {});
  });
  const call = client.callTool({ name: "letter", arguments: { input: "x" } });
  await wasAsked;
  const [run] = (await (await fetch(`${service?.url}runs?state=interrupted`)).json()) as { id: string }[];
  await fetch(`${service?.url}runs/${run?.id}/answer`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: "true",
  });
  expect(textOf(await call)).toBe("sent");
});

it("says that an answer was put off", async () => {
  const client = await connected(() => ({ action: "cancel" }));
  const result = await client.callTool({ name: "letter", arguments: { input: "x" } });
  expect(textOf(result)).toContain("which was put off");
});

it("moves the references of an input that stands in a field of its own", async () => {
  const tree: z.ZodType = z.union([
    z.string(),
    z.array(z.lazy(() => tree)),
    z.object({ default: z.lazy(() => tree), enum: z.lazy(() => tree) }),
  ]);
  service = await serve(defineDag({ name: "tree", input: tree, nodes: { a: { run: () => "x" } } }));
  const client = await connected();
  const { tools } = await client.listTools();
  const schema: any = tools[0]?.inputSchema;
  const references = [...JSON.stringify(schema).matchAll(/"\$ref":"#([^"]*)"/g)].map(([, at]) => at ?? "");
  expect(references.length).toBeGreaterThan(0);
  for (const at of references) {
    const found = at
      .split("/")
      .slice(1)
      .reduce((from, step) => from?.[step], schema);
    expect([at, found]).toEqual([at, expect.objectContaining({ anyOf: expect.anything() })]);
  }
});

it("says that a run waits where the client cannot ask", async () => {
  const client = await connected();
  const result: any = await client.callTool({ name: "letter", arguments: { input: "x" } });
  expect(result.structuredContent).toMatchObject({ state: "interrupted", interrupts: [{ node: "check" }] });
  const { id } = result.structuredContent;
  const answered = await fetch(`${service?.url}runs/${id}/answer`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: "true",
  });
  expect(await answered.json()).toMatchObject({ output: "sent" });
});

it("answers what is no session with what is wrong", async () => {
  await connected();
  const send = (headers: Record<string, string>, body: string) =>
    fetch(`${service?.url}mcp`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body,
    });
  const list = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list" });
  expect((await send({}, list)).status).toBe(400);
  expect((await send({ "mcp-session-id": "none" }, list)).status).toBe(404);
  expect((await send({}, "{")).status).toBe(400);
});

it("speaks over standard input and output from the command line, whatever a graph prints", async () => {
  const file = join(folder, "prints.mjs");
  writeFileSync(
    file,
    `console.log("loaded");
export default { name: "prints", nodes: { a: { run: ({ input }) => {
  console.log("running"); process.stdout.write("more"); return input + "!";
} } } };`,
  );
  const client = new Client({ name: "test", version: "1" });
  const errors: Error[] = [];
  client.onerror = (error) => void errors.push(error);
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [resolve("dist/src/cli/main.js"), "serve", file, "--mcp"],
    stderr: "pipe",
  });
  await client.connect(transport);
  clients.push(client);
  expect(textOf(await client.callTool({ name: "prints", arguments: { input: "hey" } }))).toBe("hey!");
  expect(errors).toEqual([]);
});

it("ends with its client", async () => {
  const stdin = new PassThrough();
  const mcp = await serveMcp(add, { stdin, stdout: new PassThrough() });
  stdin.end();
  await mcp.closed;
  await mcp.close();
});
