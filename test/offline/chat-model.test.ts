import { describe, expect, it } from "@jest/globals";
import { tool } from "@langchain/core/tools";
import { z } from "zod";
import { OfflineChatModel } from "../../src/offline/chat-model.js";

const model = new OfflineChatModel();
const review =
  "The kettle boils quickly and looks great. The lid is flimsy and the handle gets hot. It costs $35.";

describe("OfflineChatModel", () => {
  it("answers invoke from the text and invents no usage", async () => {
    const message = await model.invoke([
      ["system", "List the pros and cons."],
      ["human", review],
    ]);
    expect(message.text).toContain("boils quickly");
    expect(message.usage_metadata).toBeUndefined();
  });

  it("streams in pieces that add up to the same answer", async () => {
    const pieces: string[] = [];
    for await (const chunk of await model.stream([
      ["system", "List the pros and cons."],
      ["human", review],
    ]))
      pieces.push(chunk.text);
    expect(pieces.filter((piece) => piece !== "").length).toBeGreaterThan(3);
    expect(pieces.join("")).toBe(
      (
        await model.invoke([
          ["system", "List the pros and cons."],
          ["human", review],
        ])
      ).text,
    );
  });

  it("gives structured output that fits a zod schema", async () => {
    const schema = z.object({ label: z.enum(["positive", "mixed", "negative"]), price: z.number() });
    const value = await model.withStructuredOutput(schema).invoke([
      ["system", "Judge the sentiment."],
      ["human", review],
    ]);
    expect(value).toEqual({ label: expect.stringMatching(/mixed|positive/), price: 35 });
  });

  it("calls a bound tool once, then answers from its result", async () => {
    const calculator = tool(async () => "42", {
      name: "calculator",
      description: "Evaluates arithmetic",
      schema: z.object({ expression: z.string() }),
    });
    const bound = model.bindTools([calculator]);
    const first = await bound.invoke([["human", "What is 6 * 7?"]]);
    expect(first.tool_calls).toEqual([
      expect.objectContaining({ name: "calculator", args: { expression: "6 * 7" } }),
    ]);
    const result = await calculator.invoke({ ...first.tool_calls?.[0], type: "tool_call" } as never);
    const last = await bound.invoke([["human", "What is 6 * 7?"], first, result] as never);
    expect(last.tool_calls ?? []).toEqual([]);
    expect(last.text).toContain("42");
  });
});
