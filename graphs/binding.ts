import {
  type BaseCheckpointSaver,
  isCommand,
  type LangGraphRunnableConfig,
  Overwrite,
} from "@langchain/langgraph";
import type { RunOptions } from "../nodes/engine/run-options.js";
import { parseInput, type Scope } from "../nodes/engine/scope.js";
import { outcomeError } from "../nodes/engine/settle-work.js";
import { stopOf } from "../nodes/engine/stop.js";
import { DagError } from "../src/errors.js";
import type { DagSpec } from "../src/spec/shape.js";
import { openRun } from "./open-run.js";
import { assertSameRun, readThread } from "./thread.js";

/** Where a graph's nodes find the scope of the invocation that they run in. */
const scopeKey = "__agent_dag_scope";

/** The part of a compiled LangGraph that every way of calling it goes through (`invoke`, `stream`, `streamEvents`). */
interface Compiled {
  config?: LangGraphRunnableConfig;
  checkpointer?: unknown;
  _streamIterator(input: any, options?: any): AsyncGenerator<any>;
  withConfig(config: any): any;
  getState(config: any): Promise<{ values: unknown }>;
}

/**
 * Gives each invocation of a compiled graph a scope of its own: a clock, events, models, made from `options`. With a
 * checkpointer, `invoke(null)` and `invoke(new Command(…))` go on with what the thread holds; a new input begins a new
 * run on the thread.
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
    const controller = new AbortController();
    const onAbort = () => controller.abort(stopOf(config.signal?.reason));
    config.signal?.addEventListener("abort", onAbort, { once: true });
    const thread = config.configurable?.thread_id;
    const checkpointer = checkpointerOf(graph, config);
    const resumes = input === null || isCommand(input);
    const earlier = checkpointer && resumes ? await readThread(graph, checkpointer, thread) : null;
    if (earlier !== null) assertSameRun(thread, earlier, { spec, topology });
    const { execution, scope, begin } = openRun(
      spec,
      topology,
      {
        ...options,
        ...(typeof thread === "string" && { thread }),
        signal: options.signal ?? controller.signal,
      },
      { keeps: checkpointer !== undefined || streamsUpdates(config), earlier },
    );
    try {
      const given = resumes ? earlier?.input : input?.input;
      const run = begin(given);
      if (given !== undefined) scope.open(await parseInput(spec, given));
      yield* iterate(resumes ? input : fresh(input, run, checkpointer), withScope(config, scope));
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
  const scope = config.configurable?.[scopeKey] as Scope | undefined;
  if (scope?.spec === spec) return scope;
  throw new DagError("SCOPE_MISSING", `A node of "${spec.name}" was invoked outside its graph.`, {
    hint: "Invoke the graph that `compile` returned.",
  });
}

/** A new run's input; on a thread that has been used, it begins without the outcomes of the run before. */
function fresh(input: any, run: unknown, checkpointer: unknown): unknown {
  if (typeof input !== "object" || input === null) return input;
  if (checkpointer === undefined) return { ...input, $run: run };
  return {
    ...input,
    $run: run,
    outcomes: new Overwrite({}),
    $calls: new Overwrite({}),
    output: null,
    answer: null,
  };
}

function checkpointerOf(graph: Compiled, config: any): BaseCheckpointSaver | undefined {
  const given = config.configurable?.__pregel_checkpointer ?? graph.checkpointer;
  return typeof given === "object" && given !== null ? (given as BaseCheckpointSaver) : undefined;
}

/** Whether the caller wants to see each node's update; LangGraph shows those of tasks only. */
function streamsUpdates({ streamMode }: { streamMode?: string | string[] }): boolean {
  const modes = streamMode === undefined ? ["updates"] : [streamMode].flat();
  return modes.some((mode) => mode !== "values" && mode !== "custom" && mode !== "messages");
}
