import { describe, expect, it } from "@jest/globals";
import type { DagProjection } from "../../src/records/events.js";
import { notStarted, type Outcome } from "../../src/records/outcome.js";
import { judgeRun, outputOf } from "../../src/records/run-state.js";
import { completed, failed, node, projection, skipped } from "../report/record-builder.js";

type Facts = Parameters<typeof judgeRun>[2];
const done = completed(0, 1, { value: "done" });
const broke = failed(0, 1, "no");
const join = skipped("join", "Too few.");
const cancelled = (code: string): Outcome => ({
  ...notStarted(1),
  state: "cancelled",
  reason: { code, message: "x" },
});
const judge = (dag: DagProjection, outcomes: Record<string, Outcome>, facts: Partial<Facts> = {}) =>
  judgeRun(dag, outcomes, { interrupts: [], aborted: false, error: null, ...facts });

/** `a`, `b` after it, `c` after that; `c` is the output. */
const chain = projection({ a: node(), b: node({ needs: ["a"] }), c: node({ needs: ["b"] }) });
const one = projection({ a: node() });
const pair = projection({ a: node(), b: node() }, ["a", "b"]);

describe("the output", () => {
  it("of one output node is its value", () => {
    expect(outputOf(one, { a: done })).toEqual({ found: true, output: "done" });
    expect(outputOf(one, { a: completed(0, 1, { value: null }) })).toEqual({ found: true, output: null });
    expect(outputOf(one, { a: broke })).toEqual({ found: false, output: null });
    expect(outputOf(one, {})).toEqual({ found: false, output: null });
  });

  it("of several is what they have, by name", () => {
    expect(outputOf(pair, { a: done, b: done })).toEqual({ found: true, output: { a: "done", b: "done" } });
    expect(outputOf(pair, { a: done, b: broke })).toEqual({ found: true, output: { a: "done" } });
    expect(outputOf(pair, { a: broke })).toEqual({ found: false, output: null });
  });
});

describe("a run", () => {
  const error = { code: "X", message: "x" };
  const interrupts = [{ node: "a", message: "?", value: null }];

  it("completed when nothing is missing", () => {
    expect(judge(one, { a: done })).toEqual({ state: "completed", output: "done", error: null });
  });

  it("failed when it went wrong itself, whatever else, and keeps its output", () => {
    expect(judge(one, { a: done }, { error, interrupts, aborted: true })).toEqual({
      state: "failed",
      output: "done",
      error,
    });
  });

  it("is interrupted when it waits for an answer, or was told to stop", () => {
    const expected = { state: "interrupted", output: "done", error: null };
    expect(judge(one, { a: done }, { interrupts, aborted: true })).toEqual(expected);
    expect(judge(one, { a: done }, { suspended: true, aborted: true })).toEqual(expected);
    expect(judge(one, { a: done }, { suspended: false }).state).toBe("completed");
  });

  it("is cancelled when it was aborted", () => {
    expect(judge(one, { a: done }, { aborted: true })).toEqual({
      state: "cancelled",
      output: "done",
      error: { code: "ABORTED", message: "The run was aborted before it ended." },
    });
  });

  it("failed without an output, and says why each output node has none", () => {
    expect(judge(pair, { a: broke })).toEqual({
      state: "failed",
      output: null,
      error: {
        code: "NO_OUTPUT",
        message: 'The run has no output: "a" failed (OUTPUT_INVALID): no; "b" not settled',
      },
    });
  });

  it("names what went wrong behind joins that were not met, a few of them", () => {
    const unmet = skipped("join", "Not all completed.");
    expect(judge(chain, { a: broke, b: unmet, c: unmet }).error?.message).toBe(
      'The run has no output: "c" skipped (join): Not all completed. What went wrong: "a" failed (OUTPUT_INVALID): no',
    );
    const names = ["a", "b", "c", "e", "f"];
    const wide = projection(
      { ...Object.fromEntries(names.map((name) => [name, node()])), d: node({ needs: names }) },
      ["d"],
    );
    const all = Object.fromEntries(names.map((name) => [name, broke]));
    expect(judge(wide, { ...all, d: unmet }).error?.message).toMatch(
      /"a" failed .*; "b" failed .*; "c" failed .*; … and 2 more$/,
    );
  });

  it("names each once, in the order of the needs, and of exactly as many as it names all", () => {
    const unmet = skipped("join", "Not all completed.");
    const names = ["b", "c", "a"];
    const dag = projection(
      {
        ...Object.fromEntries(["a", "b", "c", "z"].map((name) => [name, node()])),
        left: node({ needs: ["z", ...names] }),
        right: node({ needs: [...names, "z"] }),
        d: node({ needs: ["left", "right"] }),
      },
      ["d"],
    );
    const all = Object.fromEntries(names.map((name) => [name, broke]));
    const { error } = judge(dag, { ...all, z: done, left: unmet, right: unmet, d: unmet });
    expect(error?.message).toMatch(/went wrong: "b" failed [^;]*; "c" failed [^;]*; "a" failed [^;]*: no$/);
  });

  it("ends its sentence once", () => {
    const { error } = judge(one, { a: skipped("condition", "Not today.") });
    expect(error?.message).toBe('The run has no output: "a" skipped (condition): Not today.');
  });

  it("is judged in time that grows with its nodes, however many ways lead through them", () => {
    const width = 3;
    const layers = Array.from({ length: 60 }, (_, l) =>
      Array.from({ length: width }, (_, n) => `n${l}x${n}`),
    );
    const nodes = layers.flatMap((names, l) =>
      names.map((name) => [name, node({ needs: layers[l - 1] ?? [] })] as const),
    );
    const lattice = projection(Object.fromEntries([...nodes, ["out", node()]]), [layers[59]?.[0] ?? ""]);
    const by = (first: Outcome, out: Outcome) => {
      const outcomes = Object.fromEntries(nodes.map(([name]) => [name, join]));
      for (const name of layers[0] ?? []) outcomes[name] = first;
      return judge(lattice, { ...outcomes, out });
    };
    expect(by(skipped("rejected", "No."), done).state).toBe("rejected");
    expect(by(broke, done)).toMatchObject({ state: "failed", error: { code: "NO_OUTPUT" } });
    expect(judge({ ...lattice, outputs: ["out"] }, { n0x0: broke, n1x0: join, out: done }).state).toBe(
      "partial",
    );
  });

  it("is judged however long its chains are", () => {
    const names = Array.from({ length: 30_000 }, (_, n) => `n${n}`);
    const long = projection(
      Object.fromEntries(names.map((name, n) => [name, node({ needs: names.slice(Math.max(0, n - 1), n) })])),
      [names.at(-1) as string],
    );
    const by = (first: Outcome) =>
      judge(long, { ...Object.fromEntries(names.map((name) => [name, join])), n0: first });
    expect(by(broke).error?.message).toMatch(/What went wrong: "n0" failed/);
    expect(by(skipped("rejected", "No.")).state).toBe("rejected");
  });

  it("has a planner's answer for its output, or its error", () => {
    expect(judge(one, { a: done }, { answer: { output: "said" } })).toEqual({
      state: "completed",
      output: "said",
      error: null,
    });
    expect(judge(one, {}, { answer: { output: null } }).state).toBe("completed");
    expect(judge(one, { a: done }, { answer: { error } })).toEqual({
      state: "failed",
      output: "done",
      error,
    });
    expect(judge(one, { a: broke }, { answer: { output: "said" } }).state).toBe("partial");
  });
});

describe("rejected", () => {
  const rejected = skipped("rejected", "A person said no.");

  it("is a run whose output is missing because a person said no", () => {
    expect(judge(one, { a: rejected })).toEqual({ state: "rejected", output: null, error: null });
    expect(judge(chain, { a: rejected, b: join, c: join }).state).toBe("rejected");
    expect(judge(pair, { a: rejected, b: rejected }).state).toBe("rejected");
    expect(judge(pair, { a: rejected, b: skipped("condition", "x") }).state).toBe("rejected");
  });

  it("is none whose output is missing for another reason too, or only by another decision", () => {
    expect(judge(pair, { a: rejected, b: broke }).state).toBe("failed");
    expect(judge(pair, { a: rejected }).state).toBe("failed");
    expect(judge(pair, { a: skipped("condition", "x"), b: skipped("condition", "x") }).state).toBe("failed");
    expect(judge(chain, { a: broke, b: join, c: join }).state).toBe("failed");
    expect(judge(chain, { a: rejected, b: done, c: join }).state).toBe("failed");
    expect(judge(chain, { a: rejected, b: join, c: skipped("budget", "x") }).state).toBe("failed");
    expect(judge(projection({}, ["gone"]), { gone: join }).state).toBe("failed");
  });

  it("is none that has an output all the same", () => {
    expect(judge(pair, { a: rejected, b: done }).state).toBe("completed");
  });
});

describe("partial", () => {
  const beside = projection({ a: node(), b: node({ needs: ["a"] }), out: node() }, ["out"]);
  const stateWith = (outcomes: Record<string, Outcome>) => judge(beside, { out: done, ...outcomes }).state;

  it.each([
    ["failed", broke],
    ["timed out", { ...broke, state: "timed-out" } as Outcome],
    ["was skipped for want of budget", skipped("budget", "x")],
    ["was skipped at the deadline", skipped("deadline", "x")],
    ["was cancelled because another failed", cancelled("fail-fast")],
    ["was cancelled with the run", cancelled("aborted")],
  ])("is a run in which a node %s", (_what, outcome) => {
    expect(stateWith({ a: outcome })).toBe("partial");
  });

  it.each(["condition", "not-called", "not-needed", "rejected"])(
    "is none for what is missing by %s",
    (code) => {
      expect(stateWith({ a: skipped(code, "x") })).toBe("completed");
      expect(stateWith({ a: cancelled(code) })).toBe("completed");
      expect(stateWith({ a: skipped(code, "x"), b: join })).toBe("completed");
    },
  );

  it("is one where a join is unmet for another reason", () => {
    expect(stateWith({ a: done, b: join })).toBe("partial");
    expect(stateWith({ b: join })).toBe("partial");
    expect(stateWith({ a: join })).toBe("partial");
  });

  it("looks for the decision behind a row of unmet joins", () => {
    const three = projection({ ...chain.nodes, out: node() }, ["out"]);
    const by = (a: Outcome) => judge(three, { a, b: join, c: join, out: done }).state;
    expect(by(skipped("condition", "x"))).toBe("completed");
    expect(by(skipped("budget", "x"))).toBe("partial");
  });

  it("counts a join that was not met for what is missing beside a need that completed, not for what only looks so", () => {
    const dag = projection({ a: node(), b: node(), c: node({ needs: ["a", "b"] }), out: node() }, ["out"]);
    const by = (a: Outcome, b: Outcome) => judge(dag, { a, b, c: join, out: done }).state;
    expect(by(done, skipped("condition", "x"))).toBe("completed");
    expect(by(done, skipped("join", "x"))).toBe("partial");
    expect(by(done, cancelled("waiting"))).toBe("partial");
  });

  it.each([
    ["failed", broke, "partial"],
    ["was skipped for want of budget", skipped("budget", "x"), "partial"],
    ["was left out by its condition", skipped("condition", "x"), "completed"],
    ["completed", done, "completed"],
  ])("looks at a map's items: one %s", (_what, item, expected) => {
    expect(stateWith({ a: completed(0, 1, { items: [done, item] }) })).toBe(expected);
  });

  describe("looks into graph nodes", () => {
    const graph = projection(
      { g: node({ kind: "graph", dag: projection({ x: node(), y: node() }) }), out: node() },
      ["out"],
    );
    const within = (g: Outcome) => judge(graph, { g, out: done }).state;

    it("at their inner nodes", () => {
      expect(within(completed(0, 1, { outcomes: { x: broke, y: done } }))).toBe("partial");
      expect(within(completed(0, 1, { outcomes: { x: done, y: done } }))).toBe("completed");
    });

    it("of rounds at the last one", () => {
      expect(within(completed(0, 1, { rounds: [{ x: broke }, { x: done }] }))).toBe("completed");
      expect(within(completed(0, 1, { rounds: [{ x: done }, { x: broke }] }))).toBe("partial");
    });

    it("of each item", () => {
      const item = (x: Outcome) => completed(0, 1, { outcomes: { x } });
      expect(within(completed(0, 1, { items: [item(done), item(broke)] }))).toBe("partial");
      expect(within(completed(0, 1, { items: [item(done), item(done)] }))).toBe("completed");
    });
  });
});
