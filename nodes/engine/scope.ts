import { caught, DagError, errorMessage } from "../../src/errors.js";
import { notStarted, type Outcome } from "../../src/records/outcome.js";
import { nodeWork, type WorkKey } from "../../src/records/work-id.js";
import { hashOf } from "../../src/spec/canonical.js";
import { isObject } from "../../src/spec/issue.js";
import { jsonCopy } from "../../src/spec/json-value.js";
import { orderOf } from "../../src/spec/order.js";
import { checkAgainstAsync } from "../../src/spec/schema.js";
import type { DagSpec, Node, NodeKind } from "../../src/spec/shape.js";
import { type CancelError, Canceller, cancelledOutcome, cancelOf } from "./cancel.js";
import { createFrontier, type Frontier } from "./frontier.js";
import type { RunContext } from "./run-context.js";

/** An input as it was given, and as the spec's schema makes of it. */
export interface DagInput {
  /** JSON. */
  readonly given: unknown;
  readonly parsed: unknown;
}

/** One piece of work: a node, or one item of it, or one call of it by a planner. */
export interface Work {
  readonly scope: Scope;
  readonly name: string;
  readonly node: Node;
  /** Names the work in events, requests and records. */
  readonly key: WorkKey;
  /** The item, under `forEach`; else `undefined`. */
  readonly item: unknown;
  /** What a planner asked to look at in particular. */
  readonly focus?: string;
  /** The text that a planner passed on, in place of the run's input. */
  readonly text?: string;
  /** A planner's own arguments for a tool node. */
  readonly args?: unknown;
  /** Outcomes by need, in the order of `needs`; `undefined` where a need has not settled. */
  readonly needs: Readonly<Record<string, Outcome | undefined>>;
  /** Which attempt of the work this is, from 1. */
  readonly attempt: number;
  readonly canceller: Canceller;
}

/** Whether a planner gave the work more than the declaration does: a focus, a text or arguments. */
export function isDirected({ focus, text, args }: Pick<Work, "focus" | "text" | "args">): boolean {
  if (focus !== undefined || text !== undefined) return true;
  return args !== undefined && !(typeof args === "object" && args !== null && Object.keys(args).length === 0);
}

/** What a kind of node gives back: its value, or, of a node with parts, what went wrong beside what its parts came to. */
export type WorkResult =
  | { readonly value: unknown; readonly parts?: WorkParts }
  | { readonly error: unknown; readonly parts: WorkParts };

/** What the nodes inside a graph node came to. */
export type WorkParts = Pick<Outcome, "outcomes" | "rounds" | "exhausted">;

/** How a kind of node does its work; what needs no waiting is given at once. */
export type Perform = (work: Work) => WorkResult | Promise<WorkResult>;

/** How each kind of node does its work. */
export type Performers = Readonly<Record<NodeKind, Perform>>;

/** Whose input a graph node passes on as it is. */
export interface SameInput {
  readonly scope: Scope;
  /** Whether it is passed on in every round of a loop. */
  readonly inRounds: boolean;
}

/** One DAG being run: the run's own, or a graph node's inner one. */
export class Scope {
  readonly spec: DagSpec;
  readonly run: RunContext;
  readonly performers: Performers;
  /** Prefix of node names in events: empty for the run's own DAG, `outer/` inside a graph node. */
  readonly prefix: string;
  readonly frontier: Frontier;
  /** Cancelled when the run or the surrounding node is. */
  readonly canceller: Canceller;
  /** The scope around this one that has the same input, and whether other rounds of a loop have it too; `null` where none has. */
  readonly sameInput: SameInput | null;
  readonly #cancellers = new Map<string, Set<Canceller>>();
  readonly #detach: () => void;
  #input: DagInput | undefined;
  #print: string | undefined;

  /** A scope for `spec`; `canceller` is the run's or the surrounding work's. */
  constructor(
    spec: DagSpec,
    run: RunContext,
    performers: Performers,
    {
      prefix = "",
      canceller = run.canceller,
      sameInput = null,
    }: { prefix?: string; canceller?: Canceller; sameInput?: SameInput | null } = {},
  ) {
    this.spec = spec;
    this.run = run;
    this.performers = performers;
    this.prefix = prefix;
    this.canceller = canceller;
    this.sameInput = sameInput;
    this.frontier = createFrontier(spec, {
      nowMs: () => run.events.nowMs(),
      onReady: (name) => {
        const key = nodeWork(prefix + name);
        if (!run.isReplayed(key)) run.events.emit({ type: "node-ready", ...key, atMs: run.events.nowMs() });
      },
      onUnneeded: (name, cancel) => {
        cancelAll(this.#cancellers.get(name), cancel);
        if (this.frontier.waits(name)) this.#settleUnasked(name, cancel);
      },
    });
    this.#detach = canceller.onCancel((reason) => {
      const cancel = cancelOf(reason);
      for (const some of this.#cancellers.values()) cancelAll(some, cancel);
    });
  }

  /** The input, parsed. */
  get input(): unknown {
    return this.#input?.parsed;
  }

  /** The input as it was given. */
  get given(): unknown {
    return this.#input?.given;
  }

  /** Fingerprint of the input as it was given: what the DAG's persisted work was made from. */
  get inputPrint(): string {
    this.#print ??= hashOf(this.#input?.given);
    return this.#print;
  }

  get isOpen(): boolean {
    return this.#input !== undefined;
  }

  /** Enters the input and what was persisted of the nodes, then makes the first nodes ready. Gives what was entered. */
  open(input: DagInput): Readonly<Record<string, Outcome>> {
    this.#input = input;
    // Under a planner nothing of the run's own DAG is ready before it is called.
    if (this.prefix === "" && this.run.topology.planned) return {};
    const adopted: Record<string, Outcome> = {};
    if (this.run.journal.active) {
      for (const name of orderOf(this.spec).topological) {
        const outcome = this.run.journal.outcome(nodeWork(this.prefix + name), this.inputPrint);
        if (outcome === undefined) continue;
        adopted[name] = outcome;
        this.frontier.settle(name, outcome);
      }
    }
    this.frontier.open();
    return adopted;
  }

  /** A canceller for one node's work, cancelled with the scope or when the node is no longer needed. */
  cancellerFor(name: string): Canceller {
    const own = new Canceller();
    if (this.canceller.reason !== undefined) own.cancel(cancelOf(this.canceller.reason));
    const others = this.#cancellers.get(name);
    if (others === undefined) this.#cancellers.set(name, new Set([own]));
    else others.add(own);
    return own;
  }

  /** Forgets a node's canceller once it has settled. */
  releaseCanceller(name: string, own: Canceller): void {
    this.#cancellers.get(name)?.delete(own);
  }

  close(): void {
    this.#detach();
    this.frontier.close();
  }

  /** A node that waits for an answer that nobody needs any more. */
  #settleUnasked(name: string, cancel: CancelError): void {
    const key = nodeWork(this.prefix + name);
    const outcome = cancelledOutcome(cancel, true, notStarted(this.run.events.nowMs()));
    this.run.questions.withdraw(key.node);
    void this.run.journal.settled(key, outcome, this.inputPrint);
    this.run.settled(key, outcome);
    this.frontier.settle(name, outcome);
  }
}

/**
 * A DAG's input, which has to be JSON, parsed by its schema; without a schema the input is a string.
 * @throws DagError `INPUT_NOT_JSON` where JSON would change or lose something, `INPUT_INVALID` when it does not fit.
 */
export async function parseInput(spec: DagSpec, input: unknown): Promise<DagInput> {
  if (spec.input === undefined) {
    if (typeof input === "string") return { given: input, parsed: input };
    throw inputError(spec, input, `a string is expected, ${describe(input)} was given`);
  }
  const given =
    input === undefined ? undefined : jsonCopy(input, "INPUT_NOT_JSON", `The input of "${spec.name}"`);
  const checked = await checkAgainstAsync(spec.input, given).catch((thrown: unknown) => {
    // A schema's own code threw, whatever it threw.
    const error = caught(thrown);
    throw inputError(spec, input, `its schema failed with "${errorMessage(error)}"`, error);
  });
  if (checked.ok) return { given, parsed: checked.value };
  throw inputError(spec, input, input === undefined ? "none was given" : checked.message);
}

function inputError(spec: DagSpec, input: unknown, problem: string, cause?: unknown): DagError {
  return new DagError("INPUT_INVALID", `The input does not fit the input of "${spec.name}": ${problem}.`, {
    facts: { dag: spec.name },
    ...(cause !== undefined && { cause }),
    hint:
      input === undefined
        ? "Give one: `run(spec, input)`, and to a compiled graph `invoke({ input })`."
        : "Give an input that fits the spec's `input`, or change the spec.",
  });
}

function describe(value: unknown): string {
  if (value === undefined) return "none";
  if (value === null) return "null";
  if (typeof value !== "object") return `${typeof value} ${String(value)}`;
  return isObject(value) ? "an object" : "an array";
}

function cancelAll(cancellers: Iterable<Canceller> | undefined, cancel: CancelError): void {
  for (const canceller of cancellers ?? []) canceller.cancel(cancel);
}
