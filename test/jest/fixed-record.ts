import type { CallRecord, RunEvent } from "../../src/records/events.js";
import type { Outcome } from "../../src/records/outcome.js";
import { projectDag } from "../../src/records/projection.js";
import { foldEvents, type RunRecord } from "../../src/records/record.js";
import { defineDag } from "../../src/spec/define.js";

const triage = defineDag({
  name: "triage",
  nodes: {
    read: { instructions: "Read the ticket." },
    search: { instructions: "Search the handbook." },
    refund: { needs: ["read"], when: { node: "read", equals: "refund" }, instructions: "Refund." },
    reply: { needs: ["read", "search"], instructions: "Reply." },
  },
});

function call(part: Partial<CallRecord> & Pick<CallRecord, "id" | "node">): CallRecord {
  return {
    item: null,
    invocation: null,
    attempt: 1,
    model: "openai:gpt-4.1-mini",
    startedAtMs: 0,
    firstTokenMs: 5,
    durationMs: 10,
    inputTokens: 100,
    outputTokens: 20,
    estimated: false,
    costUsd: 0.001,
    toolCalls: [],
    finishReason: "stop",
    hedged: false,
    error: null,
    ...part,
  };
}

const outcomes: Record<string, Outcome> = {
  read: {
    state: "completed",
    value: "question",
    readyAtMs: 0,
    startedAtMs: 1,
    endedAtMs: 100,
    attempts: 1,
  },
  search: {
    state: "completed",
    value: "page 3",
    readyAtMs: 0,
    startedAtMs: 2,
    endedAtMs: 60.5,
    attempts: 1,
  },
  refund: {
    state: "skipped",
    reason: { code: "condition", message: "Its `when` is false." },
    readyAtMs: 100,
    startedAtMs: null,
    endedAtMs: 100,
    attempts: 0,
  },
  reply: {
    state: "failed",
    error: { code: "MODEL_RATE_LIMITED", message: "The model is busy." },
    readyAtMs: 100,
    startedAtMs: 101,
    endedAtMs: 250,
    attempts: 2,
  },
};

const calls = [
  call({ id: "call-1", node: "read", startedAtMs: 1, durationMs: 99 }),
  call({
    id: "call-2",
    node: "search",
    startedAtMs: 2,
    durationMs: 20,
    finishReason: "tool_calls",
    toolCalls: [
      { id: "x", name: "lookup", args: { page: 3 } },
      { id: "y", name: "count", args: {} },
    ],
  }),
  call({ id: "call-3", node: "search", startedAtMs: 30, durationMs: 30 }),
  ...[1, 2].map((attempt) =>
    call({
      id: `call-${attempt + 3}`,
      node: "reply",
      attempt,
      startedAtMs: 100 + attempt,
      inputTokens: 0,
      outputTokens: 0,
      costUsd: 0,
      finishReason: null,
      error: { code: "MODEL_RATE_LIMITED", message: "The model is busy." },
    }),
  ),
];

/** A record with fixed times, of a run in which one node failed and one was skipped. */
export function fixedRecord({ costUsd = 0.001 }: { costUsd?: number | null } = {}): RunRecord {
  const key = { item: null, invocation: null };
  const events: RunEvent[] = [
    {
      type: "run-started",
      atMs: 0,
      id: "fixed",
      thread: null,
      dag: projectDag(triage),
      topology: "deterministic",
      input: "Where is my parcel?",
      startedAt: "2026-01-01T00:00:00.000Z",
      simulated: null,
    },
    ...calls.map((one): RunEvent => {
      const priced = one.costUsd === 0 ? one : { ...one, costUsd };
      return { type: "call-ended", atMs: one.startedAtMs + one.durationMs, call: priced };
    }),
    ...Object.entries(outcomes).map(
      ([node, outcome]): RunEvent => ({
        type: "node-settled",
        atMs: outcome.endedAtMs ?? 0,
        node,
        outcome,
        ...key,
      }),
    ),
    {
      type: "run-ended",
      atMs: 260,
      state: "failed",
      output: null,
      error: { code: "NO_OUTPUT", message: "The run has no output." },
      interrupts: [],
    },
  ];
  return foldEvents(events);
}
