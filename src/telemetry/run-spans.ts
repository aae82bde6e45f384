import { nodeAt } from "../records/declared-nodes.js";
import type { CallRecord, DagProjection, NodeProjection, RunEvent, RunEventOf } from "../records/events.js";
import type { Outcome, OutcomeError } from "../records/outcome.js";
import { declaredPath, nodeWork, parentOf, type WorkKey, workPath } from "../records/work-id.js";
import {
  type Attributes,
  nameAndOperation,
  placeAttributes,
  promptAttributes,
  reasonOf,
  replyAttributes,
  responseOf,
  usageOf,
  valueAttribute,
} from "./attributes.js";
import { names, providerAndModel } from "./conventions.js";
import { type Open, type SpanSink, SpanTree } from "./span-tree.js";

/** What of a run becomes spans. */
export interface RunSpansOptions {
  /** Whether prompts, replies and values are told, without what looks like a key. @default false */
  readonly texts?: boolean;
}

/** A piece of work in progress: where what happens in it belongs. */
interface OpenWork<S> extends Open<S> {
  /** The attempt of a function or a tool. */
  attempt: Open<S> | null;
  attemptNumber: number;
  /** The round of a loop. */
  round: Open<S> | null;
  roundNumber: number;
}

/**
 * Makes spans of a run's events: run → node (its items, its rounds) → attempt → model request, tool call. What a resumed run
 * tells again makes none, nor does what was taken over from an earlier record.
 */
export class RunSpans<S> {
  readonly #sink: SpanSink<S>;
  readonly #tree: SpanTree<S>;
  readonly #texts: boolean;
  readonly #works = new Map<string, OpenWork<S>>();
  readonly #calls = new Map<string, Open<S>>();
  readonly #tools = new Map<string, Open<S>>();
  /** The latest span of each node, for what needs it. */
  readonly #latest = new Map<string, S>();
  readonly #planners = new Map<string, Open<S>>();
  /** Runs inside this one that are traced themselves. */
  readonly #traced = new Set<{ readonly within: string; readonly nodes: ReadonlySet<string> }>();
  readonly #kept = new Map<string, string>();
  readonly #nodes = new Map<string, NodeProjection | undefined>();
  #run: Open<S> | null = null;
  #dag: DagProjection | undefined;
  #cost: number | null = 0;
  /** What tells the spans of one thread: runs, agents and model requests have it. */
  #conversation: Attributes = {};
  #startAtMs: number;

  /** @param startAtMs When the run's span begins: later than 0 where a resumed run goes on. */
  constructor(sink: SpanSink<S>, { texts = false }: RunSpansOptions = {}, startAtMs = 0) {
    this.#sink = sink;
    this.#tree = new SpanTree(sink);
    this.#texts = texts;
    this.#startAtMs = startAtMs;
  }

  add(event: RunEvent): void {
    if (event.type === "text-kept") this.#kept.set(event.hash, event.text);
    if (event.replayed === true) return;
    if (event.type === "run-started") this.#runStarted(event);
    else if (event.type === "node-started") this.#nodeStarted(event);
    else if (event.type === "node-attempt") this.#attemptEnded(event);
    else if (event.type === "node-settled") this.#nodeSettled(event);
    else if (event.type === "call-started") this.#callStarted(event);
    else if (event.type === "call-ended") this.#callEnded(event.call);
    else if (event.type === "tool-ended") this.#toolEnded(event);
    else if (event.type === "run-ended") this.#runEnded(event);
    else if (event.type === "question-answered") {
      const { decision, node, by } = event.answer;
      this.#runEvent("question answered", event.atMs, {
        [names.node]: node,
        "agent_dag.decision": decision,
        ...(by !== null && { "agent_dag.answered_by": by }),
      });
    } else if (event.type === "notice") {
      this.#runEvent("notice", event.atMs, {
        "agent_dag.notice": event.code,
        "agent_dag.message": event.message,
      });
    }
  }

  /** An attempt of a function or a tool begins. */
  attemptStarted(key: WorkKey, attempt: number, atMs: number): void {
    const work = this.#works.get(workPath(key));
    if (work === undefined || work.attemptNumber >= attempt) return;
    work.attemptNumber = attempt;
    work.attempt = this.#tree.open(work, {
      name: `attempt ${attempt}`,
      kind: "internal",
      startedAtMs: atMs,
      attributes: { [names.kind]: "CHAIN", [names.attempt]: attempt, [names.node]: key.node },
    });
  }

  /** An agent's tool begins. */
  toolStarted(key: WorkKey, tool: string, call: string, atMs: number): void {
    const parent = this.#placeOf(key);
    if (parent === null) return;
    const attributes = {
      [names.operation]: "execute_tool",
      [names.tool]: tool,
      [names.toolType]: "function",
      [names.toolCall]: call,
      [names.toolName]: tool,
      [names.kind]: "TOOL",
      ...placeAttributes(key),
    };
    const open = this.#tree.open(parent, {
      name: `execute_tool ${tool}`,
      kind: "internal",
      startedAtMs: atMs,
      attributes,
    });
    this.#tools.set(toolId(key, call, atMs), open);
  }

  /**
   * A run that user code in a piece of work has started is traced itself. This run is told of its requests too: they have
   * their spans there, and none here.
   * @param nodes Names of the inner run's nodes.
   * @returns What tells that the inner run has ended.
   */
  tracedWithin(key: WorkKey, nodes: readonly string[]): () => void {
    const inner = { within: `${workPath(key)}/`, nodes: new Set(nodes) };
    this.#traced.add(inner);
    return () => this.#traced.delete(inner);
  }

  /** The span of a model request in progress. */
  callSpan(call: string): S | undefined {
    return this.#calls.get(call)?.span;
  }

  /** The span of an attempt in progress. */
  attemptSpan(key: WorkKey): S | undefined {
    const work = this.#works.get(workPath(key));
    return (work?.attempt ?? work)?.span;
  }

  /** The span of an agent's tool in progress. */
  toolSpan(key: WorkKey, call: string, startedAtMs: number): S | undefined {
    return this.#tools.get(toolId(key, call, startedAtMs))?.span;
  }

  #runStarted(event: RunEventOf<"run-started">): void {
    this.#dag = event.dag;
    if (event.thread !== null)
      this.#conversation = { [names.conversation]: event.thread, [names.session]: event.thread };
    this.#run = this.#tree.open(null, {
      name: `invoke_workflow ${event.dag.name}`,
      kind: "internal",
      startedAtMs: this.#startAtMs,
      attributes: {
        [names.operation]: "invoke_workflow",
        [names.workflow]: event.dag.name,
        [names.agent]: event.dag.name,
        [names.kind]: "CHAIN",
        [names.runId]: event.id,
        [names.topology]: event.topology,
        [names.dagHash]: event.dag.hash,
        ...this.#conversation,
        ...(event.simulated !== null && { [names.simulated]: event.simulated.profile }),
        ...(this.#texts && valueAttribute(names.inputValue, event.input)),
      },
    });
  }

  #nodeStarted(event: RunEventOf<"node-started">): void {
    const path = workPath(event);
    const parent = this.#parentOf(event, event.atMs);
    if (parent === null || this.#works.has(path)) return;
    const declared = this.#declared(event.node);
    const { name, attributes } = nameAndOperation(event, declared);
    const open = this.#tree.open(
      parent,
      {
        name,
        kind: "internal",
        startedAtMs: event.atMs,
        attributes: { ...attributes, ...this.#conversation },
      },
      this.#needed(event, declared),
    );
    const work: OpenWork<S> = Object.assign(open, {
      attempt: null,
      attemptNumber: 0,
      round: null,
      roundNumber: 0,
    });
    this.#works.set(path, work);
    this.#latest.set(path, open.span);
  }

  #attemptEnded(event: RunEventOf<"node-attempt">): void {
    this.attemptStarted(event, event.attempt, event.startedAtMs);
    const work = this.#works.get(workPath(event));
    if (work === undefined || work.attempt === null) return;
    this.#tree.close(work.attempt, event.atMs, {}, event.error);
    work.attempt = null;
  }

  #nodeSettled(event: RunEventOf<"node-settled">): void {
    const path = workPath(event);
    const work = this.#works.get(path);
    const { outcome } = event;
    if (work === undefined) {
      if (outcome.state === "completed" && outcome.reused !== true) return;
      const parent = this.#placeOf(event);
      if (parent !== null && event.item === null)
        this.#sink.event(parent.span, `node ${outcome.state}`, event.atMs, {
          [names.node]: event.node,
          [names.state]: outcome.reused === true ? "reused" : outcome.state,
          ...reasonOf(outcome),
        });
      return;
    }
    this.#endWork(path, work, event.atMs, outcome);
  }

  #endWork(path: string, work: OpenWork<S>, atMs: number, outcome: Outcome | null): void {
    this.#works.delete(path);
    for (const inner of [work.attempt, work.round])
      if (inner !== null) this.#tree.close(inner, atMs, {}, null);
    const attributes: Attributes =
      outcome === null
        ? { [names.state]: "interrupted" }
        : {
            [names.state]: outcome.state,
            [names.attempts]: outcome.attempts,
            ...(outcome.readyAtMs !== null &&
              outcome.startedAtMs !== null && {
                [names.waitedMs]: outcome.startedAtMs - outcome.readyAtMs,
              }),
            ...reasonOf(outcome),
            ...(this.#texts &&
              outcome.state === "completed" &&
              valueAttribute(names.outputValue, outcome.value)),
          };
    this.#tree.close(work, atMs, attributes, outcome !== null && "error" in outcome ? outcome.error : null);
  }

  #callStarted(event: RunEventOf<"call-started">): void {
    if (this.#isTracedElsewhere(event)) return;
    const parent = this.#callerOf(event, event.atMs);
    if (parent === null) return;
    const { provider, model } = providerAndModel(event.model);
    const texts =
      this.#texts && event.messages !== undefined ? promptAttributes(event.messages, this.#kept) : {};
    const open = this.#tree.open(parent, {
      name: `chat ${model}`,
      kind: "client",
      startedAtMs: event.atMs,
      attributes: {
        [names.operation]: "chat",
        [names.provider]: provider,
        [names.requestModel]: model,
        [names.kind]: "LLM",
        [names.llmSystem]: provider,
        [names.llmModel]: model,
        [names.llmProvider]: provider,
        [names.attempt]: event.attempt,
        ...this.#conversation,
        ...placeAttributes(event),
        ...texts,
      },
    });
    this.#calls.set(event.call, open);
  }

  #isTracedElsewhere({ node }: WorkKey): boolean {
    for (const { within, nodes } of this.#traced) {
      if (!node.startsWith(within)) continue;
      const name = declaredPath(node.slice(within.length)).split("/")[0] ?? "";
      if (nodes.has(name) || name.startsWith("$")) return true;
    }
    return false;
  }

  #callEnded(call: CallRecord): void {
    this.#cost = this.#cost === null || call.costUsd === null ? null : this.#cost + call.costUsd;
    const open = this.#calls.get(call.id);
    if (open === undefined) return;
    this.#calls.delete(call.id);
    this.#sink.called?.(call);
    if (call.firstTokenMs !== null)
      this.#sink.event(open.span, "first token", call.startedAtMs + call.firstTokenMs, {});
    this.#tree.close(
      open,
      call.startedAtMs + call.durationMs,
      {
        ...usageOf(call),
        ...responseOf(call),
        ...(this.#texts && replyAttributes(call, this.#kept)),
      },
      call.error,
    );
  }

  #toolEnded(event: RunEventOf<"tool-ended">): void {
    const id = toolId(event, event.call, event.startedAtMs);
    if (!this.#tools.has(id)) this.toolStarted(event, event.tool, event.call, event.startedAtMs);
    const open = this.#tools.get(id);
    this.#tools.delete(id);
    if (open !== undefined) this.#tree.close(open, event.atMs, {}, event.error);
  }

  #runEnded(event: RunEventOf<"run-ended">): void {
    const run = this.#run;
    if (run === null) return;
    const cut: OutcomeError = { code: "ABORTED", message: "The run ended before the request did." };
    for (const open of [...this.#calls.values(), ...this.#tools.values()])
      this.#tree.close(open, event.atMs, {}, cut);
    this.#calls.clear();
    this.#tools.clear();
    // From the innermost outwards.
    for (const [path, work] of [...this.#works].reverse()) this.#endWork(path, work, event.atMs, null);
    for (const planner of this.#planners.values()) this.#tree.close(planner, planner.latestMs, {}, null);
    this.#run = null;
    this.#tree.close(
      run,
      event.atMs,
      {
        [names.state]: event.state,
        ...(this.#cost !== null && { [names.costUsd]: this.#cost }),
        ...(this.#texts && valueAttribute(names.outputValue, event.output)),
      },
      event.state === "failed" ? (event.error ?? { code: "ERROR", message: "The run has no output." }) : null,
    );
  }

  /** Where a piece of work belongs: the work around it, in its round. */
  #parentOf(key: WorkKey, atMs: number): Open<S> | null {
    for (let at = parentOf(key); at !== null; at = parentOf(at)) {
      const work = this.#works.get(workPath(at));
      if (work === undefined) continue;
      const round = roundOf(key, at);
      return round === null ? work : this.#roundOf(work, round, at, atMs);
    }
    return this.#run;
  }

  #roundOf(work: OpenWork<S>, number: number, key: WorkKey, atMs: number): Open<S> {
    if (work.round !== null && work.roundNumber === number) return work.round;
    if (work.round !== null) this.#tree.close(work.round, atMs, {}, null);
    work.roundNumber = number;
    work.round = this.#tree.open(work, {
      name: `round ${number}`,
      kind: "internal",
      startedAtMs: atMs,
      attributes: { [names.kind]: "CHAIN", [names.node]: key.node, [names.round]: number },
    });
    return work.round;
  }

  /** The work itself, its attempt where it has one, or the nearest around it that is in progress. */
  #placeOf(key: WorkKey): Open<S> | null {
    for (let at: WorkKey | null = key; at !== null; at = parentOf(at)) {
      const work = this.#works.get(workPath(at));
      if (work !== undefined) return work.attempt ?? (at === key ? work : (work.round ?? work));
    }
    return this.#run;
  }

  /** A planner's and a joiner's requests have a span of their own around them. */
  #callerOf(key: WorkKey, atMs: number): Open<S> | null {
    if (!key.node.startsWith("$") || this.#run === null) return this.#placeOf(key);
    let planner = this.#planners.get(key.node);
    if (planner === undefined) {
      planner = this.#tree.open(this.#run, {
        name: `plan ${this.#dag?.name ?? key.node}`,
        kind: "internal",
        startedAtMs: atMs,
        attributes: {
          [names.operation]: "plan",
          [names.agent]: this.#dag?.name ?? key.node,
          [names.kind]: "AGENT",
          ...this.#conversation,
          [names.node]: key.node,
        },
      });
      this.#planners.set(key.node, planner);
    }
    return planner;
  }

  #declared(path: string): NodeProjection | undefined {
    const declared = declaredPath(path);
    if (this.#dag !== undefined && !this.#nodes.has(declared))
      this.#nodes.set(declared, nodeAt(this.#dag, declared));
    return this.#nodes.get(declared);
  }

  /** The spans of a node's needs; an item's and a call's are those of its node. */
  #needed(key: WorkKey, node: NodeProjection | undefined): S[] {
    if (node === undefined || key.item !== null) return [];
    const around = key.node.slice(0, key.node.lastIndexOf("/") + 1);
    return node.needs.flatMap((need) => {
      const span = this.#latest.get(workPath(nodeWork(around + need)));
      return span === undefined ? [] : [span];
    });
  }

  #runEvent(name: string, atMs: number, attributes: Attributes): void {
    if (this.#run !== null) this.#sink.event(this.#run.span, name, atMs, attributes);
  }
}

/** Two requests of one function may give their calls the same id. */
const toolId = (key: WorkKey, call: string, startedAtMs: number) => `${workPath(key)} ${call} ${startedAtMs}`;

/** In which round of `around` a work stands; `null` where that is no loop. */
function roundOf(key: WorkKey, around: WorkKey): number | null {
  const rest = key.node.slice(workPath(around).length);
  const number = /^@(\d+)\//.exec(rest)?.[1];
  return number === undefined ? null : Number(number);
}
