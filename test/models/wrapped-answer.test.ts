import { LLMock } from "@copilotkit/aimock";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { z } from "zod";
import { defineDag, run } from "../../src/index.js";
import { toStrictSchema } from "../../src/models/strict-schema.js";
import { unwrapper, wrappedSchema } from "../../src/models/wrapped-answer.js";
import { toJsonSchema } from "../../src/spec/schema.js";

const union = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("circle"), radius: z.number() }),
  z.object({ kind: z.literal("square"), side: z.number(), note: z.string().optional() }),
]);
interface Tree {
  readonly name: string;
  readonly inner: readonly Tree[];
}
const tree: z.ZodType<Tree> = z.lazy(() => z.object({ name: z.string(), inner: z.array(tree) }));
const shapes: [string, z.ZodType, unknown][] = [
  ["a list", z.array(z.string()), ["a", "}"]],
  ["an empty list", z.array(z.object({ a: z.string() })), []],
  ["alternatives", union, { kind: "circle", radius: 2 }],
  [
    "alternatives that any object fits",
    z.union([z.object({ a: z.string().optional() }), z.null()]),
    { a: "x" },
  ],
  [
    "alternatives with the wrapper's key",
    z.union([z.object({ answer: z.string() }), z.object({ b: z.number() })]),
    { answer: "x" },
  ],
  ["one of a few words", z.enum(["bug", "wish"]), "wish"],
  ["a number", z.number(), 4],
  ["a truth value", z.boolean(), false],
  ["alternatives of words and lists", z.union([z.string(), z.array(z.number())]), "so {it} is }"],
  ["a list of what refers to itself", z.array(tree), [{ name: "a", inner: [{ name: "b", inner: [] }] }]],
];

describe("a schema whose root is no object", () => {
  it.each(shapes)("reaches strict mode within one: %s", (_, schema) => {
    const wrapped = wrappedSchema(toJsonSchema(schema));
    expect(wrapped && toStrictSchema(wrapped.schema)).toMatchObject({
      type: "object",
      required: [wrapped?.key],
      additionalProperties: false,
    });
  });

  it("is left alone where it is an object, any text, or anything", () => {
    for (const schema of [z.object({ a: z.string() }), z.string(), z.unknown()])
      expect(wrappedSchema(toJsonSchema(schema))).toBeNull();
  });

  it("keeps what refers to its root", () => {
    const list = {
      type: "array",
      items: { anyOf: [{ type: "string" }, { $ref: "#" }, { $ref: "#/items" }] },
    };
    expect(wrappedSchema(list)?.schema).toEqual({
      type: "object",
      properties: { answer: { $ref: "#/$defs/answer" } },
      required: ["answer"],
      additionalProperties: false,
      $defs: {
        answer: {
          type: "array",
          items: {
            anyOf: [{ type: "string" }, { $ref: "#/$defs/answer" }, { $ref: "#/$defs/answer/items" }],
          },
        },
      },
    });
  });

  it("says alternatives of objects that name their type beside them", () => {
    const choice = (name: string) => ({ properties: { [name]: { type: "string" } }, required: [name] });
    const strict = toStrictSchema({
      type: "object",
      properties: { a: { type: "object", anyOf: [choice("b"), choice("c")] } },
      required: ["a"],
    });
    expect(strict).toMatchObject({
      properties: { a: { anyOf: [{ required: ["b"] }, { required: ["c"] }] } },
    });
    expect(strict).not.toHaveProperty("properties.a.additionalProperties");
  });
});

describe("the object around an answer", () => {
  const read = (pieces: readonly string[]) => {
    const reader = unwrapper("answer");
    const out = [...pieces.flatMap((piece) => reader.add(piece)), ...reader.end()];
    return out.map((piece) => (piece.type === "text" ? piece.text : "")).join("");
  };
  it.each([
    ['{"answer":[1,2]}', "[1,2]"],
    ['\n{ "answer" : {"a":{}} \n}\n', '{"a":{}}'],
    ['{"answer":"} "}', '"} "'],
    ['{"answer":[1,', "[1,"],
    ["[1,2]", "[1,2]"],
    ['{"other":1}', '{"other":1}'],
    ['{"ans', '{"ans'],
    ["Sure: {}", "Sure: {}"],
    ["", ""],
  ])("is taken off %j however it is cut", (text, expected) => {
    expect(read([text])).toBe(expected);
    expect(read([...text])).toBe(expected);
    for (let at = 0; at < text.length; at++) expect(read([text.slice(0, at), text.slice(at)])).toBe(expected);
  });
});

describe("an answer that is no object, from an OpenAI-compatible server", () => {
  const server = new LLMock({ port: 0, logLevel: "silent" });
  beforeAll(async () => {
    await server.start();
  });
  afterAll(() => server.stop());
  afterEach(() => {
    server.clearFixtures();
    server.clearRequests();
  });

  const cases = shapes.flatMap(([name, schema, value]) =>
    [true, false].flatMap((streamed) =>
      [true, false].map((obeys) => [name, streamed, obeys, schema, value] as const),
    ),
  );
  it.each(cases)("%s: streamed %s, format obeyed %s", async (_, streamed, obeys, schema, value) => {
    const key = wrappedSchema(toJsonSchema(schema))?.key ?? "";
    server.on({}, { content: JSON.stringify(obeys ? { [key]: value } : value) }, { chunkSize: 3 });
    process.env.OPENAI_BASE_URL = `${server.url}/v1`;
    const spec = defineDag({ name: "shapes", nodes: { a: { instructions: "Say it.", output: schema } } });
    const deltas: string[] = [];
    const record = await run(spec, "go", {
      model: "openai:gpt-4.1-mini",
      ...(streamed && {
        onEvent: (event) => {
          if (event.type === "call-delta") deltas.push(event.text);
        },
      }),
    }).finally(() => {
      delete process.env.OPENAI_BASE_URL;
    });
    expect(record.outcomes.a).toMatchObject({ state: "completed" });
    expect(record.outcomes.a).toHaveProperty("value", value);
    const [request, ...more] = server.getRequests();
    expect(more).toEqual([]);
    expect(request?.body).toMatchObject({
      response_format: { json_schema: { strict: true, schema: { required: [key] } } },
    });
    if (streamed) expect(JSON.parse(deltas.join(""))).toEqual(value);
  });
});
