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
} as const;

/** What a call of a compiled graph may be given besides its input. */
export interface CallConfig extends LangGraphRunnableConfig {
  readonly streamMode?: string | readonly string[];
  readonly subgraphs?: boolean;
  readonly durability?: "exit" | "async" | "sync";
  readonly interruptBefore?: unknown;
  readonly interruptAfter?: unknown;
}

/** The part of a compiled LangGraph that this package takes hold of. */
export interface PrivateGraph {
  config?: CallConfig;
  checkpointer?: unknown;
  interruptBefore?: unknown;
  interruptAfter?: unknown;
  [privateNames.iterate](input: unknown, config?: CallConfig): AsyncGenerator<unknown>;
  withConfig(config: CallConfig): PrivateGraph;
  getState(config: CallConfig): Promise<{ readonly values: unknown; readonly next: readonly string[] }>;
}
