import { DagError } from "../errors.js";
import { assertArgument, assertOptions, isObject } from "../spec/issue.js";

/** Budgets of one run. A request's need is reserved before it is sent, so that parallel requests never overshoot. */
export interface BudgetLimits {
  /** Most tokens (input and output) that the run may use; an integer of at least 1. @default no limit */
  readonly maxTokens?: number;
  /** Most US dollars that the run may cost, above 0. A model whose price is unknown cannot be used with it. @default no limit */
  readonly maxCostUsd?: number;
  /** Most model requests that the run may make, retries and hedged requests included; an integer of at least 1. @default no limit */
  readonly maxModelCalls?: number;
}

/** Code of the error of a request that the budget has no room for. */
export const budgetSpentCode = "BUDGET_SPENT";

/** What one request may need. */
export interface BudgetNeed {
  /** `provider:name`. */
  readonly model: string;
  /** Tokens of the request, counted or estimated. */
  readonly inputTokens: number;
  /** Most that the answer may have, or a guess. */
  readonly outputTokens: number;
  /** US dollars for so many tokens of this model; `null` when its price is unknown. */
  readonly costUsd: (usage: TokenUsage) => number | null;
}

/** Tokens of one request. */
export interface TokenUsage {
  /** All input tokens, those from and into the cache included. */
  readonly inputTokens: number;
  /** The part of the input that is paid at the cache's price. @default 0 */
  readonly cachedInputTokens?: number;
  /** The part of the input that is paid at the price of writing the cache. @default 0 */
  readonly cacheWriteTokens?: number;
  /** All output tokens, those of thoughts included. */
  readonly outputTokens: number;
}

/** A part of the budget that is set aside for one request. */
export interface Reservation {
  /** Output tokens that are set aside. Less than was asked for when the budget is nearly spent. */
  readonly outputTokens: number;
  /** Sets aside more, while the answer grows; `false` when the budget has no room for it. */
  grow(outputTokens: number): boolean;
  /** Enters what was really used, and gives back the rest; only the first call counts. */
  settle(usage: TokenUsage): void;
  /** Gives everything back: the request was never sent. */
  release(): void;
}

/** The budget of one run, or of several that share it. */
export interface Budget {
  /** Whether nothing is left, whatever the requests under way turn out to need. */
  readonly spent: boolean;
  /** Enters what was used elsewhere: in an earlier part of a run that goes on. */
  enter(used: BudgetUsed): void;
  /**
   * Sets aside what a request needs. Where it does not fit now, but may when requests under way turn out to need less,
   * it waits for them, in order of arrival; the last of a budget is given whole, so that nothing is left unspent.
   * @throws DagError `BUDGET_SPENT` when the budget has no room, `BUDGET_PRICE_UNKNOWN` when there is a budget in dollars
   * and the model has no known price; the signal's reason when that is aborted first.
   */
  reserve(need: BudgetNeed, signal: AbortSignal): Promise<Reservation>;
}

interface Amount {
  tokens: number;
  costUsd: number;
}

interface Waiting {
  readonly need: BudgetNeed;
  readonly decide: (verdict: Reservation | DagError) => void;
}

/** What had been used of a budget before: by the first part of a run that is resumed. */
export interface BudgetUsed {
  /** Model requests, retries and hedged ones included. */
  readonly modelCalls: number;
  /** All input tokens, those from and into the cache included. */
  readonly inputTokens: number;
  /** All output tokens, those of thoughts included. */
  readonly outputTokens: number;
  /** US dollars; `null` where a price was unknown. */
  readonly costUsd: number | null;
}

const nothingUsed: BudgetUsed = { modelCalls: 0, inputTokens: 0, outputTokens: 0, costUsd: 0 };

/** How a budget is made. */
export interface BudgetOptions {
  /** What it starts from. @default nothing */
  readonly used?: BudgetUsed;
  /** Whose it is, in errors. @default "run" */
  readonly owner?: "run" | "batch";
}

/** A budget; `null` when no limit is stated. */
export function createBudget(limits: BudgetLimits, options: BudgetOptions = {}): Budget | null {
  assertArgument("createBudget", isObject(limits), [
    "limits",
    limits,
    "an object such as { maxTokens: 1000 }",
  ]);
  const { maxTokens = Infinity, maxCostUsd = Infinity, maxModelCalls = Infinity } = limits;
  assertOptions("createBudget", options);
  const { used = nothingUsed, owner = "run" } = options;
  if (maxTokens === Infinity && maxCostUsd === Infinity && maxModelCalls === Infinity) return null;
  const taken: Amount = { tokens: used.inputTokens + used.outputTokens, costUsd: used.costUsd ?? 0 };
  /** The part of it that is set aside for requests under way. */
  const held: Amount = { tokens: 0, costUsd: 0 };
  let calls = used.modelCalls;
  let open = 0;
  const queue = new Set<Waiting>();

  const amountOf = (need: BudgetNeed, usage: TokenUsage): Amount => ({
    tokens: usage.inputTokens + usage.outputTokens,
    costUsd: maxCostUsd === Infinity ? 0 : (need.costUsd(usage) ?? 0),
  });
  const fits = ({ tokens, costUsd }: Amount) =>
    taken.tokens + tokens <= maxTokens && taken.costUsd + costUsd <= maxCostUsd;
  const add = ({ tokens, costUsd }: Amount, sign: 1 | -1) => {
    taken.tokens += sign * tokens;
    taken.costUsd += sign * costUsd;
  };
  const hold = (amount: Amount, sign: 1 | -1) => {
    add(amount, sign);
    held.tokens += sign * amount.tokens;
    held.costUsd += sign * amount.costUsd;
  };

  const judge = (need: BudgetNeed): Reservation | DagError | "wait" => {
    const room = budgetRoom(need, limits, { calls, open, ...taken }, owner);
    return typeof room === "number" ? reservation(need, room) : room;
  };

  const pump = () => {
    for (const waiting of queue) {
      const verdict = judge(waiting.need);
      if (verdict === "wait") return;
      queue.delete(waiting);
      waiting.decide(verdict);
    }
  };

  const reservation = (need: BudgetNeed, outputTokens: number): Reservation => {
    const { inputTokens } = need;
    let reserved = outputTokens;
    let own = amountOf(need, { inputTokens, outputTokens });
    let closed = false;
    hold(own, 1);
    calls++;
    open++;
    const close = (used: Amount | null) => {
      if (closed) return;
      closed = true;
      open--;
      hold(own, -1);
      if (used === null) calls--;
      else add(used, 1);
      pump();
    };
    return {
      outputTokens,
      grow(needed) {
        if (needed <= reserved) return true;
        const wanted = Math.max(needed, reserved * 2);
        hold(own, -1);
        for (const size of [wanted, needed]) {
          const amount = amountOf(need, { inputTokens, outputTokens: size });
          if (!fits(amount)) continue;
          own = amount;
          reserved = size;
          break;
        }
        hold(own, 1);
        return needed <= reserved;
      },
      settle: (usage) => close(amountOf(need, usage)),
      release: () => close(null),
    };
  };

  return {
    get spent() {
      return (
        calls - open >= maxModelCalls ||
        taken.tokens - held.tokens >= maxTokens ||
        taken.costUsd - held.costUsd >= maxCostUsd
      );
    },
    enter(more) {
      add({ tokens: more.inputTokens + more.outputTokens, costUsd: more.costUsd ?? 0 }, 1);
      calls += more.modelCalls;
    },
    reserve(need, signal) {
      if (signal.aborted) return Promise.reject(signal.reason);
      if (maxCostUsd !== Infinity && need.costUsd({ inputTokens: 1, outputTokens: 1 }) === null) {
        return Promise.reject(priceUnknown(need));
      }
      return new Promise((resolve, reject) => {
        const waiting: Waiting = {
          need,
          decide(verdict) {
            signal.removeEventListener("abort", onAbort);
            if (verdict instanceof DagError) reject(verdict);
            else resolve(verdict);
          },
        };
        const onAbort = () => {
          queue.delete(waiting);
          reject(signal.reason);
          pump();
        };
        signal.addEventListener("abort", onAbort, { once: true });
        queue.add(waiting);
        pump();
      });
    },
  };
}

/** What has been taken of a budget: used, and set aside for requests under way. */
export interface Taken {
  /** Requests, those under way included. */
  readonly calls: number;
  /** Requests under way. */
  readonly open: number;
  readonly tokens: number;
  readonly costUsd: number;
}

/**
 * How many output tokens a request may be given of a budget of which so much is taken; `"wait"` when that depends on what
 * requests under way turn out to need.
 */
export function budgetRoom(
  need: BudgetNeed,
  limits: BudgetLimits,
  taken: Taken,
  owner: "run" | "batch",
): number | DagError | "wait" {
  const { maxTokens = Infinity, maxCostUsd = Infinity, maxModelCalls = Infinity } = limits;
  if (taken.calls >= maxModelCalls) return spentError(need, owner, `${maxModelCalls} model calls were made`);
  const tokensLeft = maxTokens - taken.tokens;
  const room = roomFor(need, tokensLeft, maxCostUsd - taken.costUsd);
  if (room >= need.outputTokens) return need.outputTokens;
  if (taken.open > 0) return "wait";
  if (room >= 1) return room;
  return spentError(
    need,
    owner,
    tokensLeft - need.inputTokens < 1
      ? `${taken.tokens} of ${maxTokens} tokens are used`
      : `${taken.costUsd.toFixed(6)} of ${maxCostUsd} US dollars are spent`,
  );
}

/** The most output tokens that fit beside the input; negative when not even the input does. */
function roomFor({ inputTokens, costUsd }: BudgetNeed, tokensLeft: number, costLeft: number): number {
  const byTokens = tokensLeft - inputTokens;
  if (costLeft === Infinity) return Math.floor(byTokens);
  const inputOnly = costUsd({ inputTokens, outputTokens: 0 }) ?? 0;
  if (inputOnly > costLeft) return -1;
  const million = costUsd({ inputTokens: 0, outputTokens: 1e6 }) ?? 0;
  const byCost = million === 0 ? Infinity : ((costLeft - inputOnly) / million) * 1e6;
  return Math.floor(Math.min(byTokens, byCost));
}

function spentError({ model, inputTokens }: BudgetNeed, owner: string, what: string): DagError {
  return new DagError(budgetSpentCode, `The ${owner}'s budget is spent: ${what}.`, {
    facts: { model, inputTokens },
    hint: "Raise `limits`, or run again with `reuse` and a budget of its own: what has completed is kept.",
  });
}

/** The error of a request whose price is unknown, where there is a budget in dollars. */
export function priceUnknown({ model }: BudgetNeed): DagError {
  return new DagError(
    "BUDGET_PRICE_UNKNOWN",
    `There is a budget in dollars (\`limits.maxCostUsd\`), and the price of model "${model}" is unknown.`,
    { facts: { model }, hint: "Use `limits.maxTokens` or `limits.maxModelCalls` instead." },
  );
}
