import { createHash, timingSafeEqual } from "node:crypto";
import { assertArgument } from "../spec/issue.js";
import { RequestError } from "./problem.js";

/** Who may send requests. */
export interface GuardOptions {
  /** What a request has to show (`Authorization: Bearer TOKEN`, or the cookie that `/?token=TOKEN` sets). @default none */
  readonly token?: string;
  /**
   * Host names that requests may be addressed to, without the port: what keeps pages of others from reaching a server on
   * this computer under a name of theirs. @default any; `serve` takes those it listens on
   */
  readonly hosts?: readonly string[];
  /** Origins whose pages may send requests, or `"*"` for all. @default none but the service's own */
  readonly cors?: readonly string[] | "*";
}

const cookieName = "agent_dag_token";

/**
 * Asserts that the options say who may: one that is empty or of another type would let others in, or nobody.
 * @throws DagValidationError
 */
export function assertGuardOptions(called: string, { token, hosts, cors }: GuardOptions): void {
  const isToken = token === undefined || (typeof token === "string" && /^[\x21-\x7e]+$/.test(token));
  // Nobody is to read it in a message.
  const told: unknown = typeof token === "string" ? token.replace(/./gsu, "*") : token;
  assertArgument(called, isToken, [
    "options.token",
    told,
    "one or more printable ASCII characters, no spaces",
  ]);
  const areNames = (list: unknown) => Array.isArray(list) && list.every((one) => typeof one === "string");
  const areHosts = hosts === undefined || areNames(hosts);
  assertArgument(called, areHosts, ["options.hosts", hosts, "a list of host names"]);
  const areOrigins = cors === undefined || cors === "*" || areNames(cors);
  assertArgument(called, areOrigins, ["options.cors", cors, 'a list of origins, or "*"']);
}

/**
 * Asserts that a request is for this service, and was sent by somebody who may.
 * @throws RequestError 403 for another host or a page of somebody else, 401 without the token.
 */
export function assertAllowed(request: Request, options: GuardOptions): void {
  const host = request.headers.get("host") ?? new URL(request.url).host;
  if (options.hosts !== undefined && !options.hosts.map(nameOf).includes(nameOf(host))) {
    throw new RequestError("REQUEST_FORBIDDEN", 403, `The service does not answer as ${shown(host)}.`, {
      hint: "Address it by a name that it listens on, or name this one in `hosts` (--host-name).",
    });
  }
  const origin = request.headers.get("origin");
  const isOwn = origin === null || origin === `http://${host}` || origin === `https://${host}`;
  if (!isOwn && !isListed(origin, options.cors)) {
    throw new RequestError("REQUEST_FORBIDDEN", 403, `Pages of ${shown(origin)} may not use this service.`, {
      hint: "Name the origin in `cors` (--cors) to allow it.",
    });
  }
  if (options.token === undefined) return;
  const given = bearer(request) ?? cookie(request);
  if (given !== null && isSame(given, options.token)) return;
  throw new RequestError("REQUEST_UNAUTHORIZED", 401, "The request shows no valid token.", {
    hint: "Send the header Authorization: Bearer TOKEN.",
    headers: { "www-authenticate": 'Bearer realm="agent-dag"' },
  });
}

/**
 * What a person gets who opens the page with `?token=TOKEN`: the same page without it, and a cookie in its place. `null`
 * for every other request.
 */
export function signIn(request: Request, { token }: GuardOptions): Response | null {
  if (token === undefined || request.method !== "GET") return null;
  const url = new URL(request.url);
  const given = url.searchParams.get("token");
  if (given === null || !isSame(given, token)) return null;
  url.searchParams.delete("token");
  // The same page as seen from itself: what stands before its path (a mount, a proxy) is not known here.
  const page = url.pathname.slice(url.pathname.lastIndexOf("/") + 1);
  return new Response(null, {
    status: 303,
    headers: {
      location: `./${page}${url.search}`,
      "set-cookie": `${cookieName}=${encodeURIComponent(token)}; HttpOnly; SameSite=Strict; Path=/`,
      "cache-control": "no-store",
      "referrer-policy": "no-referrer",
    },
  });
}

/** What a page of a listed origin asks before it sends a request; `null` for every other request. */
export function preflight(request: Request, { cors }: GuardOptions): Response | null {
  const origin = request.headers.get("origin");
  const isAsked = request.method === "OPTIONS" && request.headers.has("access-control-request-method");
  if (!isAsked || origin === null || !isListed(origin, cors)) return null;
  return new Response(null, {
    status: 204,
    headers: {
      "access-control-allow-methods": "GET, POST, DELETE",
      "access-control-allow-headers":
        "authorization, content-type, last-event-id, prefer, traceparent, tracestate, mcp-session-id, mcp-protocol-version",
      "access-control-max-age": "600",
    },
  });
}

/** The response with what lets a page of a listed origin read it. */
export function withCors(response: Response, request: Request, { cors }: GuardOptions): Response {
  const origin = request.headers.get("origin");
  if (origin === null || !isListed(origin, cors)) return response;
  response.headers.set("access-control-allow-origin", origin);
  response.headers.append("vary", "origin");
  response.headers.set("access-control-expose-headers", "location, retry-after, mcp-session-id");
  return response;
}

function isListed(origin: string, cors: GuardOptions["cors"]): boolean {
  return cors === "*" || (cors?.includes(origin) ?? false);
}

/** A host without its port. */
function nameOf(host: string): string {
  return host.replace(/:\d+$/, "").toLowerCase();
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 100));
}

function bearer(request: Request): string | null {
  return /^Bearer +(\S+)$/i.exec(request.headers.get("authorization") ?? "")?.[1] ?? null;
}

function cookie(request: Request): string | null {
  for (const pair of (request.headers.get("cookie") ?? "").split(";")) {
    const [name, value] = pair.trim().split("=");
    if (name !== cookieName || value === undefined) continue;
    try {
      return decodeURIComponent(value);
    } catch {
      return null;
    }
  }
  return null;
}

/** Compares in a time that does not tell how much of it fits. */
function isSame(given: string, token: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(token));
}
