import { describe, expect, it } from "@jest/globals";
import { MemorySaver } from "@langchain/langgraph";
import { ChatOpenAI } from "@langchain/openai";
import { defineDag, openCheckpointer, run } from "agent-dag";
import { environmentSecrets } from "../../src/models/secrets.js";
import { otlpExporter } from "../../src/telemetry/otlp-exporter.js";
import { cli } from "../cli/cli-run.js";

/** Everything that a run shows after its function has thrown a text. */
async function shownAfterThrowing(text: string, options: object = {}): Promise<string> {
  const spec = defineDag({
    name: "echo",
    nodes: {
      a: {
        run: () => {
          throw Object.assign(new Error(text), { code: text });
        },
      },
      b: { needs: ["a"], join: "settled", run: ({ outcomes }) => JSON.stringify(outcomes.a) },
    },
  });
  const onEvent = () => {
    throw new Error(text);
  };
  return JSON.stringify(await run(spec, "x", { onEvent, ...options }));
}

describe("a key that stands in no variable", () => {
  it.each([
    ["a password", "Sw0rdfish/in:the@lake", (word: string) => word],
    ["percent-encoded", "Sw0rdfish/in:the@pond", encodeURIComponent],
    ["in JSON", 'Sw0rd"fish\\in\nthe-river', (word: string) => JSON.stringify({ word })],
    ["in base64", "Sw0rdfish-in-the-sea", (word: string) => Buffer.from(`me:${word}`).toString("base64")],
  ])(
    "is hidden when it is that of a database's address, though it is not reached: %s",
    async (_, word, spell) => {
      const address = `postgres://me:${encodeURIComponent(word)}@127.0.0.1:1/runs`;
      await expect(openCheckpointer(address)).rejects.toMatchObject({ code: "CHECKPOINTER_UNUSABLE" });
      const shown = await shownAfterThrowing(`no access with ${spell(word)}, sorry`);
      expect(shown).toContain("no access with");
      expect(shown).toContain("[redacted]");
      expect(shown).not.toContain(JSON.stringify(spell(word)).slice(1, -1));
    },
  );

  it("is hidden when a checkpointer of the user's own holds it", async () => {
    const options = Object.defineProperty({ user: "me" }, "password", { value: "Trout-in-the-brook-9" });
    const checkpointer = Object.assign(new MemorySaver(), { pool: { options } });
    const shown = await shownAfterThrowing("no Trout-in-the-brook-9", { checkpointer, thread: "t" });
    expect(shown).not.toContain("Trout-in");
  });

  it("is hidden in what functions throw, once an instance was given with it", async () => {
    const model = new ChatOpenAI({
      model: "m",
      apiKey: "pike-beneath-the-bridge",
      configuration: { baseURL: "http://127.0.0.1:1/v1" },
      maxRetries: 0,
    });
    const spec = defineDag({
      name: "late",
      nodes: {
        a: { instructions: "Hi.", policy: { retry: { maxAttempts: 1 } } },
        b: {
          needs: ["a"],
          join: "settled",
          run: () => {
            throw new Error("pike-beneath-the-bridge is not valid");
          },
        },
      },
    });
    expect(JSON.stringify(await run(spec, "x", { model }))).not.toContain("pike-beneath");
  });

  it("is hidden when a collector of traces is sent it", async () => {
    const headers = { "x-honey": "carp-among-the-lilies" };
    const exporter = otlpExporter("http://127.0.0.1:1", { headers, version: "1", onProblem: () => {} });
    expect(await shownAfterThrowing("carp-among-the-lilies")).not.toContain("carp-among");
    await exporter.flush();
  });

  it("leaves a run's words whole where a database's password is one that everybody uses", async () => {
    await openCheckpointer("postgres://postgres:postgres@127.0.0.1:1/postgres").catch(() => {});
    expect(await shownAfterThrowing("postgres cannot be reached")).toContain("postgres cannot be reached");
  });

  it("is hidden by the command line, whatever a graph's own code throws", async () => {
    const address = "postgres://me:eel-under-the-stone@127.0.0.1:1/runs";
    const result = await cli([
      "run",
      "examples/review.yaml",
      "--checkpoint",
      address,
      "--thread",
      "t",
      "--debug",
    ]);
    expect(result.exitCode).toBe(2);
    expect(result.stderr + result.stdout).not.toContain("eel-under");
  });
});

it("finds keys in variables that hold headers or an address with a token for its user", () => {
  const found = environmentSecrets({
    OTEL_EXPORTER_OTLP_HEADERS: "x-honeycomb-team=abc%2F1,x-dataset=runs",
    GATEWAY_HEADERS: '{"Authorization":"Bearer def2","content-type":"text/plain"}',
    CUSTOM_HEADERS: "x-api-key: ghi3\naccept: text/plain",
    REMOTE: "https://ghp_0123456789abcdefghij@host/repo",
  });
  expect(found).toEqual(expect.arrayContaining(["abc/1", "def2", "ghi3", "ghp_0123456789abcdefghij"]));
  expect(found).not.toContain("text/plain");
});
