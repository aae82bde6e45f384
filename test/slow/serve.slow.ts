import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, afterEach, expect, it } from "@jest/globals";
import { storedRun } from "../../graphs/stored-run.js";
import { openCheckpointer } from "../../src/stores/checkpointer.js";
import { allMessages, messagesOf } from "../serve/client.js";
import fc, { propertySeed } from "../support/drawn.js";

// Works on the built package. Ten minutes of the fuzzer: npm run test:fuzz
const fuzzMs = Number(process.env.FUZZ_MS ?? 30_000);

const folder = mkdtempSync(join(tmpdir(), "agent-dag-slow-serve-"));
const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Served {
  readonly url: string;
  readonly port: number;
  readonly child: ChildProcess;
  readonly errors: () => string;
}

async function served(...args: readonly string[]): Promise<Served> {
  const env = { ...process.env, NODE_OPTIONS: "", OPENAI_API_KEY: "" };
  const command = ["--expose-gc", resolve("dist/src/cli/main.js"), "serve", ...args, "--port", "0"];
  const child = spawn(process.execPath, command, { env, stdio: ["ignore", "pipe", "pipe"] });
  children.push(child);
  let text = "";
  return new Promise((done, failed) => {
    child.stderr?.on("data", (chunk) => {
      text += chunk;
    });
    child.stdout?.on("data", (chunk) => {
      const url = String(chunk).trim();
      done({ url, port: Number(new URL(url).port), child, errors: () => text });
    });
    child.on("exit", () => failed(new Error(`It ended before it listened: ${text}`)));
  });
}

const json = { "content-type": "application/json" };
const later = (ms: number) => new Promise<void>((done) => void setTimeout(done, ms));
const start = (url: string, body: object, headers: object = {}) =>
  fetch(`${url}runs`, { method: "POST", headers: { ...json, ...headers }, body: JSON.stringify(body) });

/** Bytes in use after a collection. */
async function heapOf(url: string): Promise<number> {
  return ((await (await start(url, { dag: "heap", input: "x" })).json()) as { output: number }).output;
}

const heap = `export const heap = { name: "heap", nodes: { a: { run: () => { globalThis.gc(); return process.memoryUsage().heapUsed; } } } };`;

/** The events of a run that its client sees who leaves where `leaves` says, and comes back. */
async function followed(url: string, leaves: readonly number[]): Promise<{ ids: number[]; last: string }> {
  const ids: number[] = [];
  let id = "";
  let last = "";
  for (let part = 0; ; part++) {
    const left = new AbortController();
    const response =
      part === 0
        ? await fetch(`${url}runs`, {
            method: "POST",
            headers: json,
            body: JSON.stringify({ dag: "talk", input: "x", stream: true }),
            signal: left.signal,
          })
        : await fetch(`${url}runs/${id}/events`, {
            headers: { "last-event-id": String(ids.at(-1)) },
            signal: left.signal,
          });
    const until = leaves[part] ?? Infinity;
    for await (const message of messagesOf(response)) {
      ids.push(message.id);
      last = message.event.type;
      if (message.event.type === "run-started") ({ id } = message.event);
      if (ids.length >= until) break;
    }
    left.abort();
    if (last === "run-ended" || part > leaves.length) return { ids, last };
    await later(Math.random() * 200);
  }
}

it("loses and doubles no event for 200 clients, a third of whom leave and come back, in flat memory", async () => {
  const file = join(folder, "talk.mjs");
  writeFileSync(
    file,
    `export const talk = { name: "talk", nodes: Object.fromEntries(Array.from({ length: 5 }, (_, at) => ["n" + at, {
  needs: at === 0 ? [] : ["n" + (at - 1)],
  run: async ({ progress }) => { for (let i = 0; i < 20; i++) { progress({ i, text: "x".repeat(200) }); await new Promise((go) => setTimeout(go, 10)); } return at; },
}])) };`,
  );
  const heapFile = join(folder, "heap.mjs");
  writeFileSync(heapFile, heap);
  const { url } = await served(file, heapFile, "--keep-runs", "200");
  const heaps: number[] = [];
  for (let round = 0; round < 6; round++) {
    const clients = await Promise.all(
      Array.from({ length: 200 }, (_, at) =>
        followed(
          url,
          at % 3 === 0 ? [1 + Math.floor(Math.random() * 50), 51 + Math.floor(Math.random() * 40)] : [],
        ),
      ),
    );
    for (const { ids, last } of clients) {
      expect(last).toBe("run-ended");
      expect(ids).toEqual(ids.map((_, at) => at + 1));
    }
    await later(500);
    heaps.push(await heapOf(url));
  }
  console.log(
    `heap after each round of 200 clients: ${heaps.map((one) => `${(one / 1e6).toFixed(1)} MB`).join(", ")}`,
  );
  // After the first rounds what is kept is full.
  expect(heaps.at(-1) ?? Infinity).toBeLessThan((heaps[1] ?? 0) * 1.15);
});

it("goes on with 50 runs after kill -9, and repeats nothing that was persisted as finished", async () => {
  const log = join(folder, "steps.txt");
  const file = join(folder, "steps.mjs");
  writeFileSync(
    file,
    `import { appendFileSync } from "node:fs";
export default { name: "steps", nodes: Object.fromEntries(Array.from({ length: 6 }, (_, at) => ["n" + at, {
  needs: at === 0 ? [] : ["n" + (at - 1)],
  run: async ({ input }) => { await new Promise((go) => setTimeout(go, 50 + Math.random() * 300)); appendFileSync(${JSON.stringify(log)}, process.pid + " " + input + " n" + at + "\\n"); return at; },
}])) };`,
  );
  const lines = () => (existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : []);
  let again = 0;
  let inFlight = 0;
  for (let trial = 0; trial < 3; trial++) {
    rmSync(log, { force: true });
    const database = join(folder, `runs-${trial}.db`);
    const first = await served(file, "--store", `sqlite:${database}`);
    const started = await Promise.all(
      Array.from({ length: 50 }, async (_, at) => {
        const response = await start(first.url, { input: String(at) }, { prefer: "respond-async" });
        return ((await response.json()) as { id: string }).id;
      }),
    );
    await later(Math.random() * 600);
    const exited = new Promise((done) => first.child.once("exit", done));
    first.child.kill("SIGKILL");
    await exited;
    const settled = new Set<string>();
    const store = await openCheckpointer(`sqlite:${database}`);
    for (const [at, id] of started.entries()) {
      const outcomes = (await storedRun(store.checkpointer, id))?.record.outcomes ?? {};
      for (const name of Object.keys(outcomes)) settled.add(`${at} ${name}`);
    }
    await store.close();
    inFlight += 50 * 6 - settled.size;
    const before = lines().length;
    const second = await served(file, "--store", `sqlite:${database}`);
    for (const id of started) {
      await (await fetch(`${second.url}runs/${id}/events`)).text();
      const record = await (await fetch(`${second.url}runs/${id}`)).json();
      expect(record).toMatchObject({ id, state: "completed", output: 5 });
    }
    const after = lines()
      .slice(before)
      .map((line) => line.slice(line.indexOf(" ") + 1));
    expect(after.filter((step) => settled.has(step))).toEqual([]);
    const all = lines().map((line) => line.slice(line.indexOf(" ") + 1));
    expect(new Set(all).size).toBe(50 * 6);
    again += all.length - new Set(all).size;
    second.child.kill("SIGKILL");
  }
  console.log(
    `3 × 50 runs: ${inFlight} steps not yet finished at the kill; ${again} had run and were not yet persisted`,
  );
});

const text = fc.string({ maxLength: 60 });
const word = (...words: readonly string[]) => fc.constantFrom(...words);
/** Mostly of the kinds that a server knows, at times anything. */
const mostly = (known: fc.Arbitrary<string>) =>
  fc.oneof({ arbitrary: known, weight: 12 }, { arbitrary: text, weight: 1 });
const paths = word(
  ...[
    "/",
    "/runs",
    "/runs",
    "/runs",
    "/runs/none",
    "/runs/none/answer",
    "/runs/none/events",
    "/mcp",
    "/events",
  ],
  ...[
    "/answer",
    "/health",
    "/runs?state=odd",
    "/runs?limit=x",
    "/runs?format=odd",
    "/runs?format=ag-ui",
    "//",
  ],
  ...["/pages/none/", "/report.html", "/%ff", "/runs/../..", "*", "http://evil.test/runs", "/constructor"],
);
const head = fc.record({
  method: mostly(word("GET", "POST", "POST", "POST", "DELETE", "PUT", "OPTIONS", "HEAD", "PATCH", "TRACE")),
  path: mostly(paths),
  host: mostly(word("localhost", "127.0.0.1", "localhost", "127.0.0.1:80", "evil.test", "")),
  type: fc.option(mostly(word("application/json", "application/json", "text/plain", "multipart/form-data"))),
  /** Mostly as long as the body is. */
  length: fc.oneof(
    { arbitrary: fc.constant(null), weight: 4 },
    { arbitrary: mostly(fc.integer({ min: -5, max: 3_000_000 }).map(String)), weight: 1 },
  ),
  other: fc.array(
    fc.tuple(
      word(
        ...["last-event-id", "authorization", "cookie", "prefer", "accept", "origin", "expect"],
        ...["transfer-encoding", "mcp-session-id", "connection"],
      ),
      mostly(
        word("chunked", "100-continue", "text/event-stream", "9999999999999999999", "respond-async", "close"),
      ),
    ),
    { maxLength: 2 },
  ),
});
const body = fc.oneof(
  fc.json().map(String),
  fc.constant('{"dag":"quick","input":"x"}'),
  fc.constant('{"dag":"quick","input":"x","stream":true}'),
  fc.constant('{"dag":"quick","input":"x","cancelOnDisconnect":true}'),
  fc.constant('{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}'),
  fc.integer({ min: 1, max: 2_000_000 }).map((size) => "x".repeat(size)),
  fc.integer({ min: 1, max: 100_000 }).map((size) => `{"dag":"quick","input":${"[".repeat(size)}`),
  text,
);
const attempt = fc.record({
  head,
  body,
  /** How the client behaves. */
  manner: word("whole", "whole", "in pieces", "slow", "breaks off", "says nothing", "leaves at once"),
});

/** One connection: what came back, once it is closed by either side. */
function tried(
  port: number,
  {
    head: { method, path, host, type, length, other },
    body: sent,
    manner,
  }: { head: any; body: string; manner: string },
): Promise<string> {
  const lines = [`${method} ${path} HTTP/1.1`, `Host: ${host}`];
  if (type !== null) lines.push(`Content-Type: ${type}`);
  lines.push(`Content-Length: ${length ?? Buffer.byteLength(sent)}`);
  for (const [name, value] of other) lines.push(`${name}: ${value}`);
  const bytes = Buffer.from(`${lines.join("\r\n")}\r\n\r\n${sent}`);
  return new Promise((done) => {
    let back = "";
    const socket = connect(port, "127.0.0.1");
    const end = () => {
      socket.destroy();
      done(back);
    };
    const timer = setTimeout(end, 1500);
    socket.on("connect", async () => {
      if (manner === "says nothing") return;
      if (manner === "whole") socket.write(bytes);
      else if (manner === "leaves at once") {
        socket.write(bytes);
        end();
      } else if (manner === "breaks off") socket.end(bytes.subarray(0, Math.floor(bytes.length / 2)));
      else {
        const size = manner === "slow" ? 7 : Math.ceil(bytes.length / 3);
        for (let at = 0; at < bytes.length && !socket.destroyed; at += size) {
          socket.write(bytes.subarray(at, at + size));
          await later(manner === "slow" ? 60 : 1);
        }
      }
    });
    socket.on("data", (chunk) => {
      back += chunk;
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      clearTimeout(timer);
      done(back);
    });
  });
}

it(
  "answers or closes whatever comes, fails at nothing, and leaves other runs alone",
  async () => {
    const file = join(folder, "quick.mjs");
    writeFileSync(file, `export const quick = { name: "quick", nodes: { a: { run: () => "done" } } };`);
    const canaryFile = join(folder, "canary.mjs");
    writeFileSync(
      canaryFile,
      `import { existsSync } from "node:fs";
export default { name: "canary", nodes: { a: { run: async () => { while (!existsSync(${JSON.stringify(join(folder, "go"))})) await new Promise((go) => setTimeout(go, 50)); return "sang"; } } } };`,
    );
    const heapFile = join(folder, "heap.mjs");
    writeFileSync(heapFile, heap);
    const { url, port, child, errors } = await served(file, canaryFile, heapFile, "--keep-runs", "50");
    const canary = (await (
      await start(url, { dag: "canary", input: "x" }, { prefer: "respond-async" })
    ).json()) as { id: string };
    const statuses = new Map<string, number>();
    const heaps: number[] = [];
    const until = Date.now() + fuzzMs;
    for (let round = 0; Date.now() < until; round++) {
      await fc.assert(
        fc.asyncProperty(fc.array(attempt, { minLength: 20, maxLength: 20 }), async (attempts) => {
          const answers = await Promise.all(attempts.map((one) => tried(port, one)));
          for (const answer of answers) {
            const status = answer === "" ? "closed" : (/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1] ?? "odd");
            statuses.set(status, (statuses.get(status) ?? 0) + 1);
            expect(["odd", "500"]).not.toContain(status);
          }
          expect((await fetch(`${url}health`)).status).toBe(200);
        }),
        { numRuns: 5, endOnFailure: true, seed: propertySeed + round },
      );
      heaps.push(await heapOf(url));
    }
    writeFileSync(join(folder, "go"), "");
    await (await fetch(`${url}runs/${canary.id}/events`)).text();
    const sang = await (await fetch(`${url}runs/${canary.id}`)).json();
    expect(sang).toMatchObject({ state: "completed", output: "sang" });
    expect((await (await fetch(`${url}runs?state=running`)).json()) as unknown[]).toEqual([]);
    expect(child.exitCode).toBeNull();
    expect(errors()).not.toMatch(/\n +at /);
    const told = [...statuses].sort().map(([status, count]) => `${status}: ${count}`);
    const megabytes = (bytes = 0) => `${(bytes / 1e6).toFixed(1)} MB`;
    console.log(
      `${told.join(", ")}; heap ${megabytes(heaps[0])} at first, ${megabytes(heaps.at(-1))} at last`,
    );
  },
  fuzzMs + 120_000,
);

/** Files and connections that a process has open; `null` where the system does not tell. */
const openFiles = ({ pid }: ChildProcess) =>
  existsSync(`/proc/${pid}/fd`) ? readdirSync(`/proc/${pid}/fd`).length : null;

it("serves others while ten thousand connections say nothing, closes those, and leaks nothing", async () => {
  const file = join(folder, "plain.mjs");
  writeFileSync(file, `export const plain = { name: "plain", nodes: { a: { run: () => "done" } } };`);
  const talkFile = join(folder, "talks.mjs");
  writeFileSync(
    talkFile,
    `export default { name: "talks", nodes: { a: { run: async ({ progress }) => { for (let i = 0; i < 100; i++) { progress(i); await new Promise((go) => setTimeout(go, 50)); } return "said"; } } } };`,
  );
  const heapFile = join(folder, "heap.mjs");
  writeFileSync(heapFile, heap);
  const { url, port, child, errors } = await served(file, talkFile, heapFile);
  await heapOf(url);
  const filesBefore = openFiles(child);
  const [, mayOpen = "20000"] =
    (existsSync("/proc/self/limits") &&
      /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))) ||
    [];
  const silent = Math.min(Number(process.env.SILENT ?? 10_000), Number(mayOpen) - 500);
  const heaps: number[] = [];
  for (let round = 0; round < 2; round++) {
    const others = start(url, { dag: "talks", input: "x", stream: true }).then(allMessages);
    let connected = 0;
    let closed = 0;
    const sockets = Array.from({ length: silent }, () => {
      const socket = connect(port, "127.0.0.1");
      socket.on("connect", () => void connected++);
      socket.on("error", () => {});
      socket.on("close", () => void closed++);
      return socket.resume();
    });
    await later(1000);
    // All places are taken, and yet:
    expect(await (await start(url, { dag: "plain", input: "x" })).json()).toMatchObject({ output: "done" });
    const told = await others;
    expect(told.at(-1)?.event).toMatchObject({ type: "run-ended", output: "said" });
    expect(told.map(({ id }) => id)).toEqual(told.map((_, at) => at + 1));
    // The service closes every one that it was given; `fetch` keeps a few.
    while ((openFiles(child) ?? 0) >= (filesBefore ?? 0) + 5) await later(500);
    await later(500);
    const unknown = silent - closed;
    // What the kernel dropped before the service had it (where its queue is short) looks open to a client that says nothing.
    for (const socket of sockets) if (!socket.destroyed) socket.write("?");
    while (closed < silent) await later(500);
    for (const socket of sockets) socket.destroy();
    console.log(`${connected} of ${silent} let in, ${unknown} of them dropped by the kernel`);
    heaps.push(await heapOf(url));
  }
  while ((openFiles(child) ?? 0) > (filesBefore ?? 0)) await later(500);
  expect(heaps[1]).toBeLessThan((heaps[0] ?? 0) + 5_000_000);
  expect(errors()).not.toMatch(/\n +at /);
});
