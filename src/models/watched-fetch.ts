import { DagError } from "../errors.js";
import { type RateLimit, readRateLimit } from "../limits/rate-limit.js";

type Fetch = typeof globalThis.fetch;

/**
 * Most bytes of a reply without a line break: one streamed event, or a whole body that is not streamed. Clients
 * search such a line again with every network packet, so that a body of 50 MB would take them minutes.
 */
export const maxLineBytes = 4 * 1024 * 1024;

/**
 * A `fetch` that tells `onHeaders` what each request is sent with and `onRateLimit` what each reply's headers say, and that ends a reply with a line above
 * {@link maxLineBytes} with `MODEL_REPLY_TOO_LARGE`.
 */
export function watchedFetch(
  fetch: Fetch,
  onRateLimit: (limits: RateLimit) => void,
  onHeaders: (headers: unknown) => void,
): Fetch {
  return async (input, init) => {
    onHeaders(init?.headers);
    const response = await fetch(input, init);
    const limits = readRateLimit((name) => response.headers.get(name));
    if (limits !== null) onRateLimit(limits);
    if (response.body === null) return response;
    return new Response(response.body.pipeThrough(lineLimit()), response);
  };
}

function lineLimit(): TransformStream<Uint8Array, Uint8Array> {
  const lineFeed = 10;
  let lineBytes = 0;
  return new TransformStream({
    transform(bytes, controller) {
      const last = bytes.lastIndexOf(lineFeed);
      lineBytes = last === -1 ? lineBytes + bytes.length : bytes.length - last - 1;
      if (lineBytes > maxLineBytes || bytes.length > maxLineBytes) {
        controller.error(replyTooLarge(`more than ${maxLineBytes} bytes without a line break`));
      } else controller.enqueue(bytes);
    },
  });
}

/** The error of a reply that is larger than any sensible one. */
export function replyTooLarge(what: string): DagError {
  return new DagError("MODEL_REPLY_TOO_LARGE", `The model's reply was ended: ${what}.`, {
    hint: "Set `modelOptions.maxTokens`, or check that the base URL is that of a model server.",
  });
}
