import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { pathToFileURL } from "node:url";
import { defineDag } from "agent-dag";
import { traced } from "agent-dag/otel";
import { createHandler, type HandlerOptions, nodeListener } from "agent-dag/serve";
import { z } from "zod";

/** A message is summed up; a person looks at it; then it is published, in the name of whoever asked. */
export const notice = defineDag({
  name: "notice",
  description: "Sums up a message and publishes it once a person has agreed.",
  input: z.object({ message: z.string().min(1) }),
  nodes: {
    summary: { instructions: "Summarise in one sentence." },
    check: {
      needs: ["summary"],
      approve: { message: "May this be published?", show: [{ node: "summary" }] },
    },
    publish: {
      needs: ["summary", "check"],
      run: ({ needs, context }) => `${needs.summary} (published for ${context?.tenant ?? "nobody"})`,
    },
  },
});

/**
 * A service with limits that all runs share, approvals over HTTP, traces for whatever OpenTelemetry provider the process has
 * (under the caller's span, where a request brings one), and two pages that show its streams.
 */
export function createService(options: HandlerOptions = {}) {
  const handler = createHandler([notice], {
    limits: { maxConcurrency: 4, requestsPerMinute: 300, maxCostUsd: 0.1 },
    policy: { deadlineMs: 60_000 },
    maxRuns: 200,
    use: [traced()],
    context: (request: Request | null) => ({ tenant: request?.headers.get("x-tenant") ?? "nobody" }),
    ...options,
  });
  const pages: Readonly<Record<string, string>> = { "/chat": "chat.html", "/ag-ui": "ag-ui.html" };
  const respond = async (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url);
    const page = Object.hasOwn(pages, pathname) ? pages[pathname] : undefined;
    if (page === undefined) return handler(request);
    const html = await readFile(new URL(`./service/${page}`, import.meta.url), "utf8");
    return new Response(html, { headers: { "content-type": "text/html; charset=utf-8" } });
  };
  return { respond, close: handler.close };
}

/** Puts the service behind a server of Node on this computer. */
export async function listen(port: number, options: HandlerOptions = {}) {
  const service = createService({ hosts: ["localhost", "127.0.0.1"], ...options });
  const server = createServer({ headersTimeout: 10_000 }, nodeListener(service.respond));
  await new Promise<void>((resolve) => void server.listen(port, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async close() {
      server.close();
      await service.close({ drainMs: 5000 });
      server.closeAllConnections();
    },
  };
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { url, close } = await listen(Number(process.env.PORT ?? 8787));
  console.log(`${url}chat`);
  process.once("SIGTERM", () => void close());
  process.once("SIGINT", () => void close());
}
