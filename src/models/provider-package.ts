import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { DagError, errorMessage } from "../errors.js";
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

type ChatModelClass = new (fields: Readonly<Record<string, unknown>>) => ChatModelLike;

/**
 * The chat model class of `@langchain/<provider>`, from the packages of the project at `cwd`, else from our own.
 * @throws DagError `MODEL_PROVIDER_MISSING` when the package is not installed or has no chat model.
 */
export async function loadChatModelClass(provider: string, cwd: string): Promise<ChatModelClass> {
  const packageName = `@langchain/${provider}`;
  const entry = await entryOf(packageName, cwd);
  const exported = await importFirst(entry === null ? [packageName] : [entry, packageName], packageName);
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
    throw new DagError("MODEL_SETTINGS_INVALID", `Model "${id}" cannot be set up: ${said}`, {
      facts: { model: id },
      hint: "Set what it asks for in the environment, or pass an instance as `model`.",
    });
  }
}

async function importFirst(places: readonly string[], packageName: string): Promise<Record<string, unknown>> {
  let failure: unknown;
  for (const place of places) {
    try {
      return (await import(place)) as Record<string, unknown>;
    } catch (error) {
      failure ??= error;
    }
  }
  const missing = /Cannot find (package|module)/.test(errorMessage(failure));
  throw new DagError(
    "MODEL_PROVIDER_MISSING",
    `The package ${packageName} ${missing ? "is not installed" : `cannot be loaded: ${errorMessage(failure)}`}.`,
    { facts: { package: packageName }, cause: failure, hint: `Install it: npm install ${packageName}` },
  );
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
