import { describe, expect, it } from "@jest/globals";
import { z } from "zod";
import { readStructured } from "../../nodes/kinds/structured-output.js";

const answer = { label: "x", score: 1 };
const json = JSON.stringify(answer);
const schema = z.object({ label: z.string(), score: z.number() });
const read = async (text: string, as: z.ZodType = schema) => {
  const checked = await readStructured(text, as);
  return checked.ok ? checked.value : undefined;
};

describe("an answer", () => {
  it.each([
    ["hundreds of citations", `${"As said [1] ".repeat(250)}\n${json}`],
    ["hundreds of links", `${"(see [a](b)) ".repeat(210)}\n${json}`],
    ["hundreds of open brackets", `${"{ ".repeat(300)}\n${json}`],
    ["a set in words", `Let {x | x > 0}. ${json}`],
    ["a tag of its own", `<answer>\n${json}\n</answer>`],
    ["a quotation of Markdown", `> \`\`\`json\n> ${json}\n> \`\`\``],
    ["the end mark of a model", `${json}<|im_end|>`],
  ])("is found behind or within %s", async (_, text) => {
    expect(await read(text)).toEqual(answer);
  });

  it.each([
    ["as Python writes it", "{'label': 'x', 'score': 1}"],
    ["as Python writes it, in a fence", "Here:\n```python\n{'label': 'x', 'score': 1,}\n```"],
    ["with a comma too many", '{"label":"x","score":1,}'],
    ["with its quotes escaped", '{\\"label\\":\\"x\\",\\"score\\":1}'],
  ])("is read %s", async (_, text) => {
    expect(await read(text)).toEqual(answer);
  });

  it("is read with line breaks in its texts", async () => {
    expect(await read('{"label":"x\ny","score":1}')).toEqual({ label: "x\ny", score: 1 });
  });

  it.each<[string, z.ZodType, unknown]>([
    ["Yes.", z.enum(["yes", "no"]), "yes"],
    ["**42**", z.number(), 42],
    ["42.", z.int(), 42],
    ["-1.5", z.number().nullable(), -1.5],
    ["`2`", z.literal([1, 2]), 2],
    ["**True**", z.boolean(), true],
    ["false.", z.literal(false), false],
    ["nobody", z.string().nullable(), "nobody"],
    ["**yes**", z.enum(["yes", "no"]), "yes"],
  ])("of one word is read as %j says", async (text, as, value) => {
    expect(await read(text, as)).toBe(value);
  });

  it.each<[string, z.ZodType]>([
    ["The answer is 42.", z.number()],
    ["1,000", z.number()],
    ["3", z.literal([1, 2])],
    ["YES", z.enum(["yes", "Yes"])],
    ["Not yes", z.enum(["yes", "no"])],
    ["{'label': x, 'score': 1}", schema],
    ["truely", z.boolean()],
    [`${json}\n{"label":"y","score":2}`, schema],
    ['{"label":"x"', schema],
  ])("is not guessed at: %j", async (text, as) => {
    expect(await read(text, as)).toBeUndefined();
  });

  it("is looked for in bounded time", async () => {
    expect(await read("{[".repeat(100_000))).toBeUndefined();
    const blanks = " ".repeat(200_000);
    for (const begun of ["```json\n", "```json", "```"])
      for (const end of ["", "x", "`"]) expect(await read(`${begun}${blanks}${end}`)).toBeUndefined();
    expect(await read(`\`\`\`json\n${blanks}${json}${blanks}\n\`\`\``)).toEqual(answer);
  });
});

describe("what is wrong with an answer", () => {
  const a = z.object({ kind: z.literal("a"), v: z.string() });
  const b = z.object({ kind: z.literal("b"), w: z.number(), list: z.array(z.string()) });
  const problem = async (value: unknown, as: z.ZodType) => {
    const checked = await readStructured(JSON.stringify(value), as);
    return checked.ok ? undefined : checked.message;
  };

  it.each<[string, unknown, z.ZodType, string]>([
    [
      "the words that tell alternatives apart",
      { kind: "z" },
      z.union([a, b]),
      'kind: Invalid input: expected one of "a"|"b"',
    ],
    [
      "the nearest alternative",
      { items: [{ kind: "b", w: 1, list: [2] }] },
      z.object({ items: z.array(z.union([a, b])) }),
      "items.0: Invalid input (nearest alternative: items.0.list.0: Invalid input: expected string, received number)",
    ],
    [
      "the types of alternatives",
      { x: [] },
      z.object({ x: z.union([z.string(), z.number()]) }),
      "x: Invalid input: expected string or number",
    ],
    [
      "the words of alternatives",
      { x: "z" },
      z.object({ x: z.union([z.literal("y"), z.literal(3)]) }),
      'x: Invalid input: expected "y" or 3',
    ],
  ])("is told by %s", async (_, value, as, expected) => {
    expect(await problem(value, as)).toBe(expected);
  });

  it.each([1001, 20_000])(
    "is told where it is nested %d levels deep, also to a schema that holds itself",
    async (levels) => {
      const tree: z.ZodType = z.union([z.literal("leaf"), z.object({ in: z.lazy(() => tree) })]);
      const deep = `${'{"in":'.repeat(levels)}"leaf"${"}".repeat(levels)}`;
      for (const text of [deep, JSON.stringify(deep)])
        expect(await readStructured(text, tree)).toMatchObject({ ok: false });
      expect(await readStructured(deep, tree)).toMatchObject({
        message: expect.stringContaining("1000 levels"),
      });
    },
  );

  it("is told in bounds, however much of it is wrong", async () => {
    const told = (await problem({ n: Array(500).fill("x") }, z.object({ n: z.array(z.number()) }))) ?? "";
    expect(told.split("\n")).toHaveLength(21);
    expect(told).toMatch(/\nand 480 more$/);
    const words = z.enum(Array.from({ length: 400 }, (_, index) => `word ${index}`) as [string, ...string[]]);
    expect((await problem({ n: "x" }, z.object({ n: words })))?.length).toBeLessThan(500);
  });
});
