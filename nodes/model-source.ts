import type { Model } from "../src/models/port.js";
import { wrapModel } from "../src/models/port.js";
import type { RunEvent } from "../src/records/events.js";
import type { DagSpec, ModelLike, Node } from "../src/spec/shape.js";
import type { RunOptions } from "./run-options.js";

/** Gives every agent of a run its model, with the run's middleware around it. */
export interface ModelSource {
  modelFor(node: Node, path: string): Promise<Model>;
}

/** A source for one run; each model is resolved once. */
export function createModelSource(
  spec: DagSpec,
  options: RunOptions,
  _run: { emit(event: RunEvent): void; nowMs(): number },
): ModelSource {
  const resolved = new Map<ModelLike | Model | undefined, Promise<Model>>();
  const wrapped = async (choice: ModelLike | Model | undefined): Promise<Model> =>
    wrapModel(choice as Model, [...(options.use ?? [])]);
  return {
    modelFor(node, path) {
      const choice = options.models?.[path] ?? options.model ?? node.model ?? spec.model;
      let model = resolved.get(choice);
      if (model === undefined) {
        model = wrapped(choice);
        resolved.set(choice, model);
      }
      return model;
    },
  };
}
