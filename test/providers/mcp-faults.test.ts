import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { MultiServerMCPClient } from "@langchain/mcp-adapters";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { defineDag, type Policy, type RunEvent, run, type ToolLike } from "../../src/index.js";
import { scriptedModel } from "../../src/testing/scripted-model.js";

/** What a server does with a tool call: the result that it gives, or what it does with the connection. */
type Answer = ((response: ServerResponse, request: IncomingMessage) => void) | Record<string, unknown>;

let server: Server;
let client: MultiServerMCPClient;
let tool: ToolLike;
let answer: Answer;
let session = "s";

/** A server of MCP over HTTP that is right in all but its answers to tool calls. */
async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const text: string[] = [];
  for await (const part of request) text.push(String(part));
  if (request.method !== "POST") return void response.writeHead(405).end();
  const { id, method, params } = JSON.parse(text.join("")) as Record<string, any>;
  if (id !== undefined && (request.headers["mcp-session-id"] ?? session) !== session)
    return void response.writeHead(404).end();
  const result = (value: unknown) => {
    response.writeHead(200, { "content-type": "application/json", "mcp-session-id": session });
    response.end(JSON.stringify({ jsonrpc: "2.0", id, result: value }));
  };
  if (id === undefined) response.writeHead(202).end();
  else if (method === "initialize") {
    const serverInfo = { name: "faulty", version: "1" };
    result({ protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo });
  } else if (method === "tools/list") {
    result({ tools: [{ name: "look", inputSchema: { type: "object", properties: {} } }] });
  } else if (typeof answer === "function") answer(response, request);
  else result(answer);
}

beforeAll(async () => {
  server = createServer((request, response) => void respond(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
  client = new MultiServerMCPClient({ mcpServers: { shop: { transport: "http", url } } });
  tool = (await client.getTools())[0] as ToolLike;
});
afterAll(async () => {
  await client.close();
  server.closeAllConnections();
  server.close();
});

/** What an agent's model is told of its call, beside an agent that uses no tool. */
async function told(given: Answer, policy: Policy = {}) {
  answer = given;
  const model = scriptedModel({ a: [{ toolCalls: [{ name: "look", args: {} }] }, "Done."], b: ["B."] });
  const nodes = {
    a: { instructions: "Look.", tools: [tool], policy },
    b: { instructions: "Say B." },
  };
  const ended: RunEvent[] = [];
  const onEvent = (event: RunEvent) => void (event.type === "tool-ended" && ended.push(event));
  const record = await run(defineDag({ name: "faulty", nodes }), "go", { model, onEvent });
  expect(record).toMatchObject({ state: "completed", output: { a: "Done.", b: "B." } });
  return { ended, message: model.calls.filter(({ node }) => node === "a")[1]?.messages.at(-1) };
}

/** What becomes of a tool node. */
async function outcome(given: Answer, policy: Policy = {}) {
  answer = given;
  const { outcomes } = await run(defineDag({ name: "faulty", nodes: { a: { tool, policy } } }), "go");
  return outcomes.a;
}

const rpcError = (code: number, message: string) => ({ jsonrpc: "2.0", error: { code, message }, id: null });

const html = `<!DOCTYPE html><html><style>p{}</style><body>${"<p>Bad gateway</p>".repeat(900)}</body></html>`;

describe("an MCP server that fails", () => {
  const ends: readonly (readonly [string, Answer, RegExp])[] = [
    ["breaks the connection", (response) => void response.socket?.destroy(), /fetch failed/],
    [
      "forgets the session",
      (response) => void response.writeHead(404).end("Session not found"),
      /Session not/,
    ],
    [
      "forgets the session, in JSON",
      (response) => void response.writeHead(404).end(JSON.stringify(rpcError(-32001, "Session not found"))),
      /endpoint: Session not found\. If the server was started anew, make another client\.$/,
    ],
    [
      "asks for a session",
      (response) =>
        void response.writeHead(400).end(JSON.stringify(rpcError(-32000, "No valid session ID."))),
      /endpoint: No valid session ID\. If the server was started anew/,
    ],
    [
      "refuses without words",
      (response) => void response.writeHead(404).end(),
      /endpoint: the server refused without words, and its client does not tell the HTTP status/,
    ],
    [
      "refuses in JSON",
      (response) => void response.writeHead(429).end('{"error":{"message":"slow down"}}'),
      /endpoint: slow down$/,
    ],
    ["refuses the key", (response) => void response.writeHead(401).end("who are you"), /who are you/],
    ["fails with a page", (response) => void response.writeHead(502).end(html), /: Bad gateway Bad/],
    [
      "gives a page",
      (response) => void response.writeHead(200, { "content-type": "text/html" }).end(html),
      /text\/html/,
    ],
    [
      "gives no JSON",
      (response) => void response.writeHead(200, { "content-type": "application/json" }).end("{no"),
      /JSON/,
    ],
    [
      "gives what is no result",
      { content: [{ type: "hologram" }] },
      /no result of MCP: content\.0: Invalid input$/,
    ],
    [
      "fails without words",
      { isError: true, content: [], structuredContent: { code: 7 } },
      /without saying why in words: its result holds no text/,
    ],
    [
      "fails with a file",
      {
        isError: true,
        content: [{ type: "resource", resource: { uri: "file:///why.txt", text: "the disk is full" } }],
      },
      /without saying why in words: its result holds no text/,
    ],
    [
      "fails with a list",
      { isError: true, content: [{ type: "text", text: '[{"at":3}]' }] },
      /: \[\{"at":3\}\]$/,
    ],
    [
      "fails with words about tags",
      { isError: true, content: [{ type: "text", text: "The <body> is not closed." }] },
      /: The <body> is not closed\.$/,
    ],
  ];

  it.each(ends)(
    "that %s: its reason is told to the agent's model and fails a tool node, in few words",
    async (_, given, reason) => {
      const { message } = await told(given);
      expect(message?.content).toMatch(reason);
      expect(message?.content.length).toBeLessThan(300);
      const failed = await outcome(given);
      expect(failed).toMatchObject({ state: "failed", error: { code: "ERROR" } });
      expect(failed?.state === "failed" && failed.error.message).toMatch(reason);
    },
  );

  const silences: readonly (readonly [string, (response: ServerResponse) => void])[] = [
    ["never answers", () => {}],
    [
      "breaks off its stream",
      (response) => void response.writeHead(200, { "content-type": "text/event-stream" }).end(": soon\n\n"),
    ],
    ["only takes the call", (response) => void response.writeHead(202).end()],
  ];

  it.each(silences)(
    "that %s holds an agent no longer than its `timeoutMs`, and is told by name",
    async (_, given) => {
      const { message, ended } = await told(given, { timeoutMs: 80 });
      expect(message?.content).toBe('The tool failed: "look" did not finish within 80 ms (`timeoutMs`).');
      expect(ended).toMatchObject([{ tool: "look", error: { code: "NODE_TIMEOUT" } }]);
      expect(await outcome(given, { timeoutMs: 80 })).toMatchObject({ error: { code: "NODE_TIMEOUT" } });
    },
  );

  it("is called again by an agent that calls again, once it is back", async () => {
    const model = scriptedModel({
      a: [{ toolCalls: [{ name: "look", args: {} }] }, { toolCalls: [{ name: "look", args: {} }] }, "Done."],
    });
    let times = 0;
    answer = (response) => {
      if (times++ === 0) response.socket?.destroy();
      else response.writeHead(500).end("up again");
    };
    await run(defineDag({ name: "faulty", nodes: { a: { instructions: "Look.", tools: [tool] } } }), "go", {
      model,
    });
    expect(model.calls[2]?.messages.at(-1)?.content).toMatch(/up again/);
  });
});

describe("what an MCP tool gives", () => {
  const report = {
    type: "resource",
    resource: { uri: "file:///r.md", mimeType: "text/markdown", text: "# R" },
  };
  const data = "iVBORw0KGgo".padEnd(400, "A");
  const photo = { type: "resource", resource: { uri: "file:///p.png", mimeType: "image/png", blob: data } };

  it("is its words and the resources beside them", async () => {
    const words = { type: "text", text: "The report:" };
    expect((await told({ content: [words, report] })).message?.content).toBe("The report:\n# R");
    expect((await told({ content: [words, photo] })).message).toMatchObject({
      content: "The report:\n[image image/png, 300 bytes]",
      parts: [words, { type: "image", mediaType: "image/png" }],
    });
    expect(
      (await told({ content: [words, words, report, photo], structuredContent: { n: 1 } })).message,
    ).toMatchObject({
      content: "The report:\nThe report:\n# R\n[image image/png, 300 bytes]",
    });
    expect(await outcome({ content: [words, report], _meta: { at: 1 } })).toMatchObject({
      value: [words, { type: "text", text: "# R" }],
    });
  });

  it("is a text for a tool node, whatever the server notes beside it", async () => {
    expect(await outcome({ content: [{ type: "text", text: "five" }], _meta: { at: 1 } })).toMatchObject({
      value: "five",
    });
  });
});

it("is called in a session begun anew where its server was started anew, as docs/providers.md shows", async () => {
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`);
  const lasting = new MultiServerMCPClient({ mcpServers: { shop: { transport: "http", url: url.href } } });
  const [look] = (await lasting.getTools()) as unknown as ToolLike[];
  const shop = await lasting.getClient("shop");
  if (shop === undefined || look === undefined) throw new Error("The server has no tool.");
  const call = shop.callTool.bind(shop);
  let renewed: Promise<void> | undefined;
  shop.callTool = async (...given) => {
    const { transport } = shop;
    try {
      return await call(...given);
    } catch (error) {
      const isRenewed = shop.transport !== transport;
      if (!isRenewed && (error as { code?: unknown }).code !== 404) throw error;
      if (!isRenewed)
        renewed = shop.close().then(() => shop.connect(new StreamableHTTPClientTransport(url) as Transport));
      await renewed;
      return call(...given);
    }
  };
  const nodes = { a: { tool: look }, b: { tool: look }, c: { tool: look } };
  answer = { content: [{ type: "text", text: "well" }] };
  for (const restarted of ["s", "s2", "s3"]) {
    session = restarted;
    const { output } = await run(defineDag({ name: "lasting", nodes }), "go");
    expect(output).toEqual({ a: "well", b: "well", c: "well" });
  }
  await lasting.close();
});
