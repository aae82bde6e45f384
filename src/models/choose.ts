import type { ModelLike } from "../spec/shape.js";
import type { Model } from "./port.js";
import { defaultOpenAiModel, type Environment } from "./resolve.js";

/** What may say which model a node uses. */
export interface ModelSources {
  /** `run`'s option `model`, or `--model`: replaces every other. */
  readonly option?: ModelLike | Model | undefined;
  /** The node's own. */
  readonly node?: ModelLike | Model | undefined;
  /** The spec's. */
  readonly spec?: ModelLike | undefined;
}

/** A model and why it is this one. */
export interface ModelChoice {
  readonly model: ModelLike | Model;
  readonly source: "option" | "node" | "spec" | "environment" | "key" | "default";
  /** One line for the user where nothing was chosen, else `null`. */
  readonly notice: string | null;
}

/**
 * The model of a node, in the order of choice: option, node, spec, `AGENT_DAG_MODEL`, an OpenAI model when
 * `OPENAI_API_KEY` is set, else `offline`.
 * @param env @default process.env
 */
export function chooseModel(
  { option, node, spec }: ModelSources,
  env: Environment = process.env,
): ModelChoice {
  if (option !== undefined) return { model: option, source: "option", notice: null };
  if (node !== undefined) return { model: node, source: "node", notice: null };
  if (spec !== undefined) return { model: spec, source: "spec", notice: null };
  const named = env.AGENT_DAG_MODEL?.trim() ?? "";
  if (named !== "") return { model: named, source: "environment", notice: null };
  if ((env.OPENAI_API_KEY?.trim() ?? "") !== "")
    return { model: defaultOpenAiModel, source: "key", notice: null };
  return { model: "offline", source: "default", notice: offlineNotice };
}

const offlineNotice =
  'No model was chosen: "offline" answers, which works by rules and is no language model. For a real one set OPENAI_API_KEY, ' +
  `or choose one with --model or AGENT_DAG_MODEL (for example ${defaultOpenAiModel}).`;
