import { describe, expect, it } from "@jest/globals";
import { z } from "zod";
import { CancelError } from "../../../nodes/engine/cancel.js";
import { isDirected, parseInput, Scope } from "../../../nodes/engine/scope.js";
import { settleLeft } from "../../../nodes/engine/settle-dag.js";
import { completed, interrupted, notStarted } from "../../../src/records/outcome.js";
import { nodeWork } from "../../../src/records/work-id.js";
import type { DagSpec } from "../../../src/spec/shape.js";
import type { LogEntry } from "../../../src/stores/thread-log.js";
import { type BareRun, bareContext, bareRun, performers } from "./bare-run.js";

const spec: DagSpec = {
  name: "d",
  nodes: { a: { run: () => 1 }, b: { needs: ["a"], run: () => 2 } },
};
const scopeOf = (given: BareRun = {}, within = spec) => {
  const { run } = bareContext(within, given);
  run.begin("x", []);
  return { run, scope: new Scope(within, run, performers) };
};

describe("an input without a schema", () => {
  it("is a text", async () => {
    expect(await parseInput(spec, "x")).toEqual({ given: "x", parsed: "x" });
  });

  it.each<[unknown, string]>([
    [null, "null"],
    [[1], "an array"],
    [{ a: 1 }, "an object"],
    [3, "number 3"],
    [true, "boolean true"],
  ])("that is %p is refused", async (input, shown) => {
    await expect(parseInput(spec, input)).rejects.toMatchObject({
      code: "INPUT_INVALID",
      message: expect.stringContaining(
        `The input does not fit the input of "d": a string is expected, ${shown} was given.`,
      ),
      facts: { dag: "d" },
      hint: "Give an input that fits the spec's `input`, or change the spec.",
    });
    const error = await parseInput(spec, input).catch((thrown: unknown) => thrown);
    expect((error as Error).cause).toBeUndefined();
  });
});

it.each([spec, { ...spec, input: z.object({ n: z.number() }) }])(
  "a missing input is told as that, with how a compiled graph takes it",
  async (dag) => {
    await expect(parseInput(dag, undefined)).rejects.toMatchObject({
      code: "INPUT_INVALID",
      message: expect.stringMatching(/none was given\. Give one: .* `invoke\(\{ input \}\)`\.$/),
    });
  },
);

describe("an input with a schema", () => {
  const typed: DagSpec = { ...spec, input: z.object({ n: z.custom((n) => n !== undefined) }) };

  it("is a copy of what was given, and as the schema makes of it", async () => {
    const given = { n: [1] };
    const input = await parseInput(typed, given);
    expect(input).toEqual({ given: { n: [1] }, parsed: { n: [1] } });
    expect((input.given as typeof given).n).not.toBe(given.n);
  });

  it("that does not fit is refused, a missing one too", async () => {
    const error = await parseInput(typed, {}).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "INPUT_INVALID", facts: { dag: "d" } });
    expect((error as Error).message).toMatch(/fit the input of "d": .*n/);
    expect((error as Error).message).not.toContain("none was given");
    expect(error).not.toHaveProperty("cause");
    await expect(parseInput(typed, undefined)).rejects.toMatchObject({ code: "INPUT_INVALID" });
  });

  it("that is no JSON is refused by its name", async () => {
    await expect(parseInput(typed, { n: new Map() })).rejects.toMatchObject({
      code: "INPUT_NOT_JSON",
      message: expect.stringContaining('The input of "d"'),
    });
  });

  it("whose own code throws says so", async () => {
    const failure = new Error("broken schema");
    const throws = z.unknown().transform(() => {
      throw failure;
    });
    await expect(parseInput({ ...spec, input: throws }, {})).rejects.toMatchObject({
      code: "INPUT_INVALID",
      message: expect.stringContaining('its schema failed with "broken schema"'),
      cause: failure,
    });
  });
});

describe("a scope", () => {
  it("is open, and has an input, once that was given", () => {
    const { scope } = scopeOf();
    expect([scope.isOpen, scope.input, scope.given]).toEqual([false, undefined, undefined]);
    expect(scope.open({ given: "g", parsed: "p" })).toEqual({});
    expect([scope.isOpen, scope.input, scope.given]).toEqual([true, "p", "g"]);
  });

  it("tells by a print whether its input is the same", () => {
    const print = (given: unknown) => {
      const { scope } = scopeOf();
      scope.open({ given, parsed: given });
      return scope.inputPrint;
    };
    expect(print("x")).toBe(print("x"));
    expect(print("x")).not.toBe(print("y"));
    expect(typeof scopeOf().scope.inputPrint).toBe("string");
  });

  it("makes nothing ready under a planner, but inside a graph node does", () => {
    const ready = (given: BareRun, prefix = "") => {
      const { run } = bareContext(spec, given);
      run.begin("x", []);
      const scope = new Scope(spec, run, performers, { prefix });
      scope.open({ given: "x", parsed: "x" });
      return run.events.record().events.flatMap((event) => (event.type === "node-ready" ? [event.node] : []));
    };
    expect(ready({})).toEqual(["a"]);
    expect(ready({ planned: true })).toEqual([]);
    expect(ready({ planned: true }, "g/")).toEqual(["g/a"]);
  });

  it("tells no node ready again whose end was replayed", () => {
    const { run } = bareContext(spec);
    const outcome = completed(notStarted(1), 1);
    run.begin("x", [{ type: "node-settled", ...nodeWork("a"), outcome, atMs: 1 }]);
    const scope = new Scope({ ...spec, nodes: { ...spec.nodes, c: { run: () => 3 } } }, run, performers);
    scope.open({ given: "x", parsed: "x" });
    const ready = run.events.record().events.filter(({ type }) => type === "node-ready");
    expect(ready).toMatchObject([{ node: "c" }]);
  });

  it("takes over what was persisted on the same input", async () => {
    const log: LogEntry[] = [];
    await bareRun(spec, "x", { log });
    const { scope } = scopeOf({ log });
    expect(Object.keys(scope.open({ given: "x", parsed: "x" }))).toEqual(["a", "b"]);
    expect(scope.frontier.outcomes.b).toMatchObject({ state: "completed", value: 2 });
    expect(scopeOf({ log }).scope.open({ given: "y", parsed: "y" })).toEqual({});
  });

  it("cancels the work of its nodes with itself, until it is closed or the work released", () => {
    const { run, scope } = scopeOf();
    const [first, second, other] = [
      scope.cancellerFor("a"),
      scope.cancellerFor("a"),
      scope.cancellerFor("b"),
    ];
    const released = scope.cancellerFor("b");
    scope.releaseCanceller("b", released);
    const alone = scope.cancellerFor("c");
    scope.releaseCanceller("c", alone);
    scope.releaseCanceller("c", alone);
    scope.releaseCanceller("a", other);
    run.cancel("budget", "spent");
    for (const one of [first, second, other]) expect(one.reason).toMatchObject({ cancel: "budget" });
    expect([released.reason, alone.reason]).toEqual([undefined, undefined]);
    expect(scope.cancellerFor("a").reason).toMatchObject({ cancel: "budget" });
    const closed = scopeOf();
    const left = closed.scope.cancellerFor("a");
    closed.scope.close();
    closed.run.cancel("budget", "spent");
    expect(left.reason).toBeUndefined();
  });

  it("takes back a question that nobody needs any more, and tells so", async () => {
    const either: DagSpec = {
      name: "d",
      nodes: {
        ask: { approve: { message: "Well?" } },
        slow: { run: () => new Promise((resolve) => setImmediate(() => resolve(1))) },
        out: { needs: ["ask", "slow"], join: "any", run: () => "out" },
      },
    };
    const log: LogEntry[] = [];
    const record = await bareRun(either, "x", { log });
    expect(record.outcomes.ask).toMatchObject({
      state: "cancelled",
      reason: { code: "not-needed" },
      startedAtMs: null,
      attempts: 0,
    });
    expect(record.interrupts).toEqual([]);
    const settled = log.filter(({ kind }) => kind === "settled").map(({ key }) => key);
    expect(settled).toContainEqual(nodeWork("ask"));
  });
});

it.each([
  [{}, false],
  [{ args: {} }, false],
  [{ args: { q: 1 } }, true],
  [{ args: null }, true],
  [{ args: "q" }, true],
  [{ focus: "prices" }, true],
  [{ text: "" }, true],
])("work with %j is directed by a planner: %p", (given, directed) => {
  expect(isDirected(given)).toBe(directed);
});

describe("what LangGraph left", () => {
  const opened = () => {
    const made = scopeOf();
    made.scope.open({ given: "x", parsed: "x" });
    return made;
  };

  it("is settled", async () => {
    const { scope } = opened();
    await settleLeft(scope);
    expect(scope.frontier.outcomes).toMatchObject({ a: { value: 1 }, b: { value: 2 } });
  });

  it("is not, where all of it was told to wait for an answer", async () => {
    const { scope, run } = opened();
    const waits = interrupted(notStarted(null), "waiting", "It waits.");
    run.settled(nodeWork("a"), waits);
    run.settled(nodeWork("b"), waits);
    await settleLeft(scope);
    expect(scope.frontier.outcomes).toEqual({});
    const some = opened();
    some.run.settled(nodeWork("a"), waits);
    await settleLeft(some.scope);
    expect(Object.keys(some.scope.frontier.outcomes)).toEqual(["a", "b"]);
    const rest = opened();
    rest.scope.frontier.settle("a", completed(notStarted(1), 1));
    rest.run.settled(nodeWork("a"), completed(notStarted(1), 1));
    rest.run.settled(nodeWork("b"), waits);
    await settleLeft(rest.scope);
    expect(Object.keys(rest.scope.frontier.outcomes)).toEqual(["a"]);
  });

  it("is nothing where every node has settled, whatever was told", async () => {
    const { scope, run } = opened();
    const cancelled = new CancelError("aborted", "x");
    await settleLeft(scope);
    const { length } = run.events.record().events;
    run.canceller.cancel(cancelled);
    await settleLeft(scope);
    expect(run.events.record().events).toHaveLength(length);
  });
});
