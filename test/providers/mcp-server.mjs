// A server of MCP with tools that go well, go wrong, take long and show pictures. `node mcp-server.mjs stdio`, or `http`: prints its port.
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { z } from "zod";

const picture = "iVBORw0KGgo".padEnd(4_000, "A");
let aborted = 0;

function makeServer() {
  const server = new McpServer({ name: "tests", version: "1.0.0" });
  const text = (words) => ({ content: [{ type: "text", text: words }] });
  server.registerTool(
    "add",
    { description: "Adds.", inputSchema: { a: z.number(), b: z.number() } },
    ({ a, b }) => text(String(a + b)),
  );
  server.registerTool("now", { description: "The time." }, () => text("12:00"));
  server.registerTool("fails", { description: "Fails." }, () => {
    throw new Error("the disk is full");
  });
  server.registerTool("refuses", { description: "Refuses." }, () => ({
    ...text("not today"),
    isError: true,
  }));
  server.registerTool("camera", { description: "Looks." }, () => ({
    content: [
      { type: "text", text: "Here:" },
      { type: "image", data: picture, mimeType: "image/png" },
    ],
  }));
  server.registerTool("two", { description: "Says two things." }, () => ({
    content: [
      { type: "text", text: "one" },
      { type: "text", text: "two" },
    ],
  }));
  const report = { uri: "file:///report.md", mimeType: "text/markdown", text: "# All is well" };
  server.registerTool("report", { description: "Gives a file." }, () => ({
    content: [{ type: "resource", resource: report }],
  }));
  server.registerTool("photo", { description: "Gives a picture as a file." }, () => ({
    content: [{ type: "resource", resource: { uri: "file:///p.png", mimeType: "image/png", blob: picture } }],
  }));
  server.registerTool("figures", { description: "Gives data.", outputSchema: { sum: z.number() } }, () => ({
    content: [],
    structuredContent: { sum: 12 },
  }));
  server.registerTool(
    "both",
    { description: "Gives words and data.", outputSchema: { sum: z.number() } },
    () => ({
      ...text("The sum is 12."),
      structuredContent: { sum: 12 },
    }),
  );
  server.registerTool(
    "slow",
    { description: "Takes long, and says how far it is.", inputSchema: { ms: z.number() } },
    async ({ ms }, { signal, sendNotification, _meta }) => {
      signal.addEventListener("abort", () => aborted++);
      for (let step = 1; step <= 3; step++) {
        if (_meta?.progressToken !== undefined)
          await sendNotification({
            method: "notifications/progress",
            params: { progressToken: _meta.progressToken, progress: step, total: 3 },
          });
        await new Promise((resolve) => setTimeout(resolve, ms / 3));
      }
      return text("done");
    },
  );
  server.registerTool("aborted", { description: "How many calls were aborted." }, () =>
    text(String(aborted)),
  );
  return server;
}

if (process.argv[2] === "stdio") await makeServer().connect(new StdioServerTransport());
else {
  const sessions = new Map();
  const server = createServer(async (request, response) => {
    let transport = sessions.get(request.headers["mcp-session-id"]);
    if (transport === undefined) {
      transport = new StreamableHTTPServerTransport({
        sessionIdGenerator: randomUUID,
        onsessioninitialized: (id) => void sessions.set(id, transport),
      });
      await makeServer().connect(transport);
    }
    await transport.handleRequest(request, response);
  });
  server.listen(0, "127.0.0.1", () => process.stdout.write(`${server.address().port}\n`));
  process.stdin.on("end", () => process.exit()).resume();
}
