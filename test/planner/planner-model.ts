import type { Model, ModelChunk, ModelRequest } from "../../src/models/port.js";
import type { DagSpec } from "../../src/spec/shape.js";

/** What a test's planner says: text, or calls as name and raw arguments. */
export type Said = string | readonly (readonly [name: string, args: string])[];

/** What happens by name, to be waited for. */
export function signals(names: readonly string[]) {
  const all = new Map(names.map((name) => [name, deferred()] as const));
  return { tell: (name: string) => all.get(name)?.resolve(), told: (name: string) => all.get(name)?.promise };
}

function deferred() {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

/** A model whose planner and joiner say what they are told to, in chunks; every other node says its name. */
export function plannerModel(
  planner: (request: ModelRequest, turn: number) => Said,
  {
    joiner = () => "joined",
    node = (request) => `${request.node} says so`,
    chunksOf = (text) => [text],
    before = () => undefined,
    afterPiece = () => undefined,
  }: {
    joiner?: (request: ModelRequest, turn: number) => string;
    node?: (request: ModelRequest) => string;
    chunksOf?: (text: string) => readonly string[];
    /** Awaited before a request is answered. */
    before?: (request: ModelRequest) => unknown;
    /** Awaited after each line or call that the planner writes, told how many there are. */
    afterPiece?: (written: number) => unknown;
  } = {},
): Model & { readonly requests: ModelRequest[] } {
  const requests: ModelRequest[] = [];
  return {
    id: "test:planner",
    requests,
    async *call(request): AsyncGenerator<ModelChunk> {
      requests.push(request);
      const { node: name, turn } = request;
      await before(request);
      const said =
        name === "$planner"
          ? planner(request, turn)
          : name === "$joiner"
            ? joiner(request, turn)
            : node(request);
      if (typeof said === "string") {
        for (const [index, text] of chunksOf(said).entries()) {
          yield { type: "text", text };
          if (name === "$planner") await afterPiece(index + 1);
        }
      } else {
        for (const [index, [tool, args]] of said.entries()) {
          const [first = "", ...more] = chunksOf(args);
          yield { type: "tool-call", index, id: `c${turn}-${index}`, name: tool, args: first };
          for (const piece of more) yield { type: "tool-call", index, args: piece };
          await afterPiece(index + 1);
        }
      }
      yield { type: "usage", inputTokens: 10, outputTokens: 5 };
      yield { type: "finish", reason: typeof said === "string" ? "stop" : "tool_calls" };
    },
  };
}

/** A planner that calls all nodes that it may, or plans them; every other node says its name. */
export function obligingPlanner(spec: DagSpec) {
  return plannerModel(({ tools, turn }) => {
    if (turn > 0) return "done";
    if (tools.length > 0) return tools.map(({ name }) => [name, "{}"] as const);
    const names = Object.keys(spec.nodes).filter((name) => !spec.nodes[name]?.approve);
    return `${names.map((name, index) => `${index + 1}. ${name}()`).join("\n")}\njoin()`;
  });
}
