import type { LangGraphRunnableConfig } from "@langchain/langgraph";
import { createExecution } from "../nodes/execution.js";
import type { RunOptions } from "../nodes/run-options.js";
import { createScope, parseInput, type Scope } from "../nodes/scope.js";
import { outcomeError } from "../nodes/settle-work.js";
import { stopOf } from "../nodes/stop.js";
import { DagError } from "../src/errors.js";
import type { DagSpec } from "../src/spec/shape.js";

/** Where a graph's nodes find the scope of the invocation that they run in. */
const scopeKey = "__agent_dag_scope";

/** The part of a compiled LangGraph that every way of calling it goes through (`invoke`, `stream`, `streamEvents`). */
interface Compiled {
  config?: LangGraphRunnableConfig;
  _streamIterator(input: any, options?: any): AsyncGenerator<any>;
  withConfig(config: any): any;
}

/**
 * Gives each invocation of a compiled graph a scope of its own: a clock, events, models. `run` brings the scope with
 * it; when a user or LangGraph's server invokes the graph, one is made from `options`.
 */
export function bindScope<G extends Compiled>(
  graph: G,
  spec: DagSpec,
  topology: string,
  options: RunOptions,
): G {
  const iterate = graph._streamIterator.bind(graph);
  const withConfig = graph.withConfig.bind(graph);
  graph.withConfig = (config: any) => bindScope(withConfig(config), spec, topology, options);
  graph._streamIterator = async function* (input: any, config: any = {}) {
    const brought = scopeIn(config, spec);
    if (brought !== undefined) {
      yield* iterate(input, config);
      return;
    }
    const controller = new AbortController();
    const onAbort = () => controller.abort(stopOf(config.signal?.reason));
    config.signal?.addEventListener("abort", onAbort, { once: true });
    const thread = config.configurable?.thread_id;
    const execution = createExecution(spec, topology, {
      ...options,
      ...(typeof thread === "string" && { thread }),
      signal: options.signal ?? controller.signal,
    });
    const scope = createScope(spec, execution);
    try {
      const given = inputIn(input);
      execution.begin(given);
      if (given !== undefined) scope.open(await parseInput(spec, given));
      yield* iterate(input, withScope(config, scope));
      await execution.callsEnded();
      execution.end({});
    } catch (error) {
      await execution.callsEnded();
      execution.end({ error: outcomeError(error) });
      throw error;
    } finally {
      config.signal?.removeEventListener("abort", onAbort);
      scope.close();
    }
  };
  return graph;
}

/** A config that carries a scope to the graph's nodes. */
export function withScope<C extends { configurable?: Record<string, any> }>(config: C, scope: Scope): C {
  return { ...config, configurable: { ...config.configurable, [scopeKey]: scope } };
}

/** The scope of the invocation that a node runs in. */
export function scopeOf(config: LangGraphRunnableConfig, spec: DagSpec): Scope {
  const scope = scopeIn(config, spec);
  if (scope !== undefined) return scope;
  throw new DagError("SCOPE_MISSING", `A node of "${spec.name}" was invoked outside its graph.`, {
    hint: "Invoke the graph that `compile` returned.",
  });
}

function scopeIn(config: LangGraphRunnableConfig | undefined, spec: DagSpec): Scope | undefined {
  const scope = config?.configurable?.[scopeKey] as Scope | undefined;
  return scope?.spec === spec ? scope : undefined;
}

function inputIn(input: unknown): unknown {
  return typeof input === "object" && input !== null && "input" in input ? input.input : undefined;
}
