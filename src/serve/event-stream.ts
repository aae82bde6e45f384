import type { RunEvent } from "../records/events.js";
import { toAgUi } from "./ag-ui.js";
import { RequestError } from "./problem.js";
import type { RunFeed } from "./run-feed.js";
import { toUIMessageStream } from "./ui-message-stream.js";

/** In which form a client reads a run: its events, what Vercel's AI SDK reads, or AG-UI. */
export type StreamFormat = "events" | "ui-message" | "ag-ui";

const formats: readonly StreamFormat[] = ["events", "ui-message", "ag-ui"];

/** A comment is sent after so long without an event, in milliseconds, so that nobody in between closes the connection. */
const heartbeatMs = 15_000;

/** The form that a request asks for with `?format=`. @throws RequestError for another one. */
export function formatOf({ searchParams }: URL): StreamFormat {
  const given = searchParams.get("format") ?? "events";
  const format = formats.find((one) => one === given);
  if (format !== undefined) return format;
  throw new RequestError(
    "REQUEST_INVALID",
    400,
    `There is no format ${JSON.stringify(given.slice(0, 100))}.`,
    {
      hint: `Ask for one of: ${formats.join(", ")}.`,
    },
  );
}

/**
 * Events as `text/event-stream`; in their own form each with its number as `id`. They are read as the client takes them; one
 * that goes away ends the reading.
 * @param stop Ends the reading from outside: aborted when the client has gone.
 */
export function eventStream(
  events: AsyncIterable<RunEvent>,
  stop: AbortController,
  format: StreamFormat = "events",
): Response {
  const encoder = new TextEncoder();
  const messages = messagesOf(events, format);
  let timer: NodeJS.Timeout | undefined;
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        timer = setInterval(() => {
          if ((controller.desiredSize ?? 0) > 0) controller.enqueue(encoder.encode(": still here\n\n"));
        }, heartbeatMs);
        timer.unref();
      },
      async pull(controller) {
        const { done, value } = await messages.next();
        if (!done) return controller.enqueue(encoder.encode(value));
        clearInterval(timer);
        controller.close();
      },
      async cancel() {
        clearInterval(timer);
        stop.abort();
        await messages.return(undefined);
      },
    },
    { highWaterMark: 1 },
  );
  return new Response(body, {
    headers: {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store",
      "x-accel-buffering": "no",
      "x-content-type-options": "nosniff",
      ...(format === "ui-message" && { "x-vercel-ai-ui-message-stream": "v1" }),
    },
  });
}

/**
 * The events from a number on, as a format needs them: one whose messages speak of the run as a whole (which it is, how its
 * nodes stand) is told that first, as when a run is resumed.
 * @param after The number of the last event before them.
 */
export function toldIn(
  format: StreamFormat,
  feed: RunFeed,
  after: number,
  events: AsyncIterable<RunEvent>,
): AsyncIterable<RunEvent> {
  if (format === "events" || after === 0 || !feed.owns(after)) return events;
  const before = feed.events.flatMap((event): RunEvent[] => {
    if ((event.seq ?? 0) > after) return [];
    if (event.type === "run-started") return [event];
    const isSettled = event.type === "node-settled" && event.outcome.state !== "interrupted";
    return isSettled ? [{ ...event, replayed: true }] : [];
  });
  return (async function* () {
    yield* before;
    yield* events;
  })();
}

async function* messagesOf(
  events: AsyncIterable<RunEvent>,
  format: StreamFormat,
): AsyncGenerator<string, undefined> {
  if (format === "events") {
    for await (const event of events) yield `id: ${event.seq}\ndata: ${JSON.stringify(event)}\n\n`;
    return undefined;
  }
  const told = format === "ag-ui" ? toAgUi(events) : toUIMessageStream(events);
  for await (const one of told as AsyncIterable<unknown>) yield `data: ${JSON.stringify(one)}\n\n`;
  if (format === "ui-message") yield "data: [DONE]\n\n";
  return undefined;
}
