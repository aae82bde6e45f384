import type { LangGraphRunnableConfig } from "@langchain/langgraph";

/**
 * Names that LangGraph keeps to itself and that this package uses, as they were read in 1.7.3 (and stand in 1.4.17). A test
 * holds each: where an upgrade changes one, that test says which.
 */
export const privateNames = {
  /** Method of a compiled graph that every way of calling it goes through. */
  iterate: "_streamIterator",
  /** Key of a config's `configurable`: the checkpointer that a surrounding graph hands down. */
  checkpointer: "__pregel_checkpointer",
  /** Key of a config's `configurable`: answers for `interrupt`. */
  scratchpad: "__pregel_scratchpad",
  /** Key of a config's `configurable`: the namespace of the checkpoint. */
  checkpointNamespace: "checkpoint_ns",
  /** Channel that holds a run's input until its first step. */
  start: "__start__",
  /** Key under which `invoke` and `stream` tell what a graph waits for. */
  interrupt: "__interrupt__",
  /** Key of a task's `configurable`: takes what the task writes, as pairs of channel and value. */
  send: "__pregel_send",
  /** Name of the writer that follows conditional edges, and the `Command` that a node may return. */
  branch: "<branch_run>",
  /** Marks the place of a node's update among what a writer writes. */
  passthrough: Symbol.for("LG_PASSTHROUGH"),
  /** Where LangChain finds a config in the `extra` of its asynchronous context (`@langchain/core` 1.4.0). */
  childConfig: Symbol.for("lc:child_config"),
  /** Where LangChain keeps `setContextVariable` in its asynchronous context. */
  contextVariables: Symbol.for("lc:context_variables"),
} as const;

/** What a call of a compiled graph may be given besides its input. */
export interface CallConfig extends LangGraphRunnableConfig {
  readonly streamMode?: string | readonly string[];
  readonly subgraphs?: boolean;
  readonly durability?: "exit" | "async" | "sync";
  readonly interruptBefore?: unknown;
  readonly interruptAfter?: unknown;
}

/** What LangGraph runs for a task. */
export interface Step {
  invoke(input: unknown, config: CallConfig): Promise<unknown>;
}

/** A node of a compiled graph: what it runs, then what writes its update and follows its edges. */
export interface GraphNode {
  /** The node's function; without one, its input is its update. */
  readonly bound: { readonly func?: (input: unknown, config: CallConfig) => unknown };
  getWriters(): readonly GraphWriter[];
  /** All of it as one step, made anew for each task. */
  getNode(): Step;
}

/** Of a node's writers, those that write to channels list what they write. */
export interface GraphWriter {
  readonly name?: string;
  readonly writes?: readonly {
    readonly channel?: string;
    readonly value?: unknown;
    /** Makes pairs of channel and value of a node's update. */
    readonly mapper?: { readonly func?: (update: unknown, config: CallConfig) => unknown };
  }[];
}

/** The part of a compiled LangGraph that this package takes hold of. */
export interface PrivateGraph {
  config?: CallConfig;
  checkpointer?: unknown;
  interruptBefore?: unknown;
  interruptAfter?: unknown;
  [privateNames.iterate](input: unknown, config?: CallConfig): AsyncGenerator<unknown>;
  withConfig(config: CallConfig): PrivateGraph;
  stream(input: unknown, config?: CallConfig): Promise<unknown>;
  getState(config: CallConfig): Promise<{ readonly values: unknown; readonly next: readonly string[] }>;
}

/** What a compiled `StateGraph` has besides. */
export interface PrivateStateGraph extends PrivateGraph {
  readonly nodes: Readonly<Record<string, GraphNode>>;
  /** The graph that it was compiled from: its conditional edges, by the node that they follow and by name. */
  readonly builder: { readonly branches: Readonly<Record<string, object>> };
}
