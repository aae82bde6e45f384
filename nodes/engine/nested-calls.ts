import { errorCode } from "../../src/errors.js";
import { type Budget, budgetSpentCode } from "../../src/limits/budget.js";
import type { LimitOptions } from "../../src/limits/limit-options.js";
import { createLimiter, type Limiter } from "../../src/limits/limiter.js";
import { type CallLimits, limitCalls } from "../../src/models/limit-calls.js";
import { batchesOf, batchModel, type ModelMiddleware } from "../../src/models/port.js";
import type { RunEvent } from "../../src/records/events.js";
import { type WorkKey, workPath } from "../../src/records/work-id.js";

/** What a run does with the model requests of a run that was started inside it. */
export interface NestedCalls {
  /** Holds the nested run's requests to the limits and the budget of the run around it. */
  limit(own: LimitOptions): ModelMiddleware;
  /** Like `limit`, for a request that only callbacks tell of; to be settled with what it used. */
  reserve(
    model: string,
    inputTokens: number,
    own: LimitOptions,
  ): Promise<{ settle(inputTokens: number, outputTokens: number): void }>;
  /** Tells an event of a nested call as one of the surrounding work; `nowMs` is the nested run's clock. */
  tell(event: RunEvent, nowMs: number): void;
}

/** What a run gives for the calls of the runs inside it. */
export interface SurroundingRun extends Omit<CallLimits, "limiter" | "budget"> {
  readonly limiter: Limiter;
  readonly budget: Budget | null;
  readonly emit: (event: RunEvent) => void;
  readonly nowMs: () => number;
  readonly nextId: () => string;
  readonly reserve: NestedCalls["reserve"];
  readonly onBudgetSpent: (error: Error) => unknown;
}

/**
 * Calls of a run inside a piece of work: in the surrounding record they are calls of `work/node`, at its own times and
 * under ids of its own, without their texts.
 */
export function nestedCalls(key: WorkKey, outer: SurroundingRun): NestedCalls {
  const ids = new Map<string, string>();
  const within = (node: string) => `${workPath(key)}/${node}`;
  return {
    limit(own) {
      // One and the same limiter or budget is passed once: a request that waits for itself would wait for ever.
      const limiter = own.limiter === outer.limiter ? createLimiter({}) : outer.limiter;
      const budget = own.budget === outer.budget ? null : outer.budget;
      return (model) => {
        const limited = limitCalls(model, { ...outer, limiter, budget });
        return batchModel(model.id, async function* (request) {
          try {
            yield* batchesOf(limited, request);
          } catch (error) {
            if (errorCode(error) === budgetSpentCode) outer.onBudgetSpent(error as Error);
            throw error;
          }
        });
      };
    },
    reserve: outer.reserve,
    tell(event, nowMs) {
      const shiftMs = outer.nowMs() - nowMs;
      const atMs = outer.nowMs();
      if (event.type === "call-started") {
        const { messages: _, seq: __, ...told } = event;
        const call = outer.nextId();
        ids.set(event.call, call);
        outer.emit({ ...told, call, node: within(event.node), atMs });
      } else if (event.type === "call-delta") {
        const { seq: _, ...told } = event;
        const call = ids.get(event.call);
        if (call !== undefined) outer.emit({ ...told, call, node: within(event.node), atMs });
      } else if (event.type === "call-ended") {
        const { reply: _, ...told } = event.call;
        const id = ids.get(told.id);
        ids.delete(told.id);
        if (id === undefined) return;
        const startedAtMs = told.startedAtMs + shiftMs;
        outer.emit({
          type: "call-ended",
          atMs,
          call: { ...told, id, node: within(told.node), startedAtMs },
        });
      }
    },
  };
}
