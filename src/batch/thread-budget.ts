import type { Budget, BudgetUsed } from "../limits/budget.js";

/**
 * The batch's budget as the runs on one row's thread see it. A run that goes on enters all that its thread has used, and part of
 * that the batch has counted already: only what comes to it is entered, however often the thread goes on.
 */
export class ThreadBudget implements Budget {
  readonly #budget: Budget;
  #counted: BudgetUsed;

  /** @param counted What the batch has counted of the thread. */
  constructor(budget: Budget, counted: BudgetUsed) {
    this.#budget = budget;
    this.#counted = counted;
  }

  get spent(): boolean {
    return this.#budget.spent;
  }

  /** A run on the thread has ended in this process, and its requests were counted as they were made. */
  ran(used: BudgetUsed): void {
    this.#counted = used;
  }

  enter(used: BudgetUsed): void {
    const { modelCalls, inputTokens, outputTokens, costUsd } = this.#counted;
    this.#counted = used;
    this.#budget.enter({
      modelCalls: used.modelCalls - modelCalls,
      inputTokens: used.inputTokens - inputTokens,
      outputTokens: used.outputTokens - outputTokens,
      costUsd: (used.costUsd ?? 0) - (costUsd ?? 0),
    });
  }

  reserve(...asked: Parameters<Budget["reserve"]>): ReturnType<Budget["reserve"]> {
    return this.#budget.reserve(...asked);
  }
}
