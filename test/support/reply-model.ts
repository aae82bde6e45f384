import type { Model, ModelRequest } from "../../src/models/port.js";

/** A model of the port for tests: `reply` makes the text of each answer; a thrown error is the call's error. */
export function replyModel(
  reply: (request: ModelRequest) => string | Promise<string> = (request) => `${request.node} says so`,
  {
    delayMs = 0,
    id = "test:reply",
  }: { delayMs?: number | ((request: ModelRequest) => number); id?: string } = {},
): Model {
  return {
    id,
    async *call(request) {
      const wait = typeof delayMs === "function" ? delayMs(request) : delayMs;
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      const text = await reply(request);
      yield { type: "text", text };
      yield { type: "usage", inputTokens: 10, outputTokens: 5 };
      yield { type: "finish", reason: "stop" };
    },
  };
}
