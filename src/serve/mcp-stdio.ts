import type { Readable, Writable } from "node:stream";
import { createMcpServer, loadMcp } from "./mcp-server.js";
import { RunService } from "./run-service.js";
import { listOf, type ServiceOptions, type SpecList } from "./service-options.js";

/** Streams that a client is reached over. */
export interface StdioStreams {
  /** @default the process's standard input */
  readonly stdin?: Readable;
  /** @default the process's standard output */
  readonly stdout?: Writable;
}

/** A service that speaks the Model Context Protocol with one client. */
export interface McpStdio {
  /** Resolves when the client has gone. */
  readonly closed: Promise<void>;
  /**
   * Ends the service: takes no more calls.
   * @param options `drainMs`: how long calls that came may take, in milliseconds. Default 0.
   */
  close(options?: { readonly drainMs?: number }): Promise<void>;
}

/**
 * Serves specs as tools of the Model Context Protocol over standard input and output: nothing else may write there.
 * @throws DagError `MCP_PACKAGE_MISSING`; DagValidationError for an invalid spec or invalid options.
 */
export async function serveMcp(
  specs: SpecList,
  { stdin = process.stdin, stdout = process.stdout, ...options }: ServiceOptions & StdioStreams = {},
): Promise<McpStdio> {
  const { StdioServerTransport } = await loadMcp(() => import("@modelcontextprotocol/sdk/server/stdio.js"));
  const runs = new RunService(listOf(specs), options);
  const { server, answered } = await createMcpServer(runs);
  const closed = new Promise<void>((resolve) => {
    server.onclose = resolve;
    stdin.once("end", resolve);
    stdin.once("close", resolve);
  });
  await runs.open();
  await server.connect(new StdioServerTransport(stdin, stdout));
  return {
    closed,
    async close({ drainMs = 0 } = {}) {
      await Promise.race([answered(), later(drainMs)]);
      await runs.close(0);
      await server.close();
    },
  };
}

function later(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms).unref());
}
