import type { RunOptions } from "../../nodes/engine/run-options.js";
import type { Model, ModelRequest } from "../../src/models/port.js";
import { nodeWork } from "../../src/records/work-id.js";
import type { DagSpec } from "../../src/spec/shape.js";
import { type BareRun, bareContext } from "../nodes/engine/bare-run.js";

/** A graph with an agent, an agent within a graph, and a function. */
export const spec: DagSpec = {
  name: "d",
  nodes: {
    a: { instructions: "A", modelOptions: { maxTokens: 7 } },
    g: { needs: ["a"], dag: { name: "g", nodes: { in: { instructions: "I" } } } },
    f: { run: () => 1 },
  },
};

/** A model that says its own name, and the requests that came to it. */
export function scripted(id: string, part: Partial<Model> = {}) {
  const requests: ModelRequest[] = [];
  const model: Model = {
    id,
    async *call(request) {
      requests.push(request);
      yield { type: "text", text: id };
      yield { type: "usage", inputTokens: 10, outputTokens: 5 };
      yield { type: "finish", reason: "stop" };
    },
    ...part,
  };
  return Object.assign(model, { requests });
}

export const request = (node: string): ModelRequest => ({
  messages: [{ role: "user", content: "Hi." }],
  tools: [],
  schema: null,
  modelOptions: {},
  ...nodeWork(node),
  turn: 0,
  attempt: 1,
  signal: new AbortController().signal,
});
export const ask = async (model: Model, node = "a") => {
  let text = "";
  for await (const chunk of model.call(request(node))) if (chunk.type === "text") text += chunk.text;
  return text;
};
/** A run that has begun, its models, and what is said to one of them. */
export const scene = (options: RunOptions = {}, more: BareRun = {}, within = spec) => {
  const { run } = bareContext(within, { options, ...more });
  run.begin("x", []);
  const events = () => run.events.record().events;
  const say = async (path = "a", node = within.nodes[path] ?? {}, dag = within) =>
    ask(await run.models.modelFor(node, path, dag), path);
  return {
    run,
    models: run.models,
    events,
    say,
    notices: () => events().filter(({ type }) => type === "notice"),
  };
};
