import { createServer, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { inspect } from "node:util";
import { afterEach, describe, expect, it } from "@jest/globals";
import type { DagError } from "../../src/errors.js";
import { collectReply } from "../../src/models/port.js";
import { proxyFor } from "../../src/models/proxy.js";
import { resolveModel } from "../../src/models/resolve.js";
import { request } from "./requests.js";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function listening(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

const modelServer = () =>
  createServer((_, response) => {
    response.setHeader("content-type", "application/json");
    const choices = [{ index: 0, message: { role: "assistant", content: "hi" }, finish_reason: "stop" }];
    response.end(JSON.stringify({ id: "c", object: "chat.completion", model: "m", choices }));
  });

/** A proxy that asks `port` whatever it is asked for, and notes what that was and who asked. */
function proxyTo(port: number) {
  const seen: { readonly target: string | undefined; readonly by: string | undefined }[] = [];
  const server = createServer((incoming, response) => {
    seen.push({ target: incoming.url, by: incoming.headers["proxy-authorization"] });
    incoming.resume();
    modelServer().emit("request", incoming, response);
  });
  server.on("connect", (incoming, socket) => {
    seen.push({ target: incoming.url, by: incoming.headers["proxy-authorization"] });
    const upstream = connect(port, "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      upstream.pipe(socket).pipe(upstream);
    });
    upstream.on("error", () => socket.destroy());
    socket.on("error", () => upstream.destroy());
  });
  return { server, seen };
}

describe("a proxy of the environment", () => {
  it("carries the requests of a model, and is given its password", async () => {
    const { server, seen } = proxyTo(await listening(modelServer()));
    const port = await listening(server);
    const model = await resolveModel("openai:m", {
      OPENAI_BASE_URL: "http://model.test/v1",
      HTTP_PROXY: `http://me:p4ss-of-the-proxy@127.0.0.1:${port}`,
    });
    expect((await collectReply(model.call(request({ stream: false })))).text).toBe("hi");
    expect(seen).toHaveLength(1);
    expect(seen[0]?.target).toContain("model.test");
    expect(seen[0]?.by).toBe(`Basic ${Buffer.from("me:p4ss-of-the-proxy").toString("base64")}`);
  });

  it("is passed by for hosts of NO_PROXY", async () => {
    const direct = await listening(modelServer());
    const { server, seen } = proxyTo(direct);
    const model = await resolveModel("openai:m", {
      OPENAI_BASE_URL: `http://127.0.0.1:${direct}/v1`,
      HTTP_PROXY: `http://127.0.0.1:${await listening(server)}`,
      NO_PROXY: "example.com, 127.0.0.1",
    });
    expect((await collectReply(model.call(request({ stream: false })))).text).toBe("hi");
    expect(seen).toEqual([]);
  });

  it("is asked for a tunnel to an https server, and its refusal is told without its password", async () => {
    const closed = await listening(createServer((_, response) => response.end()));
    const { server, seen } = proxyTo(closed);
    const proxy = `http://me:p4ss-of-the-proxy@127.0.0.1:${await listening(server)}`;
    const model = await resolveModel("openai:m", {
      OPENAI_BASE_URL: "https://model.test/v1",
      https_proxy: proxy,
    });
    const failure = await collectReply(model.call(request({ stream: false }))).catch((error: Error) => error);
    expect((failure as DagError).code).toMatch(/^MODEL_/);
    expect(inspect(failure, { depth: 8 })).not.toContain("p4ss");
    expect(seen[0]?.target).toBe("model.test:443");
  });

  it("that cannot be one is refused without its password", async () => {
    const env = { OPENAI_BASE_URL: "https://model.test/v1", HTTPS_PROXY: "socks5://me:p4ssword@host:1" };
    await expect(resolveModel("openai:m", env)).rejects.toMatchObject({ code: "MODEL_SETTINGS_INVALID" });
    await expect(resolveModel("openai:m", env)).rejects.not.toThrow("p4ssword");
  });
});

describe("which proxy", () => {
  const env = { HTTPS_PROXY: "http://a:1", http_proxy: "b:2" };

  it.each([
    ["https://x.test/v1", "http://a:1"],
    ["http://x.test/v1", "http://b:2"],
  ])("%s goes through %s", (url, proxy) => {
    expect(proxyFor(url, env)?.url).toBe(proxy);
  });

  it("is none where the variable is empty", () => {
    expect(proxyFor("http://x.test", { HTTP_PROXY: "" })).toBeNull();
  });

  it.each([
    ["*", true],
    ["x.test", true],
    [".test", true],
    ["*.test", true],
    ["X.TEST:8080", true],
    ["x.test:80", false],
    [".x.test", false],
    ["y.test", false],
    ["other, x.test", true],
    ["", false],
  ])("NO_PROXY=%j passes it by: %s", (list, direct) => {
    expect(proxyFor("http://x.test:8080/v1", { ...env, NO_PROXY: list }) === null).toBe(direct);
  });

  it.each(["::1", "[::1]", "[::1]:11434"])("NO_PROXY=%j is an address of version 6", (list) => {
    expect(proxyFor("http://[::1]:11434/v1", { ...env, NO_PROXY: list })).toBeNull();
  });
});
