import { createHash } from "node:crypto";
import { expect, it } from "@jest/globals";
import { keepTexts, textOfParts } from "../../src/records/kept-text.js";

const hashOf = (text: string) => createHash("sha256").update(text).digest("hex").slice(0, 16);
const long = (letter: string) => letter.repeat(121);

function setUp() {
  const told: (readonly [string, string])[] = [];
  const keeper = keepTexts((hash, text) => told.push([hash, text]));
  return { told, parts: (text: string) => keeper.parts(text) };
}

it("keeps a short text in place, up to 120 characters", () => {
  const { parts, told } = setUp();
  expect(parts("")).toEqual([]);
  expect(parts("a".repeat(120))).toEqual(["a".repeat(120)]);
  expect(told).toEqual([]);
});

it("tells a long text once, by its hash", () => {
  const { parts, told } = setUp();
  const hash = hashOf(long("a"));
  expect(parts(long("a"))).toEqual([{ hash }]);
  expect(parts(long("a"))).toEqual([{ hash }]);
  expect(parts(long("b"))).toEqual([{ hash: hashOf(long("b")) }]);
  expect(told).toEqual([
    [hash, long("a")],
    [hashOf(long("b")), long("b")],
  ]);
});

it.each(["begin", "missing", "end"])(
  "takes a prompt apart at the lines that %s a section of data",
  (word) => {
    const { parts } = setUp();
    const line = `[data-0123456789ab ${word} "notes"]`;
    expect(parts(`${long("a")}${line}\n${long("b")}`)).toEqual([
      { hash: hashOf(long("a")) },
      `${line}\n`,
      { hash: hashOf(long("b")) },
    ]);
    expect(parts(line)).toEqual([line]);
  },
);

it.each([
  "[data-0123456789a begin x]",
  "[data-0123456789zz begin x]",
  "[data-0123456789ab went x]",
  "data-0123456789ab begin x",
])("does not take %j for such a line", (line) => {
  expect(setUp().parts(`one${line}two`)).toEqual([`one${line}two`]);
});

it("puts parts together again, as long as each is known", () => {
  const { parts, told } = setUp();
  const text = `${long("a")}[data-0123456789ab begin "x"]\nshort`;
  const taken = parts(text);
  expect(textOfParts(taken, new Map(told))).toBe(text);
  expect(textOfParts(taken, new Map())).toBeNull();
  expect(textOfParts([], new Map())).toBe("");
});
