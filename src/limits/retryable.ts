import { DagError, errorCode } from "../errors.js";
import type { RetryPolicy } from "../spec/policy.js";

/** Codes of the system and of Node's HTTP client for a connection that failed or was lost. */
const connectionCodes = new Set([
  ...["ECONNRESET", "ECONNREFUSED", "ECONNABORTED", "EPIPE", "ETIMEDOUT", "EAI_AGAIN", "ENOTFOUND"],
  ...["EHOSTUNREACH", "ENETUNREACH", "UND_ERR_SOCKET", "UND_ERR_CONNECT_TIMEOUT"],
  ...["UND_ERR_HEADERS_TIMEOUT", "UND_ERR_BODY_TIMEOUT"],
]);

/** Statuses below 500 that a later request may not get: timeout, conflict, too early, too many (RFC 9110, 6585, 8470). */
const passingStatuses = new Set([408, 409, 425, 429]);

/**
 * Whether the same work may succeed when it is done again, told from the error's class: what it declares itself
 * (`retryable`), its HTTP status, or its connection error; `undefined` when none of these says anything.
 */
export function declaredRetryable(error: unknown): boolean | undefined {
  for (let link = error, depth = 0; isObject(link) && depth < 8; link = link.cause, depth++) {
    if (typeof link.retryable === "boolean") return link.retryable;
    const status = link.status ?? link.statusCode;
    if (typeof status === "number" && status >= 400) return status >= 500 || passingStatuses.has(status);
    if (typeof link.code === "string" && connectionCodes.has(link.code)) return true;
    if (link.name === "TimeoutError") return true;
  }
  return undefined;
}

/**
 * Whether a policy sends a request again after `error`.
 * @param options.whenSilent What holds for an error that says nothing about itself, where the policy has no `retryOn`.
 */
export function retriesOn(
  { retryOn }: RetryPolicy,
  error: unknown,
  { whenSilent }: { readonly whenSilent: boolean },
): boolean {
  if (typeof retryOn === "function") return retryOn(error);
  if (retryOn !== undefined) return retryOn.includes(errorCode(error));
  return declaredRetryable(error) ?? whenSilent;
}

/** How long the server asked to wait, in milliseconds, where the error says so. */
export function retryAfterMsOf(error: unknown): number | null {
  return error instanceof DagError ? (error.retryAfterMs ?? null) : null;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
