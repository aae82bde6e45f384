import type { Outcome, OutcomeError } from "./outcome.js";

/** A spec's JSON projection: what reports and snapshots know of the declaration. */
export interface DagProjection {
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

export interface NodeProjection {
  /** Hash of the node's declaration, 16 hex digits: an equal hash means that nothing about the node has changed. */
  readonly hash: string;
  readonly kind: "agent" | "function" | "tool" | "graph" | "approval";
  readonly needs: readonly string[];
  /** As declared, with `"all"` filled in. */
  readonly join: unknown;
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
  readonly profile: string;
  readonly seed: number;
  /** Real time is divided by this. */
  readonly speed: number;
}

/** One model request. Times ending in `AtMs` are milliseconds since the run's start. */
export interface CallRecord {
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
  readonly startedAtMs: number;
  /** Time to first token: milliseconds from the call's start, `null` when no token came. */
  readonly firstTokenMs: number | null;
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
  /** `true` for the second request of a hedged pair. */
  readonly hedged: boolean;
  readonly error: OutcomeError | null;
}

/** Tokens, requests and money. */
export interface UsageSums {
  readonly modelCalls: number;
  readonly inputTokens: number;
  /** The part of the input that came from the provider's cache; absent in older records. */
  readonly cachedInputTokens?: number;
  /** The part of the input that went into the provider's cache; absent in older records. */
  readonly cacheWriteTokens?: number;
  readonly outputTokens: number;
  /** The part of the output that models thought; absent in older records. */
  readonly reasoningTokens?: number;
  /** `true` when a tokenizer counted for at least one call. */
  readonly estimated: boolean;
  /** US dollars; `null` when the price of at least one call is unknown. */
  readonly costUsd: number | null;
}

/** Which piece of work an event is about. */
export interface WorkKey {
  /** Node name; nested nodes as `outer/inner` (under `forEach`, `outer[3]/inner`). */
  readonly node: string;
  /** Item index under `forEach`; `null` for the node as a whole. */
  readonly item: number | null;
  /** Which call of the node by a planner, from 0; `null` where no planner called, and for the node as a whole. */
  readonly invocation: number | null;
}

/** A question that a run stopped at. */
export interface RunInterrupt {
  readonly node: string;
  readonly message: string;
  readonly value: unknown;
}

export type RunState = "completed" | "partial" | "failed" | "cancelled" | "interrupted";

export type RunEvent =
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
  | ({ readonly type: "node-started"; readonly atMs: number } & WorkKey)
  | ({
      readonly type: "call-started";
      readonly atMs: number;
      readonly call: string;
      readonly attempt: number;
      readonly model: string;
    } & WorkKey)
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
  | {
      readonly type: "run-ended";
      readonly atMs: number;
      readonly state: RunState;
      readonly output: unknown;
      readonly error: OutcomeError | null;
      readonly interrupts: readonly RunInterrupt[];
    };

export type RunEventOf<T extends RunEvent["type"]> = Extract<RunEvent, { readonly type: T }>;
