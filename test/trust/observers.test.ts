import { describe, expect, it } from "@jest/globals";
import { MemorySaver } from "@langchain/langgraph";
import { compile, type DagSpec, defineDag, type RunEvent, run, stream } from "agent-dag";
import type { ModelMiddleware } from "../../src/models/port.js";

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const declared = ["sequential", "deterministic", "dataflow"] as const;

const watched = defineDag({
  name: "watched",
  nodes: {
    a: { run: () => "A" },
    b: { run: () => wait(5).then(() => "B") },
    c: { needs: ["a", "b"], join: "settled", run: () => "C" },
  },
  output: "c",
});
const kinds = ["run-started", "node-ready", "node-started", "node-settled", "run-ended"] as const;

describe.each(declared)("who watches a run does not change it, %s", (topology) => {
  it.each(kinds)("whatever is thrown or rejected at %s", async (type) => {
    const thrown: unknown[] = [new Error("page closed"), null, 0, Object.create(null), "text"];
    for (const how of ["throws", "rejects"] as const) {
      for (const what of thrown) {
        const record = await run(watched, "x", {
          topology,
          onEvent(event: RunEvent) {
            if (event.type !== type) return undefined;
            if (how === "rejects") return Promise.reject(what);
            throw what;
          },
        });
        await wait(0);
        expect(record).toMatchObject({ state: "completed", output: "C" });
        expect(Object.keys(record.outcomes)).toEqual(["a", "b", "c"]);
        const notices = record.events.filter((event) => event.type === "notice");
        expect(notices.length).toBeLessThanOrEqual(1);
      }
    }
  });
});

it("tells once that the observer failed", async () => {
  const record = await run(watched, "x", {
    onEvent() {
      throw new Error("page closed");
    },
  });
  const notices = record.events.filter((event) => event.type === "notice");
  expect(notices).toMatchObject([{ code: "OBSERVER_FAILED" }]);
  expect(JSON.stringify(notices)).toContain("page closed");
});

it("shows every event from the start to each reader of a stream, early, late, slow or gone", async () => {
  const events = stream(watched, "x");
  const read = async (delayMs: number, most = Number.POSITIVE_INFINITY) => {
    const seen: string[] = [];
    await wait(delayMs);
    for await (const event of events) {
      seen.push(event.type);
      if (delayMs > 0) await wait(1);
      if (seen.length >= most) break;
    }
    return seen;
  };
  const [one, slow, left] = await Promise.all([read(0), read(3), read(0, 2)]);
  const all = (await events.record).events.map(({ type }) => type);
  expect(one).toEqual(all);
  expect(slow).toEqual(all);
  expect(left).toEqual(all.slice(0, 2));
  expect(await read(0)).toEqual(all);
});

it("keeps no reader of a stream waiting where the run cannot begin", async () => {
  const events = stream(defineDag({ name: "no", nodes: { a: { instructions: "x" } } }), "x", {
    model: "nowhere:model",
  });
  const read = async () => {
    for await (const _ of events);
  };
  const both = await Promise.allSettled([read(), read(), events.record]);
  expect(both.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
});

const odd: [string, () => never][] = [
  [
    "null",
    () => {
      throw null;
    },
  ],
  [
    "undefined",
    () => {
      throw undefined;
    },
  ],
  [
    "0",
    () => {
      throw 0;
    },
  ],
  [
    "an object without prototype",
    () => {
      throw Object.create(null);
    },
  ],
  [
    "a symbol as name",
    () => {
      throw Object.assign(new Error("x"), { name: Symbol("s") });
    },
  ],
  [
    "a revoked proxy",
    () => {
      const { proxy, revoke } = Proxy.revocable({}, {});
      revoke();
      throw proxy;
    },
  ],
  [
    "getters that throw",
    () => {
      throw Object.defineProperties(
        {},
        {
          message: {
            get() {
              throw new Error("no");
            },
          },
          code: {
            get() {
              throw new Error("no");
            },
          },
          name: {
            get() {
              throw new Error("no");
            },
          },
        },
      );
    },
  ],
  [
    "what looks like LangGraph's interrupt",
    () => {
      throw Object.assign(new Error("x"), { is_bubble_up: true, interrupts: [], name: "GraphInterrupt" });
    },
  ],
];

describe.each(declared)("a hostile throw, %s", (topology) => {
  it.each(odd)("of %s fails only the node that threw", async (_, bad) => {
    const nodes: Record<string, object> = {
      function: { run: bad },
      later: { run: () => Promise.resolve().then(bad) },
      when: { when: bad, run: () => 1 },
      instructions: { instructions: bad },
      tool: { tool: { name: "t", invoke: async () => bad() } },
      args: { tool: { name: "t", invoke: async () => 1 }, args: bad },
      getter: { run: () => Object.defineProperty({}, "x", { enumerable: true, get: bad }) },
      retry: { policy: { retry: { maxAttempts: 2, initialIntervalMs: 1, retryOn: bad } }, run: bad },
    };
    for (const [name, node] of Object.entries(nodes)) {
      for (const checkpointer of [undefined, new MemorySaver()]) {
        const spec = defineDag({
          name: "odd",
          nodes: {
            paid: { run: () => wait(2).then(() => "dear") },
            [name]: node,
            out: { needs: ["paid", name], join: "settled", run: () => "report" },
          },
          output: "out",
        } as DagSpec);
        const kept = checkpointer === undefined ? {} : { checkpointer, thread: "t" };
        const record = await run(spec, "x", { topology, model: "offline", ...kept });
        expect([name, record.state, record.output]).toEqual([name, "partial", "report"]);
        expect(record.outcomes[name]).toMatchObject({ state: "failed" });
        expect(JSON.parse(JSON.stringify(record)).outcomes[name].error.message).toMatch(/./);
      }
    }
  });
});

it.each(odd)("a middleware that throws %s fails its agent, and nothing hangs", async (_, bad) => {
  const throws: ModelMiddleware = (next) => ({ ...next, call: () => bad() });
  const spec = defineDag({ name: "m", nodes: { a: { instructions: "x" } } });
  for (const topology of ["deterministic", "planned", "planned-dag"] as const) {
    const record = await run(spec, "x", { topology, model: "offline", use: [throws] });
    expect(record.outcomes.a?.state).toBe("failed");
  }
});

it.each([
  undefined,
  null,
  0,
  "why",
  Object.create(null),
  new Error("stop"),
  Object.assign(new Error("x"), { name: Symbol("s") }),
])("an abort for an odd reason ends the run as cancelled: %#", async (reason) => {
  const spec = defineDag({ name: "b", nodes: { a: { run: () => new Promise<never>(() => {}) } } });
  for (const topology of declared) {
    const controller = new AbortController();
    setTimeout(() => controller.abort(reason), 5);
    const record = await run(spec, "x", { topology, signal: controller.signal });
    expect(record).toMatchObject({ state: "cancelled", outcomes: { a: { state: "cancelled" } } });
    expect(JSON.parse(JSON.stringify(record)).state).toBe("cancelled");
  }
});

describe.each(declared)("a compiled graph's signals, %s", (topology) => {
  it("count both: the one it was compiled with and the call's; nothing is left on either", async () => {
    for (const which of ["compile", "call"] as const) {
      const signals = { compile: new AbortController(), call: new AbortController() };
      let aborted = false;
      const spec = defineDag({
        name: "s",
        nodes: {
          a: {
            run: ({ signal }) =>
              new Promise((resolve) => {
                signal.addEventListener("abort", () => {
                  aborted = true;
                  resolve(1);
                });
                setImmediate(() => signals[which].abort());
              }),
          },
        },
      });
      const graph = compile(spec, { topology, signal: signals.compile.signal });
      const going = graph.invoke({ input: "x" }, { signal: signals.call.signal });
      await going.catch(() => {});
      expect(aborted).toBe(true);
    }
  });

  it("a missing key lets nothing happen first, and leaves no listener on the user's signal", async () => {
    let ran = 0;
    const spec = defineDag({
      name: "k",
      nodes: { f: { run: () => ++ran }, a: { needs: ["f"], model: "openai:x", instructions: "x" } },
    });
    const { signal } = new AbortController();
    let listeners = 0;
    const counted = new Proxy(signal, {
      get(target, key) {
        const value = Reflect.get(target, key, target);
        if (typeof value !== "function") return value;
        return (...args: unknown[]) => {
          if (key === "addEventListener") listeners++;
          if (key === "removeEventListener") listeners--;
          return value.apply(target, args);
        };
      },
    });
    const before = process.env.OPENAI_API_KEY;
    delete process.env.OPENAI_API_KEY;
    try {
      await expect(run(spec, "x", { topology, signal: counted })).rejects.toMatchObject({
        code: "MODEL_KEY_MISSING",
      });
      await expect(compile(spec, { topology, signal: counted }).invoke({ input: "x" })).rejects.toMatchObject(
        {
          code: "MODEL_KEY_MISSING",
        },
      );
    } finally {
      if (before !== undefined) process.env.OPENAI_API_KEY = before;
    }
    expect({ ran, listeners }).toEqual({ ran: 0, listeners: 0 });
  });
});
