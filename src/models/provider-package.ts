import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { DagError, errorMessage } from "../errors.js";
import { nearest } from "../spec/did-you-mean.js";
import type { ChatModelLike } from "../spec/shape.js";
import { redact } from "./redact.js";

/** The chat model's class in each provider's package; of others, the first export named `Chat…` is taken. */
const knownClasses: Readonly<Record<string, string>> = {
  anthropic: "ChatAnthropic",
  aws: "ChatBedrockConverse",
  cerebras: "ChatCerebras",
  cohere: "ChatCohere",
  deepseek: "ChatDeepSeek",
  google: "ChatGoogle",
  "google-genai": "ChatGoogleGenerativeAI",
  "google-vertexai": "ChatVertexAI",
  groq: "ChatGroq",
  mistralai: "ChatMistralAI",
  ollama: "ChatOllama",
  openai: "ChatOpenAI",
  xai: "ChatXAI",
};

/** Names by which providers go, whose packages are called otherwise. */
const otherNames: Readonly<Record<string, string>> = {
  amazon: "aws",
  bedrock: "aws",
  claude: "anthropic",
  gemini: "google",
  grok: "xai",
  mistral: "mistralai",
  vertex: "google-vertexai",
  vertexai: "google-vertexai",
};

/** Where each provider's package looks for its key. */
const keyVariables: Readonly<Record<string, string>> = {
  anthropic: "ANTHROPIC_API_KEY",
  cerebras: "CEREBRAS_API_KEY",
  cohere: "COHERE_API_KEY",
  deepseek: "DEEPSEEK_API_KEY",
  google: "GOOGLE_API_KEY",
  "google-genai": "GOOGLE_API_KEY",
  groq: "GROQ_API_KEY",
  mistralai: "MISTRAL_API_KEY",
  xai: "XAI_API_KEY",
};

type ChatModelClass = new (fields: Readonly<Record<string, unknown>>) => ChatModelLike;

/**
 * The chat model class of `@langchain/<provider>`, from the packages of the project at `cwd`, else from our own.
 * @throws DagError `MODEL_PROVIDER_MISSING` when the package is not installed or has no chat model.
 */
export async function loadChatModelClass(provider: string, cwd: string): Promise<ChatModelClass> {
  const packageName = `@langchain/${provider}`;
  const entry = await entryOf(packageName, cwd);
  const exported = await importFirst(entry === null ? [packageName] : [entry, packageName], provider);
  const name = knownClasses[provider] ?? Object.keys(exported).find((key) => /^Chat[A-Z]/.test(key));
  const found = name === undefined ? undefined : exported[name];
  if (typeof found !== "function") {
    throw new DagError(
      "MODEL_PROVIDER_MISSING",
      `${packageName} has no chat model${name === undefined ? "" : ` ${name}`}.`,
      {
        facts: { provider, package: packageName },
        hint: "Pass an instance of its chat model as `model` instead of a string.",
      },
    );
  }
  return found as ChatModelClass;
}

/**
 * An instance of a provider's chat model; the provider's package reads its own key from the environment.
 * @throws DagError `MODEL_SETTINGS_INVALID` when the class refuses, for example for want of a key.
 */
export function newChatModel(
  model: ChatModelClass,
  id: string,
  fields: Readonly<Record<string, unknown>>,
): ChatModelLike {
  try {
    return new model({ ...fields, maxRetries: 0 });
  } catch (error) {
    const said = redact(errorMessage(error)).trim();
    const key = keyVariables[id.slice(0, id.indexOf(":"))];
    const wanted = key !== undefined && /api[ _-]?key/i.test(said) ? key : "what it asks for";
    throw new DagError(
      "MODEL_SETTINGS_INVALID",
      `Model "${id}" cannot be set up: ${said}${/[.!?]$/.test(said) ? "" : "."}`,
      {
        facts: { model: id },
        hint: `Set ${wanted} in the environment, or pass an instance as \`model\`.`,
      },
    );
  }
}

async function importFirst(places: readonly string[], provider: string): Promise<Record<string, unknown>> {
  let failure: unknown;
  for (const place of places) {
    try {
      return (await import(place)) as Record<string, unknown>;
    } catch (error) {
      failure ??= error;
    }
  }
  const packageName = `@langchain/${provider}`;
  const missing = /Cannot find (package|module)/.test(errorMessage(failure));
  throw new DagError(
    "MODEL_PROVIDER_MISSING",
    `The package ${packageName} ${missing ? "is not installed" : `cannot be loaded: ${errorMessage(failure)}`}.`,
    { facts: { package: packageName }, cause: failure, hint: missingHint(provider, packageName) },
  );
}

/** What to do about a provider without a package; one that may be a slip is asked about before anybody installs a package of that name. */
function missingHint(provider: string, packageName: string): string {
  const install = `npm install ${packageName}`;
  if (Object.hasOwn(knownClasses, provider)) return `Install it: ${install}`;
  if (/^azure/.test(provider)) return "Pass an `AzureChatOpenAI` of @langchain/openai as `model`.";
  const other = Object.hasOwn(otherNames, provider) ? otherNames[provider] : undefined;
  const meant = other ?? nearest(provider, Object.keys(knownClasses));
  return meant === undefined
    ? `If that is the package of this provider, install it: ${install}`
    : `Did you mean "${meant}"? If not, and you trust the package: ${install}`;
}

/** The file that `import` of a package finds, seen from `cwd` upwards; `null` when no folder has the package. */
async function entryOf(packageName: string, cwd: string): Promise<string | null> {
  for (let folder = cwd; ; folder = dirname(folder)) {
    const root = join(folder, "node_modules", packageName);
    if (existsSync(join(root, "package.json"))) {
      const manifest = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as Record<
        string,
        unknown
      >;
      const entry =
        importTarget(rootExport(manifest.exports)) ?? manifest.module ?? manifest.main ?? "index.js";
      return pathToFileURL(join(root, String(entry))).href;
    }
    if (dirname(folder) === folder) return null;
  }
}

const rootExport = (exports: unknown): unknown =>
  typeof exports === "object" && exports !== null && "." in exports ? exports["."] : exports;

/** The target of a package's `exports` under the conditions of an `import` in Node. */
function importTarget(target: unknown): string | null {
  if (typeof target === "string") return target;
  if (typeof target !== "object" || target === null) return null;
  for (const [condition, inner] of Object.entries(target)) {
    if (["node", "import", "default"].includes(condition)) return importTarget(inner);
  }
  return null;
}
