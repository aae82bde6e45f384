import { expect, it, jest } from "@jest/globals";

jest.unstable_mockModule("undici", () => {
  throw new Error("Cannot find package 'undici'");
});

it("a proxy without the package that reaches it is told before anything is sent", async () => {
  const { resolveModel } = await import("../../src/models/resolve.js");
  const proxied = { OPENAI_BASE_URL: "http://model.test/v1", HTTP_PROXY: "http://me:p4ssword@127.0.0.1:9" };
  const failure = await resolveModel("openai:m", proxied).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: "MODEL_PROVIDER_MISSING", facts: { package: "undici" } });
  expect(String((failure as Error).message)).toContain("HTTP_PROXY is set");
  expect(String((failure as { hint?: string }).hint)).toContain("npm install undici@6");
  expect(JSON.stringify(failure)).not.toContain("p4ssword");
  await expect(resolveModel("openai:m", { ...proxied, NO_PROXY: "model.test" })).resolves.toBeDefined();
});

it("is told by another provider's request, with what to do", async () => {
  const [{ langchainModel }, { proxySettings }, { collectReply }, { ChatAnthropic }, { request }] =
    await Promise.all([
      import("../../src/models/langchain-model.js"),
      import("../../src/models/proxy.js"),
      import("../../src/models/port.js"),
      import("@langchain/anthropic"),
      import("./requests.js"),
    ]);
  const settings = proxySettings("anthropic", { HTTP_PROXY: "http://127.0.0.1:9" });
  const instance = new ChatAnthropic({
    model: "m",
    apiKey: "k",
    anthropicApiUrl: "http://model.test",
    ...settings,
  });
  const failure = await collectReply(langchainModel(instance).call(request())).catch(
    (error: unknown) => error,
  );
  expect(failure).toMatchObject({ code: "MODEL_PROVIDER_MISSING", retryable: false });
});
