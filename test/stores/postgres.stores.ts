import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { Annotation, END, MemorySaver, START, StateGraph } from "@langchain/langgraph";
import {
  compile,
  type DagSpec,
  defineDag,
  type OpenCheckpointer,
  openCheckpointer,
  resume,
  run,
  waitingThreads,
} from "agent-dag";
import { z } from "zod";
import { topologyNames } from "../../graphs/topology.js";
import { cli } from "../cli/cli-run.js";
import { plannerModel } from "../planner/planner-model.js";
import { startPostgres, type TestPostgres } from "../support/postgres.js";
import { replyModel } from "../support/reply-model.js";

let postgres: TestPostgres;
let url: string;
const opened: OpenCheckpointer[] = [];

beforeAll(async () => {
  postgres = await startPostgres();
  url = await postgres.database();
});
afterAll(async () => {
  await Promise.all(opened.map(({ close }) => close()));
  await postgres.end();
});

async function open(address = url) {
  const store = await openCheckpointer(address);
  opened.push(store);
  return store.checkpointer;
}

/** The whole measure is 200. */
const races = Number(process.env.RACES ?? 25);
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const notices = (record: { events: readonly any[] }) =>
  record.events.filter(({ type }) => type === "notice").map(({ code, message }) => `${code} ${message}`);

describe("opening", () => {
  it("makes the tables once, whoever comes first, and is closed again", async () => {
    const fresh = await postgres.database();
    const stores = await Promise.all([1, 2, 3, 4].map(() => openCheckpointer(fresh)));
    await Promise.all(stores.map(({ close }) => close()));
    const tables = await postgres.query(fresh, "SELECT count(*) AS n FROM checkpoint_writes");
    expect(tables).toEqual([{ n: "0" }]);
    const left =
      "SELECT count(*) AS n FROM pg_stat_activity WHERE application_name = 'agent-dag' AND datname = ";
    expect(await postgres.query(fresh, `${left} current_database()`)).toEqual([{ n: "0" }]);
  });

  it("to read creates nothing, and says so", async () => {
    const fresh = await postgres.database();
    await expect(openCheckpointer(fresh, { create: false })).rejects.toMatchObject({
      code: "CHECKPOINTER_UNUSABLE",
      message: expect.stringContaining("holds no runs"),
    });
    expect(await postgres.query(fresh, "SELECT 1 FROM pg_tables WHERE schemaname = 'public'")).toEqual([]);
  });

  it("serves a role that may write but not create, where the tables are there", async () => {
    const fresh = await postgres.database();
    await (await openCheckpointer(fresh)).close();
    await postgres.query(fresh, "CREATE ROLE writer LOGIN PASSWORD 'writer-pw-123'");
    await postgres.query(
      fresh,
      "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO writer",
    );
    const address = Object.assign(new URL(fresh), { username: "writer", password: "writer-pw-123" }).href;
    const { checkpointer, close } = await openCheckpointer(address);
    const spec = defineDag({ name: "few-rights", nodes: { a: { run: () => 1 } } });
    expect(notices(await run(spec, "x", { checkpointer, thread: "t" }))).toEqual([]);
    await close();
  });

  it.each([
    ["a wrong password", (at: URL) => Object.assign(at, { password: "S3cret-wrong-pw" }), "28P01"],
    ["no such database", (at: URL) => Object.assign(at, { pathname: "/nowhere" }), "3D000"],
    [
      "nobody at that port",
      (at: URL) => Object.assign(at, { port: "1", password: "S3cret-wrong-pw" }),
      "ECONN",
    ],
    [
      "no such host",
      (at: URL) => Object.assign(at, { hostname: "no-such.invalid", password: "S3cret-wrong-pw" }),
      "",
    ],
  ])("says why it cannot, without the password: %s", async (_, change, code) => {
    const address = change(new URL(url)).href;
    const error = await openCheckpointer(address).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "CHECKPOINTER_UNUSABLE", message: expect.stringContaining(code) });
    const told = await cli([
      "run",
      "examples/review.yaml",
      "--checkpoint",
      address,
      "--thread",
      "t",
      "--debug",
    ]);
    expect(told).toMatchObject({ exitCode: 2, stdout: "" });
    const { message, facts, hint, stack } = error as any;
    for (const text of [told.stderr, message, JSON.stringify(facts), hint, stack]) {
      expect(text).not.toContain("S3cret");
      expect(text).not.toContain(postgres.password);
    }
  });

  it.each([
    "postgres://u:S3cret@[bad/db",
    "postgress://u:S3cret@h/db",
    "postgres://u:S3cret@h:port/db",
    "mysql://u:S3cret@h/x",
  ])("refuses what is no address, without the password in it: %s", async (address) => {
    const error: any = await openCheckpointer(address).catch((thrown: unknown) => thrown);
    expect(error.code).toMatch(/^CHECKPOINTER_(UNKNOWN|UNUSABLE)$/);
    expect(
      JSON.stringify([error.message, error.facts, error.hint, String(error.cause?.stack)]),
    ).not.toContain("S3cret");
  });
});

describe("values", () => {
  const odd = (): unknown[] => [
    {
      lc: 1,
      type: "constructor",
      id: ["langchain_core", "messages", "HumanMessage"],
      kwargs: { content: "x" },
    },
    { lc: 2, type: "undefined" },
    { lc: 1, type: "secret", id: ["HOME"] },
    JSON.parse('{"__proto__":{"admin":true},"constructor":1,"toString":"x"}'),
    "\ud800 alone, and \udfff",
    { "\ud800": 1, "\u0000": 2, "": 3 },
    "a zero \u0000 and \u0001\u001f\u007f, \\u0000 written out, \u2028",
    { "agent-dag/json": "[1]" },
    [1e308, -1e-300, 0.1, 9007199254740991, -0],
    "😀 é 漢",
    "x".repeat(300_000),
  ];

  it.each(topologyNames)("come back as they went in, %s", async (topology) => {
    const spec = defineDag({
      name: "opaque",
      input: z.any(),
      nodes: {
        a: { run: odd },
        map: { needs: ["a"], forEach: { items: { node: "a" } }, run: ({ item }: any) => item },
        inner: { needs: ["a"], dag: defineDag({ name: "in", input: z.any(), nodes: { x: { run: odd } } }) },
        ok: { needs: ["a", "map", "inner"], approve: { message: "zero \u0000 \ud800?" } },
        b: { needs: ["a", "map", "inner", "ok"], run: ({ needs, input }: any) => ({ needs, input }) },
      },
      output: "b",
    } as unknown as DagSpec);
    const model = plannerModel(({ tools, turn }) =>
      turn > 0 ? "done" : tools.length > 0 ? [["b", "{}"]] : "1. b()\njoin()",
    );
    const thread = `values-${topology}`;
    const expected = JSON.parse(JSON.stringify(odd()));
    const first = await run(spec, { given: odd() }, { topology, model, checkpointer: await open(), thread });
    expect(notices(first)).toEqual([]);
    expect(first.state).toBe("interrupted");
    const checkpointer = await open();
    const waiting = await waitingThreads(checkpointer);
    expect(waiting.find((one) => one.thread === thread)).toMatchObject({
      interrupts: [{ node: "ok", message: "zero \u0000 \ud800?" }],
    });
    const edit = { said: odd() };
    const second = await resume(spec, { checkpointer, thread, model, answer: { edit } });
    expect(notices(second)).toEqual([]);
    expect(JSON.stringify((second.outcomes.b as any).value)).toBe(
      JSON.stringify({
        needs: { a: expected, map: expected, inner: expected, ok: { said: expected } },
        input: { given: expected },
      }),
    );
    const again = await resume(spec, { checkpointer: await open(), thread, model });
    expect(JSON.stringify(again.outcomes)).toBe(JSON.stringify(second.outcomes));
  });
});

describe("one driver a thread", () => {
  const held: { child: ChildProcess; lines: string[] }[] = [];
  afterAll(() => {
    for (const { child } of held) child.kill("SIGKILL");
  });

  async function hold(thread: string) {
    const { NODE_OPTIONS: _, ...env } = process.env;
    const child = spawn(process.execPath, ["test/stores/hold-thread.mjs", url, thread], { env });
    const lines: string[] = [];
    const exited = new Promise((resolve) => child.once("exit", resolve));
    const holds = new Promise<void>((resolve) =>
      child.stdout.on("data", (chunk) => {
        lines.push(...String(chunk).trim().split("\n"));
        resolve();
      }),
    );
    child.stderr.on("data", (chunk) => lines.push(String(chunk)));
    held.push({ child, lines });
    await Promise.race([holds, exited]);
    return { child, lines, exited };
  }
  const asked: string[] = [];
  const model = replyModel(({ node }) => `${node} here ${asked.push(node)}`);
  const spec = defineDag({
    name: "held",
    nodes: { first: { instructions: "First." }, held: { needs: ["first"], instructions: "Held." } },
  });

  it("also over processes: refused while it lives, followed at once when it was killed", async () => {
    const { child, exited } = await hold("killed");
    const options = { checkpointer: await open(), thread: "killed", model };
    await expect(resume(spec, options)).rejects.toMatchObject({
      code: "THREAD_BUSY",
      facts: { holder: { pid: child.pid } },
    });
    child.kill("SIGKILL");
    await exited;
    const started = Date.now();
    expect((await resume(spec, options)).output).toBe("held here 1");
    expect(Date.now() - started).toBeLessThan(9000);
  });

  it("takes over from a host that hangs, within 15 s, and the one that comes back writes nothing more", async () => {
    const { child, lines, exited } = await hold("hung");
    child.kill("SIGSTOP");
    const stopped = Date.now();
    const options = { checkpointer: await open(), thread: "hung", model };
    let refusedAt = stopped;
    for (;;) {
      const askedAt = Date.now();
      const record = await resume(spec, options).catch((error: { code: string }) => error.code);
      if (typeof record !== "string") {
        expect(record.output).toBe("held here 2");
        break;
      }
      expect(record).toBe("THREAD_BUSY");
      refusedAt = askedAt;
      await wait(200);
    }
    // Whoever asks once the last beat is 12 s old is not refused: with what a start takes, 15 s.
    expect(refusedAt - stopped).toBeGreaterThan(4000);
    expect(refusedAt - stopped).toBeLessThanOrEqual(12_000);
    child.kill("SIGCONT");
    await wait(5000);
    child.stdin?.write("finish\n");
    await exited;
    expect(lines.join("\n")).toContain('"state":"cancelled"');
    expect((await resume(spec, options)).output).toBe("held here 2");
  });

  it("goes by the database's clock, not by the hosts'", async () => {
    const { child, exited } = await hold("clock");
    const options = { checkpointer: await open(), thread: "clock", model };
    const now = Date.now;
    Date.now = () => now() + 3_600_000;
    try {
      await expect(resume(spec, options)).rejects.toMatchObject({ code: "THREAD_BUSY" });
    } finally {
      Date.now = now;
    }
    child.kill("SIGKILL");
    await exited;
  });

  it("does nothing twice in races", async () => {
    const [one, two, three] = [await open(), await open(), await open()];
    for (let race = 0; race < races; race++) {
      const done: string[] = [];
      const step = (name: string) => async () => {
        done.push(name);
        return name;
      };
      const raced = defineDag({
        name: "race",
        nodes: { a: { run: step("a") }, b: { run: step("b") }, c: { needs: ["a", "b"], run: step("c") } },
      } as DagSpec);
      const drivers = [one, two, three].map(async (checkpointer, late) => {
        await wait(late * (race % 4));
        return run(raced, "x", { checkpointer, thread: `race-${race}` });
      });
      const ends = await Promise.allSettled(drivers);
      expect(done.sort()).toEqual(["a", "b", "c"]);
      for (const end of ends) if (end.status === "rejected") expect(end.reason.code).toBe("THREAD_BUSY");
    }
  });
});

describe("a server that goes away", () => {
  const spec = (between: () => Promise<void>) =>
    defineDag({
      name: "outage",
      nodes: {
        a: { run: () => "a" },
        b: {
          needs: ["a"],
          run: async () => {
            await between();
            return "b";
          },
        },
        c: { needs: ["b"], run: ({ needs }: any) => `c after ${needs.b}` },
      },
    } as DagSpec);

  it.each(["sequential", "deterministic", "dataflow"] as const)(
    "lets the run end in memory, with a notice; what was stored is resumed, %s",
    async (topology) => {
      const checkpointer = await open();
      const thread = `outage-${topology}`;
      const record = await run(spec(postgres.stop), "x", { topology, checkpointer, thread });
      try {
        expect(record).toMatchObject({ state: "completed", output: "c after b" });
        expect(notices(record)).toHaveLength(1);
        expect(notices(record)[0]).toContain(`127.0.0.1:${postgres.port}`);
        expect(notices(record)[0]).toContain("it cannot be reached");
        expect(JSON.stringify(record)).not.toContain(postgres.password);
        await expect(resume(spec(postgres.stop), { checkpointer, thread })).rejects.toMatchObject({
          code: "STORE_FAILED",
          facts: { reason: "unreachable" },
        });
      } finally {
        await postgres.start();
      }
      let again = 0;
      const resumed = await resume(
        spec(async () => void again++),
        { checkpointer, thread },
      );
      expect(resumed).toMatchObject({ state: "completed", output: "c after b" });
      expect(again).toBe(1);
    },
  );

  it("and one that hangs without a word does not hang the run", async () => {
    const checkpointer = await open();
    const record = await run(
      spec(async () => postgres.freeze()),
      "x",
      { checkpointer, thread: "hangs" },
    ).finally(postgres.thaw);
    expect(record).toMatchObject({ state: "completed", output: "c after b" });
    expect(notices(record)[0]).toContain("it cannot be reached");
  });

  it("is told on the command line before anything is paid for", async () => {
    await postgres.stop();
    try {
      const args = [
        "run",
        "examples/review.yaml",
        "--model",
        "offline",
        "--checkpoint",
        url,
        "--thread",
        "x",
      ];
      const result = await cli(args);
      expect(result).toMatchObject({ exitCode: 2, stdout: "" });
      expect(result.stderr).toContain("cannot be reached");
      expect(result.stderr).not.toContain(postgres.password);
    } finally {
      await postgres.start();
    }
  });
});

describe("the command line", () => {
  it("runs, waits and answers in a database, and never prints its password", async () => {
    const folder = mkdtempSync(join(tmpdir(), "agent-dag-stores-"));
    const file = join(folder, "send.yaml");
    writeFileSync(
      file,
      "name: send\nnodes:\n  draft: { instructions: Summarize the text. }\n  ok: { needs: [draft], approve: { message: Send? } }\n",
    );
    const kept = ["--model", "offline", "--checkpoint", url, "--thread", "cli"];
    const asked = await cli(["run", file, "--text", "Hello there.", ...kept, "--json"]);
    expect(JSON.parse(asked.stdout).state).toBe("interrupted");
    expect(asked.stderr).toContain(
      `--checkpoint postgres://agent@127.0.0.1:${postgres.port}/test_1 --thread cli`,
    );
    const answered = await cli(["resume", file, ...kept, "--answer", "true", "--json"]);
    expect(JSON.parse(answered.stdout).state).toBe("completed");
    const unknown = await cli(["resume", file, "--checkpoint", url, "--thread", "nobody"]);
    expect(unknown.stderr).toContain('no run under the thread "nobody"');
    const all = [asked, answered, unknown].map(({ stdout, stderr }) => stdout + stderr).join("");
    expect(all).not.toContain(postgres.password);
    rmSync(folder, { recursive: true });
  });
});

describe("LangGraph's own checkpoints", () => {
  function byHand(checkpointer: any) {
    const state = Annotation.Root({
      input: Annotation<string>(),
      outcomes: Annotation<Record<string, { value: string }>>({
        reducer: (before, after) => ({ ...before, ...after }),
        default: () => ({}),
      }),
    });
    const step = (name: string, need?: string) => (current: any) => ({
      outcomes: { [name]: { value: need === undefined ? name : `${name}<${current.outcomes[need].value}>` } },
    });
    return new StateGraph(state)
      .addNode("a", step("a"))
      .addNode("b", step("b", "a"))
      .addNode("c", step("c", "b"))
      .addEdge(START, "a")
      .addEdge("a", "b")
      .addEdge("b", "c")
      .addEdge("c", END)
      .compile({ checkpointer }) as any;
  }
  const declared = defineDag({
    name: "forked",
    nodes: {
      a: { run: () => "a" },
      b: { needs: ["a"], run: ({ needs }: any) => `b<${needs.a}>` },
      c: { needs: ["b"], run: ({ needs }: any) => `c<${needs.b}>` },
    },
  } as DagSpec);
  const valuesOf = (outcomes: Record<string, any>) =>
    Object.fromEntries(Object.entries(outcomes).map(([name, { value }]) => [name, value]));

  async function forkTwice(graph: any, thread: string) {
    const config = { configurable: { thread_id: thread } };
    await graph.invoke({ input: "x" }, config);
    let before: any;
    for await (const state of graph.getStateHistory(config)) if (state.next.includes("b")) before = state;
    const results = [];
    for (const value of ["FIRST", "SECOND"]) {
      const outcome = { ...before.values.outcomes.a, value };
      const from = await graph.updateState(before.config, { outcomes: { a: outcome } }, "a");
      const { outcomes } = await graph.invoke(null, from);
      const after = await graph.getState(config);
      results.push([valuesOf(outcomes), valuesOf(after.values.outcomes), after.next]);
    }
    return results;
  }

  it("are forked as a hand-written graph's in memory are, twice from one place", async () => {
    const hand = await forkTwice(byHand(new MemorySaver()), "t");
    const ours = await forkTwice(compile(declared, { checkpointer: await open() }), "forked");
    expect(ours).toEqual(hand);
  });
});
