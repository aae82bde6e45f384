import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { DagError, errorMessage } from "../errors.js";
import { assertArgument, assertOptions } from "../spec/issue.js";
import { keepRoom } from "./connections.js";
import { createHandler, type HandlerOptions } from "./handler.js";
import { answerUnreadable, nodeListener } from "./node-listener.js";
import { assertCount, longestMs, type SpecList } from "./service-options.js";

/** Where a service listens. */
export interface ServeOptions extends HandlerOptions {
  /** 0 for any that is free. @default 0 */
  readonly port?: number;
  /** Address to listen at. Any but one of this computer's own needs a `token`. @default "127.0.0.1" */
  readonly host?: string;
  /**
   * Most connections at once; a further one takes the place of one that asks for nothing, and is closed at once where there is
   * none. Fewer where the process may not open as many files (`ulimit -n`). @default 10000
   */
  readonly maxConnections?: number;
  /** Longest that a connection may take to send a request's head, and to be silent between two requests, in milliseconds. @default 10000 */
  readonly idleMs?: number;
}

/** A service that listens. */
export interface ServedDags {
  /** Its address, with a slash at the end. */
  readonly url: string;
  /** The port that it listens on. */
  readonly port: number;
  /** Resolves once the runs that an earlier service left under way go on. */
  readonly ready: Promise<void>;
  /**
   * Shuts it down: takes no more requests, waits for the runs under way, suspends those that are not done in time.
   * @param options `drainMs`: how long is waited, in milliseconds. Default 10000.
   */
  close(options?: { readonly drainMs?: number }): Promise<void>;
}

/**
 * Connections that may wait until they are accepted; the kernel may allow fewer (`net.core.somaxconn`). One that finds no
 * place is dropped by the kernel without its client being told, and hangs there for as long as the client has nothing to send.
 */
const backlog = 4096;

const loopback = ["127.0.0.1", "::1", "localhost"];

/** The names that a service at an address of this computer's own is known by on it. */
export function namesAt(host = "127.0.0.1"): readonly string[] {
  return [...loopback, "[::1]", host];
}

/**
 * Serves specs over HTTP on this computer: `createHandler` behind a server of Node.
 * @throws DagError `SERVE_OPTIONS_INVALID` for another address without a token, `PORT_UNUSABLE` when the port is taken; what
 * `createHandler` throws.
 */
export async function serve(specs: SpecList, options: ServeOptions = {}): Promise<ServedDags> {
  assertOptions("serve", options);
  const { port = 0, host = "127.0.0.1", maxConnections = 10_000, idleMs = 10_000, ...rest } = options;
  const isPort = Number.isInteger(port) && port >= 0 && port <= 65_535;
  assertArgument("serve", isPort, ["options.port", port, "an integer from 0 to 65535"]);
  assertArgument("serve", typeof host === "string" && host !== "", ["options.host", host, "an address"]);
  assertCount("serve", "maxConnections", maxConnections, { least: 1 });
  assertCount("serve", "idleMs", idleMs, { least: 1, most: longestMs });
  const isLocal = loopback.includes(host) || /^127\.\d+\.\d+\.\d+$/.test(host);
  if (!isLocal && !rest.token) {
    throw new DagError(
      "SERVE_OPTIONS_INVALID",
      `A service that listens at ${host} can be reached by others.`,
      {
        facts: { host },
        hint: "Give it a `token` (--token, or AGENT_DAG_TOKEN), or let it listen at 127.0.0.1.",
      },
    );
  }
  // Names that any page of the web could not have taken; behind a token, whoever knows it may use any name.
  const hosts = rest.hosts ?? (isLocal ? namesAt(host) : undefined);
  const handler = createHandler(specs, { basePath: "/", ...rest, ...(hosts !== undefined && { hosts }) });
  const server = createServer(
    {
      headersTimeout: idleMs,
      // The body has a clock of its own, and is answered when it runs out.
      requestTimeout: idleMs + (rest.bodyTimeoutMs ?? 10_000) + 5000,
      keepAliveTimeout: idleMs,
      connectionsCheckingInterval: Math.min(1000, idleMs),
      // One without a host is answered as the rest of what cannot be read.
      requireHostHeader: false,
    },
    nodeListener(handler),
  );
  keepRoom(server, maxConnections);
  answerUnreadable(server);
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => {
      const where = `${host}:${port}`;
      reject(
        new DagError("PORT_UNUSABLE", `The service cannot listen at ${where}: ${errorMessage(error)}.`, {
          facts: { host, port },
          cause: error,
          hint: "Give another port, or 0 for any that is free.",
        }),
      );
    });
    server.listen({ port, host, backlog }, resolve);
  }).catch(async (error: unknown) => {
    await handler.close({ drainMs: 0 });
    throw error;
  });
  // What goes wrong with single connections later (no more file descriptors) ends those only.
  server.on("error", (error) => rest.onNotice?.(`A connection failed: ${errorMessage(error)}`));
  const address = server.address() as AddressInfo;
  const shown = address.family === "IPv6" ? `[${address.address}]` : address.address;
  return {
    url: `http://${shown === "0.0.0.0" || shown === "[::]" ? "localhost" : shown}:${address.port}/`,
    port: address.port,
    ready: handler.ready,
    async close(how) {
      const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
      server.closeIdleConnections();
      await handler.close(how);
      // Answers that are being written still go out.
      const timer = setTimeout(() => server.closeAllConnections(), 1000);
      server.closeIdleConnections();
      await closed;
      clearTimeout(timer);
    },
  };
}
