import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { FakeListChatModel } from "@langchain/core/utils/testing";
import { chooseModel } from "../../src/models/choose.js";
import { collectReply } from "../../src/models/port.js";
import { resolveModel } from "../../src/models/resolve.js";
import { rawServer, sendReply } from "./raw-server.js";
import { chunksOf, request } from "./requests.js";

describe("resolveModel", () => {
  it.each([
    ["gpt-4o", "MODEL_NAME_INVALID", 'Did you mean "openai:gpt-4o"?'],
    ["openai", "MODEL_NAME_INVALID", 'Did you mean "openai:gpt-4.1-mini"?'],
    ["offlin", "MODEL_NAME_INVALID", 'Did you mean "offline"?'],
    ["claude-sonnet-4-5", "MODEL_NAME_INVALID", 'Did you mean "anthropic:claude-sonnet-4-5"?'],
    ["", "MODEL_NAME_INVALID", 'Use "provider:name"'],
    ["openai:", "MODEL_NAME_INVALID", 'For example "openai:gpt-4.1-mini"'],
    ["../../etc:passwd", "MODEL_NAME_INVALID", "no valid provider"],
    ["openai:gpt-4o", "MODEL_KEY_MISSING", "OPENAI_BASE_URL"],
    ["openai:gpt-4o", "MODEL_KEY_MISSING", '"offline"'],
    ["nowhere:m", "MODEL_PROVIDER_MISSING", "npm install @langchain/nowhere"],
    ["antropic:m", "MODEL_PROVIDER_MISSING", 'Did you mean "anthropic"?'],
    ["bedrock:m", "MODEL_PROVIDER_MISSING", 'Did you mean "aws"?'],
    ["constructor:m", "MODEL_PROVIDER_MISSING", "If that is the package of this provider"],
    ["azure:m", "MODEL_PROVIDER_MISSING", "AzureChatOpenAI"],
  ])("refuses %j with %s and says %j", async (name, code, said) => {
    await expect(resolveModel(name, {})).rejects.toMatchObject({
      code,
      message: expect.stringContaining(said),
    });
  });

  it.each(["localhost:11434", "ftp://host/v1", "http://me:secret99@host/v1"])(
    "refuses OPENAI_BASE_URL %j",
    async (url) => {
      const failure = resolveModel("openai:m", { OPENAI_BASE_URL: url });
      await expect(failure).rejects.toMatchObject({ code: "MODEL_BASE_URL_INVALID" });
      await expect(failure).rejects.not.toMatchObject({ message: expect.stringContaining("secret99") });
    },
  );

  it("sends the key of its environment, and a placeholder where a base URL needs none", async () => {
    const keys: (string | undefined)[] = [];
    const server = await rawServer((response) => {
      keys.push(response.req.headers.authorization);
      sendReply(response, "hi");
    });
    const base = { OPENAI_BASE_URL: server.url };
    await chunksOf(await resolveModel("openai:m", { ...base, OPENAI_API_KEY: "of-the-environment" }));
    await chunksOf(await resolveModel("openai:m", base));
    await server.close();
    expect(keys).toEqual(["Bearer of-the-environment", "Bearer none"]);
  });

  it("adapts an instance, and returns a model of the port as it is", async () => {
    const model = await resolveModel(new FakeListChatModel({ responses: ["hi"] }), {});
    expect((await collectReply(model.call(request()))).text).toBe("hi");
    expect(await resolveModel(model, {})).toBe(model);
  });

  it("loads the embedded model without a key", async () => {
    expect((await resolveModel("offline", {})).id).toMatch(/^offline/);
  });
});

describe("resolveModel with a provider's package in the user's project", () => {
  let project = "";

  beforeAll(async () => {
    project = await mkdtemp(join(tmpdir(), "agent-dag-provider-"));
    const home = join(project, "node_modules", "@langchain", "acme");
    await mkdir(home, { recursive: true });
    const exports = { ".": { require: "./no.cjs", import: { types: "./no.d.ts", default: "./index.js" } } };
    await writeFile(
      join(home, "package.json"),
      JSON.stringify({ name: "@langchain/acme", type: "module", exports }),
    );
    await writeFile(
      join(home, "index.js"),
      `export const helper = 1;
export class ChatAcme {
  constructor(fields) {
    if (fields.model === "locked") throw new Error("Acme API key not found");
    this.fields = fields;
  }
  _llmType() { return "acme"; }
  async invoke() {}
  async stream() { return this.reply(); }
  async *reply() { yield { content: JSON.stringify(this.fields) }; }
}`,
    );
    await mkdir(join(project, "deep", "er"), { recursive: true });
  });
  afterAll(() => rm(project, { recursive: true }));

  it("makes the package's chat model, with its own retries off", async () => {
    const model = await resolveModel("acme:big:1", {}, join(project, "deep", "er"));
    expect(model.id).toBe("acme:big:1");
    expect(await chunksOf(model)).toEqual([{ type: "text", text: '{"model":"big:1","maxRetries":0}' }]);
  });

  it("says what the package asked for when it refuses", async () => {
    await expect(resolveModel("acme:locked", {}, project)).rejects.toMatchObject({
      code: "MODEL_SETTINGS_INVALID",
      message: expect.stringContaining("Acme API key not found"),
    });
  });
});

describe("chooseModel", () => {
  const env = { AGENT_DAG_MODEL: "a:env", OPENAI_API_KEY: "k" };
  it.each([
    [{ option: "a:option", node: "a:node", spec: "a:spec" }, env, "a:option", "option"],
    [{ node: "a:node", spec: "a:spec" }, env, "a:node", "node"],
    [{ spec: "a:spec" }, env, "a:spec", "spec"],
    [{}, env, "a:env", "environment"],
    [{}, { OPENAI_API_KEY: "k" }, "openai:gpt-4.1-mini", "key"],
    [{}, { OPENAI_API_KEY: " ", AGENT_DAG_MODEL: "" }, "offline", "default"],
  ])("of %j in %j is %s", (sources, environment, model, source) => {
    const choice = chooseModel(sources, environment);
    expect(choice).toMatchObject({ model, source });
    expect(choice.notice === null).toBe(source !== "default");
  });

  it("tells of the embedded model in one line", () => {
    expect(chooseModel({}, {}).notice).toMatch(/^[^\n]*rules[^\n]*OPENAI_API_KEY[^\n]*$/);
  });
});
