import type { Outcome } from "../../src/records/outcome.js";
import { completedValue } from "../../src/records/outcome.js";
import { workPath } from "../../src/records/work-id.js";
import { hashOf } from "../../src/spec/canonical.js";
import { copyOf, jsonCopy } from "../../src/spec/json-value.js";
import { nodeOf } from "../../src/spec/order.js";
import type { ReferenceScope } from "../../src/spec/reference.js";
import type { Ask, Ctx } from "../../src/spec/shape.js";
import type { Scope, Work } from "./scope.js";

/** The outcomes of a node's needs. */
export function needsOf(scope: Scope, name: string): Work["needs"] {
  const { outcomes } = scope.frontier;
  const needs: Record<string, Outcome | undefined> = {};
  for (const need of nodeOf(scope.spec, name).needs ?? []) needs[need] = outcomes[need];
  return needs;
}

/**
 * What references and function forms see of a piece of work. Every value in it is a copy of its own, made when it is looked
 * at: what is done to it is seen by nobody else.
 */
export function ctxOf(
  work: Work,
  loop?: { readonly previous: unknown; readonly round: number },
): Ctx & ReferenceScope {
  const ctx = new WorkContext(work);
  if (loop === undefined) return ctx;
  ownCopy(ctx, "previous", loop.previous);
  ownCopy(ctx, "round", loop.round);
  return ctx;
}

class WorkContext implements Ctx, ReferenceScope {
  declare readonly input: unknown;
  readonly needs: Readonly<Record<string, unknown>>;
  declare readonly outcomes: Readonly<Record<string, Outcome>>;
  declare readonly item: unknown;
  readonly index: number | undefined;
  declare readonly previous?: unknown;
  declare readonly round?: number;
  readonly context: unknown;
  readonly runId: string;
  readonly node: string;
  readonly attempt: number;
  declare readonly idempotencyKey: string;
  declare readonly signal: AbortSignal;
  declare readonly progress: (value: unknown) => void;
  /** A function's own is put in its place. */
  declare readonly ask: Ask;
  readonly #work: Work;

  constructor(work: Work) {
    const { scope, needs, item, key } = work;
    const values: Record<string, unknown> = {};
    for (const name in needs) ownCopy(values, name, completedValue(needs[name]));
    this.needs = values;
    this.index = key.item ?? undefined;
    this.context = scope.run.contexts(scope.spec);
    this.runId = scope.run.id;
    this.node = key.node;
    this.attempt = work.attempt;
    this.#work = work;
    ownCopy(this, "input", scope.input);
    ownCopy(this, "item", item);
    Object.defineProperties(this, WorkContext.#onDemand);
  }

  /** The context's own, so that a copy of it has them too; made on demand, because most functions never look. */
  static readonly #onDemand: PropertyDescriptorMap & ThisType<WorkContext> = {
    signal: {
      enumerable: true,
      get() {
        return this.#work.canceller.signal;
      },
    },
    outcomes: {
      enumerable: true,
      get() {
        const settled = Object.entries(this.#work.needs).filter(([, outcome]) => outcome !== undefined);
        return copyOf(Object.fromEntries(settled));
      },
    },
    idempotencyKey: {
      enumerable: true,
      get() {
        return hashOf([this.runId, workPath(this.#work.key)]);
      },
    },
    progress: {
      enumerable: true,
      get() {
        const { scope, key } = this.#work;
        const { events } = scope.run;
        return (value: unknown) => {
          const told = jsonCopy(value, "VALUE_NOT_JSON", "The progress");
          events.emit({ type: "node-progress", ...key, value: told, atMs: events.nowMs() });
        };
      },
    },
  };
}

/** Gives an object a value as its own: primitives as they are, anything else as a copy that is made when it is looked at. */
function ownCopy(target: object, name: string, value: unknown): void {
  if (typeof value !== "object" || value === null) {
    own(target, name, value);
    return;
  }
  let copy: unknown;
  Object.defineProperty(target, name, {
    enumerable: true,
    configurable: true,
    get() {
      copy ??= copyOf(value);
      return copy;
    },
    set(other: unknown) {
      own(target, name, other);
    },
  });
}

function own(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
}
