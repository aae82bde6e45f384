import { DagError } from "../errors.js";
import { nearest } from "../spec/did-you-mean.js";
import type { ChatModelLike, ModelLike } from "../spec/shape.js";
import { langchainId, langchainModel } from "./langchain-model.js";
import type { Model } from "./port.js";
import { loadChatModelClass, newChatModel } from "./provider-package.js";
import { proxiedFetch, proxySettings } from "./proxy.js";
import { redactUrl } from "./redact.js";

/** The part of `process.env` that is read. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The model that is used when only `OPENAI_API_KEY` is set. */
export const defaultOpenAiModel = "openai:gpt-4.1-mini";

const openAiUrl = "https://api.openai.com/v1";

/** Sent where a base URL is set without a key: servers on one's own machine ask for none. */
const noKey = "none";

/**
 * Makes a model of the port from a name, from an instance of a LangChain chat model, or from a model of the port (which is
 * returned as it is). Packages are loaded only when a model of theirs is asked for.
 *
 * @param env `OPENAI_API_KEY`, `OPENAI_BASE_URL`, and `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY` are read from here; what else a
 *   provider's package needs it reads itself. @default process.env
 * @param cwd Project whose `node_modules` are looked through for `@langchain/<provider>` first. @default process.cwd()
 * @throws DagError `MODEL_NAME_INVALID`, `MODEL_KEY_MISSING`, `MODEL_BASE_URL_INVALID`, `MODEL_PROVIDER_MISSING`,
 *   `MODEL_SETTINGS_INVALID`.
 */
export async function resolveModel(
  model: ModelLike | Model,
  env: Environment = process.env,
  cwd: string = process.cwd(),
): Promise<Model> {
  if (typeof model !== "string") {
    if (isModel(model)) return model;
    if (isChatModel(model)) return langchainModel(model);
    throw invalidName(
      String(model),
      "is neither a string nor a chat model",
      'Use "provider:name", or a LangChain chat model.',
    );
  }
  if (model === "offline") return (await import("../offline/offline-model.js")).offlineModel();
  const colon = model.indexOf(":");
  const [provider, name] = [model.slice(0, colon), model.slice(colon + 1).trim()];
  if (colon === -1) throw invalidName(model, 'is not of the form "provider:name"', suggestion(model));
  if (!/^[a-z0-9][a-z0-9-]*$/.test(provider)) {
    throw invalidName(model, `has no valid provider before its colon ("${provider}")`, suggestion(name));
  }
  if (name === "")
    throw invalidName(model, "names no model after its colon", `For example "${exampleOf(provider)}".`);
  if (provider === "offline")
    throw invalidName(model, "is not a model", 'The embedded model is named "offline".');
  const fields =
    provider === "openai"
      ? await openAiFields(model, name, env)
      : { model: name, ...proxySettings(provider, env) };
  return langchainModel(newChatModel(await loadChatModelClass(provider, cwd), model, fields), { id: model });
}

/** The id that {@link resolveModel} gives a model, without resolving it. */
export function modelIdOf(model: ModelLike | Model): string {
  if (typeof model === "string") return model;
  return isModel(model) ? model.id : langchainId(model);
}

/** Settings of `ChatOpenAI`: the key and the base URL are always given, so that it reads no others by itself. */
async function openAiFields(id: string, name: string, env: Environment) {
  const apiKey = env.OPENAI_API_KEY?.trim() ?? "";
  const baseUrl = env.OPENAI_BASE_URL?.trim() ?? "";
  if (apiKey === "" && baseUrl === "") {
    throw new DagError("MODEL_KEY_MISSING", `Model "${id}" needs a key, and OPENAI_API_KEY is not set.`, {
      facts: { model: id },
      hint: 'Set OPENAI_API_KEY; or OPENAI_BASE_URL for a server of your own; or use the model "offline", which needs neither.',
    });
  }
  if (baseUrl !== "") assertBaseUrl(baseUrl);
  const baseURL = baseUrl === "" ? openAiUrl : baseUrl;
  const fetch = await proxiedFetch(baseURL, env);
  return {
    model: name,
    apiKey: apiKey === "" ? noKey : apiKey,
    configuration: { baseURL, ...(fetch !== undefined && { fetch }) },
    streamUsage: true,
    useResponsesApi: false,
  };
}

function assertBaseUrl(baseUrl: string): void {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : null;
  if (url !== null && /^https?:$/.test(url.protocol) && url.username === "" && url.password === "") return;
  throw new DagError("MODEL_BASE_URL_INVALID", `OPENAI_BASE_URL "${redactUrl(baseUrl)}" cannot be used.`, {
    hint: "It has to be an http or https address without a user name in it, for example http://localhost:11434/v1.",
  });
}

function invalidName(name: string, what: string, hint: string): DagError {
  return new DagError("MODEL_NAME_INVALID", `Model "${name}" ${what}.`, { facts: { model: name }, hint });
}

const exampleOf = (provider: string) =>
  provider === "openai" ? defaultOpenAiModel : `${provider}:model-name`;

/** What was probably meant by a name without a provider. */
function suggestion(name: string): string {
  const families: readonly (readonly [RegExp, string])[] = [
    [/^openai$/i, defaultOpenAiModel],
    [/^(gpt|o\d|chatgpt)/i, `openai:${name}`],
    [/^claude/i, `anthropic:${name}`],
    [/^gemini/i, `google-genai:${name}`],
    [/^(mistral|codestral|ministral)/i, `mistralai:${name}`],
    [/^(llama|qwen|gemma|phi|deepseek)/i, `ollama:${name}`],
  ];
  const meant = nearest(name, ["offline"]) ?? families.find(([pattern]) => pattern.test(name))?.[1];
  return meant === undefined
    ? `Use "provider:name", for example "${defaultOpenAiModel}", or "offline".`
    : `Did you mean "${meant}"?`;
}

const isModel = (value: object): value is Model =>
  "id" in value && typeof value.id === "string" && "call" in value && typeof value.call === "function";

const isChatModel = (value: object): value is ChatModelLike =>
  "_llmType" in value &&
  typeof value._llmType === "function" &&
  "stream" in value &&
  typeof value.stream === "function";
