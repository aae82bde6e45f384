import type { Model, ModelChunk, ModelRequest } from "../../src/models/port.js";

/** What a test's planner says: text, or calls as name and raw arguments. */
export type Said = string | readonly (readonly [name: string, args: string])[];

/** A model whose planner and joiner say what they are told to, in chunks; every other node says its name. */
export function plannerModel(
  planner: (request: ModelRequest, turn: number) => Said,
  {
    joiner = () => "joined",
    node = (request) => `${request.node} says so`,
    chunksOf = (text) => [text],
    delayMs = () => 0,
    gapMs = 0,
  }: {
    joiner?: (request: ModelRequest, turn: number) => string;
    node?: (request: ModelRequest) => string;
    chunksOf?: (text: string) => readonly string[];
    delayMs?: (request: ModelRequest) => number;
    gapMs?: number;
  } = {},
): Model & { readonly requests: ModelRequest[] } {
  const requests: ModelRequest[] = [];
  const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  return {
    id: "test:planner",
    requests,
    async *call(request): AsyncGenerator<ModelChunk> {
      requests.push(request);
      const { node: name, turn } = request;
      const pause = delayMs(request);
      if (pause > 0) await wait(pause);
      const said =
        name === "$planner"
          ? planner(request, turn)
          : name === "$joiner"
            ? joiner(request, turn)
            : node(request);
      if (typeof said === "string") {
        for (const text of chunksOf(said)) {
          yield { type: "text", text };
          if (gapMs > 0 && name === "$planner") await wait(gapMs);
        }
      } else {
        for (const [index, [tool, args]] of said.entries()) {
          const [first = "", ...more] = chunksOf(args);
          yield { type: "tool-call", index, id: `c${turn}-${index}`, name: tool, args: first };
          for (const piece of more) yield { type: "tool-call", index, args: piece };
          if (gapMs > 0) await wait(gapMs);
        }
      }
      yield { type: "usage", inputTokens: 10, outputTokens: 5 };
      yield { type: "finish", reason: typeof said === "string" ? "stop" : "tool_calls" };
    },
  };
}
