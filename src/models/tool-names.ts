import { hashOf } from "../spec/canonical.js";
import {
  batchesOf,
  batchModel,
  type ChunkBatch,
  endsAtOnce,
  type Message,
  type Model,
  type ModelChunk,
  type ModelRequest,
} from "./port.js";

/** What every provider takes for the name of a tool: Gemini's beginnings, OpenAI's letters, Mistral's length. */
const legal = /^[A-Za-z_][\w-]{0,63}$/;

/**
 * Names that every provider takes for a tool (`[A-Za-z_][A-Za-z0-9_-]{0,63}`), one for each name: its own where that is
 * one, else what is left of it in ASCII and a fingerprint. The same names are told by the same ones in every run.
 */
export function toolNamesOf(names: readonly string[]): ReadonlyMap<string, string> {
  const taken = new Set(names);
  return new Map(
    [...taken].map((name) => {
      if (legal.test(name)) return [name, name];
      const letters = name
        .normalize("NFKD")
        .replace(/\p{M}+/gu, "")
        .replace(/[^\w-]+/g, "_")
        .replace(/^[^A-Za-z]+|_+$/g, "");
      const base = `${letters.slice(0, 50) || "node"}_${hashOf(name).slice(0, 6)}`;
      let made = base;
      for (let count = 2; taken.has(made); count++) made = `${base}_${count}`;
      taken.add(made);
      return [name, made];
    }),
  );
}

/** What models put around a name: the namespace of their prompt's format before it, a mark of the format behind it. */
const around = /^(?:functions?|tools?|default_api)[.:]|<\|.*$/gs;

const bareName = (name: string): string => name.replace(around, "").trim();

/** Calls under the names of the tools that they mean, where what a model put around a name is all that differs. */
export function withKnownNames<Call extends { readonly name: string }>(
  calls: readonly Call[],
  tools: readonly { readonly name: string }[],
): readonly Call[] {
  const isKnown = (name: string) => tools.some((tool) => tool.name === name);
  if (calls.every((call) => isKnown(call.name))) return calls;
  return calls.map((call) => {
    const bare = bareName(call.name);
    return isKnown(call.name) || !isKnown(bare) ? call : { ...call, name: bare };
  });
}

/**
 * A model whose provider is told names of tools that it takes, whatever they are called here (`files.read`, `größe`, 70 letters), and
 * whose calls come back under the names here. So with names in the conversation that a model made up: providers refuse those too.
 */
export function withLegalToolNames(model: Model): Model {
  const batches = (request: ModelRequest) => {
    const names = namesIn(request);
    return names.every((name) => legal.test(name))
      ? batchesOf(model, request)
      : renamed(model, request, names);
  };
  return batchModel(model.id, batches, endsAtOnce(model));
}

function namesIn({ tools, messages }: ModelRequest): string[] {
  const names = tools.map(({ name }) => name);
  for (const message of messages) {
    if (message.role === "tool" && message.name !== "") names.push(message.name);
    else if (message.role === "assistant") for (const { name } of message.toolCalls ?? []) names.push(name);
  }
  return names;
}

async function* renamed(
  model: Model,
  request: ModelRequest,
  names: readonly string[],
): AsyncGenerator<ChunkBatch> {
  const made = toolNamesOf(names);
  const madeOf = (name: string) => made.get(name) ?? name;
  const own = new Map([...made].map(([name, told]) => [told, name]));
  const tools = request.tools.map((tool) => {
    const name = madeOf(tool.name);
    return name === tool.name ? tool : { ...tool, name, description: `(${tool.name}) ${tool.description}` };
  });
  const messages = request.messages.map((message): Message => {
    if (message.role === "tool") return { ...message, name: madeOf(message.name) };
    if (message.role !== "assistant" || message.toolCalls === undefined) return message;
    const toolCalls = message.toolCalls.map((call) => ({ ...call, name: madeOf(call.name) }));
    return { ...message, toolCalls };
  });
  const named = (chunk: ModelChunk): ModelChunk => {
    const given = chunk.type === "tool-call" ? chunk.name : undefined;
    if (given === undefined || made.has(given)) return chunk;
    const name = own.get(given) ?? own.get(bareName(given));
    return name === undefined ? chunk : ({ ...chunk, name } as ModelChunk);
  };
  for await (const chunks of batchesOf(model, { ...request, tools, messages })) yield chunks.map(named);
}
