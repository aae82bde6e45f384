import { DagError } from "../../errors.js";
import {
  type Budget,
  type BudgetLimits,
  type BudgetNeed,
  type BudgetUsed,
  budgetRoom,
  priceUnknown,
  type Reservation,
  type TokenUsage,
} from "../../limits/budget.js";
import type { Spent } from "../row-table.js";
import type { Contact } from "./contact.js";
import type { EngineStore } from "./engine-store.js";
import { Together } from "./together.js";

/** What has been taken of a batch's budget, by all machines: a document. */
export interface BudgetState {
  readonly calls: number;
  readonly tokens: number;
  readonly costUsd: number;
  /** Set aside for requests under way; in the sums above too. */
  readonly held: Share;
}

/** What a row that is under way has taken, its requests under way in `held`. */
interface Share {
  readonly calls: number;
  readonly tokens: number;
  readonly costUsd: number;
}

interface RowState extends Share {
  readonly held: Share;
}

interface Ask {
  readonly row: string;
  /** What the row had taken when it was begun, where no document tells. */
  readonly base: RowState;
  readonly now: RowState;
  readonly need: BudgetNeed | null;
  /** Whether the row has ended: its document goes. */
  readonly ends: boolean;
}

type Answer = number | DagError | "wait";

/** A request that waits for others to need less asks again after so long, in milliseconds. */
const againMs = 150;

/** Longest that it waits, in milliseconds: what a dead worker had set aside comes back when its row is taken over. */
const longestWaitMs = 30_000;

const nothing: Share = { calls: 0, tokens: 0, costUsd: 0 };

/** What a batch's budget is made of. */
export interface SharedBudgetOptions {
  readonly store: EngineStore;
  readonly contact: Contact;
  /** Document of the batch's budget; rows have theirs beside it. */
  readonly document: string;
  readonly limits: BudgetLimits;
}

/**
 * A budget that all workers of a batch share through its store. Each row under way says what it has taken in all, and not what
 * came to it: so a row that another worker takes over, or a message that is sent twice, counts once.
 */
export class SharedBudget {
  readonly #options: SharedBudgetOptions;
  readonly #asks: Together<Ask, Answer>;
  #known: BudgetState | null = null;

  constructor(options: SharedBudgetOptions) {
    this.#options = options;
    this.#asks = new Together((asked) => this.#ask(asked), 100);
  }

  /** Whether nothing is left, as far as is known here. */
  get spent(): boolean {
    const { maxTokens = Infinity, maxCostUsd = Infinity, maxModelCalls = Infinity } = this.#options.limits;
    if (this.#known === null) return false;
    const { calls, tokens, costUsd, held } = this.#known;
    return (
      calls - held.calls >= maxModelCalls ||
      tokens - held.tokens >= maxTokens ||
      costUsd - held.costUsd >= maxCostUsd
    );
  }

  /** Whether more is taken than there is: answers have outgrown what was set aside for them. */
  get isOver(): boolean {
    const { maxTokens = Infinity, maxCostUsd = Infinity } = this.#options.limits;
    return this.#known !== null && (this.#known.tokens > maxTokens || this.#known.costUsd > maxCostUsd);
  }

  /** The budget as one row sees it. @param before What earlier tries of the row had used. */
  forRow(row: string, before: Spent): RowBudget {
    const { modelCalls: calls, tokens, costUsd } = before;
    return new RowBudget(this, row, { calls, tokens, costUsd, held: nothing }, this.#options.limits);
  }

  /** Enters what a row has taken, and asks for more where there is a need. */
  ask(asked: Ask): Promise<Answer> {
    return this.#options.contact.patiently(() => this.#asks.ask(asked));
  }

  #ask(asked: readonly Ask[]): Promise<Answer[]> {
    const { store, document, limits } = this.#options;
    const rows = [...new Set(asked.map(({ row }) => row))];
    const names = [document, ...rows.map((row) => `${document}/${row}`)];
    return store.change<Answer[]>(names, ([found, ...documents]) => {
      const states = new Map<string, RowState | null>(rows.map((row, at) => [row, documents[at] ?? null]));
      let sum = (found as BudgetState | null) ?? { ...nothing, held: nothing };
      const answers = asked.map(({ row, base, now, need, ends }): Answer => {
        const known = states.get(row) ?? base;
        sum = { ...plus(sum, now, known), held: plus(sum.held, now.held, known.held) };
        states.set(row, ends ? null : now);
        if (need === null) return 0;
        const taken = { ...sum, open: sum.held.calls };
        const room = budgetRoom(need, limits, taken, "batch");
        if (typeof room !== "number") return room;
        const more = shareOf(need, { inputTokens: need.inputTokens, outputTokens: room }, limits);
        const held = plus(now.held, more, nothing);
        states.set(row, { ...plus(now, more, nothing), held });
        sum = { ...plus(sum, more, nothing), held: plus(sum.held, more, nothing) };
        return room;
      });
      this.#known = sum;
      return { write: [sum, ...rows.map((row) => states.get(row) ?? null)], result: answers };
    });
  }
}

/** The part of a shared budget that one row on one worker takes. */
export class RowBudget implements Budget {
  readonly #shared: SharedBudget;
  readonly #row: string;
  readonly #base: RowState;
  readonly #limits: BudgetLimits;
  #now: RowState;
  /** One thing is said after another, so that each says all that was known before it. */
  #saying: Promise<unknown> = Promise.resolve();

  constructor(shared: SharedBudget, row: string, base: RowState, limits: BudgetLimits) {
    this.#shared = shared;
    this.#row = row;
    this.#base = base;
    this.#now = base;
    this.#limits = limits;
  }

  get spent(): boolean {
    return this.#shared.spent;
  }

  enter({ modelCalls: calls, inputTokens, outputTokens, costUsd }: BudgetUsed): void {
    const more = { calls, tokens: inputTokens + outputTokens, costUsd: costUsd ?? 0 };
    this.#now = { ...this.#now, ...plus(this.#now, more, nothing) };
  }

  async reserve(need: BudgetNeed, signal: AbortSignal): Promise<Reservation> {
    const { maxCostUsd } = this.#limits;
    if (maxCostUsd !== undefined && need.costUsd({ inputTokens: 1, outputTokens: 1 }) === null) {
      throw priceUnknown(need);
    }
    const until = performance.now() + longestWaitMs;
    for (;;) {
      signal.throwIfAborted();
      const answer = await this.#say({ need }, (room) =>
        typeof room === "number" ? this.#reservation(need, room) : room,
      );
      if (typeof answer === "object" && "grow" in answer) {
        if (!signal.aborted) return answer;
        answer.release();
        throw signal.reason;
      }
      if (answer !== "wait") throw answer;
      if (performance.now() > until) {
        throw new DagError("BUDGET_SPENT", "The batch's budget is spent: the rest is set aside.", {
          facts: { model: need.model },
          hint: "Raise `limits`; the same command goes on.",
        });
      }
      await new Promise((resolve) => setTimeout(resolve, againMs * (0.5 + Math.random())));
    }
  }

  /** The row has ended: what it took stays taken. Resolves once that is entered. */
  async end(): Promise<void> {
    await this.#say({ ends: true }, () => {});
  }

  #say<T>(what: { need?: BudgetNeed; ends?: true }, heard: (answer: Answer) => T): Promise<T> {
    const said = this.#saying.then(async () => {
      const { need = null, ends = false } = what;
      return heard(await this.#shared.ask({ row: this.#row, base: this.#base, now: this.#now, need, ends }));
    });
    this.#saying = said.catch(() => {});
    return said;
  }

  #reservation(need: BudgetNeed, outputTokens: number): Reservation {
    const { inputTokens } = need;
    let own = shareOf(need, { inputTokens, outputTokens }, this.#limits);
    let output = outputTokens;
    let closed = false;
    const hold = (more: Share, less: Share) => {
      const now = plus(this.#now, more, less);
      this.#now = { ...now, held: plus(this.#now.held, more, less) };
    };
    const tell = () => void this.#say({}, () => {}).catch(() => {});
    const close = (used: Share) => {
      if (closed) return;
      closed = true;
      hold(nothing, own);
      this.#now = { ...this.#now, ...plus(this.#now, used, nothing) };
      tell();
    };
    hold(own, nothing);
    return {
      outputTokens,
      grow: (needed) => {
        if (needed <= output) return true;
        if (this.#shared.isOver) return false;
        output = Math.max(needed, output * 2);
        const more = shareOf(need, { inputTokens, outputTokens: output }, this.#limits);
        hold(more, own);
        own = more;
        tell();
        return true;
      },
      settle: (usage) => close(shareOf(need, usage, this.#limits)),
      release: () => close(nothing),
    };
  }
}

/** What a request takes: itself, its tokens, and its price where that is limited. */
function shareOf(need: BudgetNeed, usage: TokenUsage, { maxCostUsd }: BudgetLimits): Share {
  const costUsd = maxCostUsd === undefined ? 0 : (need.costUsd(usage) ?? 0);
  return { calls: 1, tokens: usage.inputTokens + usage.outputTokens, costUsd };
}

function plus(sum: Share, more: Share, less: Share): Share {
  return {
    calls: sum.calls + more.calls - less.calls,
    tokens: sum.tokens + more.tokens - less.tokens,
    costUsd: sum.costUsd + more.costUsd - less.costUsd,
  };
}
