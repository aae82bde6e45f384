import type { StructuredToolInterface } from "@langchain/core/tools";
import { convertToOpenAITool } from "@langchain/core/utils/function_calling";
import { errorMessage } from "../../src/errors.js";
import type { Message, ToolCall, ToolSpec } from "../../src/models/port.js";
import { redactKeys } from "../../src/models/redact.js";
import type { JsonSchema, ToolLike } from "../../src/spec/shape.js";
import { StopError, untilStopped } from "../engine/stop.js";
import type { Stopper } from "../engine/stopper.js";
import { textOf } from "./prompt.js";

/** LangChain tools as the port describes them. */
export async function toolSpecs(tools: readonly ToolLike[]): Promise<ToolSpec[]> {
  return tools.map((tool) => {
    const { function: described } = convertToOpenAITool(tool as StructuredToolInterface);
    return {
      name: tool.name,
      description: tool.description ?? "",
      parameters: (described.parameters ?? { type: "object", properties: {} }) as JsonSchema,
    };
  });
}

/**
 * The answer to a model's tool call. What goes wrong (unknown tool, arguments that are not JSON, an error in the tool)
 * is told to the model, so that it can do better; only a stop ends the agent.
 */
export async function answerToolCall(
  call: ToolCall,
  tools: readonly ToolLike[],
  stopper: Stopper,
): Promise<Message> {
  const answer = (content: string): Message => ({
    role: "tool",
    toolCallId: call.id,
    name: call.name,
    content,
  });
  const tool = tools.find((one) => one.name === call.name);
  if (tool === undefined) {
    return answer(
      `There is no tool "${call.name}". The tools are: ${tools.map((one) => one.name).join(", ") || "none"}.`,
    );
  }
  let args: unknown;
  try {
    args = call.args.trim() === "" ? {} : JSON.parse(call.args);
  } catch (error) {
    return answer(
      `The arguments are not valid JSON: ${errorMessage(error)}. Call the tool again with valid JSON.`,
    );
  }
  try {
    return answer(textOf(await untilStopped(tool.invoke(args, { signal: stopper.signal }), stopper)));
  } catch (error) {
    if (error instanceof StopError) throw error;
    return answer(redactKeys(`The tool failed: ${errorMessage(error)}`));
  }
}
