import { noteSecrets } from "../models/secrets.js";
import type { RunEvent, RunState } from "../records/events.js";
import { createLivePage, type LivePage } from "../report/live-page.js";
import { assertArgument, assertOptions, isObject } from "../spec/issue.js";
import { eventStream, formatOf, type StreamFormat } from "./event-stream.js";
import { assertAllowed, type GuardOptions, preflight, signIn, withCors } from "./guard.js";
import { McpEndpoint } from "./mcp-http.js";
import { problemResponse, RequestError } from "./problem.js";
import { jsonBody } from "./request-body.js";
import { RunService } from "./run-service.js";
import type { ServedRun } from "./served-run.js";
import { listOf, type ServiceOptions, type SpecList } from "./service-options.js";

/** What `createHandler` is given besides the specs. */
export interface HandlerOptions extends ServiceOptions, GuardOptions {
  /** Path that the service hangs under, for example `/api/graphs`. @default the root */
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
  const { bodyTimeoutMs = 10_000, ...service } = more;
  if (token) noteSecrets([token]);
  const guard = { ...(token && { token }), ...(hosts && { hosts }), ...(cors && { cors }) };
  const runs = new RunService(listOf(specs), service);
  const front = createFront(runs);
  const bodyLimits = { maxBytes: maxBodyBytes, timeoutMs: bodyTimeoutMs };
  const base = basePath.replace(/\/+$/, "");
  const mcp = new McpEndpoint(runs, bodyLimits);
  const toMcp: Route = ({ request }) => mcp.respond(request);
  const ready = runs.open();

  const respond = async (it: ServedRun, call: Call, how: Answering): Promise<Response> => {
    const { signal } = call.request;
    const location = { location: `${base}/runs/${encodeURIComponent(it.id)}` };
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
        it.feed.read(how.after, () => false, stop.signal),
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
        const limit = numberIn(searchParams.get("limit") ?? "100", "The parameter `limit`", 1000);
        if (state !== null && !states.has(state as RunState)) {
          throw new RequestError("REQUEST_INVALID", 400, `There is no state ${JSON.stringify(state)}.`, {
            hint: `Ask for one of: ${[...states].join(", ")}.`,
          });
        }
        const found = [];
        for await (const { input: _, takenUp: __, caller: ___, ...entry } of runs.list(
          searchParams.get("before") ?? undefined,
        )) {
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
        const given = request.headers.get("last-event-id") || url.searchParams.get("after") || "0";
        const after = numberIn(given, "The header `Last-Event-ID`", Number.MAX_SAFE_INTEGER);
        if (it.feed.owns(after) ? after > it.feed.last : !runs.mayHaveTold(it, after)) {
          throw new RequestError("REQUEST_INVALID", 400, `The run has told no event ${after} yet.`, {
            hint: `Its last one is ${it.feed.last}.`,
          });
        }
        // A browser that comes back for more is told that there is none: it stops asking.
        if (after === it.feed.last && !it.isOpen) return new Response(null, { status: 204 });
        const stop = new AbortController();
        return eventStream(runs.read(it, after, stop.signal), stop, format);
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
    "": { GET: ({ request }) => front.page(request) },
    events: { GET: ({ request }) => front.page(request) },
    "report.html": { GET: ({ request }) => front.page(request) },
    answer: { POST: ({ request }) => front.page(request) },
    "pages/:id/": { GET: ({ request, path: [, id = ""] }) => pageOf(runs, id, request) },
    "pages/:id/events": { GET: ({ request, path: [, id = ""] }) => pageOf(runs, id, request) },
    "pages/:id/report.html": { GET: ({ request, path: [, id = ""] }) => pageOf(runs, id, request) },
    "pages/:id/answer": { POST: ({ request, path: [, id = ""] }) => pageOf(runs, id, request) },
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
        hint: `Runs are at ${base}/runs.`,
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
        front.close();
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

type Fields = Readonly<Record<string, unknown>>;

/** The parameters that requests about runs take; elsewhere anything may stand behind the question mark. */
const parameters: Readonly<Record<string, readonly string[]>> = {
  "POST runs": ["format"],
  "GET runs": ["state", "dag", "limit", "before"],
  "GET runs/:id": [],
  "DELETE runs/:id": [],
  "GET runs/:id/events": ["after", "format"],
  "POST runs/:id/answer": ["format"],
};

function assertParameters({ searchParams }: URL, known: readonly string[] | undefined): void {
  const other = known && [...searchParams.keys()].find((name) => !known.includes(name));
  if (known === undefined || other === undefined) return;
  throw new RequestError(
    "REQUEST_INVALID",
    400,
    `The parameter ${JSON.stringify(other.slice(0, 100))} is not known here.`,
    { hint: known.length === 0 ? "This path takes none." : `This path takes: ${known.join(", ")}.` },
  );
}

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

function objectIn(body: unknown, known: readonly string[]): Fields {
  const forms = `{ ${known.map((name) => `"${name}"`).join(", ")} }`;
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new RequestError("REQUEST_INVALID", 400, "The body is no object.", { hint: `Send ${forms}.` });
  }
  const other = Object.keys(body).find((name) => !known.includes(name));
  if (other === undefined) return body as Fields;
  throw new RequestError(
    "REQUEST_INVALID",
    400,
    `The body has a field ${JSON.stringify(other.slice(0, 100))}, which is not known.`,
    { hint: `Send ${forms}.` },
  );
}

function textIn(body: Fields, name: string): string | undefined {
  const value = body[name];
  if (value === undefined || typeof value === "string") return value;
  throw new RequestError("REQUEST_INVALID", 400, `The field "${name}" is no text.`);
}

function flagIn(body: Fields, name: string): boolean | undefined {
  const value = body[name];
  if (value === undefined || typeof value === "boolean") return value;
  throw new RequestError("REQUEST_INVALID", 400, `The field "${name}" is neither true nor false.`);
}

/** Names of other things, in the store and in JavaScript. */
const reserved = /^\$|^(__proto__|constructor|prototype)$/;

function threadIn(body: Fields): string | undefined {
  const thread = textIn(body, "thread");
  if (thread === undefined) return undefined;
  if (/^[^\p{C}]{1,200}$/u.test(thread) && thread.trim() !== "" && !reserved.test(thread)) return thread;
  throw new RequestError("REQUEST_INVALID", 400, 'The field "thread" cannot be the name of a run.', {
    hint: "Use 1 to 200 printable characters, and none of the names that begin with $.",
  });
}

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

/** Whether a body is `{ "answer": … }` with how it is to be answered, and not the answer itself. */
function isAnswering(body: unknown): body is Fields {
  if (typeof body !== "object" || body === null || Array.isArray(body) || !("answer" in body)) return false;
  return Object.keys(body).every((name) => ["answer", "stream", "cancelOnDisconnect"].includes(name));
}

function numberIn(text: string, what: string, most: number): number {
  const value = Number(text);
  if (/^\d{1,16}$/.test(text) && value <= most) return value;
  throw new RequestError("REQUEST_INVALID", 400, `${what} is ${JSON.stringify(text.slice(0, 100))}.`, {
    hint: `Give a whole number of at most ${most}.`,
  });
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

function own<T>(of: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(of, name) ? of[name] : undefined;
}

function patternOf(path: readonly string[]): string {
  const [first = "", id, ...rest] = path;
  return id === undefined || id === "" ? path.join("/") : [first, ":id", ...rest].join("/");
}

/** The page of one run, made when somebody looks at it. */
async function pageOf(runs: RunService, id: string, request: Request): Promise<Response> {
  const it = await runs.get(id);
  if (it.page === null) {
    it.page = pageFor(runs, () => it);
    for (const event of it.feed.events) it.page.onEvent(event);
  }
  return (await it.page.respond(request)) as Response;
}

function pageFor(runs: RunService, shown: () => ServedRun | null): LivePage {
  return createLivePage({
    hosts: null,
    async onAnswer(answers) {
      const it = shown();
      if (it === null) throw new RequestError("RUN_UNKNOWN", 404, "There is no run that could be answered.");
      await runs.answer(it.id, answers, null);
    },
  });
}

/** The page at the root: the run that was started last, and each one after it. */
function createFront(runs: RunService) {
  let page: LivePage | null = null;
  let shown: ServedRun | null = null;
  const follow = (it: ServedRun, event: RunEvent) => {
    it.page?.onEvent(event);
    if (page === null || it !== runs.newest) return;
    if (it !== shown) {
      shown = it;
      // What it told before it became the newest one.
      for (const earlier of it.feed.events) page.onEvent(earlier);
    } else page.onEvent(event);
  };
  const unwatch = runs.watch(follow);
  return {
    async page(request: Request): Promise<Response> {
      if (page === null) {
        page = pageFor(runs, () => shown);
        shown = runs.newest;
        for (const event of shown?.feed.events ?? []) page.onEvent(event);
      }
      return (await page.respond(request)) as Response;
    },
    close() {
      unwatch();
      page?.close();
    },
  };
}
