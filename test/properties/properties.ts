import { expect } from "@jest/globals";
import fc from "../support/drawn.js";
import { checkedRun, deterministicTopologies, essence } from "./check-run.js";
import { randomDag } from "./random-dags.js";

/** With joins that wait for all, outcomes and outputs are equal in every topology. */
export async function checkRandomDags(numRuns: number, maxNodes: number): Promise<void> {
  const dags = randomDag({ joins: "settling", maxNodes });
  await fc.assert(
    fc.asyncProperty(dags, async (nodes) => {
      const records = await Promise.all(
        deterministicTopologies.map((topology) => checkedRun(nodes, topology)),
      );
      const [first, ...others] = records.map(essence);
      for (const other of others) expect(other).toEqual(first);
    }),
    { numRuns },
  );
}

/** With any joins, and however few requests may be under way, every run ends and every join means what it says. */
export async function checkRandomJoins(numRuns: number, maxNodes: number): Promise<void> {
  const dags = randomDag({ joins: "every", maxNodes });
  await fc.assert(
    fc.asyncProperty(dags, fc.integer({ min: 1, max: 4 }), async (nodes, maxConcurrency) => {
      await Promise.all(
        deterministicTopologies.map((topology) => checkedRun(nodes, topology, maxConcurrency)),
      );
    }),
    { numRuns },
  );
}
