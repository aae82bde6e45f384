import type { BaseCheckpointSaver } from "@langchain/langgraph";
import type { LimitOptions } from "../../src/limits/limit-options.js";
import type { Model, ModelMiddleware } from "../../src/models/port.js";
import type { Layout } from "../../src/models/prompt-layout.js";
import type { RunEvent } from "../../src/records/events.js";
import type { Prices } from "../../src/records/price.js";
import type { RunRecord } from "../../src/records/record.js";
import type { Policy } from "../../src/spec/policy.js";
import type { ModelLike } from "../../src/spec/shape.js";

import type { PlannerOptions } from "../planner/planner-options.js";

/** Whether requests that begin alike wait for the first of them. */
export type WarmStart = "first-token" | "off";

/** What a run is given besides the spec and the input. */
export interface RunOptions {
  /** Replaces the model of every agent. `"provider:name"`, `"offline"`, a LangChain chat model, or a model of this package's port. */
  readonly model?: ModelLike | Model;
  /** Models by node name; more specific than `model`. */
  readonly models?: Readonly<Record<string, ModelLike | Model>>;
  /** Overrides the spec's policy; a node's own policy overrides both. */
  readonly policy?: Policy;
  /** Rates, concurrency and budgets of the whole run. */
  readonly limits?: LimitOptions;
  /** Prices of models that the table does not know; they go before the table. */
  readonly prices?: Prices;
  /**
   * In which order the parts of an agent's prompt stand. `"instructions-first"`: the instructions, then the data.
   * `"data-first"`: the data, then the instructions, so that agents that read the same data begin with the same bytes, which a
   * provider's prefix cache serves cheaper. `"auto"` puts data first where at least two requests share at least 1,024 tokens
   * and the provider of their model caches prefixes. @default "auto"
   */
  readonly layout?: Layout | "auto";
  /**
   * `"first-token"`: of requests that begin alike one goes ahead, and the others follow at its first token, when the
   * provider's cache has the beginning; a request waits only where that makes it at least a fifth cheaper. @default "off"
   */
  readonly warm?: WarmStart;
  /** How the planner of a planner topology works. */
  readonly planner?: PlannerOptions;
  /** Middleware around every model request; the first is the outermost. */
  readonly use?: readonly ModelMiddleware[];
  /** Persists what was done, so that the run can be resumed. Needs `thread`. */
  readonly checkpointer?: BaseCheckpointSaver;
  /** Id of a new run, which nobody else has; one that goes on keeps its own. @default a random UUID */
  readonly id?: string;
  /** Names the run at its checkpointer. */
  readonly thread?: string;
  /** An earlier record, or where a run was persisted: only what it did not complete, or what has changed, is run. */
  readonly reuse?: RunRecord | { readonly checkpointer: BaseCheckpointSaver; readonly thread: string };
  /**
   * An earlier record of the same nodes: where requests wait for a slot, those with the longest path still to come go first,
   * by the times of this record. @default `reuse`, where that is a record, else by the tokens that agents may answer with
   */
  readonly times?: RunRecord;
  /** Whether events and record hold prompts and replies, each long part once. @default false */
  readonly texts?: boolean;
  /** Handed to functions, tools and function forms as `context`; never recorded, never persisted. */
  readonly context?: unknown;
  /** Ends the run when aborted; finished outcomes are kept. */
  readonly signal?: AbortSignal;
  /** Sees every event as it happens. What it throws or rejects changes nothing about the run. */
  readonly onEvent?: (event: RunEvent) => unknown;
}
