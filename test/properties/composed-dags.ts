import { expect } from "@jest/globals";
import { MemorySaver } from "@langchain/langgraph";
import type { Outcome } from "../../src/records/outcome.js";
import type { RunRecord } from "../../src/records/record.js";
import { resume, run } from "../../src/run/run.js";
import { defineDag } from "../../src/spec/define.js";
import type { DagSpec, Node } from "../../src/spec/shape.js";
import fc from "../support/drawn.js";
import { deterministicTopologies } from "./check-run.js";

/** A random node as data. Needs point at earlier nodes. */
interface ComposedNode {
  readonly needs: readonly number[];
  readonly kind: "function" | "loop" | "map" | "error-branch";
  /** Whether a function throws, a loop never ends by its condition, a map's items with an odd key throw. */
  readonly breaks: boolean;
  readonly size: number;
  readonly mode: number;
}

const composedDag = (maxNodes: number): fc.Arbitrary<ComposedNode[]> =>
  fc
    .array(
      fc.record({
        picks: fc.array(fc.nat(1000), { maxLength: 3 }),
        kind: fc.constantFrom("function" as const, "loop" as const, "map" as const, "error-branch" as const),
        breaks: fc.boolean(),
        size: fc.integer({ min: 0, max: 4 }),
        mode: fc.nat(5),
      }),
      { minLength: 1, maxLength: maxNodes },
    )
    .map((nodes) =>
      nodes.map(({ picks, ...rest }, index) => ({
        ...rest,
        needs: index === 0 ? [] : [...new Set(picks.map((pick) => pick % index))],
      })),
    );

const nameOf = (index: number) => `n${index}`;
const inputItems = [3, 1, 4, 1.5, 9].map((n) => ({ id: `item-${n}`, n }));

function specOf(nodes: readonly ComposedNode[]): DagSpec {
  const entries = nodes.map((node, index) => [nameOf(index), nodeOf(node, index)] as const);
  return defineDag({
    name: "composed",
    input: { type: "object" },
    nodes: Object.fromEntries(entries),
  } as DagSpec);
}

function nodeOf({ needs, kind, breaks, size, mode }: ComposedNode, index: number): Node {
  const settled = mode % 2 === 0;
  const edges =
    needs.length === 0 ? {} : ({ needs: needs.map(nameOf), join: settled ? "settled" : "all" } as const);
  const sum = (values: Record<string, unknown>) => [index, ...Object.values(values).map((v) => v ?? null)];
  if (kind === "loop") {
    const inner = defineDag({
      name: "round",
      input: { type: "object" },
      nodes: {
        write: { run: ({ input }: any) => [...(input.before ?? []), input.round] },
        judge: { needs: ["write"], run: ({ needs: own }: any) => !breaks && own.write.length > size },
        text: { needs: ["write", "judge"], run: ({ needs: own }: any) => own.write },
      },
      output: "text",
    } as unknown as DagSpec);
    return {
      ...edges,
      dag: inner,
      input: { before: { $ref: { previous: true } }, round: { $ref: { round: true } } },
      repeat: {
        until: { node: "judge", equals: true },
        maxRounds: 4,
        onExhausted: mode > 2 ? "fail" : "accept",
      },
    };
  }
  if (kind === "map") {
    return {
      ...edges,
      forEach: {
        items: { input: true, path: "list" },
        key: "id",
        onItemError: (["null", "omit", "fail"] as const)[mode % 3] ?? "null",
      },
      run: ({ item, needs: own }: any) => {
        if (breaks && item.n > size) throw new Error(`${item.id} is too large`);
        return [item.n, sum(own).length];
      },
    };
  }
  const failing = kind === "function" && breaks;
  const when =
    kind === "error-branch" && needs.length > 0
      ? {
          join: "settled" as const,
          when: { node: nameOf(needs[0] ?? 0), state: ["failed" as const, "skipped" as const] },
        }
      : {};
  return {
    ...edges,
    ...when,
    run: ({ needs: own, outcomes }: any) => {
      if (failing) throw new Error(`n${index} broke`);
      return {
        sum: JSON.stringify(sum(own)).length,
        states: Object.values(outcomes).map((one: any) => one.state),
      };
    },
  };
}

/** What has to be the same however the nodes were driven: each outcome, its items and its rounds. */
function essence({ state, output, outcomes }: RunRecord): unknown {
  const of = (outcome: Outcome): unknown => [
    outcome.state,
    outcome.state === "completed"
      ? outcome.value
      : "error" in outcome
        ? [outcome.error.code, outcome.error.message]
        : [outcome.reason.code],
    outcome.items?.map(of),
    outcome.rounds?.map((round) => Object.values(round).map(of)),
    outcome.exhausted,
  ];
  return [state, output, Object.fromEntries(Object.entries(outcomes).map(([name, one]) => [name, of(one)]))];
}

/** Loops, error branches and keyed maps settle alike in every deterministic topology, straight and resumed. */
export async function checkComposedDags(numRuns: number, maxNodes: number): Promise<void> {
  const input = { list: inputItems };
  await fc.assert(
    fc.asyncProperty(composedDag(maxNodes), fc.nat(20), async (nodes, stopAfter) => {
      const spec = specOf(nodes);
      let first: unknown;
      for (const topology of deterministicTopologies) {
        const straight = essence(await run(spec, input, { topology }));
        first ??= straight;
        expect(straight).toEqual(first);
        const stop = new AbortController();
        let settled = 0;
        const kept = { checkpointer: new MemorySaver(), thread: "t", topology };
        await run(spec, input, {
          ...kept,
          signal: stop.signal,
          onEvent: ({ type }) => {
            if (type === "node-settled" && settled++ === stopAfter) stop.abort();
          },
        });
        expect(essence(await resume(spec, kept))).toEqual(first);
      }
    }),
    { numRuns },
  );
}
