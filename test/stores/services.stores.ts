import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { storedRun } from "../../graphs/stored-run.js";
import { openCheckpointer } from "../../src/stores/checkpointer.js";
import { allMessages } from "../serve/client.js";
import { startCollector } from "../support/collector.js";
import { startPostgres } from "../support/postgres.js";
import { hasRedis, startRedis } from "../support/redis.js";

// Two services, each a process of its own (of the built package), on one database.
const folder = mkdtempSync(join(tmpdir(), "agent-dag-services-"));
const [log, go] = [join(folder, "log.txt"), join(folder, "go")];
const json = { "content-type": "application/json" };
const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const children: ChildProcess[] = [];
const stores = [
  { name: "PostgreSQL", start: startPostgres },
  { name: "Redis", start: () => startRedis() },
].filter(({ name }) => name !== "Redis" || hasRedis());
if (!hasRedis()) console.log("Services on Redis are left out: there is no redis-server here.");
let server: Awaited<ReturnType<(typeof stores)[number]["start"]>>;
let collector: Awaited<ReturnType<typeof startCollector>>;
let database: string;

beforeAll(async () => {
  collector = await startCollector();
  writeFileSync(
    join(folder, "graphs.mjs"),
    `import { appendFileSync, existsSync } from "node:fs";
const turn = () => new Promise((go) => setTimeout(go, 20));
// Half of its steps, and the others once the test lets them.
export const walk = { name: "walk", nodes: Object.fromEntries(Array.from({ length: 6 }, (_, at) => ["n" + at, {
  needs: at === 0 ? [] : ["n" + (at - 1)],
  run: async ({ input, signal }) => {
    do await turn(); while (at > 2 && !existsSync(${JSON.stringify(go)}) && !signal.aborted);
    if (!signal.aborted) appendFileSync(${JSON.stringify(log)}, input + " n" + at + "\\n");
    return at;
  },
}])) };
export const letter = { name: "letter", nodes: {
  draft: { run: ({ input }) => "Dear " + input },
  ask: { needs: ["draft"], approve: { message: "Send it?" } },
  send: { needs: ["draft", "ask"], run: ({ needs }) => needs.draft + ", sent" },
} };`,
  );
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  for (const path of [log, go]) rmSync(path, { force: true });
});
afterAll(async () => {
  await collector.close();
  rmSync(folder, { recursive: true, force: true });
});

const record = async (response: Response): Promise<any> => response.json();

const stepsTaken = () => (existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : []);
/** Waits until walks have taken so many steps, each first half of a walk is three. */
async function taken(count: number): Promise<void> {
  while (stepsTaken().length < count) await new Promise((done) => setTimeout(done, 5));
}
const letGoOn = () => writeFileSync(go, "");

async function service(...more: readonly string[]) {
  const files = ["walk", "letter"].map((name) => `${join(folder, "graphs.mjs")}#${name}`);
  const args = ["serve", ...files, "--port", "0", "--store", database, ...more];
  const env = { ...process.env, NODE_OPTIONS: "", OPENAI_API_KEY: "" };
  const child = spawn(process.execPath, [resolve("dist/src/cli/main.js"), ...args], { env });
  children.push(child);
  let said = "";
  child.stderr.on("data", (chunk) => {
    said += chunk;
  });
  const [url] = (await Promise.race([
    once(child.stdout, "data"),
    once(child, "exit").then(() => Promise.reject(new Error(said))),
  ])) as [Buffer];
  const at = (path: string) => `${String(url).trim()}${path}`;
  const get = async (path: string): Promise<any> => (await fetch(at(path))).json();
  const post = (path: string, body: unknown, headers: object = {}) =>
    fetch(at(path), { method: "POST", headers: { ...json, ...headers }, body: JSON.stringify(body) });
  /** Starts a run and does not wait for it; gives its id. */
  const start = async (body: object, headers: object = {}): Promise<string> =>
    (await record(await post("runs", body, { prefer: "respond-async", ...headers }))).id;
  const events = async (id: string, after = 0) =>
    allMessages(await fetch(at(`runs/${id}/events`), { headers: { "last-event-id": String(after) } }));
  return { child, at, get, post, start, events };
}

const twoServices = async (...more: readonly string[]) => {
  database = await server.database();
  return [await service(...more), await service(...more)] as const;
};
const settledIn = (messages: Awaited<ReturnType<typeof allMessages>>) =>
  messages.flatMap(({ event }) => (event.type === "node-settled" ? [event.node] : []));
const completedIn = (messages: Awaited<ReturnType<typeof allMessages>>) =>
  settledIn(
    messages.filter(({ event }) => event.type === "node-settled" && event.outcome.state === "completed"),
  );
const all = ["n0", "n1", "n2", "n3", "n4", "n5"];

describe.each(stores)("on $name", ({ start }) => {
  beforeAll(async () => {
    server = await start();
  });
  afterAll(() => server.end());

  it("a run of one service is seen and followed to its end at the other, which says that it cannot change it", async () => {
    const [first, second] = await twoServices();
    const id = await first.start({ dag: "walk", input: "x", thread: "t" });
    expect(await second.get("runs?state=running")).toMatchObject([{ id, thread: "t", state: "running" }]);
    expect(await second.get(`runs/${id}`)).toMatchObject({ id, state: "running" });
    const followers = Promise.all([second.events(id), second.events("t")]);
    for (const response of [
      await second.post("runs", { dag: "walk", input: "x", thread: "t" }),
      await second.post(`runs/${id}/answer`, true),
      await fetch(second.at(`runs/${id}`), { method: "DELETE" }),
    ]) {
      expect(response.status).toBe(409);
      expect(await response.json()).toMatchObject({
        code: "THREAD_BUSY",
        detail: expect.stringContaining("another process"),
      });
    }
    letGoOn();
    for (const messages of await followers) {
      expect(settledIn(messages)).toEqual(all);
      expect(messages.at(-1)?.event).toMatchObject({ type: "run-ended", state: "completed" });
      expect(messages.map((one) => one.id)).toEqual(messages.map((_, at) => (messages[0]?.id ?? 0) + at));
    }
    expect(await second.get(`runs/${id}`)).toMatchObject({ state: "completed", output: 5 });
    const last = (await followers)[0].at(-1)?.id ?? 0;
    expect(
      (await fetch(second.at(`runs/${id}/events`), { headers: { "last-event-id": String(last) } })).status,
    ).toBe(204);
  });

  it("a question of one is answered at the other, and whoever follows it at the first hears of it", async () => {
    const [first, second] = await twoServices();
    const asked = await record(await first.post("runs", { dag: "letter", input: "Ada" }));
    expect(await second.get("runs?state=interrupted")).toMatchObject([{ id: asked.id }]);
    const last = (await first.events(asked.id)).at(-1)?.id ?? 0;
    const rest = first.events(asked.id, last);
    expect(await (await second.post(`runs/${asked.id}/answer`, true)).json()).toMatchObject({
      output: "Dear Ada, sent",
    });
    const messages = await rest;
    expect(messages.map(({ event }) => event.type)).toContain("question-answered");
    expect(settledIn(messages)).toEqual(["ask", "send"]);
    expect(messages.at(-1)).toMatchObject({ event: { type: "run-ended", output: "Dear Ada, sent" } });
    expect(messages[0]?.id).toBe(last + 1);
    expect(await first.get(`runs/${asked.id}`)).toMatchObject({ state: "completed" });
    expect((await first.post(`runs/${asked.id}/answer`, true)).status).toBe(409);

    // And one that is withdrawn at the other.
    const other = await record(await first.post("runs", { dag: "letter", input: "Bob" }));
    await fetch(second.at(`runs/${other.id}`), { method: "DELETE" });
    expect(await first.get(`runs/${other.id}`)).toMatchObject({ state: "cancelled" });
    expect((await first.post(`runs/${other.id}/answer`, true)).status).toBe(409);
  });

  it("goes on with the runs of a service that was killed, under their callers' spans, and repeats nothing", async () => {
    const spansBefore = collector.spans.length;
    const [first, second] = await twoServices("--otlp", collector.url);
    const callers = Array.from({ length: 20 }, (_, at) => String(at + 1).padStart(16, "0"));
    const ids = await Promise.all(
      callers.map((span, at) =>
        first.start({ dag: "walk", input: `r${at}` }, { traceparent: `00-${traceId}-${span}-01` }),
      ),
    );
    // Some are at their second step: the first one of those is written down.
    await taken(25);
    const follower = second.events(ids[0] ?? "");
    first.child.kill("SIGKILL");
    await once(first.child, "exit");
    const store = await openCheckpointer(database);
    const settled = new Set<string>();
    for (const [at, id] of ids.entries())
      for (const node of Object.keys((await storedRun(store.checkpointer, id))?.record.outcomes ?? {}))
        settled.add(`r${at} ${node}`);
    await store.close();
    const before = stepsTaken().length;
    letGoOn();
    expect(settled.size).toBeGreaterThan(0);
    // It has been told of nothing, and finds out by itself.
    const messages = await follower;
    expect(messages.at(-1)?.event).toMatchObject({ type: "run-ended", state: "completed", output: 5 });
    expect(settledIn(messages)).toEqual(all);
    for (const id of ids) {
      await second.events(id);
      expect(await second.get(`runs/${id}`)).toMatchObject({ id, state: "completed", output: 5 });
    }
    const after = stepsTaken().slice(before);
    expect(after.filter((step) => settled.has(step))).toEqual([]);
    expect(new Set(stepsTaken()).size).toBe(20 * 6);
    expect(await second.get("runs?state=running")).toEqual([]);
    const ended = once(second.child, "exit");
    second.child.kill("SIGTERM");
    await ended;
    const roots = collector.spans.slice(spansBefore).filter(({ name }) => name === "invoke_workflow walk");
    expect(roots.map(({ parentSpanId }) => parentSpanId).sort()).toEqual(callers);
    expect(new Set(roots.map((span) => span.traceId))).toEqual(new Set([traceId]));
  });

  it("a service that is shut down leaves its runs to the other", async () => {
    const [first, second] = await twoServices("--drain-ms", "0");
    const id = await first.start({ dag: "walk", input: "x" });
    const ended = once(first.child, "exit");
    first.child.kill("SIGTERM");
    await ended;
    letGoOn();
    const messages = await second.events(id);
    expect(messages.at(-1)?.event).toMatchObject({ type: "run-ended", state: "completed" });
    expect(stepsTaken().length).toBeLessThanOrEqual(7);
  });

  it("of many services that find a run without a driver, one goes on with it", async () => {
    const [first] = await twoServices();
    await Promise.all(Array.from({ length: 2 }, () => service()));
    const ids = await Promise.all(
      Array.from({ length: 10 }, (_, at) => first.start({ dag: "walk", input: `r${at}` })),
    );
    await taken(15);
    first.child.kill("SIGKILL");
    await once(first.child, "exit");
    appendFileSync(log, "killed\n");
    letGoOn();
    const other = await service();
    for (const id of ids) {
      await other.events(id);
      expect(await other.get(`runs/${id}`)).toMatchObject({ state: "completed" });
    }
    const lines = readFileSync(log, "utf8").split("killed\n")[1]?.trim().split("\n") ?? [];
    expect(new Set(lines).size).toBe(lines.length);
    expect(existsSync(log)).toBe(true);
  });

  it("answers at two services at once are one answer", async () => {
    const [first, second] = await twoServices();
    for (let trial = 0; trial < 20; trial++) {
      const asked = await record(await first.post("runs", { dag: "letter", input: `r${trial}` }));
      const answers = await Promise.all(
        [first, second, first, second].map((one) => one.post(`runs/${asked.id}/answer`, true)),
      );
      const statuses = answers.map(({ status }) => status).sort();
      expect(statuses).toEqual([200, 409, 409, 409]);
      for (const answer of answers.filter(({ status }) => status === 409))
        expect(["THREAD_BUSY", "ANSWER_INVALID"]).toContain((await record(answer)).code);
      for (const one of [first, second]) {
        const events = await one.events(asked.id);
        expect(completedIn(events).filter((node) => node === "send")).toEqual(["send"]);
        expect(await one.get(`runs/${asked.id}`)).toMatchObject({ output: `Dear r${trial}, sent` });
      }
    }
  });

  it("a question that is withdrawn at one service as it is answered at the other ends alike for both", async () => {
    const [first, second] = await twoServices();
    for (let trial = 0; trial < 10; trial++) {
      const asked = await record(await first.post("runs", { dag: "letter", input: `r${trial}` }));
      const [answered, withdrawn] = await Promise.all([
        second.post(`runs/${asked.id}/answer`, true),
        fetch(first.at(`runs/${asked.id}`), { method: "DELETE" }),
      ]);
      const told = [await record(answered), await record(withdrawn)];
      const states = [await first.get(`runs/${asked.id}`), await second.get(`runs/${asked.id}`)].map(
        ({ state }) => state,
      );
      const last = answered.status === 200 ? "completed" : "cancelled";
      expect({ statuses: [answered.status, withdrawn.status], told, states }).toMatchObject({
        states: [last, last],
      });
      if (withdrawn.status === 200) expect(told[1].state).toBe(last);
    }
  });

  it("names that a store could not take are of no run", async () => {
    const [first] = await twoServices();
    for (const name of ["%00", "a%00b", "%0a", "__proto__", "$runs", "..%2f..", "%F0%9F%98%80"]) {
      expect((await fetch(first.at(`runs/${name}`))).status).toBe(404);
      expect((await fetch(first.at(`runs/${name}/events`))).status).toBe(404);
    }
    expect((await fetch(first.at("runs?before=%00"))).status).toBe(400);
    const strange = "a\0b\ud800";
    const made = await record(await first.post("runs", { dag: "letter", input: strange, thread: "💌/../x" }));
    expect(made).toMatchObject({ state: "interrupted", input: strange });
    expect(await first.get(`runs/${encodeURIComponent("💌/../x")}`)).toMatchObject({ id: made.id });
  });
});
