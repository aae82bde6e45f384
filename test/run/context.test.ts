import { describe, expect, it } from "@jest/globals";
import { RunnableLambda } from "@langchain/core/runnables";
import { tool } from "@langchain/core/tools";
import { MemorySaver } from "@langchain/langgraph";
import {
  compare,
  compile,
  type DagSpec,
  defineDag,
  extendDag,
  type ModelMiddleware,
  resume,
  run,
  stream,
} from "agent-dag";
import { scriptedModel } from "agent-dag/testing";
import { z } from "zod";

class Database {
  constructor(readonly name: string) {}
}
interface Context {
  readonly db: Database;
}
const context: Context = { db: new Database("secret-handle") };

/** A spec whose every function form looks at the context, and what they saw. */
function looking() {
  const saw: Record<string, unknown> = {};
  const look = tool(
    (_args, config: any) => {
      saw.tool = config.context?.db;
      return "looked";
    },
    { name: "look", description: "Looks.", schema: z.object({}) },
  );
  const spec = defineDag<Context>()({
    name: "looking",
    nodes: {
      agent: {
        instructions: ({ context: { db } }) => {
          saw.instructions = db;
          return "Use the tool.";
        },
        tools: [look],
      },
      run: {
        needs: ["agent"],
        when: ({ context: { db } }) => db === context.db,
        run: ({ context: { db } }) => {
          saw.run = db;
          return db.name.length;
        },
      },
      lambda: {
        needs: ["run"],
        runnable: RunnableLambda.from((_input: unknown, config: any) => {
          saw.runnable = config.context?.db;
          return "ran";
        }),
      },
      inner: {
        needs: ["lambda"],
        dag: {
          name: "inner",
          nodes: {
            in: {
              run: (ctx: any) => {
                saw.inner = ctx.context.db;
                return "in";
              },
            },
          },
        } as DagSpec,
        input: "x",
      },
      toolNode: { needs: ["inner"], tool: look },
    },
  });
  const middleware: ModelMiddleware = (model) => ({
    ...model,
    call(request) {
      saw.middleware = (request.context as Context).db;
      return model.call(request);
    },
  });
  const model = () => scriptedModel({ agent: [{ toolCalls: [{ name: "look", args: {} }] }, "done"] });
  return { spec, saw, middleware, model };
}

const seenBy = ["tool", "instructions", "run", "runnable", "inner", "middleware"];

describe("the context of a run", () => {
  it("reaches functions, conditions, instructions, tools, runnables, inner graphs and middleware, as it is", async () => {
    for (const topology of ["sequential", "deterministic", "dataflow"] as const) {
      const { spec, saw, middleware, model } = looking();
      const record = await run(spec, "x", { topology, model: model(), context, use: [middleware] });
      expect(record.state).toBe("completed");
      expect(Object.keys(saw).sort()).toEqual([...seenBy].sort());
      for (const name of seenBy) expect(saw[name]).toBe(context.db);
      expect(JSON.stringify(record)).not.toContain("secret-handle");
    }
  });

  it("comes through stream, compare, resume and a compiled graph's invoke, and is never persisted", async () => {
    const first = looking();
    expect((await stream(first.spec, "x", { model: first.model(), context }).record).state).toBe("completed");
    const second = looking();
    const compiled = compile(second.spec, { model: second.model() });
    const result = await compiled.invoke({ input: "x" }, { context } as never);
    expect(result.outcomes.toolNode).toMatchObject({ state: "completed" });
    for (const name of seenBy.slice(0, 5)) expect(second.saw[name]).toBe(context.db);
    const spec = defineDag<Context>()({
      name: "asked",
      nodes: {
        ok: { approve: { message: "Go?" } },
        after: { needs: ["ok"], run: ({ context: { db } }) => db instanceof Database },
      },
    });
    const checkpointer = new MemorySaver();
    const kept = { checkpointer, thread: "t", context };
    expect((await run(spec, "x", kept)).state).toBe("interrupted");
    expect(JSON.stringify(checkpointer)).not.toContain("secret-handle");
    await expect(resume(spec, { checkpointer, thread: "t", answer: true } as never)).rejects.toMatchObject({
      code: "CONTEXT_MISSING",
    });
    expect((await resume(spec, { ...kept, answer: true })).output).toBe(true);
    const counted = defineDag<{ n: number }>()({
      name: "n",
      nodes: { n: { run: ({ context: { n } }) => n } },
    });
    const { topologies } = await compare(counted, "x", {
      topologies: ["sequential", "dataflow"],
      context: { n: 3 },
    });
    expect(topologies.map(({ runs }) => runs[0]?.output)).toEqual([3, 3]);
  });

  it("is parsed by a schema, whose defaults the nodes see, of an inner graph too", async () => {
    const inner = defineDag({
      name: "inner",
      context: z.object({ tenant: z.string(), limit: z.number().default(5) }),
      nodes: { limit: { run: ({ context: { tenant, limit } }) => `${tenant}: ${limit}` } },
    });
    const spec = defineDag({ name: "outer", nodes: { inner: { dag: inner, input: "x" } } });
    expect((await run(spec, "x", { context: { tenant: "a" } })).output).toBe("a: 5");
    await expect(run(spec, "x")).rejects.toMatchObject({ code: "CONTEXT_MISSING", facts: { dag: "inner" } });
    const wrong = { tenant: "a", limit: "s3cr3t" };
    await expect(run(spec, "x", { context: wrong })).rejects.toMatchObject({
      code: "CONTEXT_INVALID",
      message: expect.stringContaining("limit"),
    });
    await expect(run(spec, "x", { context: wrong })).rejects.not.toMatchObject({
      message: expect.stringContaining("s3cr3t"),
    });
  });

  it("that is declared and missing is refused before anything runs, and is to be left out where the schema says so", async () => {
    let ran = 0;
    const spec = defineDag<Context>()({ name: "strict", nodes: { a: { run: () => ++ran } } });
    await expect(run(spec, "x", {} as never)).rejects.toMatchObject({ code: "CONTEXT_MISSING" });
    await expect(compile(spec).invoke({ input: "x" })).rejects.toMatchObject({ code: "CONTEXT_MISSING" });
    const loaded = {
      name: "json",
      context: { type: "object" },
      nodes: { a: { run: () => ++ran } },
    } as DagSpec;
    await expect(run(loaded, "x")).rejects.toMatchObject({ code: "CONTEXT_MISSING" });
    expect(ran).toBe(0);
    const lax = defineDag({
      name: "lax",
      context: z.object({ n: z.number() }).optional(),
      nodes: { a: { run: ({ context: given }) => given?.n ?? 0 } },
    });
    expect((await run(lax, "x")).output).toBe(0);
    expect((await run(lax, "x", { context: { n: 2 } })).output).toBe(2);
  });

  it("is typed: what is missing or of another type is an error where it is written", () => {
    const spec = defineDag<Context>()({
      name: "typed",
      input: z.object({ n: z.number() }),
      nodes: { a: { run: ({ context: { db }, input }) => [db.name, input.n] as const } },
    });
    const more = extendDag(spec, {
      name: "more",
      nodes: { b: { needs: ["a"], run: ({ needs, context: { db } }) => `${needs.a[0]}${db.name}` } },
    });
    const calls = () => {
      // @ts-expect-error no options
      void run(spec, { n: 1 });
      // @ts-expect-error no context
      void run(spec, { n: 1 }, { topology: "dataflow" });
      // @ts-expect-error another type
      void run(more, { n: 1 }, { context: { db: 3 } });
      // @ts-expect-error no context
      void resume(spec, { checkpointer: new MemorySaver(), thread: "t" });
      // @ts-expect-error no context
      void stream(spec, { n: 1 });
      defineDag<Context>()({
        name: "typed",
        // @ts-expect-error no such field
        nodes: { a: { run: ({ context: { database } }) => database } },
      });
      return run(more, { n: 1 }, { context }).then(({ outcomes, output }) => {
        const text: string | null = output;
        return [text, outcomes.a];
      });
    };
    expect(calls).toBeInstanceOf(Function);
  });
});
