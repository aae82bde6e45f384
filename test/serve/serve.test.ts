import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, request } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Readable } from "node:stream";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterAll, afterEach, expect, it } from "@jest/globals";
import { createHandler } from "../../src/serve/handler.js";
import { nodeListener } from "../../src/serve/node-listener.js";
import { type ServedDags, type ServeOptions, serve } from "../../src/serve/serve.js";
import { defineDag } from "../../src/spec/define.js";
import { cli } from "../cli/cli-run.js";
import { allMessages } from "./client.js";

const folder = mkdtempSync(join(tmpdir(), "agent-dag-serve-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const greet = defineDag({ name: "greet", nodes: { hello: { run: ({ input }) => `Hello ${input}` } } });
const services: ServedDags[] = [];
const children: ChildProcess[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  for (const service of services.splice(0)) await service.close({ drainMs: 0 });
});

async function started(options: ServeOptions = {}): Promise<ServedDags> {
  const service = await serve(greet, options);
  services.push(service);
  return service;
}

const json = { "content-type": "application/json" };
const body = JSON.stringify({ input: "Ada" });

/** What comes back for bytes on a socket, until the server closes it. */
function exchange(port: number, bytes: string): Promise<string> {
  return new Promise((done, failed) => {
    let text = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes));
    socket.on("data", (chunk) => {
      text += chunk;
    });
    socket.on("error", failed);
    socket.on("close", () => done(text));
  });
}

it("answers on loopback, and closes connections that say nothing", async () => {
  const { url, port } = await started({ idleMs: 200 });
  const record = await (await fetch(`${url}runs`, { method: "POST", headers: json, body })).json();
  expect(record).toMatchObject({ state: "completed", output: "Hello Ada" });
  const [silent, half] = await Promise.all([exchange(port, ""), exchange(port, "GET / HTTP/1.1\r\nHos")]);
  for (const text of [silent, half]) expect(text === "" || text.startsWith("HTTP/1.1 408")).toBe(true);
});

it("answers what the Fetch standard cannot express as a problem too", async () => {
  const { port } = await started();
  const rest = "HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  const [trace, host, address] = await Promise.all([
    exchange(port, `TRACE /runs ${rest}`),
    exchange(port, "GET /runs HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n"),
    exchange(port, `GET http://:x/ ${rest}`),
  ]);
  expect(trace).toMatch(/^HTTP\/1\.1 405 [\s\S]*application\/problem\+json[\s\S]*"REQUEST_METHOD"/);
  for (const text of [host, address]) {
    expect(text).toMatch(/^HTTP\/1\.1 400 [\s\S]*application\/problem\+json[\s\S]*"REQUEST_INVALID"/);
  }
});

it("answers oversized, slow and broken requests, and serves others meanwhile", async () => {
  const { url, port } = await started({ maxBodyBytes: 100, bodyTimeoutMs: 50, idleMs: 500 });
  const head = "POST /runs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
  const [large, late, broken] = await Promise.all([
    exchange(port, `${head}Transfer-Encoding: chunked\r\n\r\n${"1000\r\n".padEnd(0x1000 + 6, "x")}\r\n`),
    exchange(port, `${head}Content-Length: 50\r\n\r\n{`),
    exchange(port, "NO SENSE\r\n\r\n"),
  ]);
  expect([large, late, broken].map((text) => text.slice(9, 12))).toEqual(["413", "408", "400"]);
  expect((await fetch(`${url}health`)).status).toBe(200);
});

it.each([
  ["no request", "NO SENSE\r\n\r\n", 400, "REQUEST_INVALID"],
  ["no host", "GET /health HTTP/1.1\r\n\r\n", 400, "REQUEST_INVALID"],
  ["two hosts", "GET /health HTTP/1.1\r\nHost: localhost\r\nHost: evil.test\r\n\r\n", 400, "REQUEST_INVALID"],
  [
    "two lengths",
    "POST /runs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
    400,
    "REQUEST_INVALID",
  ],
  [
    "large head",
    `GET /health HTTP/1.1\r\nHost: localhost\r\nX: ${"y".repeat(40_000)}\r\n\r\n`,
    431,
    "REQUEST_TOO_LARGE",
  ],
  ["late head", "GET /health HTTP/1.1\r\nHost: loc", 408, "REQUEST_TIMEOUT"],
  [
    "expectation",
    "POST /runs HTTP/1.1\r\nHost: localhost\r\nExpect: cake\r\nContent-Length: 2\r\n\r\n{}",
    417,
    "REQUEST_INVALID",
  ],
])("answers what its parser cannot read as a problem: %s", async (_, bytes, status, code) => {
  const { port } = await started({ idleMs: 300 });
  const text = await exchange(port, bytes);
  expect(text).toMatch(
    new RegExp(`^HTTP/1\\.1 ${status} [\\s\\S]*application/problem\\+json[\\s\\S]*"${code}"`),
  );
});

it("says nothing into the midst of another answer", async () => {
  const endless = defineDag({
    name: "endless",
    nodes: { a: { run: ({ signal }) => new Promise((done) => signal.addEventListener("abort", done)) } },
  });
  const service = await serve(endless);
  services.push(service);
  const asked = JSON.stringify({ input: "x", stream: true });
  const head = "POST /runs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
  let text = "";
  const socket = connect(service.port, "127.0.0.1", () => {
    socket.write(`${head}Content-Length: ${asked.length}\r\n\r\n${asked}`);
  });
  socket.on("data", (chunk) => {
    if (!text.includes("node-started") && String(chunk).includes("node-started"))
      socket.write("NO SENSE\r\n\r\n");
    text += chunk;
  });
  await once(socket, "close");
  expect(text).toContain("node-started");
  expect(text).not.toContain("problem+json");
});

it("takes a body that was read before, as parsers under Express leave it", async () => {
  const handler = createHandler(greet);
  const listener = nodeListener(handler);
  const server = createServer(async (incoming, outgoing) => {
    const parts: Buffer[] = [];
    for await (const part of incoming) parts.push(part);
    const sent = Buffer.concat(parts);
    const isPacked = incoming.headers["content-encoding"] === "gzip";
    const read: unknown = JSON.parse(String(isPacked ? gunzipSync(sent) : sent));
    listener(Object.assign(incoming, { body: read }), outgoing);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  for (const [sent, headers] of [
    [body, json],
    [gzipSync(body), { ...json, "content-encoding": "gzip" }],
  ] as const) {
    const response = await fetch(`${url}/runs`, { method: "POST", headers, body: sent });
    expect(await response.json()).toMatchObject({ output: "Hello Ada" });
  }
  server.close();
  server.closeAllConnections();
  await handler.close();
});

it("lets go of a client that takes nothing of a stream, and serves it when it comes back", async () => {
  const text = "x".repeat(1_000_000);
  const loud = defineDag({
    name: "loud",
    nodes: {
      a: {
        run: ({ progress }) => {
          for (let at = 0; at < 20; at++) progress(text);
          return "said";
        },
      },
    },
  });
  const handler = createHandler(loud);
  const server = createServer(nodeListener(handler, { stallMs: 100 })).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const asked = JSON.stringify({ input: "x", stream: true });
  const socket = connect(port, "127.0.0.1", () => {
    socket.write(
      `POST /runs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${asked.length}\r\n\r\n${asked}`,
    );
  });
  socket.pause();
  const [server1] = (await once(server, "connection")) as [import("node:net").Socket];
  await once(server1, "close");
  socket.destroy();
  const asking = (path: string) => handler(new Request(`http://localhost/${path}`));
  const [run] = (await (await asking("runs")).json()) as { id: string }[];
  const rest = await allMessages(await asking(`runs/${run?.id}/events`));
  expect(rest.at(-1)?.event).toMatchObject({ type: "run-ended", output: "said" });
  server.close();
  server.closeAllConnections();
  await handler.close();
});

/** A connection that says nothing: `closed` once the service has ended it. */
async function silent(port: number): Promise<{ closed: boolean; end: () => void }> {
  const it = { closed: false, end: () => void socket.destroy() };
  const socket = connect(port, "127.0.0.1").resume();
  socket.on("error", () => {});
  socket.on("close", () => {
    it.closed = true;
  });
  await once(socket, "connect");
  return it;
}

it("gives the place of a connection that says nothing to one that asks, and leaves those alone that are being answered", async () => {
  let tell = () => {};
  const told = new Promise<void>((done) => {
    tell = done;
  });
  const slow = defineDag({
    name: "slow",
    nodes: { a: { run: () => told.then(() => "done") } },
  });
  const service = await serve(slow, { maxConnections: 3 });
  services.push(service);
  const { url, port } = service;
  const run = fetch(`${url}runs`, { method: "POST", headers: json, body });
  const connections: Awaited<ReturnType<typeof silent>>[] = [];
  for (let at = 0; at < 8; at++) connections.push(await silent(port));
  const health = await exchange(port, "GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  expect(health).toContain("200 OK");
  tell();
  expect(await (await run).json()).toMatchObject({ output: "done" });
  // The last one, and nobody came for its place.
  expect(connections.map(({ closed }) => closed)).toEqual([...Array(7).fill(true), false]);
  for (const one of connections) one.end();
});

it("closes a further connection where all that are there are being answered", async () => {
  const endless = defineDag({
    name: "endless",
    nodes: { a: { run: ({ signal }) => new Promise((done) => signal.addEventListener("abort", done)) } },
  });
  const service = await serve(endless, { maxConnections: 2 });
  services.push(service);
  const { url, port } = service;
  const left = new AbortController();
  const start = { method: "POST", headers: json, body: JSON.stringify({ input: "x", stream: true }) };
  const streams = await Promise.all([1, 2].map(() => fetch(`${url}runs`, { ...start, signal: left.signal })));
  const answer = await exchange(port, "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").catch(() => "");
  expect(answer).toBe("");
  expect(streams.map(({ status }) => status)).toEqual([200, 200]);
  left.abort();
});

it("refuses other hosts, and to be reached by others without a token", async () => {
  const { url, port } = await started();
  const status = (host: string) =>
    new Promise<number | undefined>((done) => {
      request(`${url}runs`, { headers: { host } }, (response) => {
        response.resume();
        done(response.statusCode);
      }).end();
    });
  expect(await status("evil.test")).toBe(403);
  expect(await status(`evil.test:${port}`)).toBe(403);
  expect(await status(`localhost:${port}`)).toBe(200);
  await expect(serve(greet, { host: "0.0.0.0" })).rejects.toMatchObject({ code: "SERVE_OPTIONS_INVALID" });
  await expect(serve(greet, { port })).rejects.toMatchObject({ code: "PORT_UNUSABLE" });
});

it("cancels an owned run when the connection of its client breaks", async () => {
  let aborted: () => void = () => {};
  const wasAborted = new Promise<void>((done) => {
    aborted = done;
  });
  const waits = defineDag({
    name: "waits",
    nodes: {
      a: {
        run: ({ signal }) => new Promise((_, no) => signal.addEventListener("abort", () => no(aborted()))),
      },
    },
  });
  const service = await serve(waits);
  services.push(service);
  const left = new AbortController();
  const own = JSON.stringify({ input: "x", cancelOnDisconnect: true });
  const asked = fetch(`${service.url}runs`, {
    method: "POST",
    headers: json,
    body: own,
    signal: left.signal,
  });
  asked.catch(() => {});
  for (let runs: unknown[] = []; runs.length === 0; )
    runs = (await (await fetch(`${service.url}runs?state=running`)).json()) as unknown[];
  left.abort();
  await wasAborted;
});

/** The command in a process of its own, once it listens. */
async function command(...args: readonly string[]): Promise<{ url: string; child: ChildProcess }> {
  const main = resolve("dist/src/cli/main.js");
  const env = { ...process.env, NODE_OPTIONS: "", OPENAI_API_KEY: "" };
  const child = spawn(process.execPath, [main, "serve", ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
  children.push(child);
  let text = "";
  return new Promise((done, failed) => {
    child.stderr?.on("data", (chunk) => {
      text += chunk;
    });
    child.stdout?.on("data", (chunk) => done({ url: String(chunk).trim(), child }));
    child.on("exit", () => failed(new Error(`It ended before it listened: ${text}`)));
  });
}

const exitOf = (child: ChildProcess) => new Promise<number | null>((done) => child.once("exit", done));

it("serves files from the command line and ends at SIGTERM once its runs are done", async () => {
  const [file, go] = [join(folder, "slow.mjs"), join(folder, "slow.go")];
  writeFileSync(
    file,
    `import { existsSync } from "node:fs";
const until = async () => { while (!existsSync(${JSON.stringify(go)})) await new Promise((go) => setTimeout(go, 20)); };
export default { name: "slow", nodes: { a: { run: () => until().then(() => "done") } } };`,
  );
  const { url, child } = await command(file, "--port", "0");
  const running = fetch(`${url}runs`, { method: "POST", headers: json, body });
  for (let runs: unknown[] = []; runs.length === 0; )
    runs = (await (await fetch(`${url}runs?state=running`)).json()) as unknown[];
  const exited = exitOf(child);
  const told = once(child.stderr as Readable, "data");
  child.kill("SIGTERM");
  expect(String(await told)).toContain("runs under way may finish");
  writeFileSync(go, "");
  expect(await (await running).json()).toMatchObject({ state: "completed", output: "done" });
  expect(await exited).toBe(0);
});

it("goes on with its runs after kill -9, and repeats nothing that had finished", async () => {
  const file = join(folder, "steps.mjs");
  const log = join(folder, "log.txt");
  const begun = join(folder, "begun.txt");
  writeFileSync(
    file,
    `import { appendFileSync, existsSync } from "node:fs";
const done = (name) => { appendFileSync(${JSON.stringify(log)}, name + "\\n"); return name; };
const until = async () => { appendFileSync(${JSON.stringify(begun)}, "begun\\n"); while (!existsSync(${JSON.stringify(join(folder, "go"))})) await new Promise((go) => setTimeout(go, 20)); };
export default { name: "steps", nodes: {
  first: { run: ({ input }) => done("first " + input) },
  second: { needs: ["first"], run: async ({ input }) => { await until(); return done("second " + input); } },
} };`,
  );
  const store = `sqlite:${join(folder, "runs.db")}`;
  const first = await command(file, "--port", "0", "--store", store);
  const ids: string[] = [];
  for (const name of ["a", "b", "c"]) {
    const response = await fetch(`${first.url}runs`, {
      method: "POST",
      headers: { ...json, prefer: "respond-async" },
      body: JSON.stringify({ input: name }),
    });
    ids.push(((await response.json()) as { id: string }).id);
  }
  const { readFileSync, existsSync } = await import("node:fs");
  const linesOf = (path: string) =>
    existsSync(path) ? readFileSync(path, "utf8").trim().split("\n").sort() : [];
  // What comes after the first step has begun once that step is written down.
  while (linesOf(begun).length < 3) await new Promise((go) => setTimeout(go, 20));
  const exited = exitOf(first.child);
  first.child.kill("SIGKILL");
  await exited;
  writeFileSync(join(folder, "go"), "");
  const second = await command(file, "--port", "0", "--store", store);
  for (const [at, id] of ids.entries()) {
    const events = await allMessages(await fetch(`${second.url}runs/${id}/events`));
    expect(events.at(-1)?.event).toMatchObject({ type: "run-ended", state: "completed" });
    const record = await (await fetch(`${second.url}runs/${id}`)).json();
    expect(record).toMatchObject({ id, state: "completed", output: `second ${"abc"[at]}` });
  }
  expect(linesOf(log)).toEqual(["first a", "first b", "first c", "second a", "second b", "second c"]);
});

it("answers to more names where they are given, and to its own still", async () => {
  const { url, child } = await command("examples/review.ts", "--port", "0", "--host-name", "graphs.test");
  const status = (host: string) =>
    new Promise<number | undefined>((done) => {
      request(`${url}runs`, { headers: { host } }, (response) => {
        response.resume();
        done(response.statusCode);
      }).end();
    });
  expect(await Promise.all(["graphs.test", "localhost:1", "127.0.0.1", "evil.test"].map(status))).toEqual([
    200, 200, 200, 403,
  ]);
  child.kill("SIGKILL");
});

it("is refused on the command line with what is wrong", async () => {
  const other = await cli(["serve", "examples/review.ts", "--host", "0.0.0.0", "--port", "0"]);
  expect([other.exitCode, other.stderr]).toEqual([2, expect.stringContaining("--token")]);
  const twice = await cli(["serve", "examples/review.ts", "examples/review.ts"]);
  expect([twice.exitCode, twice.stderr]).toEqual([2, expect.stringContaining("Two graphs")]);
  const budget = await cli(["serve", "examples/review.ts", "--max-cost", "0"]);
  expect([budget.exitCode, budget.stderr]).toEqual([2, expect.stringContaining("above 0")]);
  const port = await cli(["serve", "examples/review.ts", "--port", "x"]);
  expect([port.exitCode, port.stderr]).toEqual([2, expect.stringContaining("0 to 65535")]);
});
