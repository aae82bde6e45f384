import { pageHtml } from "./page-html.js";
import type { LiveChange, PageData, RunChange } from "./page-model.js";
import { redacted } from "./report.js";

/** What a page shows. */
export interface PageSource {
  /** Everything so far. */
  data(): PageData;
  /** The file that the page is saved as; `null` while there is nothing to save. */
  report(): string | null | Promise<string | null>;
}

/** How a page is served. */
export interface ServedPageOptions {
  /**
   * Takes the answers that a person gave on the page, by node, with the id of the run that they are for. What it throws is shown
   * on the page. @default none: the page shows questions and takes no answers
   */
  readonly onAnswer?: (answers: Readonly<Record<string, unknown>>, run: string) => void | Promise<void>;
  /**
   * Host names that requests may be addressed to, without the port; `null` where whoever passes them on has looked.
   * @default localhost, 127.0.0.1, ::1
   */
  readonly hosts?: readonly string[] | null;
  /** Shortest time between two messages to one who watches, in milliseconds. @default 20 */
  readonly gatherMs?: number;
}

/** What a server of any kind needs of a live page. */
export interface ServedPage {
  /** Tells all who watch what has changed. */
  tell(change: LiveChange): void;
  /**
   * Answers `…/`, `…/events`, `…/report.html` and `…/answer`; the last step of the path alone is looked at, so that a server can
   * hang it in anywhere under a path that ends in a slash. Gives `null` for everything else.
   */
  respond(request: Request): Promise<Response> | null;
  /** Ends the streams of all who watch. */
  close(): void;
}

const mostBytes = 1_000_000;
const loopback = ["localhost", "127.0.0.1", "[::1]", "::1"];

/** Somebody who watches: what has changed since the last message, joined until it is taken. */
interface Watcher {
  readonly controller: ReadableStreamDefaultController<Uint8Array>;
  pending: LiveChange | null;
}

/** A page over server-sent events, for any server that speaks in `Request` and `Response`. Nobody watches it yet. */
export function servePage(
  source: PageSource,
  { onAnswer, hosts = loopback, gatherMs = 20 }: ServedPageOptions = {},
): ServedPage {
  const watchers = new Set<Watcher>();
  const encoder = new TextEncoder();
  let timer: NodeJS.Timeout | undefined;
  let sentAtMs = Number.NEGATIVE_INFINITY;

  /** One message at a time: whoever reads slowly gets fewer and larger ones. */
  const send = (watcher: Watcher) => {
    const { pending, controller } = watcher;
    if (pending === null || (controller.desiredSize ?? 0) <= 0) return;
    // Taken first: `enqueue` may ask for more before it returns.
    watcher.pending = null;
    controller.enqueue(encoder.encode(messageOf(pending)));
  };
  const sendAll = () => {
    timer = undefined;
    sentAtMs = performance.now();
    for (const watcher of watchers) send(watcher);
  };
  const stream = () => {
    let watcher: Watcher;
    const body = new ReadableStream<Uint8Array>(
      {
        start(controller) {
          watcher = { controller, pending: { data: source.data() } };
          watchers.add(watcher);
        },
        pull: () => send(watcher),
        cancel: () => void watchers.delete(watcher),
      },
      { highWaterMark: 1 },
    );
    return reply(200, "text/event-stream; charset=utf-8", body);
  };
  const answer = async (request: Request) => {
    const told = (status: number, message: string) =>
      reply(status, "application/json; charset=utf-8", JSON.stringify({ message }));
    if (onAnswer === undefined) return told(409, "This page takes no answers.");
    if (!(request.headers.get("content-type") ?? "").startsWith("application/json"))
      return told(415, "An answer is JSON.");
    try {
      const answers: unknown = JSON.parse(await bodyOf(request));
      if (typeof answers !== "object" || answers === null || Array.isArray(answers))
        return told(400, "Answers are an object by node.");
      const run = new URL(request.url).searchParams.get("run") ?? "";
      await onAnswer(answers as Record<string, unknown>, run);
      return told(202, "taken");
    } catch (error) {
      return told(400, error instanceof Error ? error.message : String(error));
    }
  };
  const report = async () => {
    const html = await source.report();
    if (html === null) return reply(404, "text/plain; charset=utf-8", "There is nothing to save yet.\n");
    return reply(200, "text/html; charset=utf-8", html, {
      "content-disposition": 'attachment; filename="report.html"',
    });
  };
  const page = () => {
    const data = redacted(source.data());
    return reply(200, "text/html; charset=utf-8", pageHtml(data, { title: data.title, live: true }), {
      "content-security-policy": "frame-ancestors 'none'",
    });
  };
  const respond = async (request: Request, last: string): Promise<Response> => {
    const isAnswer = last === "answer";
    if (hosts !== null && !isOwn(request, hosts))
      return reply(403, "text/plain; charset=utf-8", "This page answers on this computer only.\n");
    const allowed = isAnswer ? ["POST"] : last === "events" ? ["GET"] : ["GET", "HEAD"];
    if (!allowed.includes(request.method))
      return reply(405, "text/plain; charset=utf-8", "Not this method.\n", { allow: allowed.join(", ") });
    if (isAnswer) return answer(request);
    if (last === "events") return stream();
    return last === "report.html" ? report() : page();
  };

  return {
    tell(change) {
      if (watchers.size === 0) return;
      for (const watcher of watchers) {
        watcher.pending = watcher.pending === null ? change : joined(watcher.pending, change);
      }
      // The first change after a pause goes out at the end of this turn, what follows at once is gathered.
      timer ??= setTimeout(sendAll, Math.max(0, gatherMs - (performance.now() - sentAtMs)));
    },
    respond(request) {
      const { pathname } = new URL(request.url);
      const last = pathname.slice(pathname.lastIndexOf("/") + 1);
      return ["", "events", "report.html", "answer"].includes(last) ? respond(request, last) : null;
    },
    close() {
      clearTimeout(timer);
      for (const { controller, pending } of watchers) {
        if (pending !== null) controller.enqueue(encoder.encode(messageOf(pending)));
        controller.close();
      }
      watchers.clear();
    },
  };
}

/** Whether a request is meant for this server and was not sent by a page of somebody else. */
function isOwn({ headers, method, url }: Request, hosts: readonly string[]): boolean {
  const host = headers.get("host") ?? new URL(url).host;
  if (!hosts.includes(host.replace(/:\d+$/, ""))) return false;
  const origin = headers.get("origin");
  const site = headers.get("sec-fetch-site");
  if (origin !== null && origin !== `http://${host}` && origin !== `https://${host}`) return false;
  return method !== "POST" || site === null || site === "same-origin";
}

function reply(
  status: number,
  type: string,
  body: string | ReadableStream<Uint8Array>,
  more: Readonly<Record<string, string>> = {},
): Response {
  return new Response(body, {
    status,
    headers: {
      "content-type": type,
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      ...more,
    },
  });
}

function messageOf(change: LiveChange): string {
  return `data: ${JSON.stringify(redacted(change))}\n\n`;
}

async function bodyOf(request: Request): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of request.body ?? []) {
    bytes += part.length;
    if (bytes > mostBytes) throw new RangeError(`An answer of more than ${mostBytes} bytes is not taken.`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

/** Two changes as one, the second after the first. */
function joined(first: LiveChange, second: LiveChange): LiveChange {
  if (second.data !== undefined) return second;
  const runs = { ...first.runs };
  for (const [id, change] of Object.entries(second.runs ?? {})) {
    const before = runs[id];
    runs[id] = before === undefined ? change : joinedRun(before, change);
  }
  return {
    ...first,
    ...second,
    runs,
    graphs: { ...first.graphs, ...second.graphs },
    added: [...(first.added ?? []), ...(second.added ?? [])],
  };
}

function joinedRun(first: RunChange, second: RunChange): RunChange {
  const said = { ...first.said };
  for (const [call, text] of Object.entries(second.said ?? {})) said[call] = (said[call] ?? "") + text;
  return {
    run: { ...first.run, ...second.run },
    rows: latest([...(first.rows ?? []), ...(second.rows ?? [])]),
    calls: latest([...(first.calls ?? []), ...(second.calls ?? [])]),
    texts: { ...first.texts, ...second.texts },
    said,
  };
}

function latest<T extends { readonly id: string }>(all: readonly T[]): T[] {
  return [...new Map(all.map((one) => [one.id, one])).values()];
}
