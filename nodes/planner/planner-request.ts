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
import { StopError, stopOf } from "../engine/stop.js";
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
 * @throws StopError when the run is stopped, what `assertWhole` throws, and what the model port throws.
 */
export async function askPlanner(session: PlannerSession, request: PlannerRequest): Promise<ModelReply> {
  const { scope, options } = session;
  const { as, messages, tools = [], schema = null, turn, onChunk } = request;
  const { stopper } = scope;
  if (stopper.reason !== undefined) throw stopOf(stopper.reason);
  const model = await scope.execution.modelFor({}, as);
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
    signal: stopper.signal,
  });
  try {
    const reply = await collectReply(stream, onChunk);
    assertWhole(model.id, reply);
    return { ...reply, toolCalls: withOwnIds(reply.toolCalls, turn) };
  } catch (error) {
    if (stopper.reason !== undefined && !(error instanceof StopError)) throw stopOf(stopper.reason);
    throw error;
  }
}
