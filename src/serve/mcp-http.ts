import { randomUUID } from "node:crypto";
import { createMcpServer, loadMcp, type McpServer } from "./mcp-server.js";
import { RequestError } from "./problem.js";
import { type BodyLimits, jsonBody } from "./request-body.js";
import type { RunService } from "./run-service.js";

type Transport = InstanceType<
  typeof import("@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js")["WebStandardStreamableHTTPServerTransport"]
>;

interface Session {
  readonly server: McpServer;
  /** Whether calls of it are under way: they may wait for a person for hours. */
  readonly isBusy: () => boolean;
  readonly transport: Transport;
  /** Milliseconds since 1970. */
  usedAt: number;
}

/** Most sessions at once; of those without a call the one that was used longest ago makes room. */
const mostSessions = 1000;
/** A session that nobody uses for so long, in milliseconds, may go. */
const longestIdleMs = 3_600_000;

/** The endpoint of the Model Context Protocol over HTTP ("streamable HTTP"), with a session for each client. */
export class McpEndpoint {
  readonly #runs: RunService;
  readonly #limits: BodyLimits;
  readonly #sessions = new Map<string, Session>();

  constructor(runs: RunService, limits: BodyLimits) {
    this.#runs = runs;
    this.#limits = limits;
  }

  /** Answers a request to the endpoint. @throws RequestError, DagError `MCP_PACKAGE_MISSING`. */
  async respond(request: Request): Promise<Response> {
    const body = request.method === "POST" ? await jsonBody(request, this.#limits) : undefined;
    const id = request.headers.get("mcp-session-id");
    const session = id === null ? await this.#open(body) : this.#sessions.get(id);
    if (session === undefined) {
      throw new RequestError("REQUEST_INVALID", 404, "There is no such session.", {
        hint: "Begin a new one with `initialize`.",
      });
    }
    session.usedAt = Date.now();
    return session.transport.handleRequest(request, {
      ...(body !== undefined && { parsedBody: body }),
      // What a run's `context` is made from.
      authInfo: { token: "", clientId: "", scopes: [], extra: { request } },
    });
  }

  async close(): Promise<void> {
    await Promise.all([...this.#sessions.values()].map(({ server }) => server.close().catch(() => {})));
    this.#sessions.clear();
  }

  async #open(body: unknown): Promise<Session> {
    if (!isInitialize(body)) {
      throw new RequestError("REQUEST_INVALID", 400, "The request names no session.", {
        hint: "Begin one with `initialize`, and send its mcp-session-id.",
      });
    }
    const { WebStandardStreamableHTTPServerTransport } = await loadMcp(
      () => import("@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js"),
    );
    this.#makeRoom();
    const { server, isBusy } = await createMcpServer(this.#runs);
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => {
        this.#sessions.set(id, session);
      },
      onsessionclosed: (id) => void this.#sessions.delete(id),
    });
    const session: Session = { server, isBusy, transport, usedAt: Date.now() };
    await server.connect(transport);
    return session;
  }

  /** @throws RequestError 503 where all sessions have calls under way. */
  #makeRoom(): void {
    const idle = [...this.#sessions].filter(([, { isBusy }]) => !isBusy());
    idle.sort(([, a], [, b]) => a.usedAt - b.usedAt);
    const latest = Date.now() - longestIdleMs;
    for (const [id, { server, usedAt }] of idle) {
      if (usedAt >= latest && this.#sessions.size < mostSessions) return;
      this.#sessions.delete(id);
      void server.close().catch(() => {});
    }
    if (this.#sessions.size < mostSessions) return;
    throw new RequestError("SERVICE_BUSY", 503, `${mostSessions} sessions have calls under way.`, {
      hint: "Begin one a little later.",
    });
  }
}

function isInitialize(body: unknown): boolean {
  const all: unknown[] = Array.isArray(body) ? body : [body];
  return all.some(
    (one) => typeof one === "object" && one !== null && "method" in one && one.method === "initialize",
  );
}
