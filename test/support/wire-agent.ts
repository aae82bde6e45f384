import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach } from "@jest/globals";
import { tool } from "@langchain/core/tools";
import { z } from "zod";
import { defineDag, run } from "../../src/index.js";
import { speakers } from "../providers/speakers.js";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

export interface Wire {
  /** Bytes of one reply after the other; the last is said again. */
  readonly replies: readonly (readonly string[])[];
  /** Breaks the connection in place of ending the reply. */
  readonly breaks?: boolean;
  /** Content type; that of the provider's streams where it is not given. */
  readonly type?: string;
}

/** Runs one agent with the tool `wipe` on a server that says just these bytes, two attempts a request. */
export async function agentOn(provider: string, { replies, breaks = false, type }: Wire) {
  const bodies: { messages?: unknown[]; contents?: unknown[] }[] = [];
  const server = createServer(async (incoming, response) => {
    let text = "";
    for await (const part of incoming) text += part;
    bodies.push(JSON.parse(text));
    response.writeHead(200, {
      "content-type": type ?? (provider === "ollama" ? "application/x-ndjson" : "text/event-stream"),
    });
    for (const piece of replies[Math.min(bodies.length, replies.length) - 1] ?? []) response.write(piece);
    if (breaks) setTimeout(() => response.destroy(), 20);
    else response.end();
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const wiped: unknown[] = [];
  const wipe = tool(
    async (args) => {
      wiped.push(args);
      return "wiped";
    },
    { name: "wipe", description: "Wipes.", schema: z.object({ folder: z.string().optional() }) },
  );
  const retry = { maxAttempts: 2, initialIntervalMs: 1, maxIntervalMs: 1 };
  const spec = defineDag({
    name: "wires",
    nodes: { a: { instructions: "Go.", tools: [wipe], policy: { retry } } },
  });
  const speaker = speakers.find(({ name }) => name === provider);
  const model = speaker?.model(`http://127.0.0.1:${port}`) ?? "";
  const record = await run(spec, "go", { model, onEvent: () => {} });
  return { outcome: record.outcomes.a, call: record.calls.at(-1), requests: bodies.length, bodies, wiped };
}

export const anthropic = (type: string, rest: object = {}) =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...rest })}\n\n`;
export const begin = anthropic("message_start", {
  message: { id: "m", role: "assistant", content: [], usage: { input_tokens: 12, output_tokens: 1 } },
});
export const block = (index: number, content_block: object, ...deltas: readonly object[]) => [
  anthropic("content_block_start", { index, content_block }),
  ...deltas.map((delta) => anthropic("content_block_delta", { index, delta })),
  anthropic("content_block_stop", { index }),
];
export const half = block(0, { type: "text", text: "" }, { type: "text_delta", text: "Half" });
export const call = block(1, { type: "tool_use", id: "t", name: "wipe", input: {} });
export const stop = (stop_reason: string) => [
  anthropic("message_delta", { delta: { stop_reason }, usage: { output_tokens: 5 } }),
  anthropic("message_stop"),
];

export const tokens = {
  usageMetadata: { promptTokenCount: 12, candidatesTokenCount: 5, totalTokenCount: 17 },
};
export const google = (reply: object) => `data: ${JSON.stringify({ ...tokens, ...reply })}\r\n\r\n`;
export const candidate = (finishReason: string | undefined, parts?: readonly object[]) =>
  google({ candidates: [{ index: 0, finishReason, ...(parts && { content: { role: "model", parts } }) }] });

export const usage = { prompt_tokens: 12, completion_tokens: 5, total_tokens: 17 };
export const chat = (delta: object, finish_reason: string | null = null) =>
  `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model: "m", choices: [{ index: 0, delta, finish_reason }], ...(finish_reason && { usage }) })}\n\n`;
export const event = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`;
export const chatCall = (id: string | undefined, folder: string, index: number) => ({
  index,
  ...(id !== undefined && { id }),
  type: "function",
  function: { name: "wipe", arguments: JSON.stringify({ folder }) },
});

export const line = (value: object) => `${JSON.stringify(value)}\n`;
export const ollama = (message: object, rest: object = { done: false }) =>
  line({ model: "m", message: { role: "assistant", content: "", ...message }, ...rest });
export const done = (rest: object) =>
  ollama({}, { done: true, prompt_eval_count: 12, eval_count: 5, ...rest });
export const ollamaCall = ollama({ tool_calls: [{ function: { name: "wipe", arguments: {} } }] });

export const html = "<html><body>Gateway</body></html>";
export const busy = "busy, come back";
