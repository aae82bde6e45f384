import { describe, expect, it } from "@jest/globals";
import { thoughtFilter } from "../../src/models/thoughts.js";
import { cpuMs } from "../support/cpu-ms.js";

/** What a reader has at the end of a text that comes in pieces of so many characters. */
function read(text: string, size: number): { answer: string; thought: string } {
  const filter = thoughtFilter();
  let answer = "";
  let thought = "";
  const pieces = text.match(new RegExp(`[\\s\\S]{1,${size}}`, "g")) ?? [];
  for (const piece of [...pieces.flatMap((one) => filter.add(one)), ...filter.end()]) {
    if (piece.type === "restart") answer = "";
    else if (piece.type === "text") answer += piece.text;
    else thought += piece.text;
  }
  return { answer, thought };
}

const answer = '{"label":"x"}';
const sizes = [1, 2, 3, 7, 1000];

describe("thoughts", () => {
  it.each([
    `<think >hm</think>${answer}`,
    `<THINK\n>hm</Think >\r\n${answer}`,
    `<think type="deep" n=2>hm</think>${answer}`,
    `\u200b<think>hm</think>${answer}`,
    `<antThinking>hm</antThinking>${answer}`,
    `<mm:think>hm</mm:think>${answer}`,
    `<longcat_think>hm</longcat_think>${answer}`,
    `<inner_monologue>hm</inner_monologue>${answer}`,
    `<scratchpad>hm</scratchpad>${answer}`,
    `<thinking>hm</think>${answer}`,
    `<thinking>hm <think>more</think></thinking>${answer}`,
    `<|begin_of_thought|>hm<|end_of_thought|>\n<|begin_of_solution|>${answer}<|end_of_solution|>`,
    `<|START_THINKING|>hm<|END_THINKING|><|START_RESPONSE|>${answer}<|END_RESPONSE|>`,
    `<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>${answer}<|return|>`,
    `<|start|>assistant<|channel|>analysis<|message|>hm<|channel|>final <|constrain|>json<|message|>${answer}`,
    `<|channel>thought\nhm<channel|>${answer}`,
    `<unused94>thought\nhm<unused95>${answer}`,
    `hm\r\n</think>\r\n${answer}`,
    `hm\n</seed:think>\n${answer}`,
    `First {"label":"draft"}, hm.</think>\n\n${answer}`,
    `hm</think>${answer}`,
    `hm </think>\n\n\n</think>${answer}`,
    `hm, maybe {"label":"draft"}</think> ${answer}`,
    `{"label":"draft"} hm</think>\n${answer}`,
    `hm\n</think>${answer}`,
    `hm[/THINK]${answer}`,
    `hm</seed:think>${answer}`,
    `<think>a <think>b</think> hm</think>${answer}`,
    `<think>a <think>b <think>c</think> d\n</think>\nhm</think>\n\n${answer}`,
    `<think>hm, it says {"a":"<think>"}.</think>${answer}`,
    `[thinking]hm[/thinking]${answer}`,
    `<|think|>hm<|/think|>${answer}`,
    `<|inner_prefix|>hm<|inner_suffix|>${answer}`,
  ])("are no part of the answer: %j", (text) => {
    for (const size of sizes) {
      const said = read(text, size);
      expect([size, said.answer.trim()]).toEqual([size, answer]);
      expect(said.thought).toContain("hm");
    }
  });

  it.each([
    ["I will say hello, hm.</think>Hello", "Hello"],
    ["okay, hm</think>\n\nHello there", "Hello there"],
    ["<think>a <think>b</think> hm</think>Hello", "Hello"],
    ["hm</think>```json\n{}\n```", "```json\n{}\n```"],
  ])("are no part of a text: %j", (text, expected) => {
    for (const size of sizes) {
      const said = read(text, size);
      expect([size, said.answer.trim()]).toEqual([size, expected]);
      expect(said.thought).toContain("hm");
    }
  });

  it.each([
    `<think/>${answer}`,
    `<|begin_of_box|>${answer}<|end_of_box|>`,
    `</think>\n\n${answer}`,
    `<|channel|>final<|message|>${answer}<|return|>`,
    `<|channel|>final <|constrain|>json<|message|>${answer}`,
  ])("of none and marks are left out: %j", (text) => {
    for (const size of sizes) expect(read(text, size)).toEqual({ answer: answer, thought: "" });
  });

  it.each(["<think>hm", "hm\n</think>", "hm\n</think>\n\n", "<|START_THINKING|>hm"])(
    "may be all there is: %j",
    (text) => {
      for (const size of sizes) expect(read(text, size).answer).toBe("");
    },
  );

  it.each([
    "<thinker>is a person</thinker>",
    "<thought-out plan>",
    "<think about it> is what it says.",
    "<reasoning_effort>high",
    "<|> is an operator",
    "<",
    "[thin",
    "Write the tag </think>.\n\nThen go on.",
    "Tags: <think>, </think>\nand more.",
    '{"a":"x.</think>\\n\\ny"}',
    '{"a":"b</think>{\\"c\\":1}"}',
    '{"a":"b", "c":"d.</think>Hello"}',
    'Here it is: {"html":"<p>b</think>[1]"}',
    "It writes <think>hm</think>{} before it answers.",
    "It writes <think>hm</think>\n\nThen it answers.",
    "Use `</think>` or '</think>' to end, or \"x</think>\".",
    'const end = "hm</think>{";\nconst more = 1;',
    "```js\nsay(hm</think>{})\n```",
    `${answer}<|return|>`,
  ])("do not take in what is the answer: %j", (text) => {
    for (const size of sizes) expect(read(text, size)).toEqual({ answer: text, thought: "" });
  });

  it("are read in time that grows with the text alone", async () => {
    const long = `<|${"a ".repeat(50_000)}\n</think\n`;
    const timeOf = (times: number) =>
      cpuMs(() => expect(read(long.repeat(times), 40).answer).toHaveLength(long.length * times));
    // Sixteen times the text: sixteen times the time, where a step for each pair of characters would take 256 times.
    expect((await timeOf(16)) / Math.max(await timeOf(1), 1)).toBeLessThan(64);
    const quoted = 'say("hm</think>{");\n'.repeat(20_000);
    expect(read(quoted, 40)).toEqual({ answer: quoted, thought: "" });
  });
});
