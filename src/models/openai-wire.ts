import { type RateLimit, readRateLimit } from "../limits/rate-limit.js";
import type { CompletionReader } from "./chat-completion.js";
import type { ModelChunk, ThoughtCarry } from "./port.js";
import { isBrokenOff, isJson, parseCompletion, parseEvent, replyTooLarge } from "./reply-body.js";
import { serverSentEvents } from "./server-sent-events.js";

type Fetch = typeof globalThis.fetch;

/**
 * Most bytes of a reply without a line break: one streamed event, or a whole body that is not streamed. Clients
 * search such a line again with every network packet, so that a body of 50 MB would take them minutes.
 */
export const maxLineBytes = 4 * 1024 * 1024;

/** How long a server that has said how its reply ended may still send usage and its end mark, in milliseconds. */
const afterFinishMs = 750;

/** One request on its way to an OpenAI-compatible server. */
export interface WireCall {
  /** Whether the reply is asked for in pieces, whatever LangChain asked for. */
  readonly stream: boolean;
  /** `false` leaves `stream_options` out, for servers that refuse it. */
  readonly streamUsage: boolean;
  /** `true` sends `max_completion_tokens` in place of `max_tokens`. */
  readonly renameMaxTokens: boolean;
  /** The `response_format` that LangChain was not told of; `undefined` where it was. */
  readonly responseFormat: unknown;
  /** What goes back of the thoughts of earlier messages, by the position of the assistant's message. */
  readonly carries: ReadonlyMap<number, ThoughtCarry>;
  readonly reader: CompletionReader;
  push(chunk: ModelChunk): void;
  /** Told once the reply is whole on the wire, whatever LangChain then makes of it. */
  onWhole(): void;
  /** Told what was wrong with the reply, before LangChain wraps it. */
  onFailure(error: unknown): void;
}

/**
 * A `fetch` for one call of an OpenAI client. It asks for the reply in the way that the call wants, reads what comes
 * itself, and gives LangChain a reply in the form that LangChain asked for. Requests other than chat completions pass as
 * they are.
 *
 * What it mends on the way: errors inside a reply of status 200 (thrown as an error with the server's body), a reply in
 * pieces where a whole one was asked for and the other way round, deltas without a role, and streams that stay open
 * after their end mark.
 */
export function wireFetch(fetch: Fetch, call: WireCall): Fetch {
  return async (input, init) => {
    const chat = typeof init?.body === "string" ? chatRequest(init.body, call) : null;
    if (chat === null) {
      const response = await fetch(input, init);
      tellLimits(response, call);
      return limited(response);
    }
    const { wantsStream, sent } = chat;
    const response = await fetch(input, sent === null ? init : { ...init, body: sent });
    tellLimits(response, call);
    if (!response.ok) return limited(response);
    try {
      if (response.body === null) throw new SyntaxError(`no body at all (status ${response.status})`);
      return await readReply(response, response.body, call, wantsStream);
    } catch (error) {
      call.onFailure(error);
      throw error;
    }
  };
}

interface ChatRequest {
  readonly wantsStream: boolean;
  /** The body as it has to be sent; `null` where it is right as it is. */
  readonly sent: string | null;
}

/** What a client is about to send, if that is a chat completion. */
function chatRequest(text: string, call: WireCall): ChatRequest | null {
  // Quotes within a text are escaped, so that it cannot be mistaken for a field.
  const isWhole = !call.stream && !/"stream"\s*:\s*true/.test(text);
  if (isWhole && call.carries.size === 0 && !call.renameMaxTokens && call.responseFormat === undefined)
    return /"messages"\s*:\s*\[/.test(text) ? { wantsStream: false, sent: null } : null;
  const body = requestBody(text);
  if (body === null) return null;
  const wantsStream = body.stream === true;
  return { wantsStream, sent: rewritten(body, call, wantsStream) };
}

function requestBody(text: string): Record<string, unknown> | null {
  try {
    const body: unknown = JSON.parse(text);
    const isChat = isRecord(body) && Array.isArray(body.messages) && typeof body.model === "string";
    return isChat ? body : null;
  } catch {
    return null;
  }
}

/** The request's body as it has to be sent; `null` where it is right as it is. */
function rewritten(body: Record<string, unknown>, call: WireCall, wantsStream: boolean): string | null {
  const asStream = call.stream || wantsStream;
  const { carries, renameMaxTokens, responseFormat } = call;
  if (asStream === wantsStream && carries.size === 0 && !renameMaxTokens && responseFormat === undefined)
    return null;
  const sent: Record<string, unknown> = { ...body };
  if (responseFormat !== undefined) sent.response_format = responseFormat;
  if (call.renameMaxTokens && sent.max_tokens !== undefined) {
    sent.max_completion_tokens = sent.max_tokens;
    delete sent.max_tokens;
  }
  if (asStream && !wantsStream) {
    sent.stream = true;
    if (call.streamUsage) sent.stream_options = { include_usage: true };
  }
  if (call.carries.size > 0) {
    let position = -1;
    sent.messages = (body.messages as Record<string, unknown>[]).map((message) => {
      if (message.role !== "assistant") return message;
      position++;
      return { ...message, ...call.carries.get(position)?.fields };
    });
  }
  return JSON.stringify(sent);
}

function tellLimits(response: Response, call: WireCall): void {
  const limits = readRateLimit((name) => response.headers.get(name));
  if (limits !== null) call.push({ type: "rate-limit", limits: limits satisfies RateLimit });
}

async function readReply(
  response: Response,
  body: ReadableStream<Uint8Array>,
  call: WireCall,
  wantsStream: boolean,
): Promise<Response> {
  const bytes = body.getReader();
  const streamed = (response.headers.get("content-type") ?? "").includes("text/event-stream");
  if (!streamed) {
    const text = await wholeText(bytes);
    if (isEventStream.test(text)) {
      const again = new Response(text, { status: 200, headers: headersOf(response) });
      again.headers.set("content-type", "text/event-stream");
      if (again.body !== null) return readReply(again, again.body, call, wantsStream);
    }
    const completion = parseCompletion(text, response);
    for (const chunk of call.reader.read(completion)) call.push(chunk);
    // A body that came to its end is whole, though its server does not say how it ended.
    if (call.reader.finishReason === null && call.reader.sawContent)
      call.push({ type: "finish", reason: "stop" });
    call.onWhole();
    if (!wantsStream) {
      return asRead(
        response,
        text.includes('"tool_calls"') ? JSON.stringify(call.reader.completion()) : text,
      );
    }
    const headers = headersOf(response);
    headers.set("content-type", "text/event-stream");
    return new Response(asEvents(call.reader.completion()), { status: 200, headers });
  }
  if (!wantsStream) {
    for await (const _ of eventsOf(bytes, call)) {
      // Each event has been read on the way.
    }
    const headers = headersOf(response);
    headers.set("content-type", "application/json");
    return asRead(new Response(null, { status: 200, headers }), JSON.stringify(call.reader.completion()));
  }
  const events = eventsOf(bytes, call);
  const encoder = new TextEncoder();
  const passed = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const next = await events.next();
        const line = next.done ? "[DONE]" : JSON.stringify(withRole(next.value));
        controller.enqueue(encoder.encode(`data: ${line}\n\n`));
        if (next.done) controller.close();
      } catch (error) {
        call.onFailure(error);
        controller.error(error);
      }
    },
    async cancel() {
      await events.return(undefined);
    },
  });
  return new Response(passed, { status: 200, headers: headersOf(response) });
}

/** A stream whose server does not call it one. */
const isEventStream = /^\s*(?::|(?:data|event|id|retry):)/;

/** A reply whose body has been read: its text is given without another stream, which would cost more than all else of it. */
function asRead(response: Response, text: string): Response {
  return Object.assign(response, {
    text: async () => text,
    json: async (): Promise<unknown> => JSON.parse(text),
    clone: () => new Response(text, { status: 200, headers: headersOf(response) }),
  });
}

/** A reply's headers for a body that is written anew. */
function headersOf(response: Response): Headers {
  const headers = new Headers(response.headers);
  for (const name of ["content-length", "content-encoding", "transfer-encoding"]) headers.delete(name);
  return headers;
}

/** Reads the events of a stream to its end mark. Each is given to the call, then yielded. */
async function* eventsOf(
  bytes: ReadableStreamDefaultReader<Uint8Array>,
  call: WireCall,
): AsyncGenerator<unknown, undefined> {
  const parser = serverSentEvents(maxLineBytes, replyTooLarge);
  let done = false;
  let open = true;
  let endsAtMs: number | null = null;
  try {
    while (!done && open) {
      // Pings may come for ever.
      if (call.reader.finishReason !== null) endsAtMs ??= performance.now() + afterFinishMs;
      const next =
        endsAtMs === null
          ? await bytes.read()
          : await readWithin(bytes, endsAtMs - performance.now()).catch(() => null);
      open = next !== null && !next.done;
      for (const data of next?.value === undefined ? parser.end() : parser.add(next.value)) {
        if (data.trim() === "[DONE]") {
          done = true;
          break;
        }
        if (!open && isBrokenOff(data)) break;
        const event = parseEvent(data);
        for (const chunk of call.reader.read(event)) call.push(chunk);
        yield event;
      }
    }
    if (done || call.reader.finishReason !== null) {
      if (done && call.reader.finishReason === null && call.reader.sawContent)
        call.push({ type: "finish", reason: "stop" });
      call.onWhole();
    }
  } finally {
    // The end of the body usually follows at once; waiting for it keeps the connection for the next request.
    void readWithin(bytes, done ? 50 : 0)
      .then((rest) => (rest === null || !rest.done ? bytes.cancel() : undefined))
      .catch(() => undefined);
  }
}

/** The next piece of a body, or `null` when none comes in time. */
function readWithin(bytes: ReadableStreamDefaultReader<Uint8Array>, ms: number) {
  return new Promise<Awaited<ReturnType<typeof bytes.read>> | null>((resolve, reject) => {
    const timer = setTimeout(() => resolve(null), ms);
    bytes
      .read()
      .then(resolve, reject)
      .finally(() => clearTimeout(timer));
  });
}

/** The whole text of a body; one that is complete JSON is not waited for when its connection stays open. */
async function wholeText(bytes: ReadableStreamDefaultReader<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const mayBeWhole = /\}\s*$/.test(text.slice(-64));
    const next = mayBeWhole ? await readWithin(bytes, afterFinishMs) : await bytes.read();
    if (next === null) {
      if (!isJson(text)) continue;
      void bytes.cancel().catch(() => undefined);
      return text;
    }
    if (next.done) return text + decoder.decode();
    const more = decoder.decode(next.value, { stream: true });
    if (mayBeWhole && more.trim() === "" && isJson(text)) {
      void bytes.cancel().catch(() => undefined);
      return text;
    }
    text += more;
    if (text.length > maxLineBytes && text.length - text.lastIndexOf("\n") > maxLineBytes) {
      void bytes.cancel().catch(() => undefined);
      throw replyTooLarge(`more than ${maxLineBytes} bytes without a line break`);
    }
  }
}

/** LangChain takes a delta that names no role for one of a role of its own, and loses its tool calls. */
function withRole(event: unknown): unknown {
  if (!isRecord(event) || !Array.isArray(event.choices)) return event;
  const choices = event.choices.map((choice: unknown) =>
    isRecord(choice) && isRecord(choice.delta) && choice.delta.role === undefined
      ? { ...choice, delta: { role: "assistant", ...choice.delta } }
      : choice,
  );
  return { ...event, choices };
}

function asEvents(completion: Record<string, unknown>): string {
  const [choice] = completion.choices as { message: Record<string, unknown>; finish_reason: unknown }[];
  const calls = (choice?.message.tool_calls as Record<string, unknown>[] | undefined)?.map((call, index) => ({
    index,
    ...call,
  }));
  const delta = { ...choice?.message, ...(calls !== undefined && { tool_calls: calls }) };
  const event = {
    ...completion,
    object: "chat.completion.chunk",
    choices: [{ index: 0, delta, finish_reason: choice?.finish_reason ?? null }],
  };
  return `data: ${JSON.stringify(event)}\n\ndata: [DONE]\n\n`;
}

/** A reply that is not read here, held to the same bound of its lines. */
function limited(response: Response): Response {
  if (response.body === null) return response;
  const lineFeed = 10;
  let lineBytes = 0;
  const bound = new TransformStream<Uint8Array, Uint8Array>({
    transform(bytes, controller) {
      const last = bytes.lastIndexOf(lineFeed);
      lineBytes = last === -1 ? lineBytes + bytes.length : bytes.length - last - 1;
      if (lineBytes > maxLineBytes || bytes.length > maxLineBytes) {
        controller.error(replyTooLarge(`more than ${maxLineBytes} bytes without a line break`));
      } else controller.enqueue(bytes);
    },
  });
  return new Response(response.body.pipeThrough(bound), response);
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
