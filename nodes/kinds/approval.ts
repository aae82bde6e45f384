import { completedValue } from "../../src/records/outcome.js";
import { jsonCopy } from "../../src/spec/json-value.js";
import { withoutBytes } from "../../src/spec/messages.js";
import { type Reference, readReference } from "../../src/spec/reference.js";
import { CancelError } from "../engine/cancel.js";
import { readApproval } from "../engine/questions.js";
import type { Work, WorkResult } from "../engine/scope.js";
import { ctxOf } from "../engine/work.js";
import { takesConversation } from "./prompt.js";

/**
 * Runs an approval: the work waits until a person answers. Approved, its value is what it passes on; edited, what the person
 * put in its place; rejected, the node is skipped with reason `rejected` and the person's comment.
 * @throws Suspension while there is no answer, DagError `ANSWER_INVALID` when the answer cannot be read.
 */
export function runApproval(work: Work): WorkResult {
  const { message = "", show } = work.node.approve ?? {};
  const value = passedOn(work);
  // A question names images and files; whoever is asked is not sent their bytes.
  const told = <T>(what: T): T => (takesConversation(work.scope.spec) ? (withoutBytes(what) as T) : what);
  const answer = work.scope.run.questions.ask(work.key, "approve", {
    kind: "approval",
    message,
    value: told(value),
    ...(show !== undefined && { show: told(shown(work, show)) }),
  });
  const read = readApproval(answer);
  if (read.decision === "approved") return { value };
  if (read.decision === "edited") return { value: jsonCopy(read.value, "VALUE_NOT_JSON", "The edit") };
  throw new CancelError("rejected", `Rejected${read.comment === null ? "" : `: ${read.comment}`}`);
}

/** The value of the one need, of several needs an object by name, under `forEach` the item, without needs the input. */
function passedOn(work: Work): unknown {
  const names = Object.keys(work.needs);
  if (work.key.item !== null) return work.item ?? null;
  if (names.length === 0) return jsonCopy(work.scope.given ?? null, "VALUE_NOT_JSON", "The input");
  const [only] = names;
  if (names.length === 1 && only !== undefined) return completedValue(work.needs[only]) ?? null;
  return Object.fromEntries(
    Object.entries(work.needs).flatMap(([name, outcome]) =>
      outcome?.state === "completed" ? [[name, outcome.value]] : [],
    ),
  );
}

/** What is to be looked at, each by where it stands. */
function shown(work: Work, references: readonly Reference[]): Record<string, unknown> {
  const ctx = ctxOf(work);
  return Object.fromEntries(
    references.map((reference) => {
      const root = reference.node ?? (reference.input === true ? "input" : "item");
      const label = reference.path === undefined ? root : `${root}.${reference.path}`;
      return [label, jsonCopy(readReference(reference, ctx), "VALUE_NOT_JSON", "What is shown")];
    }),
  );
}
