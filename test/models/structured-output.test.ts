import { describe, expect, it } from "@jest/globals";
import { z } from "zod";
import { toOpenAiTool } from "../../src/models/langchain-messages.js";
import { withoutLookaround } from "../../src/models/schema-patterns.js";
import { dropAbsent, toStrictSchema } from "../../src/models/strict-schema.js";
import { carriersFor, responseFormat } from "../../src/models/structured-output.js";
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

describe("null at a key, wherever it stands", () => {
  const inner = z.object({ a: z.string(), b: z.string().optional() });
  const row = { a: "x", b: null };
  const shape = z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("a"), note: z.string().optional() }),
    z.object({ kind: z.literal("b"), note: z.string().nullable() }),
  ]);
  it.each<[string, z.ZodType, unknown, unknown]>([
    ["in a record", z.record(z.string(), inner), { k: row }, { k: { a: "x" } }],
    ["of a record", z.partialRecord(z.enum(["p", "q"]), z.number()), { p: 1, q: null }, { p: 1 }],
    ["that a record may hold", z.record(z.string(), z.number().nullable()), { p: null }, { p: null }],
    ["beside a record's keys", inner.catchall(inner), { ...row, more: row }, { a: "x", more: { a: "x" } }],
    ["in a tuple", z.tuple([inner, z.number()]), [row, 1], [{ a: "x" }, 1]],
    ["in the rest of a tuple", z.tuple([z.number()], inner), [1, row, row], [1, { a: "x" }, { a: "x" }]],
    ["of the alternative that is meant", shape, { kind: "a", note: null }, { kind: "a" }],
    ["of the other alternative", shape, { kind: "b", note: null }, { kind: "b", note: null }],
    ["of alternatives in a list", z.array(shape), [{ kind: "a", note: null }], [{ kind: "a" }]],
  ])("%s", (_, schema, value, expected) => {
    const read = dropAbsent(value, toJsonSchema(schema));
    expect(read).toEqual(expected);
    expect(schema.safeParse(read).success).toBe(true);
  });

  it("of a key by a pattern of its name", () => {
    const schema = { type: "object", patternProperties: { "^x-": { type: "string" } } };
    expect(dropAbsent({ "x-a": null, "x-b": "1", c: null }, schema)).toEqual({ "x-b": "1", c: null });
  });
});

describe("a pattern that looks ahead or behind", () => {
  const ahead = "^(?!a).+$";
  const schema = {
    type: "object",
    properties: {
      pattern: { type: "string", pattern: "^\\d+$" },
      list: { type: "array", items: { anyOf: [{ type: "string", pattern: ahead, description: "A name." }] } },
      back: { $ref: "#/$defs/back" },
    },
    required: ["pattern", "list", "back"],
    additionalProperties: false,
    $defs: { back: { type: "string", pattern: "(?<=x)y" } },
  };
  const told = {
    properties: {
      pattern: { type: "string", pattern: "^\\d+$" },
      list: { items: { anyOf: [{ type: "string", description: `A name. (pattern: ${ahead})` }] } },
    },
    $defs: { back: { type: "string", description: "(pattern: (?<=x)y)" } },
  };

  it("is told in words, where a server refuses it: strict, not strict, in a tool", () => {
    expect(toStrictSchema(schema)).toMatchObject(told);
    const loose = { ...schema, additionalProperties: true };
    const sent = [
      (responseFormat(loose, "schema") as any).json_schema.schema,
      toOpenAiTool({ name: "t", description: "", parameters: schema }).function.parameters,
    ];
    for (const one of sent) {
      expect(one).toMatchObject(told);
      expect(JSON.stringify(one)).not.toContain('"pattern":"^(?!');
    }
  });

  it("leaves a schema without one as it is", () => {
    const plain = { type: "object", properties: { a: { type: "string", pattern: "^(?:a|b)$" } } };
    expect(withoutLookaround(plain)).toBe(plain);
  });
});

describe("the carriers of a schema", () => {
  const object = { type: "object", properties: { a: { type: "string" } }, required: ["a"] };
  it("are tried from the strongest on, or from the chosen one on", () => {
    const openAi = { format: "openai", tool: true } as const;
    expect(carriersFor(object, openAi)).toEqual(["strict", "schema", "tool", "json", "instructions"]);
    expect(carriersFor(object, { ...openAi, chosen: "tool" })).toEqual(["tool", "json", "instructions"]);
    expect(carriersFor({ type: "array" }, openAi)).toEqual(["schema", "tool", "json", "instructions"]);
    expect(carriersFor({ type: "string" }, openAi)).toEqual(["instructions"]);
    expect(carriersFor({ type: "array" }, { format: "ollama", tool: true })).toEqual([
      "schema",
      "tool",
      "json",
      "instructions",
    ]);
    expect(carriersFor(object, { format: "none", tool: true })).toEqual(["tool", "instructions"]);
  });
});
