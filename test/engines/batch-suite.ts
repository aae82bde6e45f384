import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { context, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { type BatchItem, cancelBatch, defineDag, forgetBatch, runMany, runWorker } from "agent-dag";
import { traced } from "agent-dag/otel";
import { z } from "zod";
import { type CallsServer, type NodeCall, startCallsServer } from "../support/calls-server.js";
import { replyModel } from "../support/reply-model.js";
import { endAll, graphFile, start, startWorker, type TestEngine, until } from "./engines.js";

const folder = mkdtempSync(join(tmpdir(), "agent-dag-engines-"));
let files = 0;

/** A file of rows and a name for results. */
function rowsFile(count: number): { inputs: string; out: string } {
  const inputs = join(folder, `rows-${++files}.jsonl`);
  writeFileSync(
    inputs,
    Array.from({ length: count }, (_, at) => `${JSON.stringify({ text: `row ${at}`, id: `r${at}` })}\n`).join(
      "",
    ),
  );
  return { inputs, out: join(folder, `results-${files}.jsonl`) };
}

function linesOf(path: string): BatchItem[] {
  const text = readFileSync(path, "utf8").trim();
  return text === "" ? [] : text.split("\n").map((line) => JSON.parse(line));
}

const expected = (at: number) => `d(b(a() row ${at}) row ${at}+c(a() row ${at}) row ${at}) row ${at}`;

/** How long an answer may take to be written down where the machine is busy, in milliseconds; the bench holds 100. */
const writtenWithinMs = 500;

/** Calls made again although an earlier one of the same node and row had ended well before its asker was killed. */
function repeated(calls: readonly NodeCall[], killed: ReadonlyMap<number, number>): NodeCall[] {
  const first = new Map<string, NodeCall>();
  return calls.filter((call) => {
    const key = `${call.node} ${call.input}`;
    const before = first.get(key);
    if (before === undefined) {
      first.set(key, call);
      return false;
    }
    const killedAt = killed.get(before.pid) ?? Number.POSITIVE_INFINITY;
    return before.endedAt !== null && before.endedAt < killedAt - writtenWithinMs;
  });
}

/** What holds of batches on every engine. @param namesIn The names of all that stands in a store. */
export function testBatches(
  name: string,
  begin: () => Promise<TestEngine>,
  namesIn: (url: string) => Promise<string[]>,
): void {
  describe(`a batch on ${name}`, () => {
    let server: CallsServer;

    beforeAll(async () => {
      server = await startCallsServer();
      engine = await begin();
    });
    afterEach(() => {
      endAll();
      server.calls.length = 0;
    });
    afterAll(async () => {
      await engine.end();
      await server.close();
      rmSync(folder, { recursive: true });
    });

    let engine: TestEngine;
    let url: string;
    const env = (more: Record<string, string> = {}) => ({ CALLS_URL: server.url, ...more });
    const batch = (inputs: string, out: string, ...flags: string[]) =>
      start(["batch", graphFile, inputs, "--key", "id", "--out", out, "--engine", url, ...flags], env());

    /** What the store holds with a name in it, the queue's own left out. */
    const leftOf = async (batch: string) => (await namesIn(url)).filter((name) => name.includes(batch));

    const fresh = async () => {
      url = await engine.database();
    };

    it("is worked at by other processes, and the same command again takes what is done", async () => {
      await fresh();
      const { inputs, out } = rowsFile(30);
      const workers = await Promise.all([1, 2].map(() => startWorker(url, env(), "--concurrency", "4")));
      expect(await batch(inputs, out).ended).toBe(0);
      const lines = linesOf(out);
      expect(lines.map(({ index }) => index).sort((a, b) => a - b)).toEqual([...Array(30).keys()]);
      for (const { output, index, key } of lines)
        expect([key, output]).toEqual([`r${index}`, expected(index)]);
      expect(server.calls.length).toBe(120);
      expect(new Set(server.calls.map(({ pid }) => pid)).size).toBe(2);
      const again = batch(inputs, out, "--json");
      expect(await again.ended).toBe(0);
      expect(JSON.parse(again.said.stdout)).toMatchObject({ completed: 30, reused: 30, ended: "done" });
      // From another machine, which has no results file: the store knows.
      const elsewhere = join(folder, "elsewhere.jsonl");
      const [{ key = "" } = {}] = lines;
      const id = /--follow (\S+)/.exec(again.said.stderr)?.[1] ?? "";
      const other = batch(inputs, elsewhere, "--json", "--thread", id);
      expect(await other.ended).toBe(0);
      expect(JSON.parse(other.said.stdout)).toMatchObject({ completed: 30, reused: 30 });
      expect(linesOf(elsewhere).find((line) => line.key === key)?.output).toBe(lines[0]?.output);
      expect(server.calls.length).toBe(120);
      workers[0]?.child.kill("SIGINT");
      expect(await workers[0]?.ended).toBe(0);
      expect(workers[0]?.said.stdout).toMatch(/\d+ rows done/);
    });

    it("loses nothing and repeats nothing that had ended, whoever is killed", async () => {
      await fresh();
      const { inputs, out } = rowsFile(160);
      const killed = new Map<number, number>();
      const workers = await Promise.all([1, 2, 3].map(() => startWorker(url, env(), "--concurrency", "2")));
      let driver = batch(inputs, out);
      for (let round = 0; round < 4; round++) {
        const before = server.calls.length;
        await until(() => server.calls.length >= before + 15, "more calls");
        const at = round % 3;
        const victim = workers[at];
        killed.set(victim?.child.pid ?? 0, Date.now());
        victim?.child.kill("SIGKILL");
        if (round === 1) {
          driver.child.kill("SIGKILL");
          await driver.ended;
          driver = batch(inputs, out);
        }
        workers[at] = await startWorker(url, env(), "--concurrency", "2");
      }
      expect(await driver.ended).toBe(0);
      const lines = linesOf(out);
      expect(new Set(lines.map(({ key }) => key)).size).toBe(160);
      for (const { output, index } of lines) expect(output).toBe(expected(index));
      expect(repeated(server.calls, killed)).toEqual([]);
    });

    it("goes on with a killed worker's rows within 20 seconds, at their last finished node", async () => {
      await fresh();
      // The first worker gets no answer to what comes after a: all its rows stand there when it is killed.
      let firstPid: number | undefined;
      const slow = await startCallsServer(
        60,
        "127.0.0.1",
        ({ node, pid }) => node !== "a" && pid === firstPid,
      );
      try {
        const { inputs, out } = rowsFile(4);
        const first = await startWorker(url, env({ CALLS_URL: slow.url }), "--concurrency", "4");
        firstPid = first.child.pid;
        const driver = batch(inputs, out);
        await until(() => slow.calls.filter(({ node }) => node !== "a").length === 8, "b and c of every row");
        // The other one is there already: what is measured is not how long a process takes to start.
        await startWorker(url, env({ CALLS_URL: slow.url }), "--concurrency", "4");
        first.child.kill("SIGKILL");
        const killedAt = Date.now();
        await until(() => slow.calls.length >= 12, "another worker goes on");
        expect(Date.now() - killedAt).toBeLessThan(20_000);
        expect(await driver.ended).toBe(0);
        expect(slow.calls.filter(({ node }) => node === "a").length).toBe(4);
        expect(repeated(slow.calls, new Map([[first.child.pid ?? 0, killedAt]]))).toEqual([]);
      } finally {
        await slow.close();
      }
    });

    it("rides out a restart of the store", async () => {
      await fresh();
      const { inputs, out } = rowsFile(60);
      await Promise.all([1, 2].map(() => startWorker(url, env(), "--concurrency", "4")));
      const driver = batch(inputs, out);
      for (let round = 0; round < 2; round++) {
        const before = server.calls.length;
        await until(() => server.calls.length >= before + 30, "more calls");
        await engine.stop();
        await new Promise((resolve) => setTimeout(resolve, 700));
        await engine.start();
      }
      expect(await driver.ended).toBe(0);
      const lines = linesOf(out);
      expect(new Set(lines.map(({ key }) => key)).size).toBe(60);
      for (const { output, index } of lines) expect(output).toBe(expected(index));
      expect(repeated(server.calls, new Map())).toEqual([]);
    });

    it("stops sending while the store is away, and goes on when it is back", async () => {
      await fresh();
      const { inputs, out } = rowsFile(40);
      const worker = await startWorker(url, env(), "--concurrency", "2");
      const driver = batch(inputs, out);
      await until(() => server.calls.length >= 12, "the first calls");
      await engine.stop();
      await worker.says(/out of reach/);
      const then = server.calls.length;
      await new Promise((resolve) => setTimeout(resolve, 1500));
      expect(server.calls.length).toBe(then);
      await engine.start();
      expect(await driver.ended).toBe(0);
      expect(linesOf(out).length).toBe(40);
    });

    it("leaves rows of another version to workers of that version, and says so", async () => {
      await fresh();
      const { inputs, out } = rowsFile(10);
      const other = await startWorker(url, env({ GRAPH_VERSION: "second" }));
      const driver = batch(inputs, out);
      await other.says(/refuses the rows of batch .*another version/);
      await driver.says(/run another version of "calls" and refuse the rows/);
      expect(server.calls.length).toBe(0);
      // A rolling deploy: the new version's batch goes to the new workers while the old one is still worked at.
      await startWorker(url, env());
      expect(await driver.ended).toBe(0);
      const oldCalls = server.calls.length;
      expect(oldCalls).toBe(40);
      const next = start(
        ["batch", graphFile, inputs, "--key", "id", "--out", `${out}.next`, "--engine", url],
        env({ GRAPH_VERSION: "second" }),
      );
      expect(await next.ended).toBe(0);
      expect(server.calls.slice(oldCalls).every(({ pid }) => pid === other.child.pid)).toBe(true);
    });

    it("can be looked on at and cancelled from elsewhere; the same command goes on", async () => {
      await fresh();
      const { inputs, out } = rowsFile(120);
      const worker = await startWorker(url, env(), "--concurrency", "3");
      const driver = batch(inputs, out);
      await driver.says(/--follow (\S+)/);
      const id = /--follow (\S+)/.exec(driver.said.stderr)?.[1] ?? "";
      const followed = join(folder, `followed-${files}.jsonl`);
      const follower = start(["batch", "--follow", id, "--engine", url, "--out", followed, "--json"]);
      await until(() => server.calls.length >= 60, "half of it");
      const cancel = start(["batch", "--cancel", id, "--engine", url]);
      expect(await cancel.ended).toBe(0);
      expect(cancel.said.stdout).toMatch(/is cancelled: \d+ rows? (is|are) done/);
      const then = server.calls.length;
      const endedAt = Math.max(...server.calls.map((call) => call.endedAt ?? 0));
      expect(await driver.ended).toBe(130);
      expect(await follower.ended).toBe(130);
      const done = linesOf(out).filter(({ state }) => state === "completed").length;
      expect(cancel.said.stdout).toContain(`: ${done} row${done === 1 ? " is" : "s are"} done`);
      expect(done).toBeGreaterThan(0);
      expect(done).toBeLessThan(120);
      expect(JSON.parse(follower.said.stdout)).toMatchObject({ ended: "aborted", completed: done });
      expect(server.calls.length).toBe(then);
      expect(await batch(inputs, out).ended).toBe(0);
      expect(linesOf(out).filter(({ state }) => state === "completed").length).toBe(120);
      expect(repeated(server.calls, new Map([[worker.child.pid ?? 0, endedAt]]))).toEqual([]);
      const unknown = start(["batch", "--follow", "nothing", "--engine", url]);
      expect(await unknown.ended).toBe(2);
      expect(unknown.said.stderr).toContain('There is no batch "nothing"');
    });

    it("ends on Ctrl-C when the rows that run are finished", async () => {
      await fresh();
      const { inputs, out } = rowsFile(120);
      await startWorker(url, env(), "--concurrency", "3");
      const driver = batch(inputs, out);
      await until(() => server.calls.length >= 20, "the first rows");
      driver.child.kill("SIGINT");
      expect(await driver.ended).toBe(130);
      const lines = linesOf(out);
      expect(lines.every(({ state }) => state === "completed")).toBe(true);
      expect(server.calls.length).toBe(lines.length * 4);
    });

    it("gives rows back on a second Ctrl-C of their worker", async () => {
      await fresh();
      const { inputs, out } = rowsFile(12);
      const first = await startWorker(url, env(), "--concurrency", "6");
      const driver = batch(inputs, out);
      await until(() => server.calls.length >= 8, "the first calls");
      first.child.kill("SIGINT");
      await first.says(/Ending: the rows that run are finished/);
      first.child.kill("SIGINT");
      const killedAt = Date.now();
      expect(await first.ended).toBe(0);
      await startWorker(url, env(), "--concurrency", "6");
      expect(await driver.ended).toBe(0);
      expect(linesOf(out).length).toBe(12);
      expect(repeated(server.calls, new Map([[first.child.pid ?? 0, killedAt]]))).toEqual([]);
    });

    it("puts the rows' traces, whoever runs them, under the span that the batch was begun in", async () => {
      await fresh();
      const exporter = new InMemorySpanExporter();
      const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
      context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
      const tracer = provider.getTracer("test");
      const dag = defineDag({ name: "traced-rows", nodes: { a: { run: () => 1 } } });
      const finish = new AbortController();
      const worker = runWorker(dag, { engine: url, use: [traced({ tracer })], finish: finish.signal });
      try {
        const batch = tracer.startSpan("nightly");
        const summary = await context.with(
          trace.setSpan(context.active(), batch),
          () => runMany(dag, ["x", "y"], { engine: url, use: [traced({ tracer })] }).summary,
        );
        expect(summary).toMatchObject({ completed: 2 });
        const runs = exporter.getFinishedSpans().filter(({ name }) => name === "invoke_workflow traced-rows");
        const { traceId, spanId } = batch.spanContext();
        expect(runs.map((span) => [span.spanContext().traceId, span.parentSpanContext?.spanId])).toEqual([
          [traceId, spanId],
          [traceId, spanId],
        ]);
      } finally {
        finish.abort();
        await worker;
        context.disable();
        await provider.shutdown();
      }
    });

    it("gives workers each input as it is: NUL, half characters and the order of its keys too", async () => {
      await fresh();
      const dag = defineDag({
        name: "odd-rows",
        nodes: { keys: { run: ({ input }) => JSON.stringify(input) } },
        input: z.any(),
      });
      const finish = new AbortController();
      const worker = runWorker(dag, { engine: url, finish: finish.signal });
      const rows = [
        { zzz: "a\0b", a: "\ud800" },
        { b: 1, a: 2 },
      ];
      try {
        const outputs = [];
        for await (const { output } of runMany(dag, rows, { engine: url })) outputs.push(output);
        expect(outputs.sort()).toEqual(rows.map((row) => JSON.stringify(row)).sort());
      } finally {
        finish.abort();
        await worker;
      }
    });

    it("tells its caller the events of rows, and has their questions answered", async () => {
      await fresh();
      const dag = defineDag({
        name: "asking-rows",
        nodes: {
          draft: { run: ({ input }) => `draft of ${input}` },
          first: { needs: ["draft"], approve: { message: "May it be sent?" } },
          second: { needs: ["first"], approve: { message: "For sure?" } },
        },
      });
      const finish = new AbortController();
      const workers = [1, 2].map(() => runWorker(dag, { engine: url, finish: finish.signal }));
      try {
        const told = new Map<string, string[]>();
        const asked: string[] = [];
        const given: BatchItem[] = [];
        const batch = runMany(dag, ["a", "b", "c"], {
          engine: url,
          key: (input) => String(input),
          onRowEvent: (event, { key }) => {
            const name = event.type === "run-ended" ? `run-ended ${event.state}` : event.type;
            told.set(key, [...(told.get(key) ?? []), name]);
          },
          answer: async ({ interrupts }, { key }) => {
            // What watches the batch shows the question by now.
            expect(told.get(key)?.at(-1)).toBe("run-ended interrupted");
            asked.push(`${key} ${interrupts.map(({ node }) => node)}`);
            return key === "b" ? null : { [interrupts[0]?.node ?? ""]: true };
          },
        });
        for await (const item of batch) given.push(item);
        expect(await batch.summary).toMatchObject({ completed: 2, interrupted: 1, total: 3 });
        expect(asked.sort()).toEqual(["a first", "a second", "b first", "c first", "c second"]);
        expect(told.get("a")).toContain("node-settled");
        expect(told.get("a")?.at(-1)).toBe("run-ended completed");
        expect(given.find(({ key }) => key === "a")?.output).toBe("draft of a");
        // Nothing is asked of nobody: without answers the row waits, and with them it goes on.
        expect(await runMany(dag, ["b"], { engine: url, key: String }).summary).toMatchObject({
          interrupted: 1,
        });
        const rest = runMany(dag, ["b"], {
          engine: url,
          key: String,
          answer: async ({ interrupts }) => ({ [interrupts[0]?.node ?? ""]: true }),
        });
        expect(await rest.summary).toMatchObject({ completed: 1, interrupted: 0 });
      } finally {
        finish.abort();
        await Promise.all(workers);
      }
    });

    it("says at a worker's end which rows wait, apart from those that are done", async () => {
      await fresh();
      const dag = defineDag({
        name: "waiting-rows",
        nodes: { ask: { approve: { message: "May it be sent?" } } },
      });
      const worked = async (answered: string) => {
        const finish = new AbortController();
        const worker = runWorker(dag, { engine: url, finish: finish.signal });
        const answer = async (_: unknown, { key }: { key: string }) =>
          key <= answered ? { ask: true } : null;
        await runMany(dag, ["a", "b"], { engine: url, key: String, answer }).summary;
        finish.abort();
        return worker;
      };
      expect(await worked("a")).toEqual({ done: 1, failed: 0, waiting: 1, givenBack: 0 });
      expect(await worked("b")).toEqual({ done: 1, failed: 0, waiting: 0, givenBack: 0 });
    });

    it("tells whoever joins it the events of rows, also of those that are under way", async () => {
      await fresh();
      const open = new Map<string, () => void>();
      const dag = defineDag({
        name: "joined",
        nodes: {
          a: { run: ({ input }) => new Promise<unknown>((go) => open.set(String(input), () => go(input))) },
          b: { needs: ["a"], run: () => 1 },
        },
      });
      const finish = new AbortController();
      const worker = runWorker(dag, { engine: url, concurrency: 2, finish: finish.signal });
      const inputs = ["x", "y", "z"];
      const first = runMany(dag, inputs, { engine: url, thread: "one" });
      void first.summary;
      try {
        await until(() => open.size === 2, "two rows are under way");
        const told: string[] = [];
        const second = runMany(dag, inputs, {
          engine: url,
          thread: "one",
          onRowEvent: (event, { index }) => {
            if (event.type === "node-settled") told.push(`${inputs[index]} ${event.node}`);
          },
        });
        void second.summary;
        // A worker hears of it with its next beat.
        await new Promise((resolve) => setTimeout(resolve, 3000));
        for (const input of inputs) {
          await until(() => open.has(input), "it is under way");
          open.get(input)?.();
        }
        expect(await second.summary).toMatchObject({ completed: 3 });
        expect(told.sort()).toEqual(inputs.flatMap((input) => [`${input} a`, `${input} b`]));
        expect(await first.summary).toMatchObject({ completed: 3 });
      } finally {
        finish.abort();
        for (const go of open.values()) go();
        await worker;
      }
    });

    it("is waited for by a worker that is started while the store is", async () => {
      await fresh();
      await engine.stop();
      const worker = start(["worker", graphFile, "--engine", url], env());
      const ended = worker.ended.then(() => "ended");
      const later = new Promise((resolve) => setTimeout(() => resolve("waits"), 3000));
      expect(await Promise.race([ended, later])).toBe("waits");
      await engine.start();
      const { inputs, out } = rowsFile(2);
      expect(await batch(inputs, out).ended).toBe(0);
      expect(linesOf(out).length).toBe(2);
    });

    it("forgets a batch that has ended, and nothing of others", async () => {
      await fresh();
      const dag = defineDag({
        name: "forgotten",
        nodes: { a: { run: ({ input }) => input }, b: { needs: ["a"], approve: { message: "So?" } } },
      });
      const finish = new AbortController();
      const worker = runWorker(dag, { engine: url, finish: finish.signal });
      const run = (thread: string) =>
        runMany(dag, ["x", "y"], { engine: url, thread, limits: { maxModelCalls: 5 } }).summary;
      try {
        for (const thread of ["mine", "mine/other"]) {
          expect(await run(thread)).toMatchObject({ interrupted: 2, reused: 0 });
        }
        const forget = start(["batch", "--forget", "mine", "--engine", url]);
        expect(await forget.ended).toBe(0);
        expect(forget.said.stdout).toBe("Batch mine is forgotten: 2 rows. Results files stay as they are.\n");
        await expect(forgetBatch("mine", { engine: url })).rejects.toMatchObject({ code: "BATCH_UNKNOWN" });
        const left = await leftOf("mine");
        expect(left.filter((name) => !name.includes("mine/other"))).toEqual([]);
        // The other one's rows, which wait, are there as they were.
        const answered = runMany(dag, ["x", "y"], {
          engine: url,
          thread: "mine/other",
          answer: async () => ({ b: true }),
        });
        expect(await answered.summary).toMatchObject({ completed: 2 });
        const under = runMany(dag, ["x"], {
          engine: url,
          thread: "open",
          answer: () => new Promise(() => {}),
        });
        void under.summary;
        await until(
          () =>
            forgetBatch("open", { engine: url }).then(
              () => false,
              ({ code }) => code === "BATCH_BUSY",
            ),
          "it is under way",
        );
        await cancelBatch("open", { engine: url });
        expect(await under.summary).toMatchObject({ ended: "aborted" });
        await forgetBatch("open", { engine: url });
      } finally {
        finish.abort();
        await worker;
      }
    });

    describe("limits of all workers together", () => {
      const dag = defineDag({
        name: "limited",
        nodes: {
          first: { instructions: "Say something." },
          last: { needs: ["first"], instructions: "Go on." },
        },
      });
      const inputs = Array.from({ length: 40 }, (_, at) => `text ${at}`);
      async function withWorkers<T>(count: number, reply: () => string, act: () => Promise<T>): Promise<T> {
        const finish = new AbortController();
        const model = replyModel(reply, { delayMs: 20, id: "openai:gpt-4.1-mini" });
        const workers = Array.from({ length: count }, () =>
          runWorker(dag, { engine: url, concurrency: 8, model, finish: finish.signal }),
        );
        try {
          return await act();
        } finally {
          finish.abort();
          await Promise.all(workers);
        }
      }

      it("never has more requests under way than may be", async () => {
        await fresh();
        let [now, most] = [0, 0];
        const count = () => {
          most = Math.max(most, ++now);
          setTimeout(() => now--, 0);
          return "so";
        };
        const summary = await withWorkers(
          3,
          count,
          () => runMany(dag, inputs, { engine: url, limits: { maxConcurrency: 2 } }).summary,
        );
        expect(summary).toMatchObject({ completed: 40 });
        expect(most).toBeLessThanOrEqual(2);
      });

      it("spends a budget once, and the same command goes on with a larger one", async () => {
        await fresh();
        let calls = 0;
        const count = () => {
          calls++;
          return "so";
        };
        const run = (maxModelCalls: number) =>
          withWorkers(
            3,
            count,
            () => runMany(dag, inputs, { engine: url, limits: { maxModelCalls } }).summary,
          );
        expect(await run(21)).toMatchObject({ ended: "budget" });
        expect(calls).toBe(21);
        expect(await run(100)).toMatchObject({ ended: "done", completed: 40 });
        expect(calls).toBe(80);
      });

      it("does not pass a budget in dollars", async () => {
        await fresh();
        // $0.40 and $1.60 a million tokens: 10 in, 5 out.
        const each = (10 * 0.4 + 5 * 1.6) / 1e6;
        let calls = 0;
        const count = () => {
          calls++;
          return "so";
        };
        const maxCostUsd = each * 30.5;
        const summary = await withWorkers(
          4,
          count,
          () => runMany(dag, inputs, { engine: url, limits: { maxCostUsd } }).summary,
        );
        expect(summary.ended).toBe("budget");
        expect(calls * each).toBeLessThanOrEqual(maxCostUsd + each);
        expect(calls).toBeGreaterThan(20);
      });

      it("ends once too many rows have failed", async () => {
        await fresh();
        let calls = 0;
        const fail = () => {
          calls++;
          throw new Error("no");
        };
        const summary = await withWorkers(
          2,
          fail,
          () =>
            runMany(dag, inputs, { engine: url, maxFailures: 3, policy: { retry: { maxAttempts: 1 } } })
              .summary,
        );
        expect(summary.ended).toBe("failures");
        expect(summary.failed).toBeGreaterThan(3);
        expect(summary.failed).toBeLessThan(40);
        expect(calls).toBeLessThan(40);
      });
    });
  });
}
