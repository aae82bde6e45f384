import { describe, expect, it } from "@jest/globals";
import { z } from "zod";
import { toolParameters } from "../../nodes/kinds/tool-calls.js";
import { dagHash, declarationOf } from "../../src/spec/canonical.js";
import { defineDag } from "../../src/spec/define.js";
import { asJsonSchema } from "../../src/spec/schema-rules.js";
import { validate } from "../../src/spec/validate.js";

/** A schema that is looked at where the stack is full, as long as `isFull` says so. */
const here = { isFull: false };
const schema = () =>
  z.object({
    get deep() {
      if (here.isFull) throw new RangeError("Maximum call stack size exceeded");
      return z.number().default(3);
    },
  });
const onFullStack = <T>(call: () => T): T => {
  here.isFull = true;
  try {
    return call();
  } finally {
    here.isFull = false;
  }
};
const full = "Maximum call stack size exceeded";

describe("where the stack is full", () => {
  it("no hash is made of a declaration that could not be read", () => {
    const spec = { name: "d", input: schema(), nodes: { a: { run: () => 1 } } };
    expect(() => onFullStack(() => dagHash(spec))).toThrow(full);
    expect(dagHash(spec)).toBe(dagHash({ ...spec, input: schema() }));
    const node = { instructions: "x", output: schema() };
    expect(() => onFullStack(() => declarationOf(node))).toThrow(full);
    expect(declarationOf(node)).toEqual(declarationOf({ ...node, output: schema() }));
  });

  it("a schema is not remembered as one of which nothing is known", () => {
    const one = schema();
    expect(() => onFullStack(() => asJsonSchema(one))).toThrow(full);
    expect(asJsonSchema(one)).toMatchObject({ properties: { deep: { type: "number" } } });
  });

  it("what a tool takes is not told otherwise", () => {
    const tool = { name: "t", description: "d", schema: schema(), invoke: async () => 1 };
    expect(() => onFullStack(() => toolParameters(tool as never))).toThrow(full);
    expect(toolParameters(tool as never)).toMatchObject({ required: [] });
  });

  it("what a graph is given is not passed unseen", () => {
    const input = z.object({ v: z.number() }).refine(() => {
      if (here.isFull) throw new RangeError(full);
      return true;
    });
    const inner = { name: "inner", input, nodes: { a: { run: () => 1 } } };
    const spec = (v: unknown) => ({ name: "outer", nodes: { g: { dag: inner, input: { v } } } });
    expect(validate(spec(1))).toEqual([]);
    expect(onFullStack(() => validate(spec(1)))).toEqual([expect.objectContaining({ code: "unreadable" })]);
  });

  it("names are not left in two forms", () => {
    const [decomposed, composed] = ["e\u0301", "\u00e9"];
    const node = new Proxy(
      { needs: [decomposed], run: () => 1 },
      {
        ownKeys(target) {
          if (here.isFull) {
            here.isFull = false;
            throw new RangeError(full);
          }
          return Reflect.ownKeys(target);
        },
      },
    );
    const spec = { name: "d", nodes: { [decomposed]: { run: () => 1 }, b: node } };
    expect(() => onFullStack(() => defineDag(spec as never))).toThrow(full);
    expect(Object.keys(defineDag(spec as never).nodes)).toEqual([composed, "b"]);
  });
});

it("a schema that has no end is one that JSON Schema cannot express", () => {
  const tree = (): z.ZodType => z.object({ v: z.number(), kids: z.array(z.lazy(tree)).default([]) });
  const spec = () => ({ name: "d", input: tree() as never, nodes: { a: { run: () => 1 } } });
  expect(declarationOf({ instructions: "x", output: tree() as never }).output).toBe(
    "[schema that JSON Schema cannot express]",
  );
  expect(dagHash(spec())).toBe(dagHash(spec()));
  const around = (v: unknown) => ({ name: "o", nodes: { g: { dag: spec(), input: { v } } } });
  // What it would say of a value hangs on how far zod gets in it: it is asked at run time.
  for (let times = 0; times < 20; times++)
    expect([validate(around(1)), validate(around("x"))]).toEqual([[], []]);
});
