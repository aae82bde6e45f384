import { describe, expect, it } from "@jest/globals";
import { parse } from "yaml";
import { yamlText } from "../../src/report/yaml-text.js";
import fc from "../support/drawn.js";

const anyText = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({
    unit: fc.constantFrom(
      "a",
      " ",
      "\n",
      "\r",
      "\t",
      ":",
      "#",
      "-",
      '"',
      "'",
      "|",
      "\u0085",
      "\uD800",
      "\uFEFF",
    ),
  }),
);

describe("yamlText", () => {
  it("brings back every JSON value it wrote", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.dictionary(anyText, anyText), (value, texts) => {
        expect(parse(yamlText({ value, texts }))).toEqual(JSON.parse(JSON.stringify({ value, texts })));
      }),
      { numRuns: 500 },
    );
  });

  it("keeps a number and the text of it apart", () => {
    expect(yamlText({ a: 42, b: "42", c: null, d: "null" })).toBe('a: 42\nb: "42"\nc: null\nd: "null"\n');
  });

  it("shows several lines as a block and never folds a long one", () => {
    const long = "word ".repeat(60).trim();
    expect(yamlText({ text: "one\ntwo", long })).toBe(`text: |-\n  one\n  two\nlong: ${long}\n`);
  });
});
