import { describe, expect, it } from "@jest/globals";
import {
  agentOn,
  begin,
  block,
  candidate,
  chat,
  chatCall,
  done,
  google,
  ollama,
  stop,
} from "../support/wire-agent.js";

describe("calls of tools", () => {
  const said = {
    anthropic: [
      begin,
      ...block(0, { type: "text", text: "" }, { type: "text_delta", text: "done" }),
      ...stop("end_turn"),
    ],
    mistralai: [chat({ role: "assistant", content: "done" }), chat({}, "stop")],
    deepseek: [chat({ role: "assistant", content: "done" }), chat({}, "stop")],
    "google-genai": [candidate("STOP", [{ text: "done" }])],
    google: [candidate("STOP", [{ text: "done" }])],
    ollama: [ollama({ content: "done" }), done({ done_reason: "stop" })],
  };
  const googleCalls = (id: string | undefined) =>
    candidate(
      "STOP",
      ["a", "b"].map((folder) => ({ functionCall: { name: "wipe", args: { folder }, ...(id && { id }) } })),
    );
  const twice = (id: string | undefined) => ({
    anthropic: [
      begin,
      ...["a", "b"].flatMap((folder, index) =>
        block(
          index,
          { type: "tool_use", id: id ?? "", name: "wipe", input: {} },
          {
            type: "input_json_delta",
            partial_json: JSON.stringify({ folder }),
          },
        ),
      ),
      ...stop("tool_use"),
    ],
    mistralai: [
      chat({ role: "assistant", tool_calls: [chatCall(id, "a", 0), chatCall(id, "b", 1)] }),
      chat({}, "tool_calls"),
    ],
    deepseek: [
      chat({ role: "assistant", tool_calls: [chatCall(id, "a", 0), chatCall(id, "b", 1)] }),
      chat({}, "tool_calls"),
    ],
    "google-genai": [googleCalls(id)],
    google: [googleCalls(id)],
    ollama: [
      ...["a", "b"].map((folder) =>
        ollama({ tool_calls: [{ ...(id && { id }), function: { name: "wipe", arguments: { folder } } }] }),
      ),
      done({ done_reason: "stop" }),
    ],
  });
  const providers = Object.keys(said) as (keyof typeof said)[];

  it.each(
    providers.flatMap((provider) =>
      ["abcdefghi", "", undefined].map(
        (id) => [provider, id === undefined ? "missing" : `"${id}"`, id] as const,
      ),
    ),
  )("%s: two with the id %s each run, and keep apart", async (provider, _, id) => {
    const run = await agentOn(provider, { replies: [twice(id)[provider], said[provider]] });
    expect(run.outcome).toMatchObject({ state: "completed", value: "done" });
    expect(run.wiped).toEqual([{ folder: "a" }, { folder: "b" }]);
    const back = JSON.stringify(run.bodies[1]);
    const ids = [...back.matchAll(/"(?:tool_call_id|tool_use_id)":"([^"]*)"/g)].map((found) => found[1]);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).not.toContain("");
  });
});

describe("thoughts", () => {
  it("of Anthropic go back signed, in their place", async () => {
    const thinking = block(
      0,
      { type: "thinking", thinking: "", signature: "" },
      { type: "thinking_delta", thinking: "hm" },
      { type: "signature_delta", signature: "SIG" },
    );
    const hidden = block(1, { type: "redacted_thinking", data: "RED" });
    const wipe = block(2, { type: "tool_use", id: "t", name: "wipe", input: {} });
    const end = block(0, { type: "text", text: "" }, { type: "text_delta", text: "done" });
    const run = await agentOn("anthropic", {
      replies: [
        [begin, ...thinking, ...hidden, ...wipe, ...stop("tool_use")],
        [begin, ...end, ...stop("end_turn")],
      ],
    });
    expect(run.outcome).toMatchObject({ value: "done" });
    expect(run.bodies[1]?.messages?.[1]).toMatchObject({
      role: "assistant",
      content: [
        { type: "thinking", thinking: "hm", signature: "SIG" },
        { type: "redacted_thinking", data: "RED" },
        { type: "tool_use", id: "t", input: {} },
      ],
    });
  });

  it("of DeepSeek go back with the calls they led to", async () => {
    const run = await agentOn("deepseek", {
      replies: [
        [
          chat({ role: "assistant", content: null, reasoning_content: "hm" }),
          chat({ tool_calls: [chatCall("a", "x", 0)] }),
          chat({}, "tool_calls"),
        ],
        [chat({ content: "done" }), chat({}, "stop")],
      ],
    });
    expect(run.bodies[1]?.messages?.at(-2)).toMatchObject({ role: "assistant", reasoning_content: "hm" });
  });
});

describe("usage", () => {
  it.each(["google-genai", "google"])(
    "of Gemini holds the thoughts, which are paid beside the answer, and the cache: %s",
    async (provider) => {
      const usageMetadata = {
        promptTokenCount: 100,
        cachedContentTokenCount: 90,
        candidatesTokenCount: 10,
        thoughtsTokenCount: 40,
        totalTokenCount: 150,
      };
      const content = { role: "model", parts: [{ text: "Hello" }] };
      const reply = google({ candidates: [{ index: 0, finishReason: "STOP", content }], usageMetadata });
      const { call: told } = await agentOn(provider, { replies: [[reply]] });
      expect(told).toMatchObject({
        inputTokens: 100,
        cachedInputTokens: 90,
        outputTokens: 50,
        reasoningTokens: 40,
        estimated: false,
      });
    },
  );

  it.each([
    ["whole", { thoughtsTokenCount: 40 }, { inputTokens: 320, outputTokens: 50, reasoningTokens: 40 }],
    ["without thoughts", {}, { inputTokens: 320, outputTokens: 10 }],
  ])("of Gemini holds what its own tools gave it to read as input: %s", async (_, thoughts, expected) => {
    const all = {
      promptTokenCount: 100,
      candidatesTokenCount: 10,
      toolUsePromptTokenCount: 220,
      ...thoughts,
    };
    const totalTokenCount = Object.values(all).reduce((sum, count) => sum + count, 0);
    const first = { promptTokenCount: 100, candidatesTokenCount: 2, totalTokenCount: 102 };
    const said = (text: string, usageMetadata: object, finishReason?: string) =>
      google({
        candidates: [{ index: 0, finishReason, content: { role: "model", parts: [{ text }] } }],
        usageMetadata,
      });
    const last = said("lo", { ...all, totalTokenCount }, "STOP");
    for (const reply of [[last], [said("Hel", first), last]]) {
      const { call: told } = await agentOn("google", { replies: [reply] });
      expect(told).toMatchObject({ ...expected, estimated: false });
    }
  });

  it("of Ollama's servers of old, whose replies end without a reason, counts", async () => {
    const run = await agentOn("ollama", { replies: [[ollama({ content: "Hello" }), done({})]] });
    expect(run.outcome).toMatchObject({ state: "completed", value: "Hello" });
    expect(run.call).toMatchObject({ inputTokens: 12, outputTokens: 5, estimated: false });
  });
});
