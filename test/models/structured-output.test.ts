import { describe, expect, it } from "@jest/globals";
import { z } from "zod";
import { isStrictSchema, schemaCarrier } from "../../src/models/structured-output.js";
import type { JsonSchema } from "../../src/spec/shape.js";

const jsonSchema = (schema: z.ZodType) => z.toJSONSchema(schema) as JsonSchema;

describe("isStrictSchema", () => {
  it.each([
    [
      "nested objects and enums",
      z.object({ label: z.enum(["a", "b"]), inner: z.object({ n: z.number() }) }),
      true,
    ],
    ["null instead of optional", z.object({ why: z.string().nullable() }), true],
    ["arrays of objects", z.object({ items: z.array(z.object({ name: z.string() })) }), true],
    ["an optional property", z.object({ why: z.string().optional() }), false],
    [
      "an optional property deep inside",
      z.object({ items: z.array(z.object({ a: z.string().optional() })) }),
      false,
    ],
    ["other properties allowed", z.looseObject({ a: z.string() }), false],
    ["a record", z.object({ counts: z.record(z.string(), z.number()) }), false],
    ["a string's length", z.object({ a: z.string().min(1) }), false],
    ["an array at the root", z.array(z.string()), false],
    ["alternatives at the root", z.union([z.object({ a: z.string() }), z.object({ b: z.string() })]), false],
  ])("%s", (_, schema, expected) => {
    expect(isStrictSchema(jsonSchema(schema))).toBe(expected);
  });

  it("refuses more than ten levels", () => {
    const nested = (levels: number): z.ZodType =>
      levels === 0 ? z.string() : z.object({ in: nested(levels - 1) });
    expect(isStrictSchema(jsonSchema(nested(10)))).toBe(true);
    expect(isStrictSchema(jsonSchema(nested(11)))).toBe(false);
  });
});

describe("schemaCarrier", () => {
  it("puts what is not an object in words, since formats and tools take objects only", () => {
    expect(schemaCarrier({ type: "array" }, { openAi: true, tools: true })).toBe("instructions");
    expect(schemaCarrier({ type: "object" }, { openAi: true, tools: true })).toBe("response-format");
    expect(schemaCarrier({ type: "object" }, { openAi: false, tools: true })).toBe("tool");
    expect(schemaCarrier({ type: "object" }, { openAi: false, tools: false })).toBe("instructions");
  });
});
