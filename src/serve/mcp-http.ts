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
  readonly transport: Transport;
  /** Milliseconds since 1970. */
  usedAt: number;
}

/** Most sessions at once; the one that was used longest ago makes room. */
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
    const { server } = await createMcpServer(this.#runs);
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => {
        this.#makeRoom();
        this.#sessions.set(id, session);
      },
      onsessionclosed: (id) => void this.#sessions.delete(id),
    });
    const session: Session = { server, transport, usedAt: Date.now() };
    await server.connect(transport);
    return session;
  }

  #makeRoom(): void {
    const byAge = [...this.#sessions].sort(([, a], [, b]) => a.usedAt - b.usedAt);
    const latest = Date.now() - longestIdleMs;
    for (const [at, [id, { server, usedAt }]] of byAge.entries()) {
      if (usedAt >= latest && at > byAge.length - mostSessions) continue;
      if (usedAt >= latest && byAge.length < mostSessions) continue;
      this.#sessions.delete(id);
      void server.close().catch(() => {});
    }
  }
}

function isInitialize(body: unknown): boolean {
  const all: unknown[] = Array.isArray(body) ? body : [body];
  return all.some(
    (one) => typeof one === "object" && one !== null && "method" in one && one.method === "initialize",
  );
}
