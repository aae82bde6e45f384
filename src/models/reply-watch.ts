import { isBrokenOff, isJson, parseCompletion, parseEvent, replyTooLarge } from "./reply-body.js";
import { assertNoError } from "./reply-error.js";
import { serverSentEvents } from "./server-sent-events.js";

/** Most characters of one event or line of a reply. */
const maxLine = 8 * 1024 * 1024;

/**
 * A reply of status 200 whose body fails where it says that it is an error, or is none that a model sends. Packages read
 * such a body as they can: as an end without words, as a fault of their own, or they print it.
 * @param reads What the package reads: Ollama's takes every body for lines of JSON, and prints what is none.
 * @param onFailure Is told what the body fails with: a package may make another error of it.
 */
export async function watchedReply(
  response: Response,
  reads: "any" | "lines",
  onFailure: (error: unknown) => void,
): Promise<Response> {
  if (!response.ok || response.body === null) return response;
  const type = response.headers.get("content-type") ?? "";
  const { status, statusText, headers } = response;
  try {
    if (reads === "lines" && /event-stream/.test(type)) {
      void response.body.cancel().catch(() => undefined);
      throw new SyntaxError(
        `a stream of events (${type}) in place of Ollama's lines of JSON: is its base URL that of another kind of server?`,
      );
    }
    const body = /event-stream/.test(type)
      ? response.body.pipeThrough(watchedEvents(onFailure))
      : /ndjson|jsonl/.test(type)
        ? response.body.pipeThrough(watchedLines(onFailure))
        : await wholeReply(response);
    return new Response(body, { status, statusText, headers });
  } catch (error) {
    onFailure(error);
    throw error;
  }
}

async function wholeReply(response: Response): Promise<string> {
  const text = await response.text();
  parseCompletion(text, response);
  return text;
}

/** Passes bytes on as they come, and fails at an event that is an error or no JSON. */
function watchedEvents(onFailure: (error: unknown) => void) {
  const parser = serverSentEvents(maxLine, replyTooLarge);
  return watching(onFailure, (bytes, controller) => {
    for (const event of bytes === null ? parser.end() : parser.add(bytes))
      if (event.trim() !== "[DONE]" && !(bytes === null && isBrokenOff(event))) parseEvent(event);
    if (bytes !== null) controller.enqueue(bytes);
  });
}

/** Passes whole lines on, and fails at one that is an error or no JSON; half a line at the end is a cut, which is left out. */
function watchedLines(onFailure: (error: unknown) => void) {
  const decoder = new TextDecoder();
  const encoder = new TextEncoder();
  let rest = "";
  let sawJson = false;
  return watching(onFailure, (bytes, controller) => {
    const lines = (rest + decoder.decode(bytes ?? undefined, { stream: bytes !== null })).split("\n");
    rest = bytes === null ? "" : (lines.pop() ?? "");
    if (rest.length > maxLine) throw replyTooLarge(`more than ${maxLine} characters without a line break`);
    for (const line of lines) {
      if (line.trim() === "" || (bytes === null && sawJson && !isJson(line))) continue;
      parseEvent(line);
      sawJson = true;
      controller.enqueue(encoder.encode(`${line}\n`));
    }
  });
}

type Controller = TransformStreamDefaultController<Uint8Array>;

function watching(
  onFailure: (error: unknown) => void,
  read: (bytes: Uint8Array | null, controller: Controller) => void,
): TransformStream<Uint8Array, Uint8Array> {
  const guarded = (bytes: Uint8Array | null, controller: Controller) => {
    try {
      read(bytes, controller);
    } catch (error) {
      onFailure(error);
      controller.error(error);
    }
  };
  return new TransformStream({
    transform: guarded,
    flush: (controller) => guarded(null, controller),
  });
}

type Loose = Record<string, unknown>;

/** The replies of Google's client, mended: {@link mendedReply}. */
export async function* mendedReplies(stream: AsyncIterable<unknown>): AsyncGenerator<unknown> {
  for await (const reply of stream) yield mendedReply(reply);
}

/**
 * A reply of Google's client, or a piece of one, so that LangChain's package does not leave out what matters:
 * 1. An error inside it is thrown, and so is a prompt that was blocked.
 * 2. A candidate that was withheld has no content: it gets an empty one, and its finish reason and usage are read.
 * @throws Error with the server's words and code.
 */
export function mendedReply(reply: unknown): unknown {
  if (!isRecord(reply)) return reply;
  assertNoError(reply);
  const candidates: unknown[] = Array.isArray(reply.candidates) ? reply.candidates : [];
  const content = { role: "model", parts: [] };
  if (!candidates.some((one) => isRecord(one) && !isRecord(one.content))) return reply;
  const whole = candidates.map((one) => (isRecord(one) ? { ...one, content: one.content ?? content } : one));
  return { ...reply, candidates: whole };
}

const isRecord = (value: unknown): value is Loose =>
  typeof value === "object" && value !== null && !Array.isArray(value);
