import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { createFrontier, type Decision } from "../../../nodes/engine/frontier.js";
import { completed, failed, interrupted, notStarted, type Outcome } from "../../../src/records/outcome.js";
import type { DagSpec, Join, Node } from "../../../src/spec/shape.js";
import fc from "../../support/drawn.js";

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

const done: Outcome = completed(notStarted(0), "v");
const broke: Outcome = failed(notStarted(0), { code: "X", message: "x" });
const waits: Outcome = interrupted(notStarted(null), "approval", "It waits.");

type Edges = Readonly<
  Record<string, readonly string[] | { readonly needs: readonly string[]; readonly join: Join }>
>;

/** A frontier over edges, with what its hooks were told. */
function setUp(edges: Edges, output?: string) {
  const nodes = Object.fromEntries(
    Object.entries(edges).map(([name, edge]): [string, Node] => [
      name,
      { run: () => 1, ...(Array.isArray(edge) ? { needs: edge } : edge) } as Node,
    ]),
  );
  const spec: DagSpec = { name: "d", nodes, ...(output !== undefined && { output }) };
  const ready: string[] = [];
  const unneeded: string[] = [];
  let nowMs = 100;
  const frontier = createFrontier(spec, {
    nowMs: () => nowMs,
    onReady: (name) => ready.push(name),
    onUnneeded: (name, reason) => unneeded.push(`${name}: ${reason.cancel}`),
  });
  return {
    frontier,
    ready,
    unneeded,
    at: (ms: number) => {
      nowMs = ms;
    },
    goes: () =>
      Object.keys(edges)
        .map((name) => `${name} ${frontier.decision(name)?.go ?? "-"}`)
        .join(", "),
  };
}

describe("a frontier", () => {
  it("decides nothing before it is opened, then what needs nothing", () => {
    const { frontier, ready, goes } = setUp({ a: [], b: ["a"], c: [] });
    expect(goes()).toBe("a -, b -, c -");
    frontier.open();
    expect(goes()).toBe("a run, b -, c run");
    expect(ready).toEqual(["a", "c"]);
    expect(frontier.decision("a")).toEqual({ go: "run", atMs: 100 });
  });

  it("makes a node ready at the moment at which the last of its needs completes", () => {
    const { frontier, ready, at } = setUp({ a: [], b: [], c: ["a", "b"] });
    frontier.open();
    frontier.settle("a", done);
    expect(ready).not.toContain("c");
    at(250);
    frontier.settle("b", done);
    expect(frontier.decision("c")).toEqual({ go: "run", atMs: 250 });
    expect(ready).toEqual(["a", "b", "c"]);
  });

  it("skips a node whose join can no longer be met, and says why", () => {
    const { frontier, ready, at } = setUp({ a: [], b: ["a"] });
    frontier.open();
    at(130);
    frontier.settle("a", broke);
    expect(frontier.decision("b")).toEqual({
      go: "skip",
      reason: { code: "join", message: "The join wants every need to complete; a failed." },
      atMs: 130,
    });
    expect(ready).toEqual(["a"]);
  });

  it("enters the first outcome of a node only", () => {
    const { frontier, goes } = setUp({ a: [], b: [], c: ["a", "b"] });
    frontier.open();
    frontier.settle("a", done);
    frontier.settle("a", broke);
    frontier.settle("a", done);
    expect(goes()).toBe("a run, b run, c -");
    expect(frontier.outcomes.a).toBe(done);
  });

  it("keeps to its first decision", () => {
    const { frontier, at } = setUp({ a: [], b: [], c: { needs: ["a", "b"], join: "any" } });
    frontier.open();
    frontier.settle("a", done);
    at(300);
    frontier.settle("b", broke);
    frontier.open();
    expect(frontier.decision("c")).toEqual({ go: "run", atMs: 100 });
  });

  it("tells everybody who waits for a decision, before and after it", async () => {
    const { frontier } = setUp({ a: [], b: ["a"] });
    const [first, second] = [frontier.decided("b"), frontier.decided("b")];
    frontier.open();
    frontier.settle("a", done);
    const run: Decision = { go: "run", atMs: 100 };
    expect(await Promise.all([first, second, frontier.decided("b")])).toEqual([run, run, run]);
  });

  it("knows only the nodes of its spec", () => {
    const { frontier } = setUp({ a: [] });
    expect(() => frontier.decision("gone")).toThrow(new RangeError('The spec "d" has no node "gone".'));
  });
});

describe("a node is no longer needed", () => {
  it("when the only join after it was decided without it", () => {
    const { frontier, unneeded } = setUp({ a: [], b: [], c: { needs: ["a", "b"], join: "any" } });
    frontier.open();
    frontier.settle("a", done);
    expect(unneeded).toEqual(["b: not-needed"]);
    expect(frontier.unneeded("b")?.message).toBe('No longer needed: the join of "c" was decided without it.');
    expect(frontier.unneeded("a")).toBeUndefined();
  });

  it("when the join after it is skipped without it", () => {
    const { frontier, unneeded } = setUp({
      a: [],
      b: [],
      c: [],
      d: { needs: ["a", "b", "c"], join: { atLeast: 2 } },
    });
    frontier.open();
    frontier.settle("a", broke);
    expect(unneeded).toEqual([]);
    frontier.settle("b", broke);
    expect(unneeded).toEqual(["c: not-needed"]);
  });

  it("not while another join after it is open", () => {
    const edges: Edges = { a: [], b: [], c: { needs: ["a", "b"], join: "any" }, d: ["b"] };
    const { frontier, unneeded } = setUp(edges);
    frontier.open();
    frontier.settle("a", done);
    expect(unneeded).toEqual([]);
    expect(frontier.unneeded("b")).toBeUndefined();
  });

  it("never when it gives the run's output", () => {
    const { frontier, unneeded } = setUp({ a: [], b: [], c: { needs: ["a", "b"], join: "any" } }, "b");
    frontier.open();
    frontier.settle("a", done);
    expect(unneeded).toEqual([]);
  });

  it("nor is what only it needed, however long the chain, and those are not started", () => {
    const length = 20_000;
    const chain = Object.fromEntries(
      Array.from({ length }, (_, n) => [`n${n}`, n === 0 ? [] : [`n${n - 1}`]] as const),
    );
    const { frontier, unneeded } = setUp({
      quick: [],
      ...chain,
      end: { needs: ["quick", `n${length - 1}`], join: "any" },
    });
    frontier.open();
    frontier.settle("quick", done);
    // The first one was ready: it is cancelled where it runs; those that were not decided never start.
    expect(unneeded).toHaveLength(length);
    expect(frontier.decision("n0")?.go).toBe("run");
    expect(frontier.decision("n1")).toEqual({ go: "cancel", cancel: frontier.unneeded("n1"), atMs: 100 });
    expect(frontier.unneeded("n0")).toBe(frontier.unneeded(`n${length - 1}`));
  });

  it("is told once, also where two that are not needed any more needed it", () => {
    const { frontier, unneeded } = setUp({
      quick: [],
      z: [],
      x1: ["z"],
      x2: ["z"],
      y: ["x1", "x2"],
      c: { needs: ["quick", "y"], join: "any" },
    });
    frontier.open();
    frontier.settle("quick", done);
    expect([...unneeded].sort()).toEqual(["x1", "x2", "y", "z"].map((name) => `${name}: not-needed`));
  });

  it("but what one that runs already needs has settled, and stays", () => {
    const edges: Edges = { a: [], x: [], y: ["x"], c: { needs: ["a", "y"], join: "any" } };
    const { frontier, unneeded } = setUp(edges);
    frontier.open();
    frontier.settle("x", done);
    frontier.settle("a", done);
    expect(unneeded).toEqual(["y: not-needed"]);
    expect(frontier.unneeded("x")).toBeUndefined();
  });
});

describe("the deadline of a join", () => {
  const late = (join: Join) => setUp({ a: [], b: [], c: { needs: ["a", "b"], join } });

  it("begins with the first need that settles", () => {
    const { frontier, goes, at } = late({ mode: "settled", deadlineMs: 50 });
    frontier.open();
    jest.advanceTimersByTime(1000);
    expect(goes()).toBe("a run, b run, c -");
    frontier.settle("a", broke);
    jest.advanceTimersByTime(49);
    expect(goes()).toBe("a run, b run, c -");
    at(777);
    jest.advanceTimersByTime(1);
    expect(frontier.decision("c")).toEqual({ go: "run", atMs: 777 });
    expect(frontier.unneeded("b")?.cancel).toBe("not-needed");
  });

  it("skips a count that was not reached, and says so", () => {
    const { frontier, at } = late({ atLeast: 2, deadlineMs: 50 });
    frontier.open();
    frontier.settle("a", done);
    at(200);
    jest.advanceTimersByTime(50);
    expect(frontier.decision("c")).toEqual({
      go: "skip",
      reason: {
        code: "join",
        message: "The join wants at least 2 of 2 needs within 50 ms of the first; 1 completed.",
      },
      atMs: 200,
    });
  });

  it("is not begun again by the next need", () => {
    const { frontier, goes } = setUp({
      a: [],
      b: [],
      c: [],
      d: { needs: ["a", "b", "c"], join: { mode: "settled", deadlineMs: 50 } },
    });
    frontier.open();
    frontier.settle("a", done);
    jest.advanceTimersByTime(40);
    frontier.settle("b", done);
    expect(jest.getTimerCount()).toBe(1);
    jest.advanceTimersByTime(10);
    expect(goes()).toContain("d run");
  });

  it("is not begun by a need that waits for an answer", () => {
    const { frontier, goes } = late({ mode: "settled", deadlineMs: 50 });
    frontier.open();
    frontier.suspend("a", waits);
    jest.advanceTimersByTime(1000);
    expect(goes()).toContain("c -");
    frontier.settle("b", done);
    jest.advanceTimersByTime(49);
    expect(goes()).toContain("c -");
    jest.advanceTimersByTime(1);
    expect(goes()).toContain("c run");
  });

  it("leaves no clock behind once the join is decided, or the frontier closed", () => {
    const decided = late({ atLeast: 2, deadlineMs: 50 });
    decided.frontier.open();
    decided.frontier.settle("a", done);
    expect(jest.getTimerCount()).toBe(1);
    decided.frontier.settle("b", done);
    expect(jest.getTimerCount()).toBe(0);
    const closed = late({ atLeast: 2, deadlineMs: 50 });
    closed.frontier.open();
    closed.frontier.settle("a", done);
    closed.frontier.close();
    expect(jest.getTimerCount()).toBe(0);
  });

  it("is not begun for a join that is decided, nor for one that is not needed any more", () => {
    const { frontier, goes } = setUp({
      quick: [],
      a: [],
      b: [],
      c: [],
      d: { needs: ["a", "b", "c"], join: { atLeast: 1, deadlineMs: 50 } },
      e: { needs: ["b", "c"], join: { mode: "settled", deadlineMs: 50 } },
      end: { needs: ["quick", "e"], join: "any" },
    });
    frontier.open();
    frontier.settle("a", done);
    frontier.settle("quick", done);
    expect(goes()).toContain("d run, e cancel, end run");
    frontier.settle("b", broke);
    expect(jest.getTimerCount()).toBe(0);
  });

  it("is waited for although all other needs wait for an answer", () => {
    const { frontier, goes } = late({ mode: "settled", deadlineMs: 50 });
    frontier.open();
    frontier.settle("a", done);
    frontier.suspend("b", waits);
    expect(goes()).toContain("c -");
    jest.advanceTimersByTime(50);
    expect(goes()).toContain("c run");
  });
});

describe("a node that waits for an answer", () => {
  it("makes those wait that cannot be decided without it, and their successors", () => {
    const { frontier, goes, ready } = setUp({ a: [], b: ["a"], c: ["b"], free: [] });
    frontier.open();
    frontier.suspend("a", waits);
    expect(goes()).toBe("a run, b suspend, c suspend, free run");
    expect(frontier.decision("b")).toEqual({ go: "suspend", atMs: 100 });
    expect(frontier.waiting("a")).toBe(waits);
    expect(frontier.waiting("b")).toBeUndefined();
    expect(["a", "b", "c", "free"].map((name) => frontier.waits(name))).toEqual([true, true, true, false]);
    expect(ready).toEqual(["a", "free"]);
    expect(frontier.outcomes).toEqual({});
  });

  it("lets a join wait for its other needs first", () => {
    const { frontier, goes } = setUp({ a: [], b: [], c: ["a", "b"] });
    frontier.open();
    frontier.suspend("a", waits);
    expect(goes()).toContain("c -");
    frontier.settle("b", done);
    expect(goes()).toContain("c suspend");
  });

  it("does not hold up a join that is met, or can no longer be, without it", () => {
    const met = setUp({ a: [], b: [], c: { needs: ["a", "b"], join: "any" } });
    met.frontier.open();
    met.frontier.suspend("a", waits);
    met.frontier.settle("b", done);
    expect(met.goes()).toContain("c run");
    expect(met.unneeded).toEqual(["a: not-needed"]);
    const unmet = setUp({ a: [], b: [], c: { needs: ["a", "b"], join: { atLeast: 2 } } });
    unmet.frontier.open();
    unmet.frontier.suspend("a", waits);
    unmet.frontier.settle("b", broke);
    expect(unmet.goes()).toContain("c skip");
  });

  it("is not needed any more with all that waits behind it", () => {
    const { frontier, unneeded } = setUp({
      quick: [],
      a: [],
      b: ["a"],
      c: { needs: ["quick", "b"], join: "any" },
    });
    frontier.open();
    frontier.suspend("a", waits);
    expect(unneeded).toEqual([]);
    frontier.settle("quick", done);
    expect(unneeded).toEqual(["b: not-needed", "a: not-needed"]);
  });

  it("is still needed while another join waits for it", () => {
    const { frontier, unneeded, goes } = setUp({
      quick: [],
      b: [],
      c: { needs: ["quick", "b"], join: "any" },
      d: ["b"],
    });
    frontier.open();
    frontier.suspend("b", waits);
    expect(goes()).toContain("d suspend");
    frontier.settle("quick", done);
    expect(goes()).toContain("c run");
    expect(unneeded).toEqual([]);
  });

  it("may be one of several, told one after another", () => {
    const { frontier, goes } = setUp({ a: [], b: ["a"], x: [], y: ["x"] });
    frontier.open();
    frontier.suspend("a", waits);
    frontier.suspend("x", waits);
    expect(goes()).toBe("a run, b suspend, x run, y suspend");
  });

  it("counts once, however often it is told", () => {
    const { frontier, goes } = setUp({ a: [], b: [], c: ["a", "b"] });
    frontier.open();
    frontier.suspend("a", waits);
    frontier.suspend("a", waits);
    expect(goes()).toContain("c -");
  });

  it("may have a longer chain behind it than calls can nest", () => {
    const length = 20_000;
    const chain = Array.from({ length }, (_, n) => [`n${n}`, n === 0 ? [] : [`n${n - 1}`]] as const);
    const { frontier } = setUp(Object.fromEntries(chain));
    frontier.open();
    frontier.suspend("n0", waits);
    expect(frontier.waits(`n${length - 1}`)).toBe(true);
  });
});

it("decides every node of any DAG, in any order of ends, as the join rule says of what settled", () => {
  const joins = fc.constantFrom<Join>("all", "any", "settled", { atLeast: 2 });
  const node = fc.record({
    needs: fc.array(fc.nat(), { maxLength: 4 }),
    join: joins,
    completes: fc.boolean(),
    pick: fc.nat(),
  });
  fc.assert(
    fc.property(fc.array(node, { minLength: 1, maxLength: 10 }), (all) => {
      const edges: Record<string, { needs: string[]; join: Join }> = {};
      for (const [index, { needs, join }] of all.entries()) {
        const names = index === 0 ? [] : [...new Set(needs.map((need) => `n${need % index}`))];
        const reachable = typeof join === "object" && names.length < 2 ? "all" : join;
        edges[`n${index}`] = { needs: names, join: reachable };
      }
      const { frontier, ready } = setUp(edges);
      frontier.open();
      const open = () =>
        Object.keys(edges).filter(
          (name) => frontier.outcomes[name] === undefined && frontier.decision(name) !== undefined,
        );
      for (let left = open(), turn = 0; left.length > 0; left = open(), turn++) {
        const name = left[(all[turn % all.length]?.pick ?? 0) % left.length] as string;
        const { go } = frontier.decision(name) as Decision;
        const isDone =
          go === "run" && frontier.unneeded(name) === undefined && all[Number(name.slice(1))]?.completes;
        frontier.settle(name, isDone ? done : broke);
      }
      for (const name of Object.keys(edges)) {
        const { needs, join } = edges[name] as { needs: string[]; join: Join };
        expect(frontier.outcomes[name]).toBeDefined();
        const { go } = frontier.decision(name) as Decision;
        const met = needs.filter((need) => frontier.outcomes[need]?.state === "completed").length;
        if (go === "run") {
          const wanted =
            join === "any"
              ? Math.min(1, needs.length)
              : join === "settled"
                ? 0
                : join === "all"
                  ? needs.length
                  : 2;
          expect(met).toBeGreaterThanOrEqual(wanted);
        }
        if (go === "cancel") expect(frontier.unneeded(name)).toBeDefined();
        expect(ready.filter((one) => one === name)).toHaveLength(go === "run" ? 1 : 0);
      }
    }),
  );
});
