import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, it } from "@jest/globals";
import { ChatAnthropic } from "@langchain/anthropic";
import { ChatDeepSeek } from "@langchain/deepseek";
import { ChatMistralAI } from "@langchain/mistralai";
import { ChatOllama } from "@langchain/ollama";
import { langchainModel } from "../../src/models/langchain-model.js";
import { collectReply } from "../../src/models/port.js";
import { proxySettings } from "../../src/models/proxy.js";
import type { ChatModelLike } from "../../src/spec/shape.js";
import { request } from "../models/requests.js";
import { speakers } from "./speakers.js";

let proxy: Server | undefined;
afterEach(() => {
  proxy?.closeAllConnections();
  proxy?.close();
});

/** A proxy that answers itself, as the provider would; what it was asked for. */
async function proxyOf(name: string): Promise<{ port: number; seen: string[] }> {
  const seen: string[] = [];
  const speaker = speakers.find((one) => one.name === name);
  const server = createServer(async (incoming, response) => {
    seen.push(incoming.url ?? "");
    let body = "";
    for await (const part of incoming) body += String(part);
    expect(JSON.parse(body)).toMatchObject({ model: "m" });
    speaker?.say(response, incoming, { kind: "text", text: "hi there" });
  });
  proxy = server;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { port: (server.address() as AddressInfo).port, seen };
}

const url = "http://model.test";
type Settings = Readonly<Record<string, any>>;

const providers: Readonly<Record<string, (settings: Settings) => ChatModelLike>> = {
  anthropic: (settings) => new ChatAnthropic({ model: "m", apiKey: "k", anthropicApiUrl: url, ...settings }),
  deepseek: ({ configuration }) =>
    new ChatDeepSeek({ model: "m", apiKey: "k", configuration: { baseURL: `${url}/v1`, ...configuration } }),
  mistralai: (settings) => new ChatMistralAI({ model: "m", apiKey: "k", serverURL: url, ...settings }),
  ollama: (settings) => new ChatOllama({ model: "m", baseUrl: url, ...settings }),
};

it.each(Object.keys(providers))("%s is reached through the proxy of the environment", async (name) => {
  const { port, seen } = await proxyOf(name);
  const settings = proxySettings(name, { HTTP_PROXY: `http://127.0.0.1:${port}` });
  const model = langchainModel((providers[name] as (typeof providers)[string])(settings));
  expect((await collectReply(model.call(request({ stream: true })))).text).toBe("hi there");
  expect(seen).toHaveLength(1);
  expect(seen[0]).toMatch(/^http:\/\/model\.test\//);
});

it.each(["anthropic", "mistralai"])("a request of %s through a proxy ends with its call", async (name) => {
  let close = () => {};
  const closed = new Promise<void>((resolve) => {
    close = resolve;
  });
  const server = createServer((incoming) => incoming.on("close", close));
  proxy = server;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const settings = proxySettings(name, { http_proxy: `127.0.0.1:${port}` });
  const model = langchainModel((providers[name] as (typeof providers)[string])(settings));
  const controller = new AbortController();
  const asked = new Promise<void>((resolve) => server.on("request", () => resolve()));
  const reply = collectReply(model.call(request({ stream: true, signal: controller.signal })));
  const failure = reply.catch((error: unknown) => error);
  await asked;
  controller.abort();
  await closed;
  expect(await failure).toBeInstanceOf(Error);
});

it("nothing is set where no variable names a proxy, and for a client that takes none", () => {
  expect(proxySettings("anthropic", { HTTP_PROXY: " ", OTHER: "x" })).toEqual({});
  expect(proxySettings("google-genai", { HTTPS_PROXY: "http://a:1" })).toEqual({});
});
