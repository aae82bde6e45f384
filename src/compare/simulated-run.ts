import { type Clock, createAdmission, type Lease, type LimiterOptions } from "../limits/admission.js";
import { createPrefixWarmth } from "../limits/prefix-warmth.js";
import type { CallRecord, DagProjection } from "../records/events.js";
import type { Outcome } from "../records/outcome.js";
import { joinRule, orderOf } from "../spec/order.js";
import type { DagSpec, Join } from "../spec/shape.js";
import type { WorkPlan, WorkStep } from "./work-plan.js";

/** How the nodes of a DAG start, as in the run's own scheduler. */
export type SimulatedPace = "one-by-one" | "supersteps" | "dataflow";

/** What is simulated. */
export interface Simulation {
  readonly dag: DagProjection;
  readonly plans: Readonly<Record<string, WorkPlan>>;
  readonly limits: LimiterOptions;
  /** Milliseconds that the engine takes before the first node, between steps, and after the last. */
  readonly overheadMs: { readonly start: number; readonly step: number; readonly end: number };
  /** How much is still to come from a node on; the more goes first where requests wait. */
  readonly priorityOf: (node: string) => number;
  /** What a request would be: its model, times, tokens. `warm`: the provider's cache has its beginning. */
  readonly callOf: (call: CallRecord, warm: boolean) => CallRecord;
  /** Whether a request waits for the first token of another one that begins alike. */
  readonly waitsWarm: (call: CallRecord) => boolean;
  /** Output tokens that the limiter sets aside for a request. */
  readonly reservedTokens: number;
}

/** One step of a planner: a request, the nodes that it starts while it is written, and whether they are waited for. */
export interface PlannerStep {
  readonly call: CallRecord;
  /** `at`: the part of the time between the request's first token and its end after which the node starts. */
  readonly starts: readonly { readonly name: string; readonly at: number }[];
}

/** What came of a simulation. */
export interface SimulatedRun {
  readonly durationMs: number;
  readonly outcomes: Readonly<Record<string, Outcome>>;
  readonly calls: readonly CallRecord[];
}

/**
 * Runs plans on a virtual clock, by the scheduler's rules: joins, supersteps or dataflow, maps with their width, rounds; requests
 * pass the same limiter and the same warm start as in a run. Nothing is asked of a model.
 */
export function simulateRun(
  simulation: Simulation,
  by: { readonly pace: SimulatedPace } | { readonly planner: readonly PlannerStep[] },
): SimulatedRun {
  const clock = virtualClock();
  const run = createRun(simulation, clock);
  const { start, step, end } = simulation.overheadMs;
  let durationMs = 0;
  const finish = () => {
    durationMs = clock.now() + end;
  };
  clock.after(start, () => {
    if ("pace" in by) run.dag(simulation.dag, simulation.plans, "", by.pace, step, finish);
    else run.planner(by.planner, step, finish);
  });
  clock.run();
  return { durationMs, outcomes: run.outcomes, calls: run.calls };
}

function createRun(simulation: Simulation, clock: Clock) {
  const admission = createAdmission(simulation.limits, clock);
  const warmth = createPrefixWarmth(() => clock.now());
  /** When each beginning had its first token. */
  const firstTokens = new Map<string, number>();
  const calls: CallRecord[] = [];
  const outcomes: Record<string, Outcome> = {};

  const request = (
    asked: CallRecord,
    path: string,
    done: () => void,
    { onSent, engineMs = 0 }: { onSent?: (call: CallRecord) => void; engineMs?: number } = {},
  ) => {
    const key = asked.prefix === undefined ? null : `${asked.model} ${asked.prefix.key}`;
    const sinceMs = clock.now();
    const enter = (warmMs: number, lead?: { warmed(): void; ended(): void }) => {
      const tokens = asked.inputTokens + simulation.reservedTokens;
      const estimate = { model: asked.model, tokens, priority: simulation.priorityOf(path) };
      const entered = clock.now();
      const send = (lease: Lease) => {
        const startedAtMs = clock.now();
        const limitMs = startedAtMs - engineMs - entered;
        const warm = key !== null && (firstTokens.get(key) ?? Infinity) <= startedAtMs;
        const { waited: _waited, ...sent } = simulation.callOf(asked, warm);
        const waited = {
          ...(limitMs > 0 && { limitMs }),
          ...(warmMs > 0 && { warmMs }),
        };
        const call: CallRecord = {
          ...sent,
          startedAtMs,
          ...(Object.keys(waited).length > 0 && { waited }),
        };
        calls.push(call);
        onSent?.(call);
        clock.after(call.firstTokenMs ?? call.durationMs, () => {
          if (key !== null && !firstTokens.has(key)) firstTokens.set(key, clock.now());
          if (call.firstTokenMs !== null) lead?.warmed();
        });
        clock.after(call.durationMs, () => {
          lead?.ended();
          lease.settle(call);
          done();
        });
      };
      admission.enter(estimate, (lease) => {
        if (engineMs > 0) clock.after(engineMs, () => send(lease));
        else send(lease);
      });
    };
    if (key === null || !simulation.waitsWarm(asked)) return enter(0);
    const claim = () => {
      const claimed = warmth.claim(key);
      const warmMs = clock.now() - sinceMs;
      if (claimed === "warm") enter(warmMs);
      else if ("whenOver" in claimed) claimed.whenOver(claim);
      else enter(warmMs, claimed);
    };
    claim();
  };

  const step = (one: WorkStep, path: string, done: () => void) => {
    if (one.kind === "own") return void clock.after(one.ms, done);
    // Of a hedged pair the loser is ended with the winner: it is not waited for.
    const pair = one.calls.some(({ call }) => call.hedged);
    const awaited = pair ? one.calls.filter(({ call }) => call.error === null) : one.calls;
    let left = Math.max(1, awaited.length);
    for (const asked of one.calls) {
      const counts = awaited.length === 0 || awaited.includes(asked);
      const over = () => {
        if (counts && --left === 0) done();
      };
      const ask = () => request(asked.call, path, over, asked);
      if (asked.afterMs === 0) ask();
      else clock.after(asked.afterMs, ask);
    }
  };

  const inTurn = (count: number, one: (index: number, next: () => void) => void, done: () => void) => {
    const from = (index: number): void => {
      if (index === count) done();
      else one(index, () => from(index + 1));
    };
    from(0);
  };

  /** Does a plan from now on; gives its outcome with the times that it has here. */
  const work = (
    plan: WorkPlan,
    path: string,
    pace: SimulatedPace,
    readyAtMs: number,
    done: (outcome: Outcome) => void,
  ): void => {
    const startedAtMs = clock.now();
    const settle = (parts: Partial<Outcome> = {}) =>
      done({ ...plan.outcome, ...parts, readyAtMs, startedAtMs, endedAtMs: clock.now() } as Outcome);
    if (plan.kind === "nothing") {
      const ended = plan.outcome.endedAtMs === null ? null : clock.now();
      const times = { readyAtMs: plan.outcome.readyAtMs === null ? null : readyAtMs, endedAtMs: ended };
      return void clock.after(0, () => done({ ...plan.outcome, ...times }));
    }
    if (plan.kind === "steps") {
      inTurn(plan.steps.length, (index, next) => step(plan.steps[index] as WorkStep, path, next), settle);
      return;
    }
    if (plan.kind === "graph") {
      const rounds: Readonly<Record<string, Outcome>>[] = [];
      const inner = (index: number, next: () => void) => {
        const settled: Record<string, Outcome> = {};
        dag(
          plan.dag,
          plan.rounds[index] ?? {},
          `${path}/`,
          pace,
          0,
          () => {
            rounds.push(settled);
            next();
          },
          settled,
        );
      };
      inTurn(plan.rounds.length, inner, () =>
        settle(plan.outcome.rounds === undefined ? { outcomes: rounds[0] ?? {} } : { rounds }),
      );
      return;
    }
    const items: Outcome[] = new Array(plan.items.length);
    const lanes = pace === "one-by-one" ? 1 : Math.min(plan.width, plan.items.length);
    let [next, open] = [0, lanes];
    if (lanes === 0) settle({ items });
    const lane = (): void => {
      const index = next++;
      const item = plan.items[index];
      if (item === undefined) {
        if (--open === 0) settle({ items });
        return;
      }
      work(item, path, pace, clock.now(), (outcome) => {
        items[index] = outcome;
        lane();
      });
    };
    for (let started = 0; started < lanes; started++) lane();
  };

  const dag = (
    shape: DagProjection,
    plans: Readonly<Record<string, WorkPlan>>,
    prefix: string,
    pace: SimulatedPace,
    stepMs: number,
    done: () => void,
    settled: Record<string, Outcome> = outcomes,
  ): void => {
    const spec = specOf(shape);
    const { topological, layers, successors } = orderOf(spec);
    const begin = (name: string, over: () => void) => {
      const plan = plans[name];
      if (plan === undefined) return over();
      work(plan, prefix + name, pace, clock.now(), (outcome) => {
        settled[name] = outcome;
        over();
      });
    };
    if (pace === "dataflow") {
      let left = topological.length;
      const begun = new Set<string>();
      const tryBegin = (name: string): void => {
        if (begun.has(name) || !isDecided(shape.nodes[name], settled)) return;
        begun.add(name);
        begin(name, () => {
          left--;
          for (const next of successors.get(name) ?? []) tryBegin(next);
          if (left === 0) done();
        });
      };
      if (left === 0) done();
      for (const name of topological) tryBegin(name);
      return;
    }
    const stages = pace === "supersteps" ? layers : topological.map((name) => [name]);
    inTurn(
      stages.length,
      (index, next) => {
        const stage = stages[index] ?? [];
        let open = stage.length;
        const over = () => {
          if (--open === 0) clock.after(index + 1 < stages.length ? stepMs : 0, next);
        };
        for (const name of stage) begin(name, over);
      },
      done,
    );
  };

  /** A planner's requests, one after another; each starts nodes while it is written, and the next waits for them. */
  const planner = (steps: readonly PlannerStep[], stepMs: number, done: () => void): void => {
    const begun = new Map<string, { over: boolean; others: (() => void)[] }>();
    const demand = (name: string, over: () => void): void => {
      const known = begun.get(name);
      if (known?.over) over();
      else known?.others.push(over);
      if (known !== undefined) return;
      const one = { over: false, others: [over] };
      begun.set(name, one);
      const plan = simulation.plans[name];
      const needs = simulation.dag.nodes[name]?.needs ?? [];
      const go = () => {
        const settle = (outcome?: Outcome) => {
          if (outcome !== undefined) outcomes[name] = outcome;
          one.over = true;
          for (const other of one.others) other();
        };
        if (plan === undefined) settle();
        else work(plan, name, "dataflow", clock.now(), settle);
      };
      let left = needs.length;
      if (left === 0) go();
      for (const need of needs)
        demand(need, () => {
          if (--left === 0) go();
        });
    };
    inTurn(
      steps.length,
      (index, next) => {
        const { call, starts } = steps[index] as PlannerStep;
        let left = starts.length + 1;
        const over = () => {
          if (--left === 0) clock.after(index + 1 < steps.length ? stepMs : 0, next);
        };
        const onSent = (sent: CallRecord) => {
          const firstMs = sent.firstTokenMs ?? sent.durationMs;
          for (const { name, at } of starts)
            clock.after(firstMs + at * (sent.durationMs - firstMs), () => demand(name, over));
        };
        request(call, call.node, over, { onSent });
      },
      done,
    );
  };

  return { dag, planner, outcomes, calls };
}

/** Whether a join is decided by what has settled, as the recorded outcomes are. */
function isDecided(
  node: DagProjection["nodes"][string] | undefined,
  settled: Readonly<Record<string, Outcome>>,
): boolean {
  const needs = node?.needs ?? [];
  const { rule, atLeast } = joinRule(node?.join as Join);
  const known = needs.flatMap((need) => settled[need] ?? []);
  if (known.length === needs.length) return true;
  const completed = known.filter(({ state }) => state === "completed").length;
  if (rule === "count") return completed >= atLeast;
  return rule === "all" && completed < known.length;
}

const specs = new WeakMap<DagProjection, DagSpec>();

/** The edges of a projection as a spec, for its order. */
export function specOf(dag: DagProjection): DagSpec {
  const known = specs.get(dag);
  if (known !== undefined) return known;
  const nodes = Object.fromEntries(Object.entries(dag.nodes).map(([name, { needs }]) => [name, { needs }]));
  const spec: DagSpec = { name: dag.name, nodes };
  specs.set(dag, spec);
  return spec;
}

/** A clock that runs as fast as its calls are done: by time, then in the order in which they were set. */
function virtualClock(): Clock & { run(): void } {
  const heap: { atMs: number; place: number; call: () => void; off: boolean }[] = [];
  let [nowMs, places] = [0, 0];
  const before = (a: number, b: number) => {
    const [x, y] = [heap[a], heap[b]];
    return x !== undefined && y !== undefined && (x.atMs - y.atMs || x.place - y.place) < 0;
  };
  const swap = (a: number, b: number) => {
    const [x, y] = [heap[a], heap[b]];
    if (x !== undefined && y !== undefined) [heap[a], heap[b]] = [y, x];
  };
  const up = (from: number) => {
    for (let at = from; at > 0 && before(at, (at - 1) >> 1); at = (at - 1) >> 1) swap(at, (at - 1) >> 1);
  };
  const down = () => {
    for (let at = 0; ; ) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      const least = before(right, left) ? right : left;
      if (!before(least, at)) return;
      swap(least, at);
      at = least;
    }
  };
  const after = (ms: number, call: () => void) => {
    const one = { atMs: nowMs + Math.max(0, ms), place: places++, call, off: false };
    heap.push(one);
    up(heap.length - 1);
    return () => {
      one.off = true;
    };
  };
  return {
    now: () => nowMs,
    after,
    soon: (call) => void after(0, call),
    run() {
      for (let one = heap[0]; one !== undefined; one = heap[0]) {
        const last = heap.pop();
        if (heap.length > 0 && last !== undefined) {
          heap[0] = last;
          down();
        }
        if (one.off) continue;
        nowMs = one.atMs;
        one.call();
      }
    },
  };
}
