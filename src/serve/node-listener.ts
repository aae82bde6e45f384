import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { Readable } from "node:stream";
import type { ReadableStream as NodeReadableStream } from "node:stream/web";
import { problemAnswer, problemResponse, RequestError } from "./problem.js";

/** What answers requests: a function of the Fetch standard. */
export type RequestHandler = (request: Request) => Promise<Response>;

/** What is handed to a connection at once. */
const pieceBytes = 65_536;

/** How a client is answered. */
export interface ListenerOptions {
  /**
   * A client that takes nothing of what is there for it for so long is taken for gone, in milliseconds: of a stream it can come
   * back for the rest. @default 60000
   */
  readonly stallMs?: number;
}

/**
 * A listener for Node's HTTP servers that passes requests to a handler, under Express and its like too, after a parser of bodies
 * as well. The request's signal is aborted when the client goes away; a response is written as fast as the client takes it.
 */
export function nodeListener(
  handler: RequestHandler,
  { stallMs = 60_000 }: ListenerOptions = {},
): (incoming: IncomingMessage, outgoing: ServerResponse) => void {
  return (incoming, outgoing) => {
    void answer(handler, incoming, outgoing, stallMs).catch(() => {
      // Nobody is there to be told; the connection is of no more use.
      outgoing.destroy();
    });
  };
}

/**
 * Has what a server's parser cannot read answered as a problem too: broken, oversized and late heads, and what a request
 * expects of a server.
 */
export function answerUnreadable(server: Server): void {
  const answering = new WeakMap<object, ServerResponse>();
  server.on("request", ({ socket }, outgoing) => void answering.set(socket, outgoing));
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) => {
    const last = answering.get(socket);
    // In the midst of another answer there is no place for one.
    const isFree = last === undefined || !last.headersSent || last.writableFinished;
    if (socket.writable && isFree && error.code !== "ECONNRESET") {
      const { status, headers, body } = problemAnswer(unreadableHead(error.code));
      const lines = Object.entries({
        ...headers,
        "content-length": Buffer.byteLength(body),
        connection: "close",
      });
      const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
      socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${head}\r\n${body}`);
    }
    socket.destroySoon();
  });
  server.on("checkExpectation", (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const shown = JSON.stringify(String(incoming.headers.expect).slice(0, 100));
    const error = new RequestError("REQUEST_INVALID", 417, `The request expects ${shown}.`, {
      hint: "Leave out the header `Expect`.",
    });
    const { status, headers, body } = problemAnswer(error);
    outgoing.writeHead(status, { ...headers, connection: "close" }).end(body);
  });
}

/** What is wrong with a request whose head, or whose chunks, cannot be read, by the code that Node gives it. */
function unreadableHead(code: string | undefined): RequestError {
  switch (code) {
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return new RequestError("REQUEST_TIMEOUT", 408, "The request did not come in time.", {
        hint: "Send it at once.",
      });
    case "HPE_HEADER_OVERFLOW":
      return new RequestError("REQUEST_TOO_LARGE", 431, "The request has more headers than are read.");
    case "HPE_CHUNK_EXTENSIONS_OVERFLOW":
      return new RequestError(
        "REQUEST_TOO_LARGE",
        413,
        "The body has larger chunk extensions than are read.",
      );
    default:
      return new RequestError("REQUEST_INVALID", 400, "What was sent is no request of HTTP/1.1.");
  }
}

async function answer(
  handler: RequestHandler,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  stallMs: number,
) {
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
  await write(response.body, outgoing, gone.signal, stallMs);
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

async function write(
  body: ReadableStream<Uint8Array>,
  outgoing: ServerResponse,
  gone: AbortSignal,
  stallMs: number,
) {
  const reader = body.getReader();
  gone.addEventListener("abort", () => void reader.cancel().catch(() => {}), { once: true });
  for (;;) {
    const { done, value } = await reader.read();
    if (done || gone.aborted) break;
    // In pieces, so that a client that takes a large one slowly is not taken for one that takes nothing.
    for (let at = 0; at < value.length && !gone.aborted; at += pieceBytes) {
      if (!outgoing.write(value.subarray(at, at + pieceBytes))) await drained(outgoing, gone, stallMs);
    }
  }
  if (gone.aborted) await reader.cancel().catch(() => {});
  outgoing.end();
}

/** Resolves once the client has taken what was written, or has gone; one that takes nothing for so long is cut off. */
function drained(outgoing: ServerResponse, gone: AbortSignal, stallMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => outgoing.destroy(), stallMs);
    const done = () => {
      clearTimeout(timer);
      outgoing.off("drain", done);
      gone.removeEventListener("abort", done);
      resolve();
    };
    outgoing.on("drain", done);
    gone.addEventListener("abort", done);
    if (gone.aborted) done();
  });
}

/** The request as the Fetch standard has it; `null` where that cannot express it. */
function requestOf(incoming: IncomingMessage, signal: AbortSignal): Request | null {
  const { method = "GET", headers, headersDistinct, httpVersion, url = "/" } = incoming;
  const hosts = headersDistinct.host?.length ?? 0;
  if (hosts > 1 || (hosts === 0 && httpVersion === "1.1")) return null;
  try {
    const origin = `http://${headers.host ?? "localhost"}`;
    const address = new URL(url.startsWith("/") ? origin + url : url);
    const body = method === "GET" || method === "HEAD" ? null : bodyOf(incoming);
    const told = new Headers();
    for (const [name, value] of Object.entries(headers)) {
      // What a parser has read it has also unpacked.
      if (name.startsWith(":") || (name === "content-encoding" && body?.isParsed)) continue;
      for (const one of Array.isArray(value) ? value : [value]) {
        if (one !== undefined) told.append(name, one);
      }
    }
    return new Request(address, {
      method,
      headers: told,
      signal,
      ...(body !== null && { body: body.value, duplex: "half" }),
    } as RequestInit);
  } catch {
    return null;
  }
}

/** The body as it comes, or what a parser that was there before (`express.json()`) has made of it. */
function bodyOf(incoming: IncomingMessage & { readonly body?: unknown }) {
  const { body, readableDidRead } = incoming;
  if (readableDidRead && body !== undefined) {
    const isRaw = typeof body === "string" || body instanceof Uint8Array;
    return { value: isRaw ? body : JSON.stringify(body), isParsed: true };
  }
  const web: NodeReadableStream<Uint8Array> = Readable.toWeb(incoming);
  return { value: web as unknown as ReadableStream<Uint8Array>, isParsed: false };
}
