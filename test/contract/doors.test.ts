import { describe, expect, it } from "@jest/globals";
import { MemorySaver } from "@langchain/langgraph";
import {
  compile,
  type DagSpec,
  defineDag,
  type RunEvent,
  resume,
  run,
  stream,
  type Topology,
  topologyNames,
} from "agent-dag";
import { plannerModel } from "../planner/planner-model.js";
import { type Cell, contractTable, tableIn } from "./contract-table.js";

/** The ways to start a run or to go on with it. */
const doors = ["run", "stream", "resume", "compiled"] as const;
type Door = (typeof doors)[number];

/** What a run came to, whichever door it went through. */
interface Told {
  readonly error?: unknown;
  readonly states?: Readonly<Record<string, string>>;
  readonly output?: unknown;
  readonly questions?: readonly string[];
  readonly events: readonly string[];
}

interface Behaviour {
  readonly claim: string;
  /** Made anew for each cell; `done` lists what its functions did. */
  spec(done: string[]): DagSpec;
  readonly input?: unknown;
  readonly model?: string;
  abort?: true;
  /** Why a combination cannot hold. */
  skip?(door: Door, topology: Topology, kept: boolean): string | undefined;
  check(told: Told, done: readonly string[], topology: Topology): void;
}

/** Notes that a function ran, and gives its value. */
function noted<V>(done: string[], name: string, value: V): V {
  done.push(name);
  return value;
}

const planned = (topology: Topology) => topology.startsWith("planned");

const behaviours: Behaviour[] = [
  {
    claim: "gives outcomes, output and events",
    spec: (done) =>
      defineDag({
        name: "plain",
        nodes: {
          a: { run: () => noted(done, "a", "A") },
          b: { needs: ["a"], run: ({ needs }: any) => noted(done, "b", `${needs.a}B`) },
        },
      } as DagSpec),
    check(told, done, topology) {
      expect(told.states).toEqual({ a: "completed", b: "completed" });
      if (!planned(topology)) expect(told.output).toBe("AB");
      expect(done).toEqual(["a", "b"]);
      expect(told.events.at(0)).toBe("run-started");
      expect(told.events.at(-1)).toBe("run-ended completed");
    },
  },
  {
    claim: "keeps a failure in its outcome, and ends as failed without an output",
    spec: () =>
      defineDag({
        name: "failing",
        nodes: {
          a: {
            run: () => {
              throw new Error("broke");
            },
          },
          b: { needs: ["a"], run: () => 1 },
        },
      }),
    check(told, _, topology) {
      expect(told.states).toEqual({ a: "failed", b: "skipped" });
      if (!planned(topology)) expect(told.events.at(-1)).toBe("run-ended failed");
    },
  },
  {
    claim: "refuses an input that does not fit before anything runs",
    spec: (done) => defineDag({ name: "text", nodes: { a: { run: () => done.push("a") } } }),
    input: 5,
    skip: (door) => (door === "resume" ? "a resumed run has its input already" : undefined),
    check(told, done) {
      expect(told.error).toMatchObject({ code: "INPUT_INVALID" });
      expect(done).toEqual([]);
      expect(told.events).toEqual([]);
    },
  },
  {
    claim: "finds a missing model before any function runs",
    spec: (done) =>
      defineDag({
        name: "missing",
        nodes: { f: { run: () => done.push("f") }, a: { needs: ["f"], instructions: "x" } },
      }),
    model: "nowhere:model",
    skip: (door) => (door === "resume" ? "there is nothing to resume: the run never began" : undefined),
    check(told, done) {
      expect(told.error).toMatchObject({ code: "MODEL_PROVIDER_MISSING" });
      expect(done).toEqual([]);
    },
  },
  {
    claim: "takes back a question that nobody needs the answer of any more",
    spec: () =>
      defineDag({
        name: "moot",
        nodes: {
          ask: { approve: { message: "?" } },
          fast: { run: () => new Promise((resolve) => setTimeout(() => resolve("fast"), 5)) },
          out: { needs: ["ask", "fast"], join: "any", run: ({ needs }: any) => needs.fast },
        },
      } as DagSpec),
    skip: (_, __, kept) => (kept ? undefined : "an approval without a checkpointer is refused"),
    check(told, _, topology) {
      expect(told.questions ?? []).toEqual([]);
      expect(told.states).toMatchObject({ ask: "cancelled", out: "completed" });
      if (!planned(topology)) expect(told.events.at(-1)).toBe("run-ended completed");
    },
  },
  {
    claim: "suspends at a question, goes on beside it, and tells what it waits for",
    spec: (done) =>
      defineDag({
        name: "asks",
        nodes: {
          ask: { approve: { message: "?" } },
          after: { needs: ["ask"], run: () => done.push("after") },
          other: { run: () => noted(done, "other", 1) },
        },
      } as DagSpec),
    skip: (door, _, kept) =>
      !kept
        ? "an approval without a checkpointer is refused"
        : door === "resume"
          ? "it would be the second time that it asks: covered by the trust suite"
          : undefined,
    check(told, done, topology) {
      expect(told.questions).toEqual(["ask"]);
      expect(done).toEqual(planned(topology) ? expect.not.arrayContaining(["after"]) : ["other"]);
      expect(told.events.at(-1)).toBe("run-ended interrupted");
    },
  },
  {
    claim: "refuses an approval that could never be answered",
    spec: (done) =>
      defineDag({
        name: "never",
        nodes: { a: { run: () => done.push("a") }, ok: { needs: ["a"], approve: { message: "?" } } },
      }),
    skip: (door, _, kept) =>
      kept
        ? "with a checkpointer it can be answered"
        : door === "resume"
          ? "nothing can be resumed without a checkpointer"
          : undefined,
    check(told, done) {
      expect(told.error).toMatchObject({ code: "CHECKPOINTER_MISSING" });
      expect(done).toEqual([]);
    },
  },
  {
    claim: "ends as cancelled when it is aborted, and aborts what runs",
    spec: (done) =>
      defineDag({
        name: "long",
        nodes: {
          a: {
            run: ({ signal }) =>
              new Promise((resolve) => {
                signal.addEventListener("abort", () => {
                  done.push("aborted");
                  resolve(1);
                });
              }),
          },
        },
      }),
    abort: true,
    skip: (door) =>
      door === "resume" ? "it would wait for ever before it is aborted a second time" : undefined,
    check(told, done) {
      expect(done).toEqual(["aborted"]);
      expect(told.events.at(-1)).toBe("run-ended cancelled");
    },
  },
];

const cells = behaviours.flatMap((behaviour) =>
  doors.flatMap((door) =>
    [true, false].flatMap((kept) =>
      topologyNames.map((topology): Cell & { behaviour: Behaviour; door: Door; topology: Topology } => ({
        behaviour,
        claim: behaviour.claim,
        door,
        topology,
        kept,
        skip:
          behaviour.skip?.(door, topology, kept) ??
          (door === "resume" && !kept ? "nothing can be resumed without a checkpointer" : undefined),
      })),
    ),
  ),
);
const table = contractTable(cells);
// `npm run contract` prints it.
if (process.env.PRINT_CONTRACT === "1") process.stdout.write(`${table}\n`);

it("is told in docs/architecture.md as it is (UPDATE_DOCS=1 npm run contract writes it there)", () => {
  expect(tableIn("docs/architecture.md", table)).toBe(table);
});

describe.each(behaviours)("every door $claim", (behaviour) => {
  for (const { door, topology, kept } of cells.filter(
    (cell) => cell.behaviour === behaviour && cell.skip === undefined,
  )) {
    it(`${door}, ${topology}, ${kept ? "with" : "without"} a checkpointer`, async () => {
      const done: string[] = [];
      const spec = behaviour.spec(done);
      const told = await through(door, spec, { behaviour, topology, kept });
      behaviour.check(told, done, topology);
    });
  }
});

async function through(
  door: Door,
  spec: DagSpec,
  { behaviour, topology, kept }: { behaviour: Behaviour; topology: Topology; kept: boolean },
): Promise<Told> {
  const events: string[] = [];
  const onEvent = (event: RunEvent) => {
    if (event.replayed) return;
    events.push(event.type === "run-ended" ? `run-ended ${event.state}` : event.type);
  };
  const sinks = Object.keys(spec.nodes);
  const model =
    behaviour.model ??
    plannerModel(({ tools, turn }) => {
      if (turn > 0) return "done";
      const names =
        tools.length > 0 ? tools.map(({ name }) => name) : sinks.filter((name) => !spec.nodes[name]?.approve);
      return tools.length > 0
        ? names.map((name) => [name, "{}"] as const)
        : `${names.map((name, index) => `${index + 1}. ${name}()`).join("\n")}\njoin()`;
    });
  const controller = new AbortController();
  if (behaviour.abort) setTimeout(() => controller.abort(), 20);
  const options = { topology, model, onEvent, signal: controller.signal };
  const place = kept ? { checkpointer: new MemorySaver(), thread: "t" } : {};
  const input = behaviour.input ?? "x";
  try {
    if (door === "compiled") {
      const graph = compile(spec, { ...options, ...(kept && { checkpointer: new MemorySaver() }) });
      const result: any = await graph.invoke({ input } as never, { configurable: { thread_id: "t" } });
      const questions = (result?.__interrupt__ ?? []).map(({ value }: any) => value.node);
      return { states: statesOf(result.outcomes), output: result.output, questions, events };
    }
    const record =
      door === "run"
        ? await run(spec, input, { ...options, ...place })
        : door === "stream"
          ? await stream(spec, input, { ...options, ...place }).record
          : await resumed(spec, input, { ...options, ...place });
    const { outcomes, output, interrupts } = record;
    return { states: statesOf(outcomes), output, questions: interrupts.map(({ node }) => node), events };
  } catch (error) {
    return { error, events };
  }
}

/** A run that is aborted at once and goes on through `resume`. */
async function resumed(spec: DagSpec, input: unknown, options: any) {
  const first = new AbortController();
  first.abort();
  const { onEvent: _, ...silent } = options;
  await run(spec, input, { ...silent, signal: first.signal });
  return resume(spec, options);
}

function statesOf(outcomes: Readonly<Record<string, { readonly state: string }>>) {
  return Object.fromEntries(Object.entries(outcomes).map(([name, { state }]) => [name, state]));
}
