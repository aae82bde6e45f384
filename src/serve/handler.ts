import { noteSecrets } from "../models/secrets.js";
import type { RunState } from "../records/events.js";
import { assertArgument, assertOptions, isObject } from "../spec/issue.js";
import { eventStream, formatOf, type StreamFormat, toldIn } from "./event-stream.js";
import {
  assertAllowed,
  assertGuardOptions,
  type GuardOptions,
  preflight,
  signIn,
  withCors,
} from "./guard.js";
import { McpEndpoint } from "./mcp-http.js";
import { problemResponse, RequestError } from "./problem.js";
import { jsonBody } from "./request-body.js";
import {
  assertParameters,
  type Fields,
  flagIn,
  numberIn,
  objectIn,
  textIn,
  threadIn,
} from "./request-fields.js";
import { isRunName } from "./run-index.js";
import { RunPages } from "./run-pages.js";
import { RunService } from "./run-service.js";
import type { ServedRun } from "./served-run.js";
import { assertCount, listOf, longestMs, type ServiceOptions, type SpecList } from "./service-options.js";

/** What `createHandler` is given besides the specs. */
export interface HandlerOptions extends ServiceOptions, GuardOptions {
  /**
   * Path that the service hangs under where requests come with it, for example `/api/graphs`. Not needed where the server takes
   * it away (`mount` of Hono, `use` of Express); `/` says that nothing was taken away. @default the root of what is seen
   */
  readonly basePath?: string;
  /** Most bytes of a request's body. @default 1048576 */
  readonly maxBodyBytes?: number;
  /** Longest that a body may take to come, in milliseconds. @default 10000 */
  readonly bodyTimeoutMs?: number;
}

/** Answers requests of the Fetch standard; fits Hono, Next.js, Deno, Bun, and Node through `serve`. */
export interface DagHandler {
  (request: Request): Promise<Response>;
  /** Resolves once the runs that an earlier service left under way go on. Never rejects. */
  readonly ready: Promise<void>;
  /**
   * Takes no more runs, waits for those under way, and suspends those that are not done in time: with a checkpointer the next
   * service goes on with them.
   * @param options `drainMs`: how long is waited, in milliseconds. Default 10000.
   */
  close(options?: { readonly drainMs?: number }): Promise<void>;
}

interface Call {
  readonly request: Request;
  readonly url: URL;
  /** The steps of the path, decoded. */
  readonly path: readonly string[];
}

type Route = (call: Call) => Promise<Response> | Response;

/**
 * An HTTP service of specs as a function from `Request` to `Response`: runs are started, followed, answered and cancelled
 * over it, as `docs/serving.md` says.
 * @param specs The specs, known by their names.
 * @throws DagValidationError for an invalid spec or invalid options, before any request.
 */
export function createHandler(specs: SpecList, options: HandlerOptions = {}): DagHandler {
  assertOptions("createHandler", options);
  const { token, hosts, cors, basePath = "", maxBodyBytes = 1_048_576, ...more } = options;
  const isPlaced = options.basePath !== undefined;
  const { bodyTimeoutMs = 10_000, ...service } = more;
  const guard = {
    ...(token !== undefined && { token }),
    ...(hosts !== undefined && { hosts }),
    ...(cors !== undefined && { cors }),
  };
  assertGuardOptions("createHandler", guard);
  assertArgument("createHandler", typeof basePath === "string", ["options.basePath", basePath, "a path"]);
  assertCount("createHandler", "maxBodyBytes", maxBodyBytes, { least: 1 });
  assertCount("createHandler", "bodyTimeoutMs", bodyTimeoutMs, { least: 1, most: longestMs });
  if (token !== undefined) noteSecrets([token]);
  const runs = new RunService(listOf(specs), service);
  const pages = new RunPages(runs);
  const bodyLimits = { maxBytes: maxBodyBytes, timeoutMs: bodyTimeoutMs };
  const base = basePath
    .split("/")
    .map((step) => step && `/${step}`)
    .join("");
  const mcp = new McpEndpoint(runs, bodyLimits);
  const toMcp: Route = ({ request }) => mcp.respond(request);
  const toFront: Route = ({ request, path }) => pages.front(pathEnding(request, path.at(-1)));
  const toPage: Route = ({ request, path: [, id = "", what] }) => pages.one(id, pathEnding(request, what));
  const toAnswer: Route = async ({ request, url, path: [, id] }) => {
    const shown = id ?? (url.searchParams.get("run") || null);
    await pages.answer(shown, objectIn(await jsonBody(request, bodyLimits)), request);
    return json({ message: "taken" }, 202);
  };
  const ready = runs.open();

  /** Where a run is. A server may have taken away what it hangs under: unless that is told, the place is relative to the request's. */
  const placeOf = ({ id }: ServedRun, { path }: Call) =>
    `${isPlaced ? `${base}/` : "../".repeat(path.length - 1)}runs/${encodeURIComponent(id)}`;

  const respond = async (it: ServedRun, call: Call, how: Answering): Promise<Response> => {
    const { signal } = call.request;
    const location = { location: placeOf(it, call) };
    if (how.cancelOnDisconnect) {
      const leave = () => void runs.cancel(it.id).catch(() => {});
      if (signal.aborted) leave();
      else signal.addEventListener("abort", leave, { once: true });
      void it.part?.done.then(() => signal.removeEventListener("abort", leave));
    }
    if (how.stream) {
      const stop = new AbortController();
      if (how.cancelOnDisconnect) {
        stop.signal.addEventListener("abort", () => void runs.cancel(it.id).catch(() => {}), { once: true });
      }
      const response = eventStream(
        toldIn(
          how.format,
          it.feed,
          how.after,
          it.feed.read(how.after, () => false, stop.signal),
        ),
        stop,
        how.format,
      );
      response.headers.set("location", location.location);
      return response;
    }
    if (/\brespond-async\b/i.test(call.request.headers.get("prefer") ?? "")) {
      return json(it.told(), 202, { ...location, "preference-applied": "respond-async" });
    }
    await it.part?.done;
    if (it.ended === "suspended") {
      throw new RequestError(
        "SERVICE_STOPPING",
        503,
        `The service is being shut down; the run ${it.id} goes on.`,
        {
          hint: "Ask for the run when the service has been started again.",
          headers: location,
        },
      );
    }
    return json(it.told(), 200, location);
  };

  const routes: Readonly<Record<string, Readonly<Record<string, Route>>>> = {
    runs: {
      async POST(call) {
        const body = objectIn(await jsonBody(call.request, bodyLimits), startFields);
        const how = answeringIn(body, call);
        const it = await runs.start({
          dag: textIn(body, "dag"),
          input: body.input,
          thread: threadIn(body),
          request: call.request,
        });
        return respond(it, call, { ...how, after: 0 });
      },
      async GET({ url: { searchParams } }) {
        const state = searchParams.get("state");
        const dag = searchParams.get("dag");
        const before = searchParams.get("before");
        const limit = numberIn(searchParams.get("limit") ?? "100", "The parameter `limit`", {
          least: 1,
          most: 1000,
        });
        if (before !== null && !isRunName(before)) {
          throw new RequestError("REQUEST_INVALID", 400, "The parameter `before` is the id of no run.");
        }
        if (state !== null && !states.has(state as RunState)) {
          throw new RequestError("REQUEST_INVALID", 400, `There is no state ${JSON.stringify(state)}.`, {
            hint: `Ask for one of: ${[...states].join(", ")}.`,
          });
        }
        const found = [];
        for await (const { input: _, takenUp: __, caller: ___, ...entry } of runs.list(before ?? undefined)) {
          if ((state ?? entry.state) !== entry.state || (dag ?? entry.dag) !== entry.dag) continue;
          found.push(entry);
          if (found.length >= limit) break;
        }
        return json(found);
      },
    },
    "runs/:id": {
      async GET({ path: [, id = ""] }) {
        const it = await runs.get(id);
        await it.settled();
        return json(it.told());
      },
      async DELETE({ path: [, id = ""] }) {
        return json((await runs.cancel(id)).told());
      },
    },
    "runs/:id/events": {
      async GET({ request, url, path: [, id = ""] }) {
        const format = formatOf(url);
        const it = await runs.get(id);
        // An empty one says, as in a browser, that nothing has been seen.
        const header = request.headers.get("last-event-id");
        const given = header || url.searchParams.get("after") || "0";
        const what = header ? "The header `Last-Event-ID`" : "The parameter `after`";
        const after = numberIn(given, what, { most: Number.MAX_SAFE_INTEGER });
        if (it.feed.owns(after) ? after > it.feed.last : !runs.lookup.mayHaveTold(it, after)) {
          throw new RequestError("REQUEST_INVALID", 400, `The run has told no event ${after} yet.`, {
            hint: `Its last one is ${it.feed.last}.`,
          });
        }
        // A browser that comes back for more is told that there is none: it stops asking.
        if (after === it.feed.last && !it.isOpen) return new Response(null, { status: 204 });
        const stop = new AbortController();
        const events = toldIn(format, it.feed, after, runs.lookup.read(it, after, stop.signal));
        return eventStream(events, stop, format);
      },
    },
    "runs/:id/answer": {
      async POST(call) {
        const given = await jsonBody(call.request, bodyLimits);
        const fields = isAnswering(given) ? given : {};
        const how = answeringIn(fields, call);
        const before = await runs.get(call.path[1] ?? "");
        const after = before.feed.last;
        const it = await runs.answer(before.id, "answer" in fields ? fields.answer : given, call.request);
        return respond(it, call, { ...how, after: it === before ? after : 0 });
      },
    },
    health: { GET: () => json({ status: "ok" }) },
    ready: {
      async GET() {
        if (runs.stopping) throw new RequestError("SERVICE_STOPPING", 503, "The service is being shut down.");
        await runs.ping();
        return json({ status: "ok", active: runs.active });
      },
    },
    mcp: { POST: toMcp, GET: toMcp, DELETE: toMcp },
    "": { GET: toFront },
    events: { GET: toFront },
    "report.html": { GET: toFront },
    answer: { POST: toAnswer },
    "pages/:id": { GET: toPage },
    "pages/:id/": { GET: toPage },
    "pages/:id/events": { GET: toPage },
    "pages/:id/report.html": { GET: toPage },
    "pages/:id/answer": { POST: toAnswer },
  };

  const dispatch = async (request: Request): Promise<Response> => {
    const url = new URL(request.url);
    const path = stepsOf(url.pathname, base);
    const isProbe = path?.length === 1 && (path[0] === "health" || path[0] === "ready");
    const asked = preflight(request, guard);
    if (asked !== null) return asked;
    if (!isProbe) {
      const signedIn = signIn(request, guard);
      if (signedIn !== null) return signedIn;
      assertAllowed(request, guard);
    }
    const pattern = path === null ? "" : patternOf(path);
    const methods = path === null ? undefined : own(routes, pattern);
    if (path === null || methods === undefined) {
      const shown = JSON.stringify(url.pathname.slice(0, 200));
      throw new RequestError("PATH_UNKNOWN", 404, `There is nothing at ${shown}.`, {
        hint:
          base === ""
            ? "Runs are at /runs, under the path that the service hangs under."
            : `Runs are at ${base}/runs.`,
      });
    }
    const method = request.method === "HEAD" ? "GET" : request.method;
    const route = own(methods, method);
    if (route === undefined) {
      const allow = Object.keys(methods).join(", ");
      throw new RequestError("REQUEST_METHOD", 405, `This path does not take ${request.method}.`, {
        hint: `It takes: ${allow}.`,
        headers: { allow },
      });
    }
    assertParameters(url, own(parameters, `${method} ${pattern}`));
    return route({ request, url, path });
  };

  const handler = async (request: Request): Promise<Response> => {
    const isRequest = isObject(request) && isObject(request.headers);
    assertArgument("the handler", isRequest, ["request", request, "a Request"]);
    try {
      return withCors(await dispatch(request), request, guard);
    } catch (error) {
      const response = problemResponse(error);
      // What the requester did wrong is told to the requester alone.
      if (response.status >= 500 && !(error instanceof RequestError)) {
        service.onNotice?.(`A request failed: ${String(error)}`);
      }
      return withCors(response, request, guard);
    }
  };
  return Object.assign(handler, {
    ready,
    close: ({ drainMs = 10_000 } = {}) =>
      runs.close(drainMs).finally(() => {
        pages.close();
        return mcp.close();
      }),
  });
}

/** How a run is answered for. */
interface Answering {
  readonly stream: boolean;
  readonly format: StreamFormat;
  readonly cancelOnDisconnect: boolean;
  /** The event after which is told. */
  readonly after: number;
}

/** The parameters that requests about runs take; elsewhere anything may stand behind the question mark. */
const parameters: Readonly<Record<string, readonly string[]>> = {
  "POST runs": ["format"],
  "GET runs": ["state", "dag", "limit", "before"],
  "GET runs/:id": [],
  "DELETE runs/:id": [],
  "GET runs/:id/events": ["after", "format"],
  "POST runs/:id/answer": ["format"],
};

const startFields = ["dag", "input", "thread", "stream", "cancelOnDisconnect"];
const states = new Set<RunState | "running">([
  "running",
  "interrupted",
  "completed",
  "partial",
  "rejected",
  "failed",
  "cancelled",
]);

function answeringIn(body: Fields, { request, url }: Call): Omit<Answering, "after"> {
  const format = formatOf(url);
  const accepts = request.headers.get("accept") ?? "";
  const wantsStream = format !== "events" || accepts.includes("text/event-stream");
  return {
    stream: flagIn(body, "stream") ?? wantsStream,
    format,
    cancelOnDisconnect: flagIn(body, "cancelOnDisconnect") ?? false,
  };
}

function json(value: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify(value), {
    status,
    headers: {
      "content-type": "application/json; charset=utf-8",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      ...headers,
    },
  });
}

/** The decoded steps of a path under the base; `null` where it is not under it or cannot be decoded. */
function stepsOf(pathname: string, base: string): readonly string[] | null {
  if (pathname !== base && !pathname.startsWith(`${base}/`)) return null;
  try {
    return pathname
      .slice(base.length + 1)
      .split("/")
      .map(decodeURIComponent);
  } catch {
    return null;
  }
}

/** The request with a path of that step alone, by which a page tells what of it is asked for. */
function pathEnding(request: Request, step = ""): Request {
  return new Request(new URL(`/${step}`, request.url), { method: request.method, headers: request.headers });
}

function own<T>(of: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(of, name) ? of[name] : undefined;
}

function patternOf(path: readonly string[]): string {
  const [first = "", id, ...rest] = path;
  return id === undefined || id === "" ? path.join("/") : [first, ":id", ...rest].join("/");
}

/** Whether a body is `{ "answer": … }` with how it is to be answered, and not the answer itself. */
function isAnswering(body: unknown): body is Fields {
  if (typeof body !== "object" || body === null || Array.isArray(body) || !("answer" in body)) return false;
  return Object.keys(body).every((name) => ["answer", "stream", "cancelOnDisconnect"].includes(name));
}
