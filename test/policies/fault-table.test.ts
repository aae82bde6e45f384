import { getEventListeners } from "node:events";
import { afterEach, describe, expect, it } from "@jest/globals";
import { tool } from "@langchain/core/tools";
import { z } from "zod";
import { run } from "../../src/run/run.js";
import { defineDag } from "../../src/spec/define.js";
import type { Policy } from "../../src/spec/policy.js";
import type { Node } from "../../src/spec/shape.js";
import { beginStream, type RawServer, sendDelta, sendError, sendEvent } from "../models/raw-server.js";
import { freePort } from "../support/server-process.js";
import { clientOf, type FaultyReply, faultServer } from "./fault-server.js";
import { leftOpen, openResources } from "./open-resources.js";

interface Row {
  readonly fault: string;
  readonly reply: FaultyReply;
  readonly expected: {
    readonly state: string;
    readonly attempts: number;
    readonly code?: string;
    readonly message?: RegExp;
    readonly value?: unknown;
    readonly requests?: number;
    readonly text?: string;
  };
  /** Shortest time that the run can take, in milliseconds. What is waited for without end runs into the test's own timeout. */
  readonly atLeastMs?: number;
  readonly policy?: Policy;
  readonly target?: Partial<Node>;
  /** Where the target's requests go instead of to the server. */
  readonly url?: "nothing listens" | "unknown host";
  /** Whether the client can meet the fault with and without streaming. @default both */
  readonly only?: "streamed" | "whole";
}

const lookup = tool(async () => "found it", {
  name: "lookup",
  description: "Looks up.",
  schema: z.object({ q: z.string() }),
});
const once: (fault: FaultyReply) => FaultyReply = (fault) => (to) =>
  to.nth === 1 ? fault(to) : to.reply.text("whole again");
const status =
  (code: number, headers: Record<string, string> = {}): FaultyReply =>
  ({ response }) =>
    sendError(response, code, { message: "it broke" }, headers);
const halfAStream: (end: FaultyReply) => FaultyReply = (end) => (to) => {
  if (to.reply.streamed) {
    beginStream(to.response);
    sendDelta(to.response, { role: "assistant", content: "half an an" });
  } else {
    to.response.writeHead(200, { "content-type": "application/json", "content-length": 5000 });
    to.response.write('{"id":"c","choi');
  }
  setTimeout(() => end(to), 20);
};
const date = "Tue, 03 Mar 2026 10:00:00 GMT";
const secondLater = "Tue, 03 Mar 2026 10:00:01 GMT";

const recovered = { state: "completed", attempts: 2, value: "whole again", requests: 2 };
const rows: Row[] = [
  {
    fault: "429, Retry-After in seconds",
    reply: once(status(429, { "retry-after": "1" })),
    expected: recovered,
    atLeastMs: 1000,
  },
  {
    fault: "429, Retry-After as a date",
    reply: once(status(429, { date, "retry-after": secondLater })),
    expected: recovered,
    atLeastMs: 1000,
  },
  {
    fault: "429, Retry-After in ms",
    reply: once(status(429, { "retry-after-ms": "150" })),
    expected: recovered,
    atLeastMs: 150,
  },
  { fault: "429, Retry-After missing", reply: once(status(429)), expected: recovered },
  {
    fault: "429, Retry-After longer than the deadline",
    reply: status(429, { "retry-after": "600" }),
    policy: { deadlineMs: 4000 },
    expected: {
      state: "failed",
      attempts: 1,
      code: "MODEL_RATE_LIMITED",
      message: /Not tried again: the wait of \d+ ms is longer/,
      requests: 1,
    },
  },
  {
    fault: "500",
    reply: status(500),
    expected: {
      state: "failed",
      attempts: 3,
      code: "MODEL_SERVER_ERROR",
      message: /After 3 attempts: .*answered 500/,
      requests: 3,
    },
  },
  { fault: "503 then fine", reply: once(status(503)), expected: recovered },
  {
    fault: "connection refused",
    reply: status(500),
    url: "nothing listens",
    expected: {
      state: "failed",
      attempts: 3,
      code: "MODEL_UNREACHABLE",
      message: /ECONNREFUSED/,
      requests: 0,
    },
  },
  {
    fault: "reset before headers",
    reply: ({ socket }) => socket.resetAndDestroy(),
    expected: { state: "failed", attempts: 3, code: "MODEL_CONNECTION_LOST", requests: 3 },
  },
  {
    fault: "reset in mid-stream, then fine",
    reply: once(halfAStream(({ socket }) => socket.resetAndDestroy())),
    expected: recovered,
  },
  {
    fault: "a stream that stalls",
    reply: halfAStream(() => undefined),
    target: { policy: { idleTimeoutMs: 400 } },
    only: "streamed",
    expected: { state: "timed-out", attempts: 3, code: "MODEL_STALLED", message: /400 ms/, requests: 3 },
    atLeastMs: 1200,
  },
  {
    fault: "a reply that stalls",
    reply: halfAStream(() => undefined),
    target: { policy: { timeoutMs: 400 } },
    expected: { state: "timed-out", attempts: 3, code: "MODEL_TIMEOUT", message: /400 ms/, requests: 3 },
    atLeastMs: 1200,
  },
  {
    fault: "a stream cut without its end marker",
    reply: halfAStream(({ response }) => response.end()),
    only: "streamed",
    expected: { state: "failed", attempts: 3, code: "MODEL_STREAM_CUT", text: "half an an", requests: 3 },
  },
  {
    fault: "a body cut short",
    reply: halfAStream(({ socket }) => socket.end()),
    only: "whole",
    expected: { state: "failed", attempts: 3, code: "MODEL_CONNECTION_LOST", requests: 3 },
  },
  {
    fault: "malformed JSON",
    reply({ response, reply }) {
      if (!reply.streamed) return reply.json('{"choices":[{"mess');
      beginStream(response);
      response.end("data: {oops\n\n");
    },
    expected: { state: "failed", attempts: 3, code: "MODEL_BAD_RESPONSE", requests: 3 },
  },
  {
    fault: "empty choices",
    reply({ response, reply }) {
      if (!reply.streamed) return reply.json({ id: "c", object: "chat.completion", choices: [] });
      beginStream(response);
      sendEvent(response, { id: "c1", choices: [] });
      response.end("data: [DONE]\n\n");
    },
    expected: { state: "failed", attempts: 3, code: "MODEL_BAD_RESPONSE", requests: 3 },
  },
  {
    fault: "finish_reason: length",
    reply: ({ reply }) => reply.text("as far as it", "length"),
    expected: { state: "failed", attempts: 1, code: "REPLY_TRUNCATED", text: "as far as it", requests: 1 },
  },
  {
    fault: "content filter",
    reply: ({ reply }) => reply.text("I", "content_filter"),
    expected: { state: "failed", attempts: 1, code: "MODEL_CONTENT_FILTERED", text: "I", requests: 1 },
  },
  {
    fault: "tool call with invalid JSON",
    reply: ({ nth, reply }) => (nth === 1 ? reply.toolCall("lookup", '{"q": ') : reply.text("whole again")),
    target: { tools: [lookup] },
    expected: { state: "completed", attempts: 1, value: "whole again", requests: 2 },
  },
  {
    fault: "tool call for an unknown tool",
    reply: ({ nth, reply }) => (nth === 1 ? reply.toolCall("look_up", "{}") : reply.text("whole again")),
    target: { tools: [lookup] },
    expected: { state: "completed", attempts: 1, value: "whole again", requests: 2 },
  },
  {
    fault: "output that breaks the schema",
    reply: ({ reply }) => reply.text('{"score":"high"}'),
    target: { output: z.object({ score: z.number() }) },
    expected: {
      state: "failed",
      attempts: 1,
      code: "OUTPUT_INVALID",
      message: /score/,
      text: '{"score":"high"}',
      requests: 2,
    },
  },
  {
    fault: "401",
    reply: status(401),
    expected: {
      state: "failed",
      attempts: 1,
      code: "MODEL_UNAUTHORIZED",
      message: /Check the API key/,
      requests: 1,
    },
  },
  {
    fault: "DNS failure",
    reply: status(500),
    url: "unknown host",
    expected: {
      state: "failed",
      attempts: 3,
      code: "MODEL_UNREACHABLE",
      message: /ENOTFOUND|EAI_AGAIN/,
      requests: 0,
    },
  },
  {
    fault: "a body of 50 MB",
    reply({ response, socket, reply }) {
      const megabyte = "x".repeat(1024 * 1024);
      let left = 50;
      if (reply.streamed) beginStream(response);
      else response.writeHead(200, { "content-type": "application/json" });
      response.write(`${reply.streamed ? "data: " : ""}{"choices":[{"delta":{"content":"`);
      const more = () => {
        while (left > 0 && !socket.destroyed && response.write(megabyte)) left--;
      };
      response.on("drain", more);
      more();
    },
    expected: { state: "failed", attempts: 1, code: "MODEL_REPLY_TOO_LARGE", requests: 1 },
  },
];

let server: RawServer | undefined;

afterEach(async () => {
  await server?.close();
  server = undefined;
});

const modes = [
  { mode: "streamed", streamed: true },
  { mode: "whole", streamed: false },
] as const;

describe.each(modes)("a $mode reply", ({ mode, streamed }) => {
  it.each(rows.filter(({ only }) => only === undefined || only === mode))("with $fault", async (row) => {
    const { expected } = row;
    const before = openResources();
    const baseline = await faultServer(streamed, row.reply);
    server = baseline;
    const { signal } = new AbortController();
    const dag = defineDag({
      name: "faults",
      nodes: {
        target: { instructions: "TARGET", ...row.target } as { instructions: string },
        sibling: { instructions: "Answer." },
        report: { needs: ["target", "sibling"], join: "settled", run: ({ needs }) => needs },
      },
    });
    const startedAt = performance.now();
    const record = await run(dag, "x", {
      model: clientOf(baseline.url, streamed),
      models: row.url === undefined ? {} : { target: clientOf(await elsewhere(row.url), streamed) },
      policy: {
        retry: { initialIntervalMs: 10, maxIntervalMs: 40 },
        timeoutMs: 600_000,
        deadlineMs: 600_000,
        ...row.policy,
      },
      signal,
    });
    const tookMs = performance.now() - startedAt;
    const outcome = record.outcomes.target;

    expect(outcome).toMatchObject({ state: expected.state, attempts: expected.attempts });
    if (expected.value !== undefined) expect(outcome).toHaveProperty("value", expected.value);
    if ("error" in outcome) {
      expect(outcome.error.code).toBe(expected.code);
      expect(outcome.error.message).toMatch(expected.message ?? /./);
      expect(outcome.error.text).toBe(expected.text);
    }
    expect(tookMs).toBeGreaterThanOrEqual(row.atLeastMs ?? 0);
    expect(record.outcomes.sibling).toMatchObject({
      state: "completed",
      value: "a regular answer",
      attempts: 1,
    });
    expect(record.outcomes.report.state).toBe("completed");
    const requests = baseline.seen.filter(({ body }) => JSON.stringify(body.messages).includes("TARGET"));
    expect(requests).toHaveLength(expected.requests ?? 0);
    const calls = record.calls.filter(({ node }) => node === "target");
    expect(calls).toHaveLength(Math.max(expected.attempts, expected.requests ?? 0));

    await baseline.close();
    server = undefined;
    expect(await leftOpen(before)).toEqual({ timers: 0, sockets: 0 });
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });
});

async function elsewhere(url: NonNullable<Row["url"]>): Promise<string> {
  if (url === "unknown host") return "http://nowhere.invalid/v1";
  return `http://127.0.0.1:${await freePort()}/v1`;
}
