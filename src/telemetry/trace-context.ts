import type { RemoteSpan } from "../../nodes/engine/instrument.js";

/** A list of W3C trace context: at most 512 characters, `key=value` pairs. */
const stateForm = /^[\x20-\x7e]{1,512}$/;

/** The span of whoever sent a request, as its headers say. */
export function callerOf(request: Request | null): RemoteSpan | null {
  return parseTraceContext(request?.headers.get("traceparent"), request?.headers.get("tracestate"));
}

/**
 * A span of another process, read from W3C trace context (`traceparent`, level 1 and what later versions keep of it, and
 * `tracestate`); `null` where it names none: what cannot be read is as if nothing had come.
 */
export function parseTraceContext(
  traceparent: string | null | undefined,
  tracestate?: string | null,
): RemoteSpan | null {
  const [, version, traceId, spanId, flags, more] =
    /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/.exec(traceparent?.trim() ?? "") ?? [];
  if (version === undefined || version === "ff" || (version === "00" && more !== undefined)) return null;
  if (traceId === undefined || spanId === undefined || flags === undefined) return null;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return null;
  const state = tracestate?.trim() ?? "";
  return {
    traceId,
    spanId,
    isSampled: (Number.parseInt(flags, 16) & 1) === 1,
    state: stateForm.test(state) && state.includes("=") ? state : "",
  };
}
