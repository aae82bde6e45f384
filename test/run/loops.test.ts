import { describe, expect, it } from "@jest/globals";
import { MemorySaver } from "@langchain/langgraph";
import { type DagSpec, defineDag, resume, run } from "agent-dag";
import { z } from "zod";
import { plannerModel } from "../planner/planner-model.js";

const declared = ["sequential", "deterministic", "dataflow"] as const;

/** Writes one letter more a round, until the critic is content with three. */
const once = (done: string[]) =>
  defineDag({
    name: "once",
    input: z.object({ before: z.string().nullable(), round: z.number() }),
    nodes: {
      writer: {
        run: ({ input }): string => {
          done.push(`write ${input.round}`);
          return `${input.before ?? ""}x`;
        },
      },
      critic: { needs: ["writer"], run: ({ needs }: any) => ({ ok: needs.writer.length >= 3 }) },
      text: { needs: ["writer", "critic"], run: ({ needs }: any) => needs.writer as string },
    },
    output: "text",
  });

const loop = (done: string[], repeat: object) =>
  defineDag({
    name: "loop",
    nodes: {
      revise: {
        dag: once(done),
        input: { before: { $ref: { previous: true } }, round: { $ref: { round: true } } },
        repeat,
      },
      after: { needs: ["revise"], run: ({ needs }: any) => `<${needs.revise}>` },
    },
  } as DagSpec);

describe.each(declared)("a loop, %s", (topology) => {
  it("has null for the last round's output in the first round, and for every part of it", async () => {
    const inner = defineDag({
      name: "parts",
      input: z.object({ all: z.any(), part: z.number().nullable() }),
      nodes: { n: { run: ({ input }) => ({ n: (input.part ?? 0) + 1, all: input.all }) } },
    });
    const spec = defineDag({
      name: "from-parts",
      nodes: {
        g: {
          dag: inner,
          input: { all: { $ref: { previous: true } }, part: { $ref: { previous: true, path: "n" } } },
          repeat: { until: { node: "n", path: "n", equals: 2 }, maxRounds: 3 },
        },
      },
    } as DagSpec);
    expect((await run(spec, "x", { topology })).output).toEqual({ n: 2, all: { n: 1, all: null } });
  });

  it("runs round by round until its condition holds, and gives the last round's output", async () => {
    for (const until of [
      { node: "critic", path: "ok", equals: true },
      ({ output, round, outcomes }: any) => output.length === 3 && round === 3 && outcomes.critic.value.ok,
    ]) {
      const done: string[] = [];
      const record = await run(loop(done, { until, maxRounds: 5 }), "x", { topology });
      expect(record).toMatchObject({ state: "completed", output: "<xxx>" });
      expect(done).toEqual(["write 1", "write 2", "write 3"]);
      expect(record.outcomes.revise).toMatchObject({ value: "xxx", exhausted: false });
      expect(record.outcomes.revise?.rounds?.map((round) => round.critic)).toMatchObject([
        { value: { ok: false } },
        { value: { ok: false } },
        { value: { ok: true } },
      ]);
      const started = record.events.filter((event) => event.type === "node-started").map(({ node }) => node);
      expect(started).toContain("revise@2/writer");
    }
  });

  it("ends after maxRounds, accepted or failed as it says", async () => {
    const until = { node: "critic", path: "ok", equals: true };
    const accepted = await run(loop([], { until, maxRounds: 2 }), "x", { topology });
    expect(accepted.outcomes.revise).toMatchObject({ state: "completed", value: "xx", exhausted: true });
    const failed = await run(loop([], { until, maxRounds: 2, onExhausted: "fail" }), "x", { topology });
    expect(failed.outcomes.revise).toMatchObject({
      state: "failed",
      error: { code: "ROUNDS_EXHAUSTED" },
      exhausted: true,
    });
    expect(failed.outcomes.revise?.rounds).toHaveLength(2);
  });

  it("asks in each round, and goes on in the round that it stopped in", async () => {
    const done: string[] = [];
    const inner = defineDag({
      name: "asked",
      input: z.object({ round: z.number() }),
      nodes: {
        draft: {
          run: ({ input }): string => {
            done.push(`draft ${input.round}`);
            return `draft ${input.round}`;
          },
        },
        ok: { needs: ["draft"], approve: { message: "Good?" } },
        last: { needs: ["ok"], run: ({ needs }: any) => needs.ok as string },
      },
      output: "last",
    });
    const spec = defineDag({
      name: "approved",
      nodes: {
        revise: {
          dag: inner,
          input: { round: { $ref: { round: true } } },
          repeat: { until: { node: "last", equals: "good" }, maxRounds: 3 },
        },
      },
    } as DagSpec);
    const options = { topology, checkpointer: new MemorySaver(), thread: "t" };
    const first = await run(spec, "x", options);
    expect(first.interrupts).toMatchObject([{ node: "revise@1/ok", value: "draft 1" }]);
    const second = await resume(spec, { ...options, answer: true });
    expect(second.interrupts).toMatchObject([{ node: "revise@2/ok", value: "draft 2" }]);
    const third = await resume(spec, { ...options, answer: { edit: "good" } });
    expect(third).toMatchObject({ state: "completed", output: "good" });
    expect(third.outcomes.revise?.rounds).toHaveLength(2);
    expect(done).toEqual(["draft 1", "draft 2"]);
  });
});

it.each(["planned", "planned-dag"] as const)(
  "a planner sees a loop as one callable node, %s",
  async (topology) => {
    const spec = loop([], { until: { node: "critic", path: "ok", equals: true }, maxRounds: 5 });
    const model = plannerModel(({ tools, turn }) =>
      turn > 0 ? "done" : tools.length > 0 ? [["after", "{}"]] : "1. after()\njoin()",
    );
    const record = await run(spec, "x", { topology, model });
    expect(record.outcomes.after).toMatchObject({ state: "completed", value: "<xxx>" });
  },
);

it("a fallback node runs only when its main one failed, and `any` over the two gives the value", async () => {
  for (const fails of [true, false]) {
    const spec = defineDag({
      name: "fallback",
      nodes: {
        main: {
          run: () => {
            if (fails) throw new Error("down");
            return "main";
          },
        },
        backup: {
          needs: ["main"],
          join: "settled",
          when: { node: "main", state: ["failed", "timed-out"] },
          run: ({ outcomes }) => `backup for: ${outcomes.main.error.message}`,
        },
        value: {
          needs: ["main", "backup"],
          join: "any",
          run: ({ needs }: any) => needs.main ?? needs.backup,
        },
      },
    } as DagSpec);
    for (const topology of declared) {
      const record = await run(spec, "x", { topology });
      expect(record.output).toBe(fails ? "backup for: down" : "main");
      // Once the main one has completed, nobody needs the other any more.
      expect(record.outcomes.backup?.state).toBe(fails ? "completed" : "cancelled");
    }
  }
});

it("functions see which items failed, and maps leave them out, or fail, as they say", async () => {
  const spec = (onItemError: string) =>
    defineDag({
      name: "items",
      input: z.object({ list: z.array(z.number()) }),
      nodes: {
        each: {
          forEach: { items: "list", onItemError },
          run: ({ item, index }: any) => {
            if (item === 2) throw new Error(`no ${index}`);
            return item * 10;
          },
        },
        seen: {
          needs: ["each"],
          join: "settled",
          run: ({ needs, outcomes }: any) => [
            needs.each ?? null,
            outcomes.each.items.map((item: any) => item.error?.message ?? "ok"),
          ],
        },
      },
    } as DagSpec);
  const input = { list: [1, 2, 3] };
  const told = ["ok", "no 1", "ok"];
  expect(await run(spec("null"), input)).toMatchObject({ state: "partial", output: [[10, null, 30], told] });
  expect(await run(spec("omit"), input)).toMatchObject({ state: "partial", output: [[10, 30], told] });
  expect(await run(spec("fail"), input)).toMatchObject({ state: "partial", output: [null, told] });
});

it("gives functions the context, the run, the attempt and a key that is the same for every attempt and resume", async () => {
  const keys: string[] = [];
  let tries = 0;
  const spec = defineDag({
    name: "context",
    nodes: {
      pay: {
        policy: { retry: { maxAttempts: 2, initialIntervalMs: 1 } },
        run: ({ context, idempotencyKey, attempt, runId, node, progress }) => {
          keys.push(idempotencyKey);
          progress({ attempt });
          if (++tries < 2) throw new Error("again");
          return [context.tenant, attempt, typeof runId, node];
        },
      },
    },
  });
  const record = await run(spec, "x", { context: { tenant: "acme", secret: "hidden" } });
  expect(record.output).toEqual(["acme", 2, "string", "pay"]);
  expect(new Set(keys).size).toBe(1);
  expect(record.events.filter((event) => event.type === "node-progress")).toMatchObject([
    { node: "pay", value: { attempt: 1 } },
    { value: { attempt: 2 } },
  ]);
  expect(JSON.stringify(record)).not.toContain("hidden");
});
