import { getEventListeners } from "node:events";
import { expect } from "@jest/globals";
import { Command, interrupt, MemorySaver } from "@langchain/langgraph";
import {
  compile,
  type DagSpec,
  defineDag,
  type RunEvent,
  type RunRecord,
  resume,
  run,
  stream,
  type Topology,
} from "agent-dag";
import type { OutcomeError, OutcomeReason } from "../../src/records/outcome.js";
import { obligingPlanner } from "../planner/planner-model.js";
import fc from "../support/drawn.js";

const kinds = [
  ...["function", "function", "agent", "map", "lossy-map", "loop", "graph"],
  ...["approval", "question", "throws", "aborts", "too-long"],
] as const;

/** A random program as data. Needs point at earlier nodes. */
const program = fc.record({
  nodes: fc.array(
    fc.record({
      kind: fc.constantFrom(...kinds),
      picks: fc.array(fc.nat(20), { maxLength: 3 }),
      join: fc.constantFrom("all" as const, "settled" as const, "any" as const),
      when: fc.constantFrom(undefined, undefined, true, false),
    }),
    { minLength: 1, maxLength: 6 },
  ),
  calls: fc.constantFrom(undefined, undefined, 1, 2),
  failFast: fc.boolean(),
  onItemError: fc.constantFrom("null" as const, "omit" as const, "fail" as const),
  agrees: fc.boolean(),
});
type Program = typeof program extends fc.Arbitrary<infer P> ? P : never;

const inner = defineDag({
  name: "inner",
  nodes: { a: { run: ({ input }) => input }, b: { needs: ["a"], run: ({ needs }) => `${needs.a}!` } },
});

const untilAborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });

function specOf({ nodes, failFast, onItemError }: Program, abort: () => void): DagSpec {
  const work = {
    function: { run: ({ needs }: any) => JSON.stringify(needs).length },
    agent: { instructions: "Say so." },
    map: { forEach: { input: true, path: "items" }, run: ({ item }: any) => item * 2 },
    "lossy-map": {
      forEach: { items: { input: true, path: "items" }, onItemError },
      run: ({ item }: any) => {
        if (item === 2) throw new Error("two");
        return item;
      },
    },
    loop: {
      dag: inner,
      input: () => "x",
      repeat: { until: ({ round }: any) => round > 1, maxRounds: 3 },
    },
    graph: { dag: inner, input: () => "x" },
    approval: { approve: { message: "Is it right?" } },
    question: { run: () => interrupt("Which one?") },
    throws: {
      run: () => {
        throw new Error("broke");
      },
    },
    aborts: { run: ({ signal }: any) => abort() ?? untilAborted(signal) },
    "too-long": { policy: { timeoutMs: 10 }, run: ({ signal }: any) => untilAborted(signal) },
  };
  const declared = nodes.map(({ kind, picks, join, when }, index) => {
    const needs = index === 0 ? [] : [...new Set(picks.map((pick) => `n${pick % index}`))];
    const edges = needs.length === 0 ? {} : { needs, join };
    return [`n${index}`, { ...work[kind], ...edges, ...(when !== undefined && { when: () => when }) }];
  });
  return defineDag({
    name: "program",
    input: { type: "object" },
    nodes: Object.fromEntries(declared),
    policy: { onError: failFast ? "fail-fast" : "isolate" },
  } as DagSpec);
}

/** What a run came to, whichever door it went through. */
interface Told {
  readonly outcomes: unknown;
  /** As text, so that the order of several outputs counts. */
  readonly output: string | undefined;
  readonly questions: readonly string[];
}

type Go = (step: { readonly input: unknown } | { readonly answer: unknown }) => Promise<Told>;

/** Every door as a function that begins the run, or goes on with it. */
const doors: Record<string, (spec: DagSpec, options: any) => Go> = {
  run: (spec, options) => async (step) =>
    ofRecord(
      await ("input" in step ? run(spec, step.input, options) : resume(spec, { ...options, ...step })),
    ),
  stream: (spec, options) => async (step) =>
    ofRecord(
      await ("input" in step ? stream(spec, step.input, options) : stream(spec, { ...options, ...step }))
        .record,
    ),
  invoke: compiled((graph, given, config) => graph.invoke(given, config)),
  batch: compiled(async (graph, given, config) => (await graph.batch([given], config))[0]),
  values: compiled(async (graph, given, config) => {
    let last = {};
    for await (const chunk of await graph.stream(given, { ...config, streamMode: "values" })) {
      last = { ...last, ...chunk };
    }
    return last;
  }),
};

function compiled(call: (graph: any, given: unknown, config: object) => Promise<any>) {
  return (spec: DagSpec, { thread, ...options }: any): Go =>
    async (step) => {
      const config = { configurable: { thread_id: thread } };
      const given = "input" in step ? step : new Command({ resume: step.answer });
      const result = await call(compile(spec, options), given, config);
      const questions = (result.__interrupt__ ?? []).map(({ value }: any) => value.node).sort();
      return {
        outcomes: toldOf(result.outcomes),
        output: questions.length > 0 ? undefined : JSON.stringify(result.output),
        questions,
      };
    };
}

function ofRecord({ outcomes, output, interrupts }: RunRecord): Told {
  const questions = interrupts.map(({ node }) => node).sort();
  return {
    outcomes: toldOf(outcomes),
    output: questions.length > 0 ? undefined : JSON.stringify(output),
    questions,
  };
}

/** Outcomes without their times; what waits is among the questions. */
function toldOf(outcomes: RunRecord["outcomes"] = {}): object {
  const settled = Object.entries(outcomes).filter(([, { state }]) => state !== "interrupted");
  return Object.fromEntries(
    settled.map(([name, { state, items, rounds, attempts, outcomes: within, ...rest }]) => {
      const { value, reason, error } = rest as {
        value?: unknown;
        reason?: OutcomeReason;
        error?: OutcomeError;
      };
      const parts = [items?.map((item) => item.state), rounds?.length, within && toldOf(within)];
      return [name, { state, value, reason: reason?.code, error: error?.code, attempts, parts }];
    }),
  );
}

/** What a program comes to through a door, and after an answer to each of its questions. */
async function cameTo(door: string, drawn: Program, topology: Topology) {
  const user = new AbortController();
  const spec = specOf(drawn, () => user.abort());
  const told: RunEvent[] = [];
  const options = {
    topology,
    model: obligingPlanner(spec),
    signal: user.signal,
    checkpointer: new MemorySaver(),
    thread: "t",
    onEvent: (event: RunEvent) => void (event.replayed || told.push(event)),
    ...(drawn.calls !== undefined && { limits: { maxModelCalls: drawn.calls } }),
  };
  const go = doors[door]?.(spec, options) as Go;
  const steps = [await go({ input: { items: [1, 2, 3] } })];
  const { questions = [] } = steps[0] ?? {};
  if (questions.length > 0 && !user.signal.aborted) {
    const answerTo = (name: string) => (spec.nodes[name]?.approve === undefined ? "this" : drawn.agrees);
    steps.push(await go({ answer: Object.fromEntries(questions.map((name) => [name, answerTo(name)])) }));
  }
  const settled = told.flatMap((event) =>
    event.type === "node-settled" ? [`${event.node} ${event.item} ${event.outcome.state}`] : [],
  );
  const verdicts = told.flatMap((event) => (event.type === "run-ended" ? [event.state] : []));
  return { steps, settled: settled.sort(), verdicts, left: getEventListeners(user.signal, "abort").length };
}

/** Random programs come to the same through every door, and let go of the user's signal. */
export async function checkDoors(topology: Topology, numRuns: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(program, async (drawn) => {
      const [expected, ...others] = await Promise.all(
        Object.keys(doors).map((door) => cameTo(door, drawn, topology)),
      );
      expect(expected).toMatchObject({ left: 0 });
      expect(expected?.verdicts).toHaveLength(expected?.steps.length ?? 0);
      for (const other of others) expect(other).toEqual(expected);
    }),
    { numRuns },
  );
}
