import type { DagError } from "../../src/errors.js";
import type { Model, ModelChunk, ModelRequest } from "../../src/models/port.js";

/** A request that says "hello"; `parts` replace what a test is about. */
export function request(parts: Partial<ModelRequest> = {}): ModelRequest {
  return {
    messages: [
      { role: "system", content: "Be brief." },
      { role: "user", content: "hello" },
    ],
    tools: [],
    schema: null,
    modelOptions: {},
    node: "agent",
    item: null,
    invocation: null,
    turn: 0,
    attempt: 1,
    signal: new AbortController().signal,
    ...parts,
  };
}

/** Every chunk of a call. */
export async function chunksOf(model: Model, parts: Partial<ModelRequest> = {}): Promise<ModelChunk[]> {
  const chunks: ModelChunk[] = [];
  for await (const chunk of model.call(request(parts))) chunks.push(chunk);
  return chunks;
}

/** What a call threw, and the chunks that came before. */
export async function failureOf(
  model: Model,
  parts: Partial<ModelRequest> = {},
): Promise<{ error: DagError; chunks: ModelChunk[] }> {
  const chunks: ModelChunk[] = [];
  try {
    for await (const chunk of model.call(request(parts))) chunks.push(chunk);
  } catch (error) {
    return { error: error as DagError, chunks };
  }
  throw new Error(`The call succeeded: ${JSON.stringify(chunks)}`);
}
