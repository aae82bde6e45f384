import { assertWhole } from "../../src/models/finish-reason.js";
import {
  collectReply,
  type Message,
  type ModelChunk,
  type ModelReply,
  type ToolSpec,
  withOwnIds,
} from "../../src/models/port.js";
import type { JsonSchema } from "../../src/spec/shape.js";
import { CancelError, cancelOf } from "../engine/cancel.js";
import type { PlannerSession } from "./planner-session.js";

/** One request of a planner or joiner. */
export interface PlannerRequest {
  readonly as: "$planner" | "$joiner";
  readonly messages: readonly Message[];
  readonly tools?: readonly ToolSpec[];
  readonly schema?: JsonSchema | null;
  /** Which request of the planner or joiner, from 0. */
  readonly turn: number;
  readonly onChunk?: (chunk: ModelChunk) => void;
}

/**
 * Sends one request of a planner or joiner: a whole reply, its calls with ids that are told apart within it.
 * @throws CancelError when the run is stopped, what `assertWhole` throws, and what the model port throws.
 */
export async function askPlanner(session: PlannerSession, request: PlannerRequest): Promise<ModelReply> {
  const { scope, options } = session;
  const { as, messages, tools = [], schema = null, turn, onChunk } = request;
  const { canceller } = scope;
  if (canceller.reason !== undefined) throw cancelOf(canceller.reason);
  const model = await scope.run.models.modelFor({}, as);
  const stream = model.call({
    messages: [...messages],
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
  try {
    const reply = await collectReply(stream, onChunk);
    assertWhole(model.id, reply);
    return { ...reply, toolCalls: withOwnIds(reply.toolCalls, turn) };
  } catch (error) {
    if (canceller.reason !== undefined && !(error instanceof CancelError)) throw cancelOf(canceller.reason);
    throw error;
  }
}
