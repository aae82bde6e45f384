import { describe, expect, it } from "@jest/globals";
import { collectReply, type ModelChunk, type ModelRequest } from "../../src/models/port.js";
import { renderSections } from "../../src/models/sections.js";
import { offlineModel } from "../../src/offline/offline-model.js";

const request = (over: Partial<ModelRequest>): ModelRequest => ({
  messages: [],
  tools: [],
  schema: null,
  modelOptions: {},
  node: "n",
  item: null,
  invocation: null,
  turn: 0,
  attempt: 1,
  signal: new AbortController().signal,
  ...over,
});
const ask = (instructions: string, text: string, over: Partial<ModelRequest> = {}) =>
  collectReply(
    offlineModel().call(
      request({
        messages: [
          { role: "system", content: instructions },
          { role: "user", content: renderSections([{ label: "input", content: text }]) },
        ],
        ...over,
      }),
    ),
  );

describe("the offline model", () => {
  const text =
    "The kettle boils quickly and looks great. The lid is flimsy and the handle gets hot. It costs $35.";

  it("lists praise under pros and blame under cons", async () => {
    const [pros, cons] = (await ask("List the pros and cons by aspect.", text)).text.split("\n\n");
    expect(pros).toContain("boils quickly");
    expect(cons).toContain("flimsy");
    expect(pros).not.toContain("flimsy");
  });

  it.each([
    ["Neither the screen nor the battery is good.", false],
    ["Neither the screen nor the battery is bad.", true],
    ["It is neither fast nor reliable.", false],
    ["It is not fast nor reliable.", false],
    ["It is neither comfortable, nor sturdy, nor cheap.", false],
    ["The battery is good and neither the case nor the strap is flimsy.", true],
    ["Neither my wife nor I were disappointed.", true],
    ["I like neither the screen nor the battery.", false],
    ["I liked none of it.", false],
    ["I love nothing more than this lamp.", true],
  ])("reads a denial in two words as one, before a verb or as its object: %s", async (text, isPraise) => {
    const { text: answer } = await ask("Judge the sentiment of the review.", text);
    expect(answer).toMatch(isPraise ? /^Sentiment: positive/ : /^Sentiment: negative/);
  });

  it("streams its text in several pieces and finishes with stop", async () => {
    const chunks: ModelChunk[] = [];
    await collectReply(
      offlineModel().call(
        request({
          messages: [
            { role: "system", content: "List the pros and cons." },
            { role: "user", content: text },
          ],
        }),
      ),
      (chunk) => chunks.push(chunk),
    );
    expect(chunks.filter((chunk) => chunk.type === "text").length).toBeGreaterThan(3);
    expect(chunks.at(-1)).toEqual({ type: "finish", reason: "stop" });
    expect(chunks.some((chunk) => chunk.type === "usage")).toBe(false);
  });

  it("fills a schema with what the text states and null for what it does not", async () => {
    const schema = {
      type: "object",
      properties: { price: { type: "number" }, warrantyYears: { type: ["number", "null"] } },
      required: ["price", "warrantyYears"],
    };
    expect(JSON.parse((await ask("Extract the facts.", text, { schema })).text)).toEqual({
      price: 35,
      warrantyYears: null,
    });
  });
});
