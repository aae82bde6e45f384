import type { CallRecord, DagProjection, NodeProjection, RunEvent } from "../../src/records/events.js";
import type { Outcome } from "../../src/records/outcome.js";
import { foldEvents, type RunRecord } from "../../src/records/record.js";

export function projected(part: Partial<NodeProjection> = {}): NodeProjection {
  return {
    hash: "0123456789abcdef",
    kind: "agent",
    needs: [],
    join: "all",
    description: null,
    conditional: false,
    mapped: false,
    ...part,
  };
}

export function callAt(
  id: string,
  node: string,
  startedAtMs: number,
  part: Partial<CallRecord> = {},
): CallRecord {
  return {
    id,
    node,
    item: null,
    invocation: null,
    attempt: 1,
    model: "openai:gpt-4.1-mini",
    startedAtMs,
    firstTokenMs: 30,
    durationMs: 90,
    inputTokens: 800,
    outputTokens: 60,
    estimated: false,
    costUsd: 0.00042,
    toolCalls: [],
    finishReason: "stop",
    hedged: false,
    error: null,
    ...part,
  };
}

/** A record of `count` nodes in layers of 20, with two calls each and ten events for each node. */
export function wideRecord(count: number): RunRecord {
  const width = 20;
  const nodes: Record<string, NodeProjection> = {};
  const events: RunEvent[] = [];
  const name = (at: number) => `node-${at}`;
  for (let at = 0; at < count; at++) {
    const layer = Math.floor(at / width);
    const needs =
      layer === 0
        ? []
        : [name((layer - 1) * width + (at % width)), name((layer - 1) * width + ((at * 7 + 3) % width))];
    nodes[name(at)] = projected({ needs: [...new Set(needs)], description: `Step ${at}` });
  }
  for (let at = 0; at < count; at++) {
    const from = Math.floor(at / width) * 220 + (at % 7) * 5;
    const key = { node: name(at), item: null, invocation: null };
    events.push(
      { type: "node-ready", ...key, atMs: from },
      { type: "node-started", ...key, atMs: from + 10 },
    );
    for (const round of [0, 1]) {
      const call = callAt(`c${at}-${round}`, name(at), from + 12 + round * 95);
      const asked = { call: call.id, attempt: 1, model: call.model, ...key };
      events.push({ type: "call-started", atMs: call.startedAtMs, ...asked });
      events.push({ type: "call-ended", atMs: call.startedAtMs + 90, call });
    }
    for (const value of [1, 2, 3])
      events.push({ type: "node-progress", ...key, atMs: from + 20 * value, value });
    const outcome: Outcome = {
      state: "completed",
      value: `What node ${at} found.`,
      readyAtMs: from,
      startedAtMs: from + 10,
      endedAtMs: from + 205,
      attempts: 1,
    };
    events.push({ type: "node-settled", ...key, outcome, atMs: from + 205 });
  }
  return recordOf({ name: "wide", hash: "0123456789abcdef", nodes, outputs: [name(count - 1)] }, events);
}

/** A record of one map over `items` items, of which a few failed, between two nodes. */
export function mapRecord(items: number): RunRecord {
  const dag: DagProjection = {
    name: "three-hundred-notes",
    hash: "0123456789abcdef",
    nodes: {
      list: projected({ kind: "function", description: "Finds the notes." }),
      notes: projected({ needs: ["list"], mapped: true, description: "Reads each note." }),
      digest: projected({ needs: ["notes"], description: "One paragraph from all of them." }),
    },
    outputs: ["digest"],
  };
  const events: RunEvent[] = [];
  const outcomes: Outcome[] = [];
  for (let item = 0; item < items; item++) {
    const slot = Math.floor(item / 12);
    const from = 60 + slot * 340 + (item % 12) * 14;
    const took = 210 + ((item * 37) % 120);
    const failed = item % 61 === 17;
    const error = { code: "MODEL_RATE_LIMITED", message: "Too many requests; gave up after 2 attempts." };
    const call = callAt(`m${item}`, "notes", from + 8, {
      item,
      durationMs: took - 12,
      firstTokenMs: 70,
      error: failed ? error : null,
    });
    const asked = { call: call.id, attempt: 1, model: call.model, node: "notes", item, invocation: null };
    events.push(
      { type: "call-started", atMs: call.startedAtMs, ...asked },
      { type: "call-ended", atMs: from + took, call },
    );
    const times = { readyAtMs: 52, startedAtMs: from, endedAtMs: from + took, attempts: failed ? 2 : 1 };
    outcomes.push(
      failed
        ? { ...times, state: "failed", error }
        : { ...times, state: "completed", value: `Note ${item}: short and friendly.` },
    );
  }
  const end = outcomes.reduce((most, one) => Math.max(most, one.endedAtMs ?? 0), 0);
  const whole = (node: string, outcome: Outcome): RunEvent => ({
    type: "node-settled",
    node,
    item: null,
    invocation: null,
    outcome,
    atMs: outcome.endedAtMs ?? 0,
  });
  events.push(
    whole("list", {
      state: "completed",
      value: `${items} notes`,
      readyAtMs: 0,
      startedAtMs: 2,
      endedAtMs: 50,
      attempts: 1,
    }),
    whole("notes", {
      state: "completed",
      value: outcomes.map((one) => ("value" in one ? one.value : null)),
      items: outcomes,
      readyAtMs: 52,
      startedAtMs: 54,
      endedAtMs: end,
      attempts: 1,
    }),
    {
      type: "call-ended",
      atMs: end + 900,
      call: callAt("digest", "digest", end + 20, {
        durationMs: 880,
        firstTokenMs: 260,
        inputTokens: 9400,
        outputTokens: 210,
        costUsd: 0.0041,
      }),
    },
    whole("digest", {
      state: "completed",
      value: "Most of the notes are friendly.",
      readyAtMs: end + 2,
      startedAtMs: end + 10,
      endedAtMs: end + 905,
      attempts: 1,
    }),
  );
  return recordOf(dag, events);
}

/** The record of events, begun and ended. */
export function recordOf(dag: DagProjection, events: readonly RunEvent[]): RunRecord {
  const last = events.reduce((most, { atMs }) => Math.max(most, atMs), 0);
  return foldEvents([
    {
      type: "run-started",
      atMs: 0,
      id: "5f0e7a52-1a1b-4c55-9d38-3f6f4d9f0a11",
      thread: null,
      dag,
      topology: "deterministic",
      input: "the input",
      startedAt: "2026-01-05T09:30:00.000Z",
      simulated: null,
    },
    ...events,
    {
      type: "run-ended",
      atMs: last + 4,
      state: "completed",
      output: "the output",
      error: null,
      interrupts: [],
    },
  ]);
}

/** `record` with every string in it changed, but for those that say what a part is. */
export function withStrings(record: RunRecord, change: (text: string, path: string) => string): RunRecord {
  const kept = new Set(["type", "state", "kind", "startedAt"]);
  const walk = (value: unknown, path: string, key: string): unknown => {
    if (typeof value === "string") return kept.has(key) ? value : change(value, path);
    if (Array.isArray(value)) return value.map((one, at) => walk(one, `${path}[${at}]`, key));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, one]) => [name, walk(one, `${path}.${name}`, name)]),
    );
  };
  return walk(record, "", "") as RunRecord;
}
