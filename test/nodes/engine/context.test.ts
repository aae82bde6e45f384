import { expect, it } from "@jest/globals";
import { z } from "zod";
import { readContexts } from "../../../nodes/engine/context.js";
import type { DagSpec } from "../../../src/spec/shape.js";

const user = z.object({ user: z.string().trim() });
const dag = (name: string, context?: unknown, inner: readonly DagSpec[] = []): DagSpec => ({
  name,
  ...(context !== undefined && { context: context as never }),
  nodes: {
    own: { run: () => 1 },
    ...Object.fromEntries(inner.map((one) => [one.name, { dag: one }])),
  },
});
const hint = "Give a context that fits the spec's `context`, or change the spec.";

it("is what the run was given where nothing is declared", async () => {
  const spec = dag("outer");
  const given = { any: 1 };
  expect((await readContexts(spec, given))(spec)).toBe(given);
  expect((await readContexts(spec, undefined))(spec)).toBeUndefined();
});

it("is what each DAG's own schema makes of it, and the outermost one's where a DAG declares none", async () => {
  const plain = dag("plain");
  const own = dag(
    "own",
    z.object({ user: z.string() }).transform(({ user }) => ({ upper: user.toUpperCase() })),
  );
  const outer = dag("outer", user, [plain, own, dag("deep", undefined, [own])]);
  const contexts = await readContexts(outer, { user: " ann " });
  expect([outer, plain, own].map(contexts)).toEqual([{ user: "ann" }, { user: "ann" }, { upper: " ANN " }]);
});

it("is what was given where only an inner DAG declares one", async () => {
  const own = dag("own", user);
  const outer = dag("outer", undefined, [own]);
  const contexts = await readContexts(outer, { user: " ann " });
  expect([outer, own].map(contexts)).toEqual([{ user: " ann " }, { user: "ann" }]);
});

it("may be missing where the schema says so", async () => {
  const spec = dag("outer", user.optional());
  expect((await readContexts(spec, undefined))(spec)).toBeUndefined();
});

it.each([
  ["a schema of code", user],
  ["a JSON Schema", { type: "object" }],
  ["a JSON Schema that anything fits", {}],
])("is missed where %s wants one, with where to pass it", async (_what, context) => {
  await expect(
    readContexts(dag("outer", undefined, [dag("inner", context)]), undefined),
  ).rejects.toMatchObject({
    code: "CONTEXT_MISSING",
    message:
      'The DAG "inner" declares a context, and the run was given none. Pass it as the option `context` of run, resume, stream or compare, or of a compiled graph\'s invoke; on the command line there is none.',
    facts: { dag: "inner" },
  });
});

it("is refused where it does not fit, without what was given", async () => {
  const error = await readContexts(dag("outer", user), { user: 7, key: "secret-value" }).catch((one) => one);
  expect(error).toMatchObject({ code: "CONTEXT_INVALID", facts: { dag: "outer" }, hint });
  expect(error.message).toMatch(/^The context does not fit what "outer" declares: .*user/);
  expect(error.message).not.toMatch(/secret-value|\n/);
  const two = z.object({ user: z.string(), team: z.string() });
  await expect(readContexts(dag("outer", two), {})).rejects.toThrow(/user.*; .*team/);
});

it("is refused where its schema itself fails", async () => {
  const failing = user.transform(() => {
    throw new Error("no");
  });
  await expect(readContexts(dag("outer", failing), { user: "ann" })).rejects.toThrow(
    `The context does not fit what "outer" declares: its schema failed with "no". ${hint}`,
  );
});
