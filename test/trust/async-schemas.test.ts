import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { DagValidationError, defineDag, run, validate } from "agent-dag";
import { z } from "zod";
import { replyModel } from "../support/reply-model.js";

const rejected: unknown[] = [];
const note = (reason: unknown) => rejected.push(reason);
beforeAll(() => void process.on("unhandledRejection", note));
afterAll(() => void process.off("unhandledRejection", note));

let asked = 0;
const isBook = async (text: string) => {
  asked++;
  await null;
  if (text === "broken") throw new Error("the catalogue is down");
  return text === "book";
};
const cases: [string, z.ZodType][] = [
  ["an async function", z.string().refine(isBook, "no book")],
  ["a function that gives a promise", z.string().refine((text) => isBook(text), "no book")],
  [
    "a superRefine",
    z.string().superRefine(async (text, ctx) => void ((await isBook(text)) || ctx.addIssue("no book"))),
  ],
];

function around(schema: z.ZodType, input: unknown) {
  const shelf = defineDag({
    name: "shelf",
    input: z.object({ title: schema, copies: z.number() }),
    nodes: { a: { run: ({ input }) => (input as { title: unknown }).title as string } },
  });
  return {
    name: "around",
    nodes: { words: { run: () => "book" }, g: { needs: ["words"], dag: shelf, input } },
  };
}

describe.each(cases)("a schema that has to wait (%s)", (_, schema) => {
  afterAll(async () => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(rejected).toEqual([]);
  });

  it.each([
    ["book", "completed"],
    ["other", "failed"],
    ["broken", "failed"],
  ])("is asked at run time for a literal of a graph's input: %s", async (title, state) => {
    const spec = around(schema, { title, copies: 1 });
    expect(validate(spec)).toEqual([]);
    expect((await run(defineDag(spec as never), "x")).state).toBe(state);
  });

  it("still finds early what needs no waiting", () => {
    const codes = (input: unknown) =>
      validate(around(schema, input)).map(({ code, path }) => `${code} ${path}`);
    expect(codes({ title: "book" })).toEqual(["missing-input nodes.g.input"]);
    expect(codes({ title: 4, copies: 1 })).toEqual(["bad-input nodes.g.input.title"]);
    expect(codes({ title: { $ref: { node: "words" } }, copies: 1 })).toEqual([]);
    expect(() => defineDag(around(schema, {}) as never)).toThrow(DagValidationError);
  });

  it("holds for an input, a function's value, an answer and the context", async () => {
    const states = async (text: string) => {
      const model = replyModel(() => JSON.stringify({ title: text }));
      const output = z.object({ title: schema });
      const one = (node: object, more: object = {}) =>
        ({ name: "one", ...more, nodes: { a: node } }) as never;
      const given: [unknown, unknown, object][] = [
        [one({ run: () => 1 }, { input: output }), { title: text }, {}],
        [one({ run: () => 1 }, { context: output }), "x", { context: { title: text } }],
        [one({ run: () => ({ title: text }), output }), "x", {}],
        [one({ instructions: "Name it.", output }), "x", { model }],
        [one({ run: ({ ask }: any) => ask("Name it.", { schema: output }) }), "x", { model }],
      ];
      return Promise.all(
        given.map(([spec, input, options]) =>
          run(defineDag(spec as never), input as never, options).then(
            ({ state }) => state,
            ({ code }) => code,
          ),
        ),
      );
    };
    expect(await states("book")).toEqual(["completed", "completed", "completed", "completed", "completed"]);
    const refused = ["INPUT_INVALID", "CONTEXT_INVALID", "failed", "failed", "failed"];
    expect(await states("other")).toEqual(refused);
    expect(await states("broken")).toEqual(refused);
  });
});

it("does not begin an async function while a graph is declared", () => {
  asked = 0;
  validate(around(cases[0]?.[1] as z.ZodType, { title: "book", copies: 1 }));
  expect(asked).toBe(0);
});
