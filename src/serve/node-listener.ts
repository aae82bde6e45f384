import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import type { ReadableStream as NodeReadableStream } from "node:stream/web";
import { problemResponse, RequestError } from "./problem.js";

/** What answers requests: a function of the Fetch standard. */
export type RequestHandler = (request: Request) => Promise<Response>;

/**
 * A listener for Node's HTTP servers that passes requests to a handler. The request's signal is aborted when the client goes
 * away; a response is written as fast as the client takes it.
 */
export function nodeListener(
  handler: RequestHandler,
): (incoming: IncomingMessage, outgoing: ServerResponse) => void {
  return (incoming, outgoing) => {
    void answer(handler, incoming, outgoing).catch(() => {
      // Nobody is there to be told; the connection is of no more use.
      outgoing.destroy();
    });
  };
}

async function answer(handler: RequestHandler, incoming: IncomingMessage, outgoing: ServerResponse) {
  const gone = new AbortController();
  outgoing.on("close", () => {
    if (!outgoing.writableFinished) gone.abort();
  });
  const request = requestOf(incoming, gone.signal);
  const response = request === null ? unreadable(incoming) : await handler(request);
  // A body that was not read would keep the connection from being used again.
  if (!incoming.complete) outgoing.setHeader("connection", "close");
  for (const [name, value] of response.headers) if (name !== "set-cookie") outgoing.setHeader(name, value);
  const cookies = response.headers.getSetCookie();
  if (cookies.length > 0) outgoing.setHeader("set-cookie", cookies);
  outgoing.writeHead(response.status);
  if (response.body === null || incoming.method === "HEAD") {
    await response.body?.cancel();
    outgoing.end();
    return;
  }
  outgoing.flushHeaders();
  await write(response.body, outgoing, gone.signal);
}

/** The answer to a request that the Fetch standard cannot express. */
function unreadable({ method = "" }: IncomingMessage): Response {
  if (/^(TRACE|TRACK|CONNECT)$/.test(method)) {
    return problemResponse(new RequestError("REQUEST_METHOD", 405, `No path takes ${method}.`));
  }
  return problemResponse(
    new RequestError("REQUEST_INVALID", 400, "The request's address or host cannot be read."),
  );
}

async function write(body: ReadableStream<Uint8Array>, outgoing: ServerResponse, gone: AbortSignal) {
  const reader = body.getReader();
  gone.addEventListener("abort", () => void reader.cancel().catch(() => {}), { once: true });
  for (;;) {
    const { done, value } = await reader.read();
    if (done || gone.aborted) break;
    if (!outgoing.write(value)) await drained(outgoing, gone);
  }
  if (gone.aborted) await reader.cancel().catch(() => {});
  outgoing.end();
}

function drained(outgoing: ServerResponse, gone: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      outgoing.off("drain", done);
      gone.removeEventListener("abort", done);
      resolve();
    };
    outgoing.on("drain", done);
    gone.addEventListener("abort", done);
    if (gone.aborted) done();
  });
}

function requestOf(incoming: IncomingMessage, signal: AbortSignal): Request | null {
  const { method = "GET", headers, url = "/" } = incoming;
  try {
    const origin = `http://${headers.host ?? "localhost"}`;
    const address = new URL(url.startsWith("/") ? origin + url : url);
    const told = new Headers();
    for (const [name, value] of Object.entries(headers)) {
      for (const one of Array.isArray(value) ? value : [value]) {
        if (one !== undefined && !name.startsWith(":")) told.append(name, one);
      }
    }
    const hasBody = method !== "GET" && method !== "HEAD";
    return new Request(address, {
      method,
      headers: told,
      signal,
      ...(hasBody && { body: bodyOf(incoming), duplex: "half" }),
    } as RequestInit);
  } catch {
    return null;
  }
}

function bodyOf(incoming: IncomingMessage): ReadableStream<Uint8Array> {
  const web: NodeReadableStream<Uint8Array> = Readable.toWeb(incoming);
  return web as unknown as ReadableStream<Uint8Array>;
}
