/**
 * Batches over four worker processes, on PostgreSQL (from its npm package) and Redis (`redis-server`):
 * `npm run bench:batch -- engines [rows] [part …]`, parts `rows`, `kills` (`KILLS=50`), `limit`, `budget`; `STORE=redis` or
 * `STORE=postgres` measures one of them.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type BatchItem, defineDag, run, runMany, runWorker } from "agent-dag";
import { createPostgresBackend, Queue, Worker, withBackend } from "bullmq";
import type { Model } from "../src/models/port.js";
import { type CallsServer, type NodeCall, startCallsServer } from "../test/support/calls-server.js";
import { startPostgres } from "../test/support/postgres.js";
import { hasRedis, startRedis } from "../test/support/redis.js";

const words = process.argv.slice(2).filter((word) => word !== "engines");
const rows = Number(words.find((word) => /^\d+$/.test(word)) ?? 2000);
const parts = words.filter((word) => /^[a-z]+$/.test(word));
const isAsked = (part: string) => parts.length === 0 || parts.includes(part);
const workers = 4;

/** Rows are measured in so many rounds, in turn with plain jobs. */
const rounds = 4;

/** So many workers are killed, and the store is restarted with every tenth of them. */
const kills = Number(process.env.KILLS ?? 50);

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Five nodes on three levels; each takes so many milliseconds, as a request to a model would. */
const graph = (name: string, ms: number) => {
  const after = async (value: number) => {
    if (ms > 0) await wait(ms);
    return value;
  };
  return defineDag({
    name,
    nodes: {
      a: { run: () => after(1) },
      b: { needs: ["a"], run: () => after(2) },
      c: { needs: ["a"], run: () => after(3) },
      d: { needs: ["a"], run: () => after(4) },
      e: { needs: ["b", "c", "d"], run: () => after(5) },
    },
  });
};

const asking =
  (node: string) =>
  async ({ input, needs, signal }: any) => {
    const body = JSON.stringify({ node, input, pid: process.pid });
    const reply = await fetch(process.env.CALLS_URL as string, { method: "POST", body, signal });
    return `${node}(${Object.values(needs).join("+")}) ${await reply.text()}`;
  };
const calls = defineDag({
  name: "bench-calls",
  nodes: {
    a: { run: asking("a") },
    b: { needs: ["a"], run: asking("b") },
    c: { needs: ["a"], run: asking("c") },
    d: { needs: ["b", "c"], run: asking("d") },
  },
});
const agents = defineDag({
  name: "bench-agents",
  nodes: { first: { instructions: "Say something." }, last: { needs: ["first"], instructions: "Go on." } },
});

/** A model that tells a server of each request, and costs what gpt-4.1-mini does. */
const told: Model = {
  id: "openai:gpt-4.1-mini",
  async *call({ node, signal }) {
    const body = JSON.stringify({ node, input: node, pid: process.pid });
    await fetch(process.env.CALLS_URL as string, { method: "POST", body, signal });
    yield { type: "text", text: "so" };
    yield { type: "usage", inputTokens: 100, outputTokens: 100 };
    yield { type: "finish", reason: "stop" };
  },
};

const connection = (url: string) =>
  url.startsWith("postgres")
    ? { connectionString: url, migrate: true, max: 4 }
    : { url, maxRetriesPerRequest: null };
const bare = (url: string): { Queue: any; Worker: any } =>
  url.startsWith("postgres") ? withBackend(createPostgresBackend) : { Queue, Worker };

const [mode, url = "", ms = "0", concurrency = "25"] = process.env.BENCH_WORKER?.split(" ") ?? [];
if (mode === "bare") {
  const dag = graph("bench-bare", Number(ms));
  const opts = { connection: connection(url), concurrency: Number(concurrency) };
  new (bare(url).Worker)("bench-bare", async (job: any) => (await run(dag, job.data.input)).output, opts);
  console.log("ready");
} else if (mode !== undefined) {
  const dag = { rows: graph("bench-rows", Number(ms)), calls, agents }[mode as "rows"] ?? calls;
  console.log("ready");
  const finish = new AbortController();
  process.once("SIGTERM", () => finish.abort());
  await runWorker(dag, { engine: url, concurrency: Number(concurrency), model: told, finish: finish.signal });
  process.exit(0);
} else await measure();

async function startWorkers(
  text: string,
  env: Record<string, string> = {},
  count = workers,
): Promise<ChildProcess[]> {
  const jiti = fileURLToPath(import.meta.resolve("jiti/package.json")).replace(
    /package\.json$/,
    "lib/jiti-cli.mjs",
  );
  return Promise.all(
    Array.from({ length: count }, async () => {
      const child = spawn(process.execPath, [jiti, fileURLToPath(import.meta.url)], {
        env: { ...process.env, ...env, BENCH_WORKER: text },
        stdio: ["ignore", "pipe", "inherit"],
      });
      await new Promise((resolve) => child.stdout.once("data", resolve));
      return child;
    }),
  );
}

async function endWorkers(children: readonly ChildProcess[]): Promise<void> {
  await Promise.all(
    children.map((child) => {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      return ended;
    }),
  );
}

function report(figure: string, text: string, holds = true): void {
  console.log(`${figure.padEnd(66)} ${text}${holds ? "" : "  MISSED"}`);
  if (!holds && process.argv.includes("--check")) process.exitCode = 1;
}

async function measure(): Promise<void> {
  console.log(`${workers} workers, ${execFileSync("nproc", { encoding: "utf8" }).trim()} processor cores.`);
  const stores = [
    { name: "PostgreSQL", begin: startPostgres },
    ...(hasRedis() ? [{ name: "Redis", begin: startRedis }] : []),
  ].filter(({ name }) => name.toLowerCase().startsWith(process.env.STORE ?? ""));
  for (const { name, begin } of stores) {
    const store = await begin();
    try {
      if (isAsked("rows")) {
        for (const nodeMs of [0, 200]) await measureRows(name, await store.database(), nodeMs);
      }
      if (isAsked("kills")) await measureKills(name, store);
      if (isAsked("limit")) await measureLimit(name, await store.database());
      if (isAsked("budget")) await measureBudget(name, await store.database());
    } finally {
      await store.end();
    }
  }
}

/** Batches of rows whose nodes take so long, in turn with the same runs as plain jobs of the queue; and the last batch again. */
async function measureRows(name: string, at: string, nodeMs: number): Promise<void> {
  const each = Math.ceil(rows / rounds);
  const what = nodeMs === 0 ? "empty rows" : `rows of five nodes that take ${nodeMs} ms each`;
  const dag = graph("bench-rows", nodeMs);
  const plain = await startWorkers(`bare ${at} ${nodeMs}`);
  const children = await startWorkers(`rows ${at} ${nodeMs}`);
  await wait(1500);
  const queue = new (bare(at).Queue)("bench-bare", { connection: connection(at) });
  const inputsOf = (round: number) => Array.from({ length: each }, (_, index) => `row ${round} ${index}`);
  const asJobs = async (round: number) => {
    const jobs = inputsOf(round).map((input) => ({ name: "row", data: { input } }));
    for (let first = 0; first < each; first += 500) await queue.addBulk(jobs.slice(first, first + 500));
    while ((await queue.getJobCounts("completed")).completed < (round + 1) * each) await wait(50);
  };
  const batchOf = (round: number) =>
    runMany(dag, inputsOf(round), { engine: at, thread: `round-${round}` }).summary;
  const took: { bareMs: number; ownMs: number }[] = [];
  let completed = 0;
  const asBatch = async (round: number) => {
    completed += (await batchOf(round)).completed;
  };
  for (let round = 0; round < rounds; round++) {
    const turns = [asJobs, asBatch];
    if (round % 2 === 1) turns.reverse();
    const ms = new Map<unknown, number>();
    for (const turn of turns) ms.set(turn, await timed(() => turn(round)));
    took.push({ bareMs: ms.get(asJobs) ?? 0, ownMs: ms.get(asBatch) ?? 0 });
  }
  await endWorkers([...plain, ...children]);
  await queue.close();
  const rate = (of: (one: (typeof took)[number]) => number) =>
    `${Math.round((each * 1000) / median(took.map(of)))} rows/s`;
  const ratios = took.map(({ bareMs, ownMs }) => ownMs / bareMs);
  const ratio = median(ratios);
  report(
    `${name}: ${rows} ${what}, BullMQ alone`,
    rate(({ bareMs }) => bareMs),
  );
  report(
    `${name}: ${rows} ${what} (at most 1.3 ×)`,
    `${rate(({ ownMs }) => ownMs)}, ${ratio.toFixed(2)} × its time (${ratios.map((one) => one.toFixed(2)).join(", ")}), ${completed} completed`,
    completed === rounds * each && ratio <= 1.3,
  );
  const last = rounds - 1;
  let reused = 0;
  const againMs = await timed(async () => {
    reused = (await batchOf(last)).reused;
  });
  report(`${name}: the same batch again`, `${(againMs / 1000).toFixed(2)} s, ${reused} reused`);
}

async function timed(act: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await act();
  return performance.now() - from;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? 0)
    : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

/** Workers are killed, the store is restarted, and all rows have to come out as if nothing had been. */
async function measureKills(
  name: string,
  store: Awaited<ReturnType<typeof startPostgres | typeof startRedis>>,
) {
  const at = await store.database();
  const server = await startCallsServer(60);
  const env = { CALLS_URL: server.url };
  const killed = new Map<number, number>();
  const waits: number[] = [];
  try {
    const children = await startWorkers(`calls ${at} 0 8`, env);
    let count = 0;
    let isOver = false;
    // There are rows for as long as workers are killed, and more after that.
    function* inputs() {
      while (!isOver) yield `row ${count++}`;
      for (let left = 100; left > 0; left--) yield `row ${count++}`;
    }
    const items: BatchItem[] = [];
    const batch = runMany(calls, inputs(), { engine: at, concurrency: 200 });
    const reading = (async () => {
      for await (const item of batch) items.push(item);
    })();
    for (let kill = 0; kill < kills; kill++) {
      await wait(400 + 300 * Math.random());
      const slot = kill % workers;
      const victim = children[slot] as ChildProcess;
      const open = server.calls.filter(({ pid, endedAt }) => pid === victim.pid && endedAt === null);
      const killedAt = Date.now();
      killed.set(victim.pid ?? 0, killedAt);
      victim.kill("SIGKILL");
      void goneOnWith(server, open, killedAt).then((ms) => waits.push(ms));
      if (kill % 10 === 9) {
        await store.stop();
        await wait(500);
        await store.start();
      }
      [children[slot] as ChildProcess] = (await startWorkers(`calls ${at} 0 8`, env, 1)) as [ChildProcess];
    }
    isOver = true;
    await reading;
    await endWorkers(children);
    const wanted = (index: number) => {
      const row = `row ${index}`;
      return `d(b(a() ${row}) ${row}+c(a() ${row}) ${row}) ${row}`;
    };
    const differing = items.filter(({ index, output }) => output !== wanted(index)).length;
    const again = repeated(server.calls, killed);
    report(
      `${name}: ${killed.size} workers killed, store restarted ${Math.floor(killed.size / 10)} ×: rows lost / outputs differing / calls repeated`,
      `${count} rows: ${count - new Set(items.map(({ key }) => key)).size} / ${differing} / ${again.length}`,
      items.length === count && differing === 0 && again.length === 0,
    );
    for (const { call, before } of again.slice(0, 5)) {
      const killedAt = killed.get(before.pid);
      console.log(
        `  again: ${call.node} ${call.input}, ended ${killedAt === undefined ? "at a worker that lived" : `${killedAt - (before.endedAt ?? 0)} ms before the kill`}`,
      );
    }
    const longest = Math.max(0, ...waits) / 1000;
    report(
      `${name}: a killed worker's calls are made again after (at most 20 s)`,
      `${longest.toFixed(1)} s`,
      longest <= 20,
    );
  } finally {
    await server.close();
  }
}

/** Milliseconds until the last of some open calls was made again. */
async function goneOnWith(server: CallsServer, open: readonly NodeCall[], sinceMs: number): Promise<number> {
  const left = new Set(open.map(({ node, input }) => `${node} ${input}`));
  let last = 0;
  for (let tries = 0; tries < 600 && left.size > 0; tries++) {
    await wait(100);
    for (const { node, input, startedAt } of server.calls) {
      if (startedAt < sinceMs || !left.delete(`${node} ${input}`)) continue;
      last = Math.max(last, startedAt - sinceMs);
    }
  }
  return left.size > 0 ? Number.POSITIVE_INFINITY : last;
}

function repeated(all: readonly NodeCall[], killed: ReadonlyMap<number, number>) {
  const first = new Map<string, NodeCall>();
  return all.flatMap((call) => {
    const key = `${call.node} ${call.input}`;
    const before = first.get(key);
    if (before === undefined) first.set(key, call);
    if (before === undefined || before.endedAt === null) return [];
    const isLost = before.endedAt >= (killed.get(before.pid) ?? Number.POSITIVE_INFINITY) - 100;
    return isLost ? [] : [{ call, before }];
  });
}

/** Three minutes' worth of requests under 600 a minute. */
async function measureLimit(name: string, at: string): Promise<void> {
  const server = await startCallsServer(80);
  const children = await startWorkers(`agents ${at} 0 20`, { CALLS_URL: server.url });
  try {
    const inputs = Array.from({ length: 900 }, (_, index) => `text ${index}`);
    await runMany(agents, inputs, { engine: at, limits: { requestsPerMinute: 600 } }).summary;
    const times = server.calls.map(({ startedAt }) => startedAt).sort((a, b) => a - b);
    let [worst, from] = [0, 0];
    for (const [index, time] of times.entries()) {
      while ((times[from] ?? time) <= time - 60_000) from++;
      worst = Math.max(worst, index - from + 1);
    }
    report(
      `${name}: requests in the worst window of a minute, limit 600 (570 to 600)`,
      `${worst}, ${times.length} in ${(((times.at(-1) ?? 0) - (times[0] ?? 0)) / 1000).toFixed(0)} s`,
      worst <= 600 && worst >= 570,
    );
  } finally {
    await endWorkers(children);
    await server.close();
  }
}

async function measureBudget(name: string, at: string): Promise<void> {
  const server = await startCallsServer(30);
  const children = await startWorkers(`agents ${at} 0 8`, { CALLS_URL: server.url });
  try {
    const each = (100 * 0.4 + 100 * 1.6) / 1e6;
    const maxCostUsd = each * 400.5;
    const inputs = Array.from({ length: 600 }, (_, index) => `text ${index}`);
    const summary = await runMany(agents, inputs, { engine: at, limits: { maxCostUsd } }).summary;
    const spent = server.calls.length * each;
    report(
      `${name}: spent of a budget of $${maxCostUsd.toFixed(4)} over ${workers} workers`,
      `$${spent.toFixed(4)} (${((spent / maxCostUsd) * 100).toFixed(1)} %), ended by ${summary.ended}`,
      spent <= maxCostUsd + each && summary.ended === "budget",
    );
  } finally {
    await endWorkers(children);
    await server.close();
  }
}
