import { type BaseCheckpointSaver, type Command, isCommand } from "@langchain/langgraph";
import type { RunOptions } from "../nodes/engine/run-options.js";
import { asError } from "../src/errors.js";
import type { RunRecord } from "../src/records/record.js";
import type { DagSpec } from "../src/spec/shape.js";
import { opaqueSaver } from "./langgraph/opaque-saver.js";
import { type CallConfig, type PrivateGraph, privateNames } from "./langgraph/private-names.js";
import { outsideLangGraph } from "./langgraph/user-code.js";
import { Lifecycle, type Start } from "./lifecycle.js";
import type { TopologyWiring } from "./topology.js";

/** A call of a compiled graph by this package itself, which wants the record. */
interface Door {
  readonly options: RunOptions;
  readonly start: Start;
  record?: RunRecord;
}

const doorKey = "__agent_dag_door";
const signalKey = "__agent_dag_signal";

/**
 * Drives a run through a compiled graph and gives its record. What goes wrong once it has begun is in the record; it rejects
 * with what is wrong before.
 */
export async function driveThrough(graph: any, options: RunOptions, start: Start): Promise<RunRecord> {
  const door: Door = { options, start };
  const { thread } = options;
  const configurable = { [doorKey]: door, ...(thread !== undefined && { thread_id: thread }) };
  // Nothing is read from LangGraph's stream: the record is folded from this package's own events.
  await outsideLangGraph(() => graph.invoke({}, { configurable, streamMode: [] }));
  return door.record as RunRecord;
}

/**
 * Gives every invocation of a compiled graph the one lifecycle, whoever calls it: `run`, `stream`, `resume`, `invoke`,
 * LangGraph's server. It begins with the same checks, settles what LangGraph leaves, ends with a record, and gives back all
 * that it acquired on every path.
 * @param bound Signals that `withConfig` bound the graph to, obeyed like that of a call.
 */
export function bindLifecycle<G extends PrivateGraph>(
  graph: G,
  spec: DagSpec,
  topology: TopologyWiring,
  options: RunOptions,
  bound: readonly AbortSignal[] = [],
): G {
  const iterate = graph[privateNames.iterate].bind(graph);
  const withConfig = graph.withConfig.bind(graph);
  makeOpaque(graph);
  graph.withConfig = ({ signal, ...config }) =>
    bindLifecycle(
      withConfig(config),
      spec,
      topology,
      options,
      signal === undefined ? bound : [...bound, signal],
    );
  hideSignal(graph);
  graph[privateNames.iterate] = async function* (input, given = {}) {
    const { signal, ...config } = given;
    const { [doorKey]: door, [signalKey]: hidden, ...configurable } = config.configurable ?? {};
    const ours = door as Door | undefined;
    const called = hidden as AbortSignal | undefined;
    const chunks = new Chunks();
    const lifecycle = new Lifecycle({
      graph,
      iterate,
      push: (chunk) => chunks.push(chunk),
      spec,
      topology,
      input: ours === undefined ? input : null,
      config: { ...config, configurable },
      options: ours?.options ?? callOptions(options, config),
      start: ours?.start ?? startOf(input),
      // Whoever breaks off the stream of a compiled graph ends its run, as in LangGraph. LangGraph itself must not hear of
      // an abort: it would leave what is under way.
      signals:
        ours === undefined ? [options.signal, ...bound, called, signal, chunks.left] : [ours.options.signal],
    });
    const running = lifecycle.drive();
    yield* chunks.until(running);
    const { record, failure } = await running;
    if (ours !== undefined) ours.record = record;
    else if (failure !== null) throw failure.error;
    else for (const one of [...bound, called, signal]) if (one?.aborted) throw asError(one.reason);
  };
  return graph;
}

/**
 * Keeps a call's own signal from LangGraph, which would leave a listener on it and reject the caller while the run still ends: its
 * thread would be busy then.
 */
function hideSignal(graph: PrivateGraph): void {
  const stream = graph.stream.bind(graph);
  graph.stream = (input, { signal, ...config } = {}) =>
    stream(input, {
      ...config,
      ...(signal !== undefined && { configurable: { ...config.configurable, [signalKey]: signal } }),
    });
}

/** What a user asks of a compiled graph: an input begins a run, `null` or a command goes on. */
function startOf(input: unknown): Start {
  if (isCommand(input)) return { kind: "go-on", answer: (input as Command).resume };
  if (input === null) return { kind: "go-on" };
  return { kind: "new", input: (input as { input?: unknown } | undefined)?.input, goesOn: false };
}

function callOptions(options: RunOptions, config: CallConfig): RunOptions {
  const thread: unknown = config.configurable?.thread_id;
  return {
    ...options,
    ...(typeof thread === "string" && { thread }),
    ...(config.context !== undefined && { context: config.context }),
  };
}

/** Whatever checkpointer the graph has, or is given later (LangGraph's server does), LangGraph sees its opaque form. */
function makeOpaque(graph: PrivateGraph): void {
  let saver: unknown = graph.checkpointer;
  const opaque = () =>
    typeof saver === "object" && saver !== null ? opaqueSaver(saver as BaseCheckpointSaver) : saver;
  Object.defineProperty(graph, "checkpointer", {
    enumerable: true,
    configurable: true,
    get: opaque,
    set(other: unknown) {
      saver = other;
    },
  });
}

/**
 * What a run hands out, for whoever reads it: the run ends, and cleans up, whether or not anybody does.
 */
class Chunks {
  #ready: unknown[] = [];
  #wake: (() => void) | undefined;
  readonly #left = new AbortController();

  /** Aborted when the reader leaves before the run has ended. */
  get left(): AbortSignal {
    return this.#left.signal;
  }

  push(chunk: unknown): void {
    this.#ready.push(chunk);
    this.#wake?.();
  }

  /** The chunks, until the run has ended in whatever way. */
  async *until(running: Promise<unknown>): AsyncGenerator<unknown> {
    let ended = false;
    const end = () => {
      ended = true;
      this.#wake?.();
    };
    running.then(end, end);
    try {
      for (;;) {
        const ready = this.#ready;
        this.#ready = [];
        yield* ready;
        if (this.#ready.length > 0) continue;
        if (ended) break;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      if (!ended) this.#left.abort();
    }
  }
}
