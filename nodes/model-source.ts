import { recordCalls } from "../src/models/call-recorder.js";
import { chooseModel, noticeOnce } from "../src/models/choose.js";
import { answersAlone, deferModel, environmentModel } from "../src/models/deferred-model.js";
import type { Model } from "../src/models/port.js";
import { wrapModel } from "../src/models/port.js";
import { resolveModel } from "../src/models/resolve.js";
import type { RunEvent } from "../src/records/events.js";
import { type DagSpec, kindOf, type ModelLike, type Node } from "../src/spec/shape.js";
import type { RunOptions } from "./run-options.js";

/** Gives every agent of a run its model, with the run's middleware around it. */
export interface ModelSource {
  /** The model of a node; `path` names the node in requests and records. */
  modelFor(node: Pick<Node, "model" | "policy">, path: string): Promise<Model>;
  /**
   * Resolves the models of every agent of the spec and of the graphs in it, and loads what their first calls need, so
   * that no node's time holds it.
   * @throws DagError what `resolveModel` throws: a missing key, an unknown provider, a bad name.
   */
  resolveAll(): Promise<void>;
}

/** A source for one run; each model is resolved once. */
export function createModelSource(
  spec: DagSpec,
  options: RunOptions,
  { emit, nowMs }: { emit(event: RunEvent): void; nowMs(): number },
): ModelSource {
  const resolved = new Map<ModelLike | Model, Promise<Model>>();
  const alone = answersAlone(options.use);
  const unchosen = alone && spec.model === undefined ? environmentModel : undefined;
  let calls = 0;
  const record = recordCalls({ emit, nowMs, nextId: () => `call-${++calls}` });

  const modelFor: ModelSource["modelFor"] = (node, path) => {
    const choice = chooseModel({
      option: options.models?.[path] ?? options.model,
      node: node.model ?? unchosen,
      spec: spec.model,
    });
    noticeOnce(choice.notice);
    let model = resolved.get(choice.model);
    if (model === undefined) {
      model = (alone ? deferModel(choice.model) : resolveModel(choice.model)).then(async (found) => {
        await found.prepare?.();
        return wrapModel(found, [record, ...(options.use ?? [])]);
      });
      resolved.set(choice.model, model);
    }
    return model;
  };

  return {
    modelFor,
    async resolveAll() {
      for (const [path, node] of agentsOf(spec, "")) await modelFor(node, path);
    },
  };
}

/** Every agent of a spec with its path, those of graph nodes included. */
function* agentsOf(spec: DagSpec, prefix: string): Generator<[string, Node]> {
  for (const [name, node] of Object.entries(spec.nodes)) {
    if (kindOf(node) === "agent") yield [prefix + name, node];
    if (node.dag !== undefined) yield* agentsOf(node.dag, `${prefix}${name}/`);
  }
}
