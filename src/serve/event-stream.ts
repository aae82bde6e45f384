import type { RunEvent } from "../records/events.js";

/** A comment is sent after so long without an event, in milliseconds, so that nobody in between closes the connection. */
const heartbeatMs = 15_000;

/**
 * Events as `text/event-stream`, each with its number as `id`. They are read as the client takes them; one that goes away
 * ends the reading.
 * @param stop Ends the reading from outside: aborted when the client has gone.
 */
export function eventStream(events: AsyncIterable<RunEvent>, stop: AbortController): Response {
  const encoder = new TextEncoder();
  const iterator = events[Symbol.asyncIterator]();
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
        const { done, value } = await iterator.next();
        if (!done) return controller.enqueue(encoder.encode(messageOf(value)));
        clearInterval(timer);
        controller.close();
      },
      async cancel() {
        clearInterval(timer);
        stop.abort();
        await iterator.return?.();
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
    },
  });
}

function messageOf(event: RunEvent): string {
  return `id: ${event.seq}\ndata: ${JSON.stringify(event)}\n\n`;
}
