import { describe, expect, it } from "@jest/globals";
import { DagError } from "../../src/errors.js";
import { recordCalls } from "../../src/models/call-recorder.js";
import { type Model, type ModelChunk, wrapModel } from "../../src/models/port.js";
import type { RunEvent, RunEventOf } from "../../src/records/events.js";
import { chunksOf, failureOf, request } from "./requests.js";

/** A model that sends `chunks`, 10 ms of its own clock before each, then throws `failure` if there is one. */
function recorded(chunks: ModelChunk[], failure?: unknown) {
  const events: RunEvent[] = [];
  let clockMs = 100;
  let calls = 0;
  const scripted: Model = {
    id: "openai:gpt-4.1-mini",
    async *call() {
      for (const chunk of chunks) {
        clockMs += 10;
        yield chunk;
      }
      clockMs += 10;
      if (failure !== undefined) throw failure;
    },
  };
  const emit = (event: RunEvent) => events.push(event);
  const model = wrapModel(scripted, [
    recordCalls({ emit, nowMs: () => clockMs, nextId: () => `call-${++calls}` }),
  ]);
  const ended = () =>
    events.find((event): event is RunEventOf<"call-ended"> => event.type === "call-ended")?.call;
  return { model, events, ended };
}

const usage: ModelChunk = { type: "usage", inputTokens: 1000, outputTokens: 100 };
const finish: ModelChunk = { type: "finish", reason: "stop" };

describe("recordCalls", () => {
  it("records tokens, price and times of a call", async () => {
    const { model, events, ended } = recorded([
      { type: "text", text: "Hel" },
      { type: "text", text: "lo" },
      finish,
      usage,
    ]);
    await chunksOf(model, { node: "outer/inner", item: 2, attempt: 3, hedged: true });
    const key = { node: "outer/inner", item: 2, invocation: null };
    expect(events.slice(0, 3)).toEqual([
      { type: "call-started", atMs: 100, call: "call-1", attempt: 3, model: "openai:gpt-4.1-mini", ...key },
      { type: "call-delta", atMs: 110, call: "call-1", text: "Hel", ...key },
      { type: "call-delta", atMs: 120, call: "call-1", text: "lo", ...key },
    ]);
    expect(events).toHaveLength(4);
    expect(ended()).toEqual({
      id: "call-1",
      ...key,
      attempt: 3,
      model: "openai:gpt-4.1-mini",
      startedAtMs: 100,
      firstTokenMs: 10,
      durationMs: 50,
      inputTokens: 1000,
      outputTokens: 100,
      cachedInputTokens: 0,
      cacheWriteTokens: 0,
      reasoningTokens: 0,
      estimated: false,
      costUsd: expect.closeTo(0.00056, 10),
      toolCalls: [],
      finishReason: "stop",
      hedged: true,
      error: null,
    });
  });

  it("counts the tokens itself when the provider gives none, and says so", async () => {
    const { model, ended } = recorded([{ type: "text", text: "hello world" }, finish]);
    await chunksOf(model, { messages: [{ role: "user", content: "hello world" }] });
    expect(ended()).toMatchObject({ inputTokens: 9, outputTokens: 2, estimated: true });
  });

  it("keeps tool calls with their arguments, raw where they are not JSON", async () => {
    const { model, events, ended } = recorded([
      { type: "tool-call", index: 0, id: "a", name: "look", args: '{"at"' },
      { type: "tool-call", index: 0, args: ":1}" },
      { type: "tool-call", index: 1, id: "b", name: "look", args: "{oops" },
      usage,
    ]);
    await chunksOf(model);
    expect(ended()).toMatchObject({ firstTokenMs: 10, finishReason: null });
    expect(ended()?.toolCalls).toEqual([
      { id: "a", name: "look", args: { at: 1 } },
      { id: "b", name: "look", args: "{oops" },
    ]);
    expect(events.filter((event) => event.type === "call-delta").map((event) => event.text)).toEqual([
      "",
      "",
      "",
    ]);
  });

  it("ends a failed call in the record with its error, and passes the error on", async () => {
    const failure = new DagError("MODEL_SERVER_ERROR", "broken", { retryable: true });
    const { model, ended } = recorded([], failure);
    expect((await failureOf(model)).error).toBe(failure);
    expect(ended()).toMatchObject({
      error: { code: "MODEL_SERVER_ERROR", message: "broken" },
      firstTokenMs: null,
      inputTokens: 0,
      outputTokens: 0,
      estimated: false,
      costUsd: 0,
    });
  });

  it("counts what had come before a failure", async () => {
    const { model, ended } = recorded(
      [{ type: "text", text: "12345678" }],
      new DagError("MODEL_STREAM_CUT", "cut"),
    );
    await failureOf(model);
    expect(ended()).toMatchObject({ outputTokens: 2, estimated: true, error: { code: "MODEL_STREAM_CUT" } });
    expect(ended()?.inputTokens).toBeGreaterThan(0);
  });

  it("ends a call in the record whose reader stopped early", async () => {
    const { model, ended } = recorded([
      { type: "text", text: "one" },
      { type: "text", text: "two" },
    ]);
    for await (const _ of model.call(request())) break;
    expect(ended()).toMatchObject({ error: { code: "ABORTED" }, outputTokens: 1, estimated: true });
  });

  it("names the reason of the signal when the reader stopped because of it", async () => {
    const controller = new AbortController();
    const { model, ended } = recorded([
      { type: "text", text: "one" },
      { type: "text", text: "two" },
    ]);
    for await (const _ of model.call(request({ signal: controller.signal }))) {
      controller.abort(new DagError("DEADLINE", "no time left"));
      break;
    }
    expect(ended()).toMatchObject({ error: { code: "DEADLINE", message: "no time left" } });
  });
});
