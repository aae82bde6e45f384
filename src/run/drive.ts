import { Command, GraphInterrupt } from "@langchain/langgraph";
import { withScope } from "../../graphs/binding.js";
import { type CompileOptions, graphFor } from "../../graphs/compile.js";
import { openRun } from "../../graphs/open-run.js";
import { assertSameRun, type Question, readStamp, readThread, type Thread } from "../../graphs/thread.js";
import { defaultTopology, type Topology } from "../../graphs/topology-names.js";
import { assertRunOptions } from "../../nodes/engine/run-option-rules.js";
import { parseInput } from "../../nodes/engine/scope.js";
import { settleRest } from "../../nodes/engine/settle-rest.js";
import { outcomeError } from "../../nodes/engine/settle-work.js";
import { readAnswer } from "../../nodes/kinds/approval.js";
import { DagError } from "../errors.js";
import type { RunRecord } from "../records/record.js";
import { assertValid } from "../spec/assert-valid.js";
import type { DagSpec } from "../spec/shape.js";

/** What starts a run, or makes it go on. */
export type Start =
  | { readonly input: unknown }
  /** Go on with what the thread holds; `answer` is for the approvals that it waits at. */
  | { readonly answer?: unknown };

/**
 * Runs a spec from an input, or goes on with the run that a thread holds. A run whose thread already holds a run of the
 * same spec and input goes on with that one.
 * @throws DagValidationError, and DagError `INPUT_INVALID`, `THREAD_MISSING`, `THREAD_UNKNOWN`, `CHECKPOINT_MISMATCH`,
 * `ANSWER_INVALID`, and what resolving a model throws; all before anything is run.
 */
export async function drive(spec: DagSpec, options: CompileOptions, start: Start): Promise<RunRecord> {
  assertValid(spec);
  assertRunOptions(spec, options);
  const { checkpointer, thread } = options;
  const given = "input" in start ? start : null;
  const topology = options.topology ?? (given === null ? await topologyOf(options) : defaultTopology);
  const parsed = given === null ? undefined : await parseInput(spec, given.input);
  const graph = graphFor(spec, topology, checkpointer);
  const earlier =
    checkpointer === undefined ? null : await readThread(graph, checkpointer, threadOf(options));
  if (earlier !== null) {
    const input = given === null ? {} : { input: { given: given.input } };
    assertSameRun(threadOf(options), earlier, { spec, topology, ...input });
  } else if (given === null) throw threadUnknown(threadOf(options));
  const input = given === null ? earlier?.input : given.input;
  const answers = "answer" in start && earlier !== null ? answersTo(earlier, start.answer) : null;

  const { execution, scope, begin } = openRun(spec, topology, options, {
    keeps: checkpointer !== undefined,
    earlier,
  });
  await execution.resolveModels();
  const run = begin(input);
  try {
    scope.open(parsed ?? (await parseInput(spec, input)));
    const config = {
      configurable: { ...(thread !== undefined && { thread_id: thread }) },
      // Nothing is read from LangGraph's stream: the record is folded from this package's own events.
      streamMode: [],
      ...(checkpointer !== undefined && { durability: "sync" as const }),
    };
    const resumed = answers === null ? null : new Command({ resume: answers });
    const scoped = withScope(config, scope);
    await graph.invoke(earlier === null ? { input, ...(run !== null && { $run: run }) } : resumed, scoped);
    // LangGraph stopped at a question that has become moot: with a checkpointer it goes on from there.
    while (checkpointer !== undefined && execution.takeWithdrawn() && execution.questions.length === 0) {
      await graph.invoke(null, scoped);
    }
    await settleRest(scope);
    await execution.callsEnded();
    return execution.end({});
  } catch (error) {
    if (error instanceof GraphInterrupt) await settleRest(scope);
    await execution.callsEnded();
    return execution.end(error instanceof GraphInterrupt ? {} : { error: outcomeError(error) });
  } finally {
    scope.close();
  }
}

async function topologyOf(options: CompileOptions): Promise<Topology> {
  const { checkpointer } = options;
  if (checkpointer === undefined) {
    throw new DagError("CHECKPOINTER_MISSING", "A run can only be resumed from a checkpointer.", {
      hint: "Pass the `checkpointer` that the run was started with.",
    });
  }
  const stamp = await readStamp(checkpointer, threadOf(options));
  if (stamp === null) throw threadUnknown(threadOf(options));
  return stamp.topology as Topology;
}

function threadOf({ thread }: CompileOptions): string {
  if (typeof thread === "string" && thread !== "") return thread;
  throw new DagError("THREAD_MISSING", "A run with a checkpointer needs a thread to be kept under.", {
    hint: 'Pass `thread: "…"` (`--thread ID`): a name of your choice for this run.',
  });
}

function threadUnknown(thread: string): DagError {
  return new DagError("THREAD_UNKNOWN", `The checkpointer holds no run under the thread "${thread}".`, {
    hint: "Check the name of the thread and the checkpointer, or start the run with `run`.",
  });
}

/** The answers by LangGraph's interrupt ids; `null` when there is nothing to answer. */
function answersTo({ questions }: Thread, answer: unknown): Record<string, unknown> | null {
  if (answer === undefined) return null;
  if (questions.length === 0) {
    throw new DagError("ANSWER_INVALID", "The run waits for no answer.", {
      hint: "Leave out the answer to go on with the run, or to get the record of one that has ended.",
    });
  }
  const byNode = namesQuestions(answer, questions);
  if (byNode === null && (questions.length > 1 || namesOthers(answer))) {
    const nodes = questions.map(({ node }) => `"${node}"`).join(", ");
    const waits = questions.length === 1 ? "an answer" : `${questions.length} answers`;
    const given = namesOthers(answer) ? `, not for ${JSON.stringify(answer)}` : "";
    throw new DagError("ANSWER_INVALID", `The run waits for ${waits}: ${nodes}${given}.`, {
      hint: 'Answer by name: { "node": true, "other": { "edit": … } }.',
    });
  }
  const answers = questions.flatMap(({ id, node }) =>
    byNode === null
      ? [[id, answer] as const]
      : Object.hasOwn(byNode, node)
        ? [[id, byNode[node]] as const]
        : [],
  );
  for (const [, one] of answers) readAnswer(one);
  return Object.fromEntries(answers);
}

/** Whether an answer names nodes, none of which waits. */
function namesOthers(answer: unknown): boolean {
  if (typeof answer !== "object" || answer === null || Array.isArray(answer)) return false;
  return !["approve", "edit", "reject"].some((key) => key in answer);
}

function namesQuestions(answer: unknown, questions: readonly Question[]): Record<string, unknown> | null {
  if (typeof answer !== "object" || answer === null || Array.isArray(answer)) return null;
  const names = new Set(questions.map(({ node }) => node));
  const keys = Object.keys(answer);
  return keys.length > 0 && keys.every((key) => names.has(key)) ? (answer as Record<string, unknown>) : null;
}
