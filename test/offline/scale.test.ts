import { describe, expect, it } from "@jest/globals";
import { collectReply } from "../../src/models/port.js";
import { offlineModel } from "../../src/offline/offline-model.js";
import { cpuMs } from "../support/cpu-ms.js";
import { labelledTexts } from "./texts.js";

const ask = (content: string) =>
  collectReply(
    offlineModel().call({
      messages: [
        { role: "system", content: "List the pros and cons by aspect." },
        { role: "user", content },
      ],
      tools: [],
      schema: null,
      modelOptions: {},
      node: "n",
      item: null,
      invocation: null,
      turn: 0,
      attempt: 1,
      signal: new AbortController().signal,
    }),
  );
/** A refusal takes its time as an answer does. */
const timeOf = (content: string) => cpuMs(() => ask(content).catch(() => undefined), 1);
const prose = (size: number, salt: string) =>
  labelledTexts
    .map(({ text }) => text)
    .join("\n\n")
    .repeat(Math.ceil(size / 2_500))
    .slice(0, size) + salt;

describe("the offline model on long texts", () => {
  it("takes time in proportion to the length of prose and answers shortly", async () => {
    await timeOf(prose(20_000, "."));
    const [short, long] = [await timeOf(prose(20_000, "!")), await timeOf(prose(200_000, "!"))];
    expect(long / Math.max(short, 5)).toBeLessThan(60);
    expect((await ask(prose(200_000, "!"))).text.length).toBeLessThan(10_000);
  });

  it.each([
    ["one word", "a"],
    ["no sentence end", "not good "],
    ["digits", "1"],
    ["brackets", "("],
  ])("stays in proportion on hostile text: %s", async (_, piece) => {
    await timeOf(prose(20_000, "?"));
    const usual = await timeOf(prose(200_000, `${piece}.`));
    expect((await timeOf(piece.repeat(200_000 / piece.length))) / Math.max(usual, 50)).toBeLessThan(12);
  });
});
