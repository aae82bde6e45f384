import type { NodeKind } from "../spec/shape.js";
import type { KeptMessage, TextPart } from "./kept-text.js";
import type { Outcome, OutcomeError } from "./outcome.js";
import type { WorkKey } from "./work-id.js";

export type { WorkKey } from "./work-id.js";

/** A spec's JSON projection: what reports and snapshots know of the declaration. */
export interface DagProjection {
  /** The spec's name. */
  readonly name: string;
  /** SHA-256 of the canonical JSON of the declaration, 16 hex digits. */
  readonly hash: string;
  /** In the spec's order. */
  readonly nodes: Readonly<Record<string, NodeProjection>>;
  /** Names of the nodes whose values are the run's output. */
  readonly outputs: readonly string[];
  /** What the spec states besides its nodes, each field as one short line. */
  readonly declared?: Readonly<Record<string, string>>;
}

/** What reports and snapshots know of one node. */
export interface NodeProjection {
  /** Hash of the node's declaration, 16 hex digits: an equal hash means that nothing about the node has changed. */
  readonly hash: string;
  /** Hash of what can change the node's value: all but its description and its policy. Absent in older records. */
  readonly valueHash?: string;
  /** Which kind of node it is. */
  readonly kind: NodeKind;
  /** Names of the nodes that it needs. */
  readonly needs: readonly string[];
  /** As declared, with `"all"` filled in. */
  readonly join: unknown;
  /** What the node does, in the words of the spec; `null` without any. */
  readonly description: string | null;
  /** `true` when the node has a `when`. */
  readonly conditional: boolean;
  /** `true` when the node has a `forEach`. */
  readonly mapped: boolean;
  /** What the node states besides its needs and its join, each field as one short line. */
  readonly declared?: Readonly<Record<string, string>>;
  /** Of a graph node: the inner spec. */
  readonly dag?: DagProjection;
}

/** Latency that was simulated, not measured. */
export interface Simulated {
  /** Name of the latency profile. */
  readonly profile: string;
  /** What the latencies were drawn from. */
  readonly seed: number;
  /** Real time is divided by this. */
  readonly speed: number;
}

/** What a request waited for before it was sent, in milliseconds; what it did not wait for is left out. */
export interface Waited {
  /** For the limits: a slot, a rate. */
  readonly limitMs?: number;
  /** For the first token of another request that begins alike, so that the provider's cache has the beginning. */
  readonly warmMs?: number;
}

/** One model request. Times ending in `AtMs` are milliseconds since the run's start. */
export interface CallRecord {
  /** Identifier of the call within its run. */
  readonly id: string;
  /** Node that made the call; nested nodes as `outer/inner`, planner and joiner as `$planner` and `$joiner`. */
  readonly node: string;
  /** Item index under `forEach`, else `null`. */
  readonly item: number | null;
  /** Which call of the node by a planner, from 0; `null` where no planner called. */
  readonly invocation: number | null;
  /** From 1; retries of one request count up. */
  readonly attempt: number;
  /** `provider:name`. */
  readonly model: string;
  /** When the request was sent. */
  readonly startedAtMs: number;
  /** Time to first token: milliseconds from the call's start, `null` when no token came. */
  readonly firstTokenMs: number | null;
  /** Milliseconds from its start to the end of the reply. */
  readonly durationMs: number;
  /** All input tokens, those from and into the provider's cache included. */
  readonly inputTokens: number;
  /** The part of the input that was read from the provider's cache; absent in older records. */
  readonly cachedInputTokens?: number;
  /** The part of the input that was written into the provider's cache; absent in older records. */
  readonly cacheWriteTokens?: number;
  /** All output tokens, those of thoughts included. */
  readonly outputTokens: number;
  /** The part of the output that the model thought; absent in older records. */
  readonly reasoningTokens?: number;
  /** The beginning that it has in common with other requests, where it is long enough for the provider's cache. */
  readonly prefix?: { readonly key: string; readonly tokens: number };
  /** What it waited for before it was sent; absent where it did not wait. */
  readonly waited?: Waited;
  /** `true` when the provider gave no usage, or only a part of it, and a tokenizer counted the rest. */
  readonly estimated: boolean;
  /** US dollars; `null` when the price of the model is unknown. */
  readonly costUsd: number | null;
  /** What the model thought before its answer, where it shows it. */
  readonly thoughts?: string;
  /** Tools that the reply called. */
  readonly toolCalls: readonly { readonly id: string; readonly name: string; readonly args: unknown }[];
  /** As the provider gave it (`stop`, `length`, `tool_calls`, `content_filter`), `null` when none came. */
  readonly finishReason: string | null;
  /** The model that answered, as the provider names it; absent where it does not, and in older records. */
  readonly responseModel?: string;
  /** `true` for the second request of a hedged pair. */
  readonly hedged: boolean;
  /** Why it failed; `null` where it did not. */
  readonly error: OutcomeError | null;
  /** The reply's text, where the run was asked to keep `texts`. */
  readonly reply?: readonly TextPart[];
}

/** Tokens, requests and money. */
export interface UsageSums {
  /** Model requests, retries and hedged ones included. */
  readonly modelCalls: number;
  /** All input tokens, those from and into the cache included. */
  readonly inputTokens: number;
  /** The part of the input that came from the provider's cache; absent in older records. */
  readonly cachedInputTokens?: number;
  /** The part of the input that went into the provider's cache; absent in older records. */
  readonly cacheWriteTokens?: number;
  /** All output tokens, those of thoughts included. */
  readonly outputTokens: number;
  /** The part of the output that models thought; absent in older records. */
  readonly reasoningTokens?: number;
  /** `true` when a tokenizer counted for at least one call. */
  readonly estimated: boolean;
  /** US dollars; `null` when the price of at least one call is unknown. */
  readonly costUsd: number | null;
}

/** A question that a run waits at. */
export interface RunInterrupt {
  /** Path of the node that asks, with the item under `forEach`. */
  readonly node: string;
  /**
   * What asks: an approval node, a tool of an agent that is to be approved first, or LangGraph's own `interrupt(payload)` in
   * a tool, a function or a runnable. Absent in records of earlier versions, which knew approvals only.
   */
  readonly kind?: "approval" | "tool" | "interrupt";
  /** What is asked, for a person. */
  readonly message: string;
  /** What an approval passes on when it is approved, the tool's call, or the payload of `interrupt`. */
  readonly value: unknown;
  /** What is to be looked at before answering, by label. */
  readonly show?: Readonly<Record<string, unknown>>;
}

/** An answer that a person gave. */
export interface RunAnswer {
  /** Path of the node that asked, with the item under `forEach`. */
  readonly node: string;
  /** What was decided; `answered` where the question was an `interrupt` with a payload. */
  readonly decision: "approved" | "rejected" | "edited" | "answered";
  /** What the person said beside the decision; `null` without a comment. */
  readonly comment: string | null;
  /** Who answered, as the answer said; `null` where it did not. */
  readonly by: string | null;
  /** ISO 8601. */
  readonly at: string;
}

/**
 * How a run ended: `completed`; `partial`, with an output but not all of it; `rejected`, without one because a person said
 * no; `failed`, without one; `cancelled`; `interrupted`, waiting for answers.
 */
export type RunState = "completed" | "partial" | "rejected" | "failed" | "cancelled" | "interrupted";

/** What happens in a run, in the order in which it happens. */
export type RunEvent = RunEventBody & {
  /** Number of the event in its run, from 1. Absent in records of earlier versions. */
  readonly seq?: number;
  /** `true` where a resumed run tells again what it had done before. */
  readonly replayed?: true;
};

type RunEventBody =
  | {
      readonly type: "run-started";
      readonly atMs: number;
      readonly id: string;
      readonly thread: string | null;
      readonly dag: DagProjection;
      readonly topology: string;
      readonly input: unknown;
      /** ISO 8601. */
      readonly startedAt: string;
      readonly simulated: Simulated | null;
    }
  | ({ readonly type: "node-ready"; readonly atMs: number } & WorkKey)
  | ({
      readonly type: "node-started";
      readonly atMs: number;
      /** Of a `forEach` node: over how many items it runs. */
      readonly items?: number;
    } & WorkKey)
  | ({
      readonly type: "call-started";
      readonly atMs: number;
      readonly call: string;
      readonly attempt: number;
      readonly model: string;
      /** What it waited for before it was sent; absent where it did not wait. */
      readonly waited?: Waited;
      /** Tokens of the request, as a tokenizer counts them. Only where it was counted before it was sent. */
      readonly inputTokens?: number;
      /** The prompt as it was sent, where the run was asked to keep `texts`. */
      readonly messages?: readonly KeptMessage[];
    } & WorkKey)
  | {
      /** A long part of a prompt or a reply, told once before the first event that names its hash. */
      readonly type: "text-kept";
      readonly atMs: number;
      readonly hash: string;
      readonly text: string;
    }
  | ({
      readonly type: "call-delta";
      readonly atMs: number;
      readonly call: string;
      /** Text that just arrived; empty when the delta belongs to a tool call. */
      readonly text: string;
    } & WorkKey)
  | { readonly type: "call-ended"; readonly atMs: number; readonly call: CallRecord }
  | ({
      readonly type: "node-settled";
      readonly atMs: number;
      readonly outcome: Outcome;
      /** Of an outcome that was taken over from an earlier record: what it had cost there. */
      readonly reused?: UsageSums;
    } & WorkKey)
  | ({
      /** One attempt of a function or a tool has ended. */
      readonly type: "node-attempt";
      readonly atMs: number;
      /** From 1. */
      readonly attempt: number;
      readonly startedAtMs: number;
      readonly error: OutcomeError | null;
    } & WorkKey)
  | ({
      /** A tool that an agent called has answered, or failed. */
      readonly type: "tool-ended";
      readonly atMs: number;
      readonly tool: string;
      /** The id by which the agent knows the call. */
      readonly call: string;
      readonly startedAtMs: number;
      readonly error: OutcomeError | null;
    } & WorkKey)
  | ({
      /** What a function reported with `progress`. */
      readonly type: "node-progress";
      readonly atMs: number;
      readonly value: unknown;
    } & WorkKey)
  | { readonly type: "question-answered"; readonly atMs: number; readonly answer: RunAnswer }
  | {
      /** What whoever watches the run should know; nothing about the run depends on it. */
      readonly type: "notice";
      readonly atMs: number;
      readonly code: string;
      readonly message: string;
    }
  | {
      readonly type: "run-ended";
      readonly atMs: number;
      readonly state: RunState;
      readonly output: unknown;
      readonly error: OutcomeError | null;
      readonly interrupts: readonly RunInterrupt[];
    };

/** The event of one type. */
export type RunEventOf<T extends RunEvent["type"]> = Extract<RunEvent, { readonly type: T }>;
