import { describe, expect, it } from "@jest/globals";
import { z } from "zod";
import { defineDag } from "../../src/index.js";
import { answerTags } from "../../src/models/answer-tags.js";
import { answer, once, server, text } from "../support/real-replies.js";
import { type Line, stream } from "./replies.js";

const sizes = [1, 2, 3, 7, 1000];

/** A reply that comes in pieces of so many characters. */
const inPieces = (content: string, size: number, ...before: readonly Line[]) =>
  stream(
    ...before,
    ...(content.match(new RegExp(`[\\s\\S]{1,${size}}`, "g")) ?? []).map(
      (piece): Line => [{ content: piece }],
    ),
    [{}, "stop"],
  );

/** What an agent's answer is, whatever the pieces in which the reply comes, seen live or not. */
async function valueIn(content: string, { instructions = "Speak.", before = [] as Line[] } = {}) {
  const spec = defineDag({ name: "tags", nodes: { a: { instructions } } });
  const values = new Set<unknown>();
  for (const size of sizes) {
    const given = await answer(spec, [inPieces(content, size, ...before)], { ...once, onEvent() {} });
    values.add(given.outcome.value ?? given.outcome.error);
    await server?.close();
  }
  expect(values.size).toBe(1);
  return [...values][0];
}

describe("an answer in `<answer>` behind thoughts", () => {
  it.each([
    "<think>\nhm\n</think>\n<answer>\nIt is\n\n 42.\n</answer>",
    "<think>hm</think><answer>It is\n\n 42.</answer>\n\n",
    "<think></think>\n\n<ANSWER> It is\n\n 42. </ANSWER>",
    "<think>hm</think><answer>It is\n\n 42.",
    "hm\n</think>\n\n<answer>It is\n\n 42.</answer>",
    "<thinking>hm <answer>41</answer></thinking><answer>It is\n\n 42.</answer>",
  ])("is what stands in it: %j", async (content) => {
    expect(await valueIn(content)).toBe("It is\n\n 42.");
  });

  it("is what stands in it where the server tells thoughts apart", async () => {
    const before: Line[] = [[{ role: "assistant", reasoning_content: "hm" }]];
    expect(await valueIn("\n\n<answer>\n42\n</answer>", { before })).toBe("42");
  });

  it("fits a schema, also one whose value is put into an object", async () => {
    const spec = defineDag({
      name: "list",
      nodes: { a: { instructions: "List.", output: z.array(z.string()) } },
    });
    const content = '<think>hm</think><answer>{"answer":["x","y"]}</answer>';
    expect((await answer(spec, [inPieces(content, 4)], once)).outcome).toMatchObject({ value: ["x", "y"] });
  });

  it.each([
    "<answer>42</answer>",
    "<think>hm</think>Write <answer>42</answer>.",
    "<think>hm</think>`<answer>` is a tag.",
    "<think>hm</think><answer> and </answer> are tags.",
    "<think>hm</think><answer>42</answer> is how it is written.",
    "<think>hm</think><answer>1</answer><answer>2</answer>",
    "<think>hm</think><answer>Write <answer>42</answer></answer>",
    "<think>hm</think><answer> is what it begins with.",
    "<think>hm</think><answer>, as they say",
    "<think>hm</think><answers>42</answers>",
    "<think>hm</think><answer",
    '<think>hm</think>{"x":"<answer>42</answer>"}',
  ])("is left as it came where it is anything else: %j", async (content) => {
    expect(await valueIn(content)).toBe(content.replace("<think>hm</think>", ""));
  });

  it.each(["Put the result in <answer></answer>.", "Answer in XML: an answer element.", "Use answer tags."])(
    "keeps tags that the request asked for: %s",
    async (instructions) => {
      expect(await valueIn("<think>hm</think><answer>42</answer>", { instructions })).toBe(
        "<answer>42</answer>",
      );
    },
  );

  it("is taken off behind a million blanks, which are not searched again from each of them", () => {
    const blanks = " \n".repeat(500_000);
    const tags = answerTags({ messages: [], tools: [], schema: null });
    const pieces = [...tags.add(`<answer>4${blanks}2${blanks}</answer>`), ...tags.end()];
    const said = pieces.map((piece) => (piece.type === "text" ? piece.text : piece.type)).join("");
    expect(said.trim()).toBe(`4${blanks}2`);
  });

  it("that breaks off is told with what came of it", async () => {
    const cut = stream([{ content: "<think>hm</think><answer>It is" }], [{}, "length"]);
    expect((await answer(text, [cut], once)).outcome).toMatchObject({
      error: { code: "REPLY_TRUNCATED", text: "It is" },
    });
  });
});
