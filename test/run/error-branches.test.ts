import { describe, expect, it } from "@jest/globals";
import { z } from "zod";
import { defineDag, run } from "../../src/index.js";
import { replyModel } from "../support/reply-model.js";

const dag = defineDag({
  name: "branches",
  nodes: {
    main: {
      run: ({ input }) => {
        if (input === "bad") throw new Error("no");
        return "main";
      },
    },
    fallback: {
      needs: ["main"],
      join: "settled",
      when: { node: "main", state: ["failed", "timed-out"] },
      run: () => "fallback",
    },
    end: { needs: ["main", "fallback"], join: "any", run: ({ needs }) => needs.main ?? needs.fallback },
  },
});
const topologies = ["sequential", "deterministic", "dataflow"] as const;

describe.each(topologies)("a condition on a state, in %s", (topology) => {
  it("runs an error branch only when its main one failed", async () => {
    const good = await run(dag, "good", { topology });
    expect(good.output).toBe("main");
    expect(["skipped", "cancelled"]).toContain(good.outcomes.fallback.state);
    const bad = await run(dag, "bad", { topology });
    expect(bad.output).toBe("fallback");
  });

  it("says what was read where it does not hold", async () => {
    const one = defineDag({
      name: "one",
      nodes: {
        a: { run: () => ({ label: "bug" }) },
        b: {
          needs: ["a"],
          when: {
            all: [{ not: { node: "a", state: "failed" } }, { node: "a", path: "label", equals: "praise" }],
          },
          run: () => 1,
        },
        c: { needs: ["a"], when: { any: [{ node: "a", path: "label", equals: "bug" }] }, run: () => 2 },
      },
    });
    const { outcomes } = await run(one, "x", { topology });
    expect(outcomes.b).toMatchObject({
      state: "skipped",
      reason: { code: "condition", message: 'Its `when` is false: "a.label" is "bug".' },
    });
    expect(outcomes.c).toMatchObject({ state: "completed", value: 2 });
  });

  it("runs a runnable as a node", async () => {
    const chain = defineDag({
      name: "chain",
      nodes: {
        a: { run: () => 2 },
        r: {
          needs: ["a"],
          runnable: { invoke: async ({ n }: { n: number }) => n + 1 },
          input: { n: { $ref: { node: "a" } } },
        },
      },
    });
    expect((await run(chain, "x", { topology })).output).toBe(3);
  });
});

it("tells an agent which items of a map are missing, and why, at most 20 of them", async () => {
  const spec = defineDag({
    name: "lost",
    input: z.object({ list: z.array(z.number()) }),
    nodes: {
      each: {
        forEach: "list",
        run: ({ item }) => {
          if (item > 0) throw new Error(`number ${item} is bad`);
          return item;
        },
      },
      tell: { needs: ["each"], instructions: "Tell.", include: "needs" },
    },
  });
  const prompts: string[] = [];
  const model = replyModel(({ messages }) => {
    prompts.push(messages.map(({ content }) => content).join("\n"));
    return "told";
  });
  const record = await run(spec, { list: [0, 5, 0] }, { model });
  expect(record.state).toBe("partial");
  expect(prompts[0]).toContain("Nothing came from each[1]: failed (ERROR): number 5 is bad");
  expect(prompts[0]).not.toContain("each[0]");
  await run(spec, { list: [0, ...Array.from({ length: 23 }, () => 1)] }, { model });
  expect(prompts[1]?.match(/missing each\[\d+\]/g)).toHaveLength(20);
  expect(prompts[1]).toContain("Nothing came from 3 more items of each either.");
});
