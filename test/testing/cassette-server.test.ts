import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LLMock } from "@copilotkit/aimock";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { tool } from "@langchain/core/tools";
import { z } from "zod";
import type { RunRecord } from "../../src/records/record.js";
import { run } from "../../src/run/run.js";
import { defineDag } from "../../src/spec/define.js";
import { cassette } from "../../src/testing/index.js";

const key = "sk-live-0123456789abcdef";
const lookup = tool(async ({ city }: { city: string }) => `${city}: 12 degrees`, {
  name: "lookup",
  description: "Temperature of a city.",
  schema: z.object({ city: z.string() }),
});

const report = defineDag({
  name: "report",
  nodes: {
    weather: { instructions: "Say the weather.", tools: [lookup] },
    mood: { instructions: "Judge the mood.", output: z.object({ label: z.string(), score: z.number() }) },
    broken: { instructions: "Fail." },
    each: { forEach: { node: "cities" }, needs: ["cities"], instructions: "Praise the city." },
    cities: { run: () => ["Oslo", "Rome", "Oslo"], output: z.array(z.string()) },
    final: {
      needs: ["weather", "mood", "broken", "each"],
      join: "settled",
      instructions: "Write the report.",
    },
  },
});

const input = `Oslo. My key is ${key}.`;
const folder = mkdtempSync(join(tmpdir(), "agent-dag-cassette-"));
const file = join(folder, "report.yaml");
const server = new LLMock({ port: 0, logLevel: "silent" });
const before = { ...process.env };

beforeAll(async () => {
  const say = (text: string, prompt: number) => ({
    content: text,
    usage: { prompt_tokens: prompt, completion_tokens: 7 },
  });
  server.on(
    { systemMessage: "Say the weather", hasToolResult: false },
    {
      toolCalls: [{ id: "call_random1", name: "lookup", arguments: '{"city":"Oslo"}' }],
    },
  );
  server.on({ systemMessage: "Say the weather", hasToolResult: true }, say("It is 12 degrees in Oslo.", 40), {
    chunkSize: 4,
  });
  server.on({ systemMessage: "Judge the mood" }, say('{"label":"calm","score":0.5}', 30));
  server.on({ systemMessage: "Fail" }, { error: { message: `no such thing for ${key}` }, status: 400 });
  server.on({ systemMessage: "Praise" }, say("A fine city.", 20), { chunkSize: 3 });
  server.on({ systemMessage: "Write the report" }, say("Calm, 12 degrees.\nA fine day.", 90), {
    chunkSize: 6,
  });
  await server.start();
  process.env.OPENAI_API_KEY = key;
  process.env.OPENAI_BASE_URL = `${server.url}/v1`;
});
afterEach(() => {
  process.env.OPENAI_API_KEY = key;
});
afterAll(async () => {
  process.env.OPENAI_API_KEY = before.OPENAI_API_KEY;
  process.env.OPENAI_BASE_URL = before.OPENAI_BASE_URL;
  if (before.OPENAI_API_KEY === undefined) delete process.env.OPENAI_API_KEY;
  if (before.OPENAI_BASE_URL === undefined) delete process.env.OPENAI_BASE_URL;
  await server.stop().catch(() => undefined);
  rmSync(folder, { recursive: true, force: true });
});

/** A record without what is a time or an id: what has to be the same. */
function timeless(record: RunRecord): unknown {
  const { events: _events, criticalPathMs: _critical, ...rest } = record;
  const byPlace = [...rest.calls].sort((a, b) => `${a.node}${a.item}`.localeCompare(`${b.node}${b.item}`));
  return JSON.parse(
    JSON.stringify({ ...rest, calls: byPlace }, (name, value) =>
      /(AtMs|durationMs|firstTokenMs|startedAt|^waited)$/.test(name) || name === "id" ? undefined : value,
    ),
  );
}

describe("a cassette recorded from a real server", () => {
  let recorded: RunRecord;

  it("records without changing the run, and keeps keys off the disk", async () => {
    const tape = cassette(file, { mode: "record" });
    recorded = await run(report, input, { use: [tape], policy: { retry: { maxAttempts: 1 } } });
    expect(recorded).toHaveCompleted("weather", "mood", "each", "final");
    expect(recorded).toHaveOutcome("broken", "failed");
    expect(recorded).toHaveCalledTools(["lookup"]);
    const text = readFileSync(file, "utf8");
    expect(text).not.toContain(key);
    expect(text).not.toContain("0123456789abcdef");
    expect(text.toLowerCase()).not.toContain("bearer ");
    const steady = text.replace(/@\d+/g, "@0").replace(/127\.0\.0\.1:\d+/g, "127.0.0.1:0");
    expect(steady.replace(/data-[0-9a-f]{12}/g, "data-0")).toMatchSnapshot();
  });

  it("replays the same record but for times, without server, key or address", async () => {
    await server.stop();
    delete process.env.OPENAI_API_KEY;
    delete process.env.OPENAI_BASE_URL;
    const tape = cassette(file);
    const replayed = await run(report, input, { use: [tape] });
    expect(timeless(replayed)).toEqual(timeless(recorded));
    expect(replayed.calls.map((call) => call.model)).toEqual(replayed.calls.map(() => "openai:gpt-4.1-mini"));
    tape.assertComplete();
  });

  it("replays 50 times in parallel, each the same", async () => {
    delete process.env.OPENAI_API_KEY;
    delete process.env.OPENAI_BASE_URL;
    const all = await Promise.all(
      Array.from({ length: 50 }, () => run(report, input, { use: [cassette(file)] })),
    );
    for (const one of all) expect(timeless(one)).toEqual(timeless(recorded));
  });
});
