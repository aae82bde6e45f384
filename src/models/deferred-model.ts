import type { ModelLike } from "../spec/shape.js";
import { chooseModel } from "./choose.js";
import type { Model, ModelMiddleware } from "./port.js";
import { resolveModel } from "./resolve.js";

/** Id of the model that nobody chose: it stands for whatever the environment offers. */
export const environmentModelId = "default";

/** Middleware that answers by itself says so: models below it are then resolved only if they are called after all. */
export function answersAlone(use: readonly ModelMiddleware[] = []): boolean {
  return use.some((middleware) => "answersAlone" in middleware && middleware.answersAlone === true);
}

/** The model that the environment chooses, chosen and resolved when it is first called; `onNotice` is told what was chosen. */
export function environmentModel(onNotice: (notice: string | null) => void): Model {
  return {
    id: environmentModelId,
    async *call(request) {
      const { model, notice } = chooseModel({});
      onNotice(notice);
      yield* (await resolveModel(model)).call(request);
    },
  };
}

/** A model by its name, resolved when it is first called, so that neither key nor package is needed before. */
export function deferModel(model: ModelLike | Model): Promise<Model> {
  if (typeof model !== "string") return resolveModel(model);
  return Promise.resolve({
    id: model,
    async *call(request) {
      yield* (await resolveModel(model)).call(request);
    },
  });
}
