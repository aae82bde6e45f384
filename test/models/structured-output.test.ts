import { describe, expect, it } from "@jest/globals";
import { z } from "zod";
import { dropAbsent, toStrictSchema } from "../../src/models/strict-schema.js";
import { carriersFor } from "../../src/models/structured-output.js";
import { toJsonSchema } from "../../src/spec/schema.js";

describe("a schema in strict mode's dialect", () => {
  it.each([
    [
      "nested objects and enums",
      z.object({ label: z.enum(["a", "b"]), inner: z.object({ n: z.number() }) }),
      true,
    ],
    ["null instead of optional", z.object({ why: z.string().nullable() }), true],
    ["arrays of objects", z.object({ items: z.array(z.object({ name: z.string() })) }), true],
    ["an optional property", z.object({ why: z.string().optional() }), true],
    ["a default", z.object({ why: z.string().default("none") }), true],
    [
      "an optional property deep inside",
      z.object({ items: z.array(z.object({ a: z.string().optional() })) }),
      true,
    ],
    ["a string's length", z.object({ a: z.string().min(1) }), true],
    ["a format that the mode does not know", z.object({ a: z.url() }), true],
    [
      "a union told apart by a key",
      z.object({ a: z.discriminatedUnion("k", [z.object({ k: z.literal("x") })]) }),
      true,
    ],
    [
      "an intersection of objects",
      z.object({ a: z.intersection(z.object({ b: z.string() }), z.object({ c: z.string() })) }),
      true,
    ],
    ["other properties allowed", z.looseObject({ a: z.string() }), false],
    ["a record", z.object({ counts: z.record(z.string(), z.number()) }), false],
    ["a value of any type", z.object({ a: z.unknown() }), false],
    ["a tuple", z.object({ a: z.tuple([z.string(), z.number()]) }), false],
    ["an array at the root", z.array(z.string()), false],
    ["alternatives at the root", z.union([z.object({ a: z.string() }), z.object({ b: z.string() })]), false],
  ])("can say %s: %#", (_, schema, expected) => {
    expect(toStrictSchema(toJsonSchema(schema)) !== null).toBe(expected);
  });

  it("requires every key, closes every object, and lets an optional key be null", () => {
    const schema = z.object({
      name: z.string().min(2).optional(),
      kind: z.enum(["a", "b"]).optional(),
      list: z.array(z.object({ n: z.number().optional() })),
    });
    expect(toStrictSchema(toJsonSchema(schema))).toEqual({
      type: "object",
      properties: {
        name: { type: ["string", "null"], description: "(minLength: 2)" },
        kind: { anyOf: [{ type: "string", enum: ["a", "b"] }, { type: "null" }] },
        list: {
          type: "array",
          items: {
            type: "object",
            properties: { n: { type: ["number", "null"] } },
            required: ["n"],
            additionalProperties: false,
          },
        },
      },
      required: ["name", "kind", "list"],
      additionalProperties: false,
    });
  });

  it("refuses more than ten levels", () => {
    const nested = (levels: number): z.ZodType =>
      levels === 0 ? z.string() : z.object({ in: nested(levels - 1) });
    expect(toStrictSchema(toJsonSchema(nested(10)))).not.toBeNull();
    expect(toStrictSchema(toJsonSchema(nested(11)))).toBeNull();
  });
});

describe("null at a key", () => {
  const schema = toJsonSchema(
    z.object({
      a: z.string(),
      b: z.string().optional(),
      c: z.string().nullable().optional(),
      d: z.array(z.object({ e: z.number().optional() })).optional(),
      any: z.unknown().optional(),
    }),
  );
  it.each([
    [{ a: "x", b: null }, { a: "x" }],
    [{ a: null }, { a: null }],
    [
      { a: "x", c: null },
      { a: "x", c: null },
    ],
    [
      { a: "x", d: [{ e: null }, { e: 1 }] },
      { a: "x", d: [{}, { e: 1 }] },
    ],
    [
      { a: "x", any: null, other: null },
      { a: "x", any: null, other: null },
    ],
  ])("in %j reads %j", (value, expected) => {
    expect(dropAbsent(value, schema)).toEqual(expected);
  });
});

describe("the carriers of a schema", () => {
  const object = { type: "object", properties: { a: { type: "string" } }, required: ["a"] };
  it("are tried from the strongest on, or from the chosen one on", () => {
    const openAi = { format: "openai", tool: true } as const;
    expect(carriersFor(object, openAi)).toEqual(["strict", "schema", "tool", "json", "instructions"]);
    expect(carriersFor(object, { ...openAi, chosen: "tool" })).toEqual(["tool", "json", "instructions"]);
    expect(carriersFor({ type: "array" }, openAi)).toEqual(["instructions"]);
    expect(carriersFor({ type: "array" }, { format: "ollama", tool: true })).toEqual([
      "schema",
      "instructions",
    ]);
    expect(carriersFor(object, { format: "none", tool: true })).toEqual(["tool", "instructions"]);
  });
});
