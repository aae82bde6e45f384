import { afterEach } from "@jest/globals";
import { tool } from "@langchain/core/tools";
import { z } from "zod";
import { run } from "../../src/run/run.js";
import { defineDag } from "../../src/spec/define.js";
import type { RawServer, SeenRequest } from "../models/raw-server.js";
import { type Reply, replying } from "../models/replies.js";

/** The server of the last answer. */
export let server: RawServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

/** Runs a graph on a server that gives these replies, which is closed after the test. */
export async function answer(
  spec: Parameters<typeof run>[0],
  replies: readonly Reply[],
  options: object | ((server: RawServer) => object) = {},
) {
  const started = await replying(...replies);
  server = started.server;
  const given = typeof options === "function" ? options(started.server) : options;
  const record = await run(spec as any, "x", { model: started.model, ...given });
  return { record, requests: started.server.seen, outcome: Object.values(record.outcomes)[0] as any };
}

export const messagesOf = (request: SeenRequest | undefined) => (request?.body.messages ?? []) as any[];

/** Options of a run that tries a request once. */
export const once = { policy: { retry: { maxAttempts: 1 } } };
export const text = defineDag({ name: "text", nodes: { a: { instructions: "Speak." } } });
export const structured = defineDag({
  name: "structured",
  nodes: { a: { instructions: "Judge.", output: z.object({ label: z.string(), score: z.number() }) } },
});
export const two = defineDag({
  name: "two",
  nodes: { a: { instructions: "Do a." }, b: { instructions: "Do b." } },
});

/** A graph of one agent with two tools, and what they were called with. */
export function withTools() {
  const made: string[] = [];
  const tools = [
    tool(
      ({ folder }) => {
        made.push(`wipe ${folder ?? ""}`);
        return "wiped";
      },
      { name: "wipe", description: "Wipes.", schema: z.object({ folder: z.string().optional() }) },
    ),
    tool(
      ({ city }) => {
        made.push(`weather ${city}`);
        return "rain";
      },
      { name: "weather", description: "Weather.", schema: z.object({ city: z.string() }) },
    ),
  ];
  return { made, spec: defineDag({ name: "agent", nodes: { a: { instructions: "Help.", tools } } }) };
}
