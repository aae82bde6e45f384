import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

/** One request that the server got. */
export interface SeenRequest {
  readonly body: Record<string, unknown>;
  /** Resolves when the client closed the connection before the reply was complete. */
  readonly closedByClient: Promise<void>;
}

/** A real HTTP server on loopback whose replies a test writes byte by byte. */
export interface RawServer {
  readonly url: string;
  readonly seen: SeenRequest[];
  close(): Promise<void>;
}

/** Starts a server that answers each chat request with `reply`. */
export async function rawServer(
  reply: (response: ServerResponse, request: SeenRequest, socket: Socket) => void,
): Promise<RawServer> {
  const seen: SeenRequest[] = [];
  const server: Server = createServer((request, response) => {
    void readJson(request).then((body) => {
      const closedByClient = new Promise<void>((resolve) => {
        response.on("close", () => {
          if (!response.writableFinished) resolve();
        });
      });
      const entry = { body, closedByClient };
      seen.push(entry);
      reply(response, entry, request.socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    seen,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function readJson(request: IncomingMessage): Promise<Record<string, unknown>> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return JSON.parse(Buffer.concat(parts).toString() || "{}") as Record<string, unknown>;
}

/** Sends the head of an event stream. */
export function beginStream(response: ServerResponse, headers: Record<string, string> = {}): void {
  response.writeHead(200, { "content-type": "text/event-stream", ...headers });
  response.flushHeaders();
}

/** Sends one event of a streamed chat completion. */
export function sendDelta(
  response: ServerResponse,
  delta: Record<string, unknown>,
  finish: string | null = null,
): void {
  const choices = [{ index: 0, delta, finish_reason: finish }];
  sendEvent(response, { id: "c1", object: "chat.completion.chunk", model: "m", choices });
}

/** Sends one event with any JSON in it. */
export function sendEvent(response: ServerResponse, event: unknown): void {
  response.write(`data: ${JSON.stringify(event)}\n\n`);
}

/** Sends a whole, regular streamed reply. */
export function sendReply(response: ServerResponse, text: string, finish = "stop"): void {
  beginStream(response);
  sendDelta(response, { role: "assistant", content: text });
  sendDelta(response, {}, finish);
  sendEvent(response, {
    id: "c1",
    choices: [],
    usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 },
  });
  response.end("data: [DONE]\n\n");
}

/** Sends an error as OpenAI words it. */
export function sendError(
  response: ServerResponse,
  status: number,
  error: Record<string, unknown>,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify({ error }));
}
