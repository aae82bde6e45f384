import { assertWhole } from "../../src/models/finish-reason.js";
import {
  collectReply,
  type Message,
  type ModelChunk,
  type ModelReply,
  type SharedPrefix,
  type ToolSpec,
  withOwnIds,
} from "../../src/models/port.js";
import { comparablePrompt } from "../../src/models/prompt-layout.js";
import { withKnownNames } from "../../src/models/tool-names.js";
import type { Outcomes } from "../../src/records/outcome.js";
import { nodeWork } from "../../src/records/work-id.js";
import { nodeOf, orderOf } from "../../src/spec/order.js";
import type { DagSpec, JsonSchema } from "../../src/spec/shape.js";
import { CancelError, cancelOf } from "../engine/cancel.js";
import { isFinal } from "../engine/journal.js";
import type { Scope } from "../engine/scope.js";
import { withCallsInText } from "../kinds/calls-in-text.js";
import { instructionsOf, takesConversation } from "../kinds/prompt.js";
import { createPendingCalls, type NodeRun, outcomeOfRuns, type PendingCalls } from "./planner-calls.js";
import { type Callable, callablesOf, writtenOutput } from "./planner-catalogue.js";
import type { PlannerOptions } from "./planner-options.js";

/** What the LangGraph nodes of one planner run share while its process lives: calls that are under way. */
export interface PlannerSession {
  readonly scope: Scope;
  readonly spec: DagSpec;
  readonly options: PlannerOptions;
  readonly goal: string;
  readonly callables: ReadonlyMap<string, Callable>;
  readonly pendingCalls: PendingCalls;
  /** Runs by the id of the call that asked for them: a tool call's id, or a plan line's number. */
  readonly runs: Map<string, NodeRun>;
  /** Which plan is being written, from 1. */
  plan: number;
  /** The calls of all plans so far. */
  readonly planned: PlannedRun[];
}

/** A call of a plan, and the run that it started. */
export interface PlannedRun {
  readonly plan: number;
  /** What was asked, as text. */
  readonly text: string;
  readonly feeds: readonly NodeRun[];
  readonly run: NodeRun;
}

/** The session of a run; a resumed run's begins with the outcomes that were stored. */
export function createSession(scope: Scope, outcomes: Outcomes): PlannerSession {
  const given = scope.run.options.planner ?? {};
  // A conversation is not copied into a call: it would lose who said what.
  const options: PlannerOptions = takesConversation(scope.spec) ? { ...given, toolInput: "state" } : given;
  const pendingCalls = createPendingCalls(scope);
  for (const [name, outcome] of Object.entries(outcomes)) pendingCalls.adopt(name, outcome);
  return {
    scope,
    spec: scope.spec,
    options,
    goal: goalOf(scope, options),
    callables: callablesOf(scope.spec, options.toolInput),
    pendingCalls,
    runs: new Map(),
    plan: 0,
    planned: [],
  };
}

/** What the planner is to reach: the option, else the output node's instructions. */
function goalOf(scope: Scope, options: PlannerOptions): string {
  if (options.goal !== undefined) return options.goal;
  const written = writtenOutput(scope.spec);
  const goal = written === undefined ? "" : textOfInstructions(scope, written);
  if (goal !== "") return goal;
  const { description } = scope.spec;
  const outputs = orderOf(scope.spec).outputs.join(", ");
  return description ?? `Find out everything that ${outputs} can tell about the input, and sum it up.`;
}

/** The instructions of a node as far as they are known before its needs have values. */
export function textOfInstructions(scope: Scope, name: string): string {
  const node = nodeOf(scope.spec, name);
  const key = { node: name, item: null, invocation: null };
  const needs = Object.fromEntries((node.needs ?? []).map((need) => [need, undefined]));
  try {
    return instructionsOf({
      scope,
      name,
      node,
      key,
      item: undefined,
      needs,
      attempt: 1,
      canceller: scope.canceller,
    });
  } catch {
    // Instructions that read a need's value cannot be known before the need has one.
    return node.description ?? "";
  }
}

/** One request of a planner or joiner. */
export interface PlannerRequest {
  readonly as: "$planner" | "$joiner";
  readonly messages: readonly Message[];
  readonly prefix?: SharedPrefix;
  readonly tools?: readonly ToolSpec[];
  readonly schema?: JsonSchema | null;
  /** Which request of the planner or joiner, from 0. */
  readonly turn: number;
  readonly onChunk?: (chunk: ModelChunk) => void;
}

/**
 * Sends one request of a planner or joiner: a whole reply, its calls with ids that are told apart within it.
 * @throws CancelError when the run is cancelled, what `assertWhole` throws, and what the model port throws.
 */
export async function askPlanner(session: PlannerSession, request: PlannerRequest): Promise<ModelReply> {
  const { scope, options } = session;
  const { as, messages, prefix, tools = [], schema = null, turn, onChunk } = request;
  const { canceller } = scope;
  if (canceller.reason !== undefined) throw cancelOf(canceller.reason);
  const model = await scope.run.models.modelFor({}, as);
  const ask = () =>
    model.call({
      messages: [...messages],
      ...(prefix !== undefined && { prefix }),
      tools,
      ...(tools.length > 0 &&
        options.parallelToolCalls !== undefined && { parallelToolCalls: options.parallelToolCalls }),
      schema,
      modelOptions: {},
      stream: true,
      node: as,
      item: null,
      invocation: null,
      turn,
      attempt: 1,
      signal: canceller.signal,
    });
  const { journal } = scope.run;
  const madeFrom = () => ({ messages: comparablePrompt(messages), tools, schema });
  const question = journal.question(nodeWork(as), { step: `turn ${turn}`, turn }, madeFrom);
  try {
    const { heard } = question;
    const reply = await collectReply(heard === undefined ? ask() : chunksOf(heard), onChunk);
    assertWhole(model.id, reply);
    if (journal.active) await journal.flushed();
    const read = withCallsInText(reply, { tools, schema: schema !== null, model: model.id, read: true });
    return { ...read, toolCalls: withOwnIds(withKnownNames(read.toolCalls, tools), turn) };
  } catch (error) {
    if (canceller.reason !== undefined && !(error instanceof CancelError)) throw cancelOf(canceller.reason);
    throw error;
  } finally {
    question.close();
  }
}

/** A reply that was heard before, as it would be streamed. */
async function* chunksOf({
  text,
  thoughts,
  toolCalls,
  finishReason,
  model,
  usage,
}: ModelReply): AsyncGenerator<ModelChunk> {
  if (thoughts !== null) yield { type: "thought", ...thoughts };
  if (text !== "") yield { type: "text", text };
  for (const [index, call] of toolCalls.entries()) yield { type: "tool-call", index, ...call };
  if (usage !== null) yield { type: "usage", ...usage };
  if (finishReason !== null)
    yield { type: "finish", reason: finishReason, ...(model !== undefined && { model }) };
}

/** A call to be settled, by the id under which its run is found. */
export interface CallUnit {
  readonly id: string;
  start(): NodeRun;
}

/**
 * Settles calls, those that are under way included: each as far as it goes, whatever becomes of the others. Gives whether the
 * step is done; where something waits for an answer, or was cancelled from outside, a resumed run enters it again.
 */
export async function settleCalls(session: PlannerSession, units: readonly CallUnit[]): Promise<boolean> {
  const { pendingCalls, runs } = session;
  for (const { id, start } of units) {
    if (!runs.has(id)) runs.set(id, start());
  }
  await pendingCalls.settled();
  if (!session.scope.run.journal.active) return true;
  const outcomes = outcomesSoFar(session);
  if (Object.values(outcomes).every(isFinal)) return true;
  for (const [name, outcome] of Object.entries(outcomes)) {
    session.scope.run.settled(nodeWork(session.scope.prefix + name), outcome);
  }
  return false;
}

/** The outcomes so far of the nodes that were run and are not running. */
export function outcomesSoFar({ spec, pendingCalls }: PlannerSession): Outcomes {
  const settled = (runs: readonly NodeRun[]) => runs.every((run) => run.outcome !== undefined);
  return Object.fromEntries(
    Object.keys(spec.nodes).flatMap((name) => {
      const runs = pendingCalls.runsOf(name);
      const outcome = settled(runs) ? outcomeOfRuns(runs) : undefined;
      return outcome === undefined ? [] : [[name, outcome] as const];
    }),
  );
}
