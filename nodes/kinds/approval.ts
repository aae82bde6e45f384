import { GraphInterrupt, interrupt } from "@langchain/langgraph";
import { DagError } from "../../src/errors.js";
import type { RunInterrupt } from "../../src/records/events.js";
import { StopError } from "../engine/stop.js";
import { ctxOf, type Work, type WorkResult } from "../engine/work.js";

/** A person's answer to an approval, read. */
export type Answer =
  | { readonly decision: "approve" }
  | { readonly decision: "edit"; readonly value: unknown }
  | { readonly decision: "reject"; readonly comment: string | null };

/**
 * Runs an approval: stops the run until a person answers. Approved, its value is what was shown; edited, what the
 * person put in its place; rejected, the node is skipped with reason `approval`.
 * @throws GraphInterrupt while there is no answer, DagError `ANSWER_INVALID` when the answer cannot be read.
 */
export async function runApproval(work: Work): Promise<WorkResult> {
  const value = shownBy(work);
  const question: RunInterrupt = {
    node: work.key.item === null ? work.key.node : `${work.key.node}[${work.key.item}]`,
    message: work.node.approve?.message ?? "",
    value,
  };
  const answer = readAnswer(ask(work, question));
  if (answer.decision === "approve") return { value };
  if (answer.decision === "edit") return { value: answer.value };
  const comment = answer.comment === null ? "" : `: ${answer.comment}`;
  throw new StopError("approval", `Rejected${comment}`);
}

function ask(work: Work, question: RunInterrupt): unknown {
  const { execution } = work.scope;
  try {
    // Without a checkpointer nothing could be resumed, but the run still tells what it would wait for.
    if (!execution.keeps) throw new GraphInterrupt([{ value: question }]);
    return interrupt(question);
  } catch (error) {
    execution.ask(question);
    throw error;
  }
}

/** What the person sees: the value of the one need, of several needs an object by name, without needs the input. */
function shownBy(work: Work): unknown {
  const { needs } = ctxOf(work);
  const names = Object.keys(needs);
  if (work.key.item !== null) return work.item ?? null;
  if (names.length === 0) return work.scope.input ?? null;
  const [only] = names;
  return names.length === 1 && only !== undefined ? (needs[only] ?? null) : needs;
}

/**
 * Reads an answer: `true`, `"approve"` or `{ approve: true }`; `false`, `"reject"`, `{ approve: false, comment? }` or
 * `{ reject: comment }`; `{ edit: value }` or `{ approve: true, value }`.
 * @throws DagError `ANSWER_INVALID` for anything else.
 */
export function readAnswer(answer: unknown): Answer {
  if (answer === false || answer === "reject") {
    return { decision: "reject", comment: null };
  }
  if (answer === true || answer === "approve") return { decision: "approve" };
  if (typeof answer === "object" && answer !== null) {
    if ("edit" in answer) return { decision: "edit", value: answer.edit };
    if ("reject" in answer && answer.reject !== false) {
      return { decision: "reject", comment: typeof answer.reject === "string" ? answer.reject : null };
    }
    if ("approve" in answer && answer.approve === true) {
      return "value" in answer ? { decision: "edit", value: answer.value } : { decision: "approve" };
    }
    if ("approve" in answer && answer.approve === false) {
      const comment = "comment" in answer && typeof answer.comment === "string" ? answer.comment : null;
      return { decision: "reject", comment };
    }
  }
  throw new DagError(
    "ANSWER_INVALID",
    `The answer ${JSON.stringify(answer)} is neither yes, nor no, nor an edit.`,
    {
      hint: 'Answer { "approve": true }, { "approve": false, "comment": "…" } or { "edit": … }.',
    },
  );
}
