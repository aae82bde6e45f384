import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A request that a node of `test/engines/calls-graph.mjs` made. */
export interface NodeCall {
  readonly node: string;
  readonly input: string;
  readonly pid: number;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** When it was answered; `null` while it was not, or when whoever asked had gone. */
  endedAt: number | null;
}

/** Counts what nodes ask. */
export interface CallsServer {
  readonly url: string;
  readonly calls: NodeCall[];
  close(): Promise<void>;
}

/** A server that answers each call after about `takesMs` milliseconds, with what was asked; one that is held, never. */
export async function startCallsServer(
  takesMs = 60,
  host = "127.0.0.1",
  isHeld: (call: NodeCall) => boolean = () => false,
): Promise<CallsServer> {
  const calls: NodeCall[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => {
      body += String(chunk);
    });
    request.on("end", () => {
      const call: NodeCall = { ...JSON.parse(body), startedAt: Date.now(), endedAt: null };
      calls.push(call);
      if (isHeld(call)) return;
      setTimeout(
        () => {
          if (response.destroyed) return;
          response.end(String(call.input), () => {
            call.endedAt = Date.now();
          });
        },
        takesMs * (0.7 + (calls.length % 7) / 10),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}`,
    calls,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
