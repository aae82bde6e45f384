import { getEventListeners } from "node:events";
import { describe, expect, it } from "@jest/globals";
import { MemorySaver } from "@langchain/langgraph";
import {
  compile,
  type DagSpec,
  type ResumeOptions,
  type RunEvent,
  type RunOptions,
  resume,
  run,
  stream,
  type Topology,
  topologyNames,
} from "agent-dag";
import { obligingPlanner } from "../planner/planner-model.js";
import { type Behaviour, behaviours, type Door, doors, type Told } from "./behaviours.js";
import { type Cell, contractTable, tableIn } from "./contract-table.js";

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
      const user = new AbortController();
      const spec = behaviour.spec(done, () => user.abort());
      const told = await through(door, spec, { behaviour, topology, kept, done, user });
      behaviour.check(told, done, topology);
      // Whatever a run came to, it has let go of the signal that it was given.
      expect(getEventListeners(user.signal, "abort")).toEqual([]);
    });
  }
});

interface Case {
  readonly behaviour: Behaviour;
  readonly topology: Topology;
  readonly kept: boolean;
  readonly done: string[];
  readonly user: AbortController;
}

/** Sends a spec through a door. */
async function through(door: Door, spec: DagSpec, of: Case): Promise<Told> {
  const { behaviour, topology, kept, done, user } = of;
  const ended = new AbortController();
  const store = new BreakableSaver();
  const place = kept ? { checkpointer: store, thread: "t" } : {};
  const input = behaviour.input ?? "x";
  const usual = { topology, model: behaviour.model ?? obligingPlanner(spec) };
  const told: RunEvent[] = [];
  const events = () => told.map(labelOf);
  const begin = (more: Partial<RunOptions>) =>
    void run(spec, input, { ...usual, ...place, ...more, signal: ended.signal });
  try {
    if (door === "resume") await begunAndAborted(spec, input, { ...usual, ...place });
    const own = (await behaviour.options?.(spec, done, { begin, breakStore: () => store.break() })) ?? {};
    const onEvent = (event: RunEvent) => {
      if (!event.replayed) told.push(event);
      return own.onEvent?.(event);
    };
    const options = { ...usual, ...place, ...own, onEvent, signal: user.signal };
    if (door === "compiled") {
      const { thread: _, ...compiled } = options as typeof options & { thread?: string };
      const graph = compile(spec, compiled);
      const result: any = await graph.invoke({ input } as never, { configurable: { thread_id: "t" } });
      const { outcomes, output } = result;
      const questions = (result.__interrupt__ ?? []).map(({ value }: any) => value.node);
      const text = JSON.stringify([result, told]);
      return { states: statesOf(outcomes), outcomes, output, questions, events: events(), text };
    }
    const record =
      door === "run"
        ? await run(spec, input, options)
        : door === "stream"
          ? await stream(spec, input, options).record
          : await resume(spec, options as typeof options & ResumeOptions);
    const { outcomes, output, interrupts } = record;
    const questions = interrupts.map(({ node }) => node);
    const text = JSON.stringify([record, told]);
    return { states: statesOf(outcomes), outcomes, output, questions, events: events(), text };
  } catch (error) {
    return { error, events: events(), text: JSON.stringify(told) };
  } finally {
    ended.abort();
  }
}

/** A store that fails from some moment on. */
class BreakableSaver extends MemorySaver {
  #isBroken = false;

  break(): void {
    this.#isBroken = true;
  }

  override put(...given: Parameters<MemorySaver["put"]>) {
    return this.#isBroken ? Promise.reject(new Error("no space is left")) : super.put(...given);
  }

  override putWrites(...given: Parameters<MemorySaver["putWrites"]>) {
    return this.#isBroken ? Promise.reject(new Error("no space is left")) : super.putWrites(...given);
  }
}

/** Begins a run that `resume` goes on with: it is aborted before anything is done. */
async function begunAndAborted(spec: DagSpec, input: unknown, options: object) {
  await run(spec, input, { ...options, signal: AbortSignal.abort() });
}

function labelOf(event: RunEvent): string {
  if (event.type === "notice") return `notice ${event.code}`;
  if (event.type === "run-ended") return `run-ended ${event.state}`;
  return event.type.startsWith("node-") && "node" in event ? `${event.type} ${event.node}` : event.type;
}

function statesOf(outcomes: Readonly<Record<string, { readonly state: string }>>) {
  return Object.fromEntries(Object.entries(outcomes).map(([name, { state }]) => [name, state]));
}
