import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { ChatOpenAI } from "@langchain/openai";
import { defineDag } from "agent-dag";
const instructions = "Say what stands out in the text, in a few words.";
const text = "The phone is quick and light, but its battery lasts for half a day. ".repeat(8);
const fiveAgents = defineDag({
  name: "calls",
  nodes: {
    a: { instructions },
    b: { instructions },
    c: { instructions },
    d: { instructions },
    meta: { instructions, needs: ["a", "b", "c", "d"] }
  }
});
const atOnce = 25;
async function startModel() {
  const server = fork(fileURLToPath(new URL("calls-server.mjs", import.meta.url)), { silent: true });
  const port = await new Promise((resolve) => {
    server.stdout?.once("data", (line) => resolve(Number(String(line))));
  });
  const model = new ChatOpenAI({
    model: "gpt-4.1-mini",
    apiKey: "k",
    maxRetries: 0,
    configuration: { baseURL: `http://127.0.0.1:${port}/v1` }
  });
  return { model, end: () => server.disconnect() };
}
async function processorMs(once) {
  const before = process.cpuUsage();
  await Promise.all(Array.from({ length: atOnce }, once));
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e3;
}
export {
  atOnce,
  fiveAgents,
  instructions,
  processorMs,
  startModel,
  text
};
