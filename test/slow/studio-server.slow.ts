import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { Client } from "@langchain/langgraph-sdk";
import { input } from "../../examples/review.js";
import { freePort } from "../support/server-process.js";

const bin = "node_modules/.bin/langgraphjs";
const installed = existsSync(bin);
if (!installed && process.env.CI !== undefined)
  throw new Error(`${bin} is missing: CI has to run this test.`);
if (!installed) console.log(`Skipped: LangGraph's server is not installed (${bin} is missing).`);

const suite = installed ? describe : describe.skip;

suite("LangGraph's own server", () => {
  let server: ChildProcess;
  let url: string;
  const log: string[] = [];

  beforeAll(async () => {
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    const { NODE_OPTIONS: _, ...environment } = process.env;
    server = spawn(bin, ["dev", "--host", "127.0.0.1", "--port", String(port), "--no-browser"], {
      env: {
        ...environment,
        AGENT_DAG_MODEL: "offline",
        LANGGRAPH_CLI_NO_ANALYTICS: "1",
        LANGSMITH_TRACING: "false",
      },
      detached: true,
    });
    server.stdout?.on("data", (chunk) => log.push(String(chunk)));
    server.stderr?.on("data", (chunk) => log.push(String(chunk)));
    await answering(`${url}/ok`, () => log.join(""));
  });

  afterAll(() => {
    if (server.pid !== undefined) process.kill(-server.pid, "SIGKILL");
  });

  it("runs the review through the SDK's client, with all five outcomes", async () => {
    const client = new Client({ apiUrl: url });
    const result = (await client.runs.wait(null, "review", { input: { input } })) as {
      outcomes?: Record<string, { state: string }>;
      output?: unknown;
    };
    const states = Object.entries(result.outcomes ?? {}).map(([name, { state }]) => `${name} ${state}`);
    expect(states.sort()).toEqual(
      ["features", "meta", "prosCons", "recommend", "sentiment"].map((name) => `${name} completed`),
    );
    expect(typeof result.output).toBe("string");
  });

  it("draws the graph with its specialists side by side", async () => {
    const client = new Client({ apiUrl: url });
    const { edges } = await client.assistants.getGraph("review");
    const drawn = edges.map(({ source, target }) => `${source} -> ${target}`);
    for (const name of ["features", "prosCons", "sentiment", "recommend"]) {
      expect(drawn).toContain(`__start__ -> ${name}`);
      expect(drawn).toContain(`${name} -> meta`);
    }
    expect(drawn).toContain("meta -> __end__");
  });
});

async function answering(address: string, log: () => string): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const answer = await fetch(address).catch(() => null);
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  throw new Error(`The server did not answer at ${address}:\n${log()}`);
}
