// What the benches of model requests have in common: a run of five agents on `ChatOpenAI`, against a server of its own process.
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { ChatOpenAI } from "@langchain/openai";
import { defineDag } from "agent-dag";

export const instructions = "Say what stands out in the text, in a few words.";
export const text = "The phone is quick and light, but its battery lasts for half a day. ".repeat(8);

/** Four agents, and one that needs them. */
export const fiveAgents = defineDag({
  name: "calls",
  nodes: {
    a: { instructions },
    b: { instructions },
    c: { instructions },
    d: { instructions },
    meta: { instructions, needs: ["a", "b", "c", "d"] },
  },
});

/** How many runs go on at once. */
export const atOnce = 25;

/** Starts the server. `end` lets it go. */
export async function startModel(): Promise<{ readonly model: ChatOpenAI; end(): void }> {
  const server = fork(fileURLToPath(new URL("calls-server.mjs", import.meta.url)), { silent: true });
  const port = await new Promise<number>((resolve) => {
    server.stdout?.once("data", (line) => resolve(Number(String(line))));
  });
  const model = new ChatOpenAI({
    model: "gpt-4.1-mini",
    apiKey: "k",
    maxRetries: 0,
    configuration: { baseURL: `http://127.0.0.1:${port}/v1` },
  });
  return { model, end: () => server.disconnect() };
}

/** Milliseconds of processor time that {@link atOnce} runs at once take. */
export async function processorMs(once: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await Promise.all(Array.from({ length: atOnce }, once));
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
