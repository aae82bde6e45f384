import { DagError } from "../../src/errors.js";
import type { RunAnswer, RunInterrupt } from "../../src/records/events.js";
import { contains, parseWork, type WorkKey, workPath } from "../../src/records/work-id.js";
import { hashOf } from "../../src/spec/canonical.js";
import type { EarlierRun, Journal } from "./journal.js";
import { Suspension } from "./suspension.js";

/** A question as it is told outside, with the id that an answer may name. */
export interface OpenQuestion {
  readonly id: string;
  readonly question: RunInterrupt;
}

/** The questions of one run: what was asked, what was answered, what is not needed any more. */
export class Questions {
  readonly #runId: string;
  readonly #journal: Journal;
  readonly #answers: Map<string, unknown>;
  readonly #open = new Map<string, RunInterrupt>();
  readonly #known: Set<string>;
  #withdrawn = false;

  constructor(runId: string, journal: Journal, earlier: EarlierRun | null) {
    this.#runId = runId;
    this.#journal = journal;
    this.#answers = new Map(earlier?.answers);
    this.#known = new Set(earlier?.questions.keys());
  }

  /** What the run waits for. */
  get open(): readonly OpenQuestion[] {
    return [...this.#open]
      .map(([id, question]) => ({ id, question }))
      .sort((a, b) => a.question.node.localeCompare(b.question.node));
  }

  /**
   * The answer to a question; `which` tells several questions of one piece of work apart.
   * @throws Suspension while there is none.
   */
  ask(key: WorkKey, which: string, question: Omit<RunInterrupt, "node">): unknown {
    const id = this.idOf(key, which);
    if (this.#answers.has(id)) return this.#answers.get(id);
    const asked: RunInterrupt = { node: workPath(key), ...question };
    this.#open.set(id, asked);
    if (!this.#known.has(id)) this.#journal.asked(id, asked);
    this.#known.add(id);
    throw new Suspension(asked);
  }

  /** The answers to a row of questions of one piece of work that were given so far, from the first on. */
  answersTo(key: WorkKey, which: string): readonly unknown[] {
    const answers: unknown[] = [];
    for (let index = 0; ; index++) {
      const id = this.idOf(key, `${which}${index}`);
      if (!this.#answers.has(id)) return answers;
      answers.push(this.#answers.get(id));
    }
  }

  /** Takes back what a node, or a part of it, has asked: its answer is no longer needed. */
  withdraw(node: string): void {
    const within = parseWork(node);
    for (const [id, question] of this.#open) {
      if (!contains(within, parseWork(question.node))) continue;
      this.#open.delete(id);
      this.#journal.withdrawn(id);
      this.#withdrawn = true;
    }
  }

  /** Whether a question was taken back since this was last asked: what LangGraph stopped for it can go on. */
  takeWithdrawn(): boolean {
    const was = this.#withdrawn;
    this.#withdrawn = false;
    return was;
  }

  idOf(key: WorkKey, which: string): string {
    return hashOf([this.#runId, workPath(key), which]);
  }
}

/** A person's answer to an approval, read. */
export interface Approval {
  readonly decision: "approved" | "rejected" | "edited";
  /** Of an edit: what to go on with. */
  readonly value?: unknown;
  readonly comment: string | null;
  readonly by: string | null;
}

/**
 * Reads an answer: `true`, `"approve"` or `{ approve: true }`; `false`, `"reject"`, `{ approve: false, comment? }` or
 * `{ reject: comment }`; `{ edit: value }` or `{ approve: true, value }`; each object with `by` where it says who answers.
 * @throws DagError `ANSWER_INVALID` for anything else.
 */
export function readApproval(answer: unknown): Approval {
  const none = { comment: null, by: null };
  if (answer === true || answer === "approve") return { ...none, decision: "approved" };
  if (answer === false || answer === "reject") return { ...none, decision: "rejected" };
  if (typeof answer === "object" && answer !== null) {
    const given = answer as Readonly<Record<string, unknown>>;
    const text = (value: unknown) => (typeof value === "string" ? value : null);
    const told = { comment: text(given.comment), by: text(given.by) };
    const no = given.approve === false || ("reject" in given && given.reject !== false);
    if ((given.approve === true || "edit" in given) && no) throw unreadable(answer, "both a yes and a no");
    if ("edit" in given) return { ...told, decision: "edited", value: given.edit };
    if ("reject" in given && given.reject !== false) {
      return { ...told, decision: "rejected", comment: text(given.reject) ?? told.comment };
    }
    if (given.approve === true) {
      return "value" in given
        ? { ...told, decision: "edited", value: given.value }
        : { ...told, decision: "approved" };
    }
    if (given.approve === false) return { ...told, decision: "rejected" };
  }
  throw unreadable(answer, "neither yes, nor no, nor an edit");
}

function unreadable(answer: unknown, why: string): DagError {
  return new DagError("ANSWER_INVALID", `The answer ${JSON.stringify(answer)} is ${why}.`, {
    hint: 'Answer { "approve": true }, { "approve": false, "comment": "…" } or { "edit": … }.',
  });
}

/** What the record keeps of an answer. */
export function answerRecord(question: RunInterrupt, answer: unknown): RunAnswer {
  const at = new Date().toISOString();
  const { node, kind = "approval" } = question;
  if (kind === "interrupt") return { node, decision: "answered", comment: null, by: null, at };
  const { decision, comment, by } = readApproval(answer);
  return { node, decision, comment, by, at };
}
