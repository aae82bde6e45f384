import { Command, INTERRUPT, type Interrupt, isInterrupted } from "@langchain/langgraph";
import { DagError } from "../../src/errors.js";
import { isObject } from "../../src/spec/issue.js";
import { copyOf } from "../../src/spec/json-value.js";
import { fillTemplate } from "../../src/spec/reference.js";
import type { Work, WorkResult } from "../engine/scope.js";
import { asPartOf } from "../engine/surrounding.js";
import { ctxOf } from "../engine/work.js";
import { checkedValue } from "./function.js";
import { asked, askedBy } from "./tool-calls.js";

/** The part of a compiled LangGraph that tells where it stands. */
interface GraphLike {
  invoke(input: unknown, config?: object): Promise<unknown>;
  getState(config: object): Promise<{ readonly tasks?: readonly GraphTask[]; readonly values?: unknown }>;
}

interface GraphTask {
  readonly interrupts?: readonly Interrupt[];
}

/** The part of a LangChain message that holds what was said. */
interface MessageLike {
  readonly content: string | readonly (string | { readonly text?: string })[];
  readonly text?: unknown;
}

/**
 * Runs a runnable node: any LangChain runnable, an agent or a compiled LangGraph. Its model requests are recorded and count
 * against the budget, its tokens are events, its `interrupt` is a question of the run, and it is aborted with the node. A
 * compiled graph of a persisted run keeps its own state under a thread of its own, so that a resumed run goes on within it.
 *
 * Its value is JSON: of a message its text, of an agent's state the structured answer where there is one, else the text of
 * the last message.
 * @throws DagError `OUTPUT_INVALID` when the value does not fit the node's `output` schema, Suspension while a question of it
 * has no answer, and whatever the runnable throws itself.
 */
export async function runRunnable(work: Work): Promise<WorkResult> {
  const { node, scope, key, canceller } = work;
  const { run } = scope;
  const { runnable } = node;
  if (runnable === undefined)
    throw new DagError("RUNNABLE_MISSING", `The node "${work.name}" has no \`runnable\`.`);
  const config = {
    signal: canceller.signal,
    context: run.contexts(scope.spec),
    callbacks: [run.models.callbacksFor(key)],
  };
  const graph = graphIn(runnable);
  const result =
    graph !== undefined && run.journal.active
      ? await runGraphLike(work, graph, config)
      : await runPlain(work, config);
  return checkedValue(work, textIn(result));
}

async function runPlain(work: Work, config: object): Promise<unknown> {
  const { run } = work.scope;
  const answers = run.questions.answersTo(work.key, "interrupt ");
  const running = asPartOf(work, () =>
    run.host(answers, () => work.node.runnable?.invoke(inputOf(work), config)),
  );
  return asked(work, "interrupt ", answers.length, running);
}

/** Goes on with a graph where it stands: at its beginning, at a question, or in the middle after a crash. */
async function runGraphLike(work: Work, graph: GraphLike, config: object): Promise<unknown> {
  const { run } = work.scope;
  const own = { ...config, ...run.host.threadFor(run.options, work.key) };
  const outside = <T>(code: () => T): T => asPartOf(work, () => run.host.outside(code));
  const invoke = (input: unknown) =>
    asked(
      work,
      "graph ",
      0,
      outside(() => graph.invoke(input, own)),
    );
  const state = await outside(() => graph.getState(own));
  const hasBegun = state.values !== undefined && Object.keys(state.values as object).length > 0;
  let open: readonly Interrupt[] = (state.tasks ?? []).flatMap((task) => task.interrupts ?? []);
  let result: unknown;
  if (open.length === 0) {
    result = await invoke(hasBegun ? null : inputOf(work));
    open = questionsIn(result);
  }
  while (open.length > 0) {
    const resume = Object.fromEntries(
      open.map(({ id, value }) => [id, askedBy(work, `graph ${id}`, value)] as const),
    );
    result = await invoke(new Command({ resume }));
    open = questionsIn(result);
  }
  return result;
}

/** The questions that a graph gives in place of what it waits for. */
function questionsIn(result: unknown): readonly Interrupt[] {
  return isInterrupted(result) ? result[INTERRUPT] : [];
}

/** A compiled LangGraph, or the one inside an agent. */
function graphIn(runnable: object): GraphLike | undefined {
  const isGraph = (one: unknown): one is GraphLike =>
    typeof one === "object" && one !== null && "getState" in one && "invoke" in one;
  if (isGraph(runnable)) return runnable;
  const inner: unknown = "graph" in runnable ? runnable.graph : undefined;
  return isGraph(inner) ? inner : undefined;
}

/** What the runnable is given: its `input`, else the item under `forEach`, else the input of the DAG. */
function inputOf(work: Work): unknown {
  const { input } = work.node;
  if (input === undefined) return copyOf(work.key.item === null ? work.scope.given : work.item);
  const ctx = ctxOf(work);
  return typeof input === "function" ? input(ctx) : fillTemplate(input, ctx);
}

/** Messages as their text; everything else as it is. */
function textIn(result: unknown): unknown {
  if (isMessage(result)) return textOfMessage(result);
  if (!isObject(result)) return result;
  if (result.structuredResponse !== undefined) return result.structuredResponse;
  const { messages } = result;
  if (!Array.isArray(messages) || !messages.every(isMessage)) return result;
  const last = messages.at(-1);
  return last === undefined ? result : textOfMessage(last);
}

function isMessage(value: unknown): value is MessageLike {
  return isObject(value) && typeof value._getType === "function";
}

function textOfMessage({ content, text }: MessageLike): string {
  if (typeof content === "string") return content;
  if (typeof text === "string") return text;
  return content.map((part) => (typeof part === "string" ? part : (part.text ?? ""))).join("");
}
