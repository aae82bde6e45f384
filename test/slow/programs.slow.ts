import { expect, it } from "@jest/globals";
import { MemorySaver } from "@langchain/langgraph";
import { type DagSpec, defineDag, foldEvents, resume, run } from "agent-dag";
import fc from "../support/drawn.js";

const programs = Number(process.env.PROGRAMS ?? 300);
const topologies = ["sequential", "deterministic", "dataflow"] as const;

/** What a function does with what it is given, by number: returns, changes, throws, gives odd values. */
const acts: ((ctx: any, seed: number) => unknown)[] = [
  (_, seed) => ({ list: [3, 1, 2], seed }),
  ({ needs }) =>
    Object.values(needs)
      .map((value) => JSON.stringify(value))
      .sort(),
  ({ needs }) => {
    for (const value of Object.values<any>(needs)) value?.list?.sort?.();
    return needs;
  },
  ({ needs }) => {
    for (const value of Object.values<any>(needs)) if (value?.list) value.list.length = 0;
    return "emptied";
  },
  ({ needs, input }) => ({ ...needs, input }),
  () => undefined,
  () => null,
  () => -0,
  () => "\ud800",
  () => JSON.parse('{"__proto__": {"a": 1}, "lc": 1, "type": "constructor", "id": ["x"], "kwargs": {}}'),
  () => new Date(0),
  () => Number.NaN,
  () => new Map(),
  () => {
    throw new Error("on purpose");
  },
  () => {
    throw null;
  },
  async (_, seed) => {
    await new Promise((resolve) => setTimeout(resolve, seed % 3));
    return { late: seed };
  },
  async () => Promise.reject(0),
];

const joins = ["all", "settled", "any"] as const;

const program = fc.array(
  fc.record({
    act: fc.nat(acts.length - 1),
    seed: fc.nat(99),
    needs: fc.array(fc.nat(7), { maxLength: 3 }),
    join: fc.constantFrom(...joins),
    map: fc.boolean(),
  }),
  { minLength: 2, maxLength: 8 },
);

function specOf(drawn: readonly any[], asks: boolean): DagSpec {
  const nodes: Record<string, object> = {};
  drawn.forEach(({ act, seed, needs, join, map }, index) => {
    const from = [...new Set((needs as number[]).filter((need) => need < index))].map((need) => `n${need}`);
    const code = acts[act] as (ctx: any, seed: number) => unknown;
    // An `any` join depends on who is first: only where all of its needs are alike in time.
    const declared = from.length === 0 ? {} : { needs: from, join: join === "any" ? "settled" : join };
    nodes[`n${index}`] = {
      ...declared,
      ...(map && { forEach: "rows" }),
      run: (ctx: any) => code(ctx, seed),
    };
  });
  const names = Object.keys(nodes);
  const pause = asks ? { pause: { needs: [names[0]], join: "settled", approve: { message: "?" } } } : {};
  const out = {
    needs: asks ? [...names, "pause"] : names,
    join: "settled",
    run: ({ needs }: any) => JSON.stringify(names.map((name) => needs[name] ?? null)),
  };
  return defineDag({
    name: "program",
    input: { type: "object", properties: { rows: { type: "array" } } },
    nodes: { ...nodes, ...pause, out },
    output: "out",
  } as unknown as DagSpec);
}

const essence = (record: any) => ({
  output: record.output,
  outcomes: Object.fromEntries(
    Object.entries<any>(record.outcomes)
      .filter(([name]) => name !== "pause")
      .map(([name, { state, value, error, reason, items }]) => [
        name,
        {
          state,
          value,
          code: error?.code ?? reason?.code,
          items: items?.map((item: any) => item.value ?? item.state),
        },
      ]),
  ),
});

it(`random programs give the same straight, paused and resumed, and replayed (${programs} programs)`, async () => {
  await fc.assert(
    fc.asyncProperty(program, fc.constantFrom(...topologies), async (drawn, topology) => {
      const input = { rows: [{ list: [2, 1] }, "b"] };
      const straight = await run(specOf(drawn, false), input, { topology });
      const options = { topology, checkpointer: new MemorySaver(), thread: "t" };
      const spec = specOf(drawn, true);
      const paused = await run(spec, input, options);
      const resumed =
        paused.state === "interrupted" ? await resume(spec, { ...options, answer: true }) : paused;
      const again = await resume(spec, options);
      const replayed = foldEvents(JSON.parse(JSON.stringify(resumed.events)));
      expect(essence(resumed)).toEqual(essence(straight));
      expect(essence(again)).toEqual(essence(resumed));
      expect(essence(replayed)).toEqual(essence(JSON.parse(JSON.stringify(resumed))));
    }),
    { numRuns: programs, seed: 11 },
  );
});
