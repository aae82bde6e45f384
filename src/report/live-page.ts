import type { IncomingMessage, ServerResponse } from "node:http";
import type { RunEvent } from "../records/events.js";
import { liveRun } from "./live-run.js";
import { pageHtml } from "./page-html.js";
import type { LiveChange } from "./page-model.js";
import { redacted, renderReport } from "./report.js";

/** What a live page is served with. */
export interface LivePageOptions {
  /** The command that reproduces the run. @default none */
  readonly command?: string;
  /**
   * Takes the answers that a person gave on the page, by node. What it throws is shown on the page. @default none: the page
   * shows questions and takes no answers
   */
  readonly onAnswer?: (answers: Readonly<Record<string, unknown>>) => void | Promise<void>;
  /** Host names that requests may be addressed to, without the port. @default localhost, 127.0.0.1, ::1 */
  readonly hosts?: readonly string[];
}

/** A page that shows a run while it happens, on any HTTP server of Node. */
export interface LivePage {
  /** Takes an event of the run; fits `onEvent` of `run`. */
  onEvent(event: RunEvent): void;
  /**
   * Answers `…/`, `…/events`, `…/report.html` and `…/answer`; the last step of the path alone is looked at, so that a server can
   * hang it in anywhere under a path that ends in a slash. Gives `false` for everything else.
   */
  handle(request: IncomingMessage, response: ServerResponse): boolean;
  /** Ends the streams of all who watch. */
  close(): void;
}

/** Time that changes are gathered before they are sent, in milliseconds. */
const gatherMs = 20;
const mostBytes = 1_000_000;
const loopback = ["localhost", "127.0.0.1", "[::1]", "::1"];

/** A live page that nobody watches yet. */
export function createLivePage({ command, onAnswer, hosts = loopback }: LivePageOptions = {}): LivePage {
  const run = liveRun(command ?? null);
  const watchers = new Set<ServerResponse>();
  let gathered: LiveChange | null = null;
  let timer: NodeJS.Timeout | undefined;

  const send = () => {
    clearTimeout(timer);
    timer = undefined;
    if (gathered === null) return;
    const message = messageOf(gathered);
    gathered = null;
    for (const watcher of watchers) watcher.write(message);
  };
  const stream = (response: ServerResponse) => {
    response.writeHead(200, {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
    });
    send();
    response.write(messageOf({ data: run.data() }));
    watchers.add(response);
    response.on("close", () => void watchers.delete(response));
  };
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const reply = (status: number, message: string) =>
      respond(response, status, "application/json; charset=utf-8", JSON.stringify({ message }));
    if (onAnswer === undefined) return reply(409, "This page takes no answers.");
    if (!(request.headers["content-type"] ?? "").startsWith("application/json"))
      return reply(415, "An answer is JSON.");
    try {
      const answers: unknown = JSON.parse(await bodyOf(request));
      if (typeof answers !== "object" || answers === null || Array.isArray(answers))
        return reply(400, "Answers are an object by node.");
      await onAnswer(answers as Record<string, unknown>);
      reply(202, "taken");
    } catch (error) {
      reply(400, error instanceof Error ? error.message : String(error));
    }
  };

  return {
    onEvent(event) {
      const change = run.add(event);
      if (change === null) return;
      gathered = gathered === null ? change : joined(gathered, change);
      timer ??= setTimeout(send, gatherMs);
    },
    handle(request, response) {
      const { pathname } = new URL(request.url ?? "/", "http://localhost");
      const last = pathname.slice(pathname.lastIndexOf("/") + 1);
      if (!["", "events", "report.html", "answer"].includes(last)) return false;
      const isAnswer = last === "answer";
      if (!isOwn(request, hosts))
        respond(response, 403, "text/plain; charset=utf-8", "This page answers on this computer only.\n");
      else if (isAnswer !== (request.method === "POST")) {
        respond(response, 405, "text/plain; charset=utf-8", "Not this method.\n");
      } else if (isAnswer) void answer(request, response);
      else if (last === "events") stream(response);
      else if (last === "report.html") {
        const record = run.record();
        if (record === null) respond(response, 404, "text/plain; charset=utf-8", "The run has not begun.\n");
        else {
          const html = renderReport(record, command === undefined ? {} : { command });
          respond(response, 200, "text/html; charset=utf-8", html, {
            "content-disposition": 'attachment; filename="report.html"',
          });
        }
      } else {
        const data = redacted(run.data());
        respond(
          response,
          200,
          "text/html; charset=utf-8",
          pageHtml(data, { title: data.title, live: true }),
          {
            "content-security-policy": "frame-ancestors 'none'",
          },
        );
      }
      return true;
    },
    close() {
      send();
      for (const watcher of watchers) watcher.end();
    },
  };
}

/** Whether a request is meant for this server and was not sent by a page of somebody else. */
function isOwn({ headers, method }: IncomingMessage, hosts: readonly string[]): boolean {
  const host = headers.host ?? "";
  if (!hosts.includes(host.replace(/:\d+$/, ""))) return false;
  const { origin } = headers;
  const site = headers["sec-fetch-site"];
  if (origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`) return false;
  return method !== "POST" || site === undefined || site === "same-origin";
}

function respond(
  response: ServerResponse,
  status: number,
  type: string,
  body: string,
  more: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, {
    "content-type": type,
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    ...more,
  });
  response.end(body);
}

function messageOf(change: LiveChange): string {
  return `data: ${JSON.stringify(redacted(change))}\n\n`;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > mostBytes) throw new RangeError(`An answer of more than ${mostBytes} bytes is not taken.`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

/** Two changes as one, the second after the first. */
function joined(first: LiveChange, second: LiveChange): LiveChange {
  if (second.data !== undefined) return second;
  const said = { ...first.said };
  for (const [call, text] of Object.entries(second.said ?? {})) said[call] = (said[call] ?? "") + text;
  return {
    ...(first.data !== undefined && { data: first.data }),
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
