import { EventSchemas } from "@ag-ui/core/schemas";
import { describe, expect, it } from "@jest/globals";
import { MemorySaver } from "@langchain/langgraph";
import type { UIMessage } from "ai";
import * as ai6 from "ai";
import { z } from "zod";
import type { RunEvent } from "../../src/records/events.js";
import { stream } from "../../src/run/stream.js";
import { type AgUiEvent, answersFromResume, toAgUi } from "../../src/serve/ag-ui.js";
import { answersFromMessages, toUIMessageStream, type UiChunk } from "../../src/serve/ui-message-stream.js";
import { defineDag } from "../../src/spec/define.js";
import { scriptedModel } from "../../src/testing/index.js";

const chat = defineDag({
  name: "chat",
  nodes: {
    facts: {
      run: ({ progress }) => {
        progress({ read: 1 });
        return ["a", "b"];
      },
    },
    each: { needs: ["facts"], forEach: { node: "facts" }, run: ({ item }) => `${item}!` },
    answer: { needs: ["each"], instructions: "Answer." },
  },
});
const letter = defineDag({
  name: "letter",
  nodes: {
    draft: { run: () => ({ text: "Dear all" }) },
    check: { needs: ["draft"], approve: { message: "May it go out?", show: [{ node: "draft" }] } },
    send: { needs: ["check"], run: () => ({ sent: true }) },
  },
});
const breaks = defineDag({
  name: "breaks",
  input: z.object({ n: z.number() }),
  nodes: {
    a: {
      run: () => {
        throw new Error("broken");
      },
    },
  },
});

/** The SDK's two majors; the newer one declares Node 22 or later. */
const sdks: [string, Pick<typeof ai6, (typeof used)[number]>][] = [["6", ai6]];
const used = ["createUIMessageStreamResponse", "readUIMessageStream", "uiMessageChunkSchema"] as const;
const hasNode22 = Number(process.versions.node.split(".")[0]) >= 22;
if (hasNode22) sdks.push(["7", (await import("ai7")) as unknown as typeof ai6]);
else it.skip("AI SDK 7 needs Node 22: `npm run test:node24` runs its tests", () => {});

const spoken = () => stream(chat, "x" as never, { model: scriptedModel({ answer: ["Hello there."] }) });

async function agUiOf(events: AsyncIterable<RunEvent>): Promise<AgUiEvent[]> {
  const all: AgUiEvent[] = [];
  for await (const event of toAgUi(events)) {
    EventSchemas.parse(event);
    all.push(event);
  }
  return all;
}

describe.each(sdks)("for the AI SDK %s", (_version, sdk) => {
  async function chunksOf(events: AsyncIterable<RunEvent>): Promise<UiChunk[]> {
    const chunks: UiChunk[] = [];
    const schema = sdk.uiMessageChunkSchema();
    for await (const chunk of toUIMessageStream(events) as unknown as AsyncIterable<UiChunk>) {
      const checked = await schema.validate?.(chunk);
      if (checked?.success !== true) throw new Error(`${JSON.stringify(chunk)}: ${String(checked?.error)}`);
      chunks.push(chunk);
    }
    return chunks;
  }

  /** The message that the SDK's own reader makes of a run, going on from one before. */
  async function messageOf(events: AsyncIterable<RunEvent>, before?: UIMessage): Promise<UIMessage> {
    let last: UIMessage | undefined;
    const from = { stream: toUIMessageStream(events), terminateOnError: true };
    for await (const message of sdk.readUIMessageStream(
      before === undefined ? from : { ...from, message: before },
    ))
      last = message;
    return last as UIMessage;
  }

  it("streams the output's text once, and its nodes as data", async () => {
    const chunks = await chunksOf(spoken());
    const text = chunks.flatMap((chunk) => (chunk.type === "text-delta" ? [chunk.delta] : [])).join("");
    expect(text).toBe("Hello there.");
    const message = await messageOf(spoken());
    const parts = message.parts as any[];
    expect(parts.filter(({ type }) => type === "text")).toMatchObject([
      { text: "Hello there.", state: "done" },
    ]);
    const nodes = parts.filter(({ type }) => type === "data-node").map(({ data }) => [data.node, data.state]);
    expect(Object.fromEntries(nodes)).toEqual({
      facts: "completed",
      each: "completed",
      "each[0]": "completed",
      "each[1]": "completed",
      answer: "completed",
    });
    expect(message.metadata).toMatchObject({ dag: "chat", state: "completed" });
  });

  it("makes a response with the SDK's own maker", async () => {
    const response = sdk.createUIMessageStreamResponse({ stream: toUIMessageStream(spoken()) });
    expect(await response.text()).toContain('"type":"text-delta"');
  });

  it("asks for approvals as tools do, and goes on in the same message", async () => {
    const checkpointer = new MemorySaver();
    const asked = await messageOf(stream(letter, "x" as never, { checkpointer, thread: "t" }));
    const tool = (message: UIMessage) =>
      (message.parts as any[]).filter(({ type }) => type === "dynamic-tool");
    expect(tool(asked)).toMatchObject([
      {
        state: "approval-requested",
        input: { message: "May it go out?", show: { draft: { text: "Dear all" } } },
      },
    ]);
    expect(answersFromMessages([asked])).toBeNull();
    const [part] = tool(asked);
    part.state = "approval-responded";
    part.approval = { id: part.approval.id, approved: true, reason: "fine" };
    const given = answersFromMessages([asked]);
    expect(given).toEqual({ run: asked.id, answers: { check: { approve: true, comment: "fine" } } });
    const done = await messageOf(
      stream(letter, { checkpointer, thread: "t", answer: given?.answers }),
      asked,
    );
    expect(done.id).toBe(asked.id);
    expect(tool(done)).toMatchObject([{ state: "output-available", output: { decision: "approved" } }]);
    expect((done.parts as any[]).find(({ type }) => type === "data-output")).toMatchObject({
      data: { sent: true },
    });
    expect(answersFromMessages([done])).toBeNull();
  });

  it("tells a no, to whoever has not seen the question too", async () => {
    const checkpointer = new MemorySaver();
    await stream(letter, "x" as never, { checkpointer, thread: "t" }).record;
    const done = await messageOf(stream(letter, { checkpointer, thread: "t", answer: false }));
    expect(done.parts).toContainEqual(
      expect.objectContaining({ type: "dynamic-tool", state: "output-denied" }),
    );
    expect(done.metadata).toMatchObject({ state: "rejected" });
  });

  it("tells failures, cancelling and wrong input", async () => {
    const failed = await chunksOf(stream(breaks, { n: 1 }));
    expect(failed.filter(({ type }) => type === "error")).toMatchObject([
      { errorText: expect.stringContaining("broken") },
    ]);
    expect(failed.at(-1)).toMatchObject({ type: "finish", finishReason: "error" });
    const wrong = await chunksOf(stream(breaks, { n: "x" } as never));
    expect(wrong).toMatchObject([{ type: "error", errorText: expect.stringMatching(/^INPUT_INVALID/) }]);
    const cancelled = await chunksOf(stream(breaks, { n: 1 }, { signal: AbortSignal.abort() }));
    expect(cancelled.map(({ type }) => type)).toContain("abort");
  });
});

describe("for AG-UI", () => {
  it("tells steps, state, text and result in valid events that begin and end once", async () => {
    const events = await agUiOf(spoken());
    expect(events[0]).toMatchObject({ type: "RUN_STARTED", protocolVersion: "1.0" });
    expect(events.at(-1)).toMatchObject({
      type: "RUN_FINISHED",
      outcome: { type: "success" },
      result: "Hello there.",
    });
    const named = (type: string) =>
      events.flatMap((event) => (event.type === type && "stepName" in event ? [event.stepName] : []));
    expect(named("STEP_STARTED").sort()).toEqual(["answer", "each", "facts"]);
    expect(named("STEP_FINISHED").sort()).toEqual(["answer", "each", "facts"]);
    const text = events.flatMap((event) => (event.type === "TEXT_MESSAGE_CONTENT" ? [event.delta] : []));
    expect(text.join("")).toBe("Hello there.");
    expect(events).toContainEqual({
      type: "CUSTOM",
      name: "agent-dag.progress",
      value: { node: "facts", item: null, value: { read: 1 } },
    });
    const usage = (events.at(-1) as any).usage as any[];
    expect(usage).toHaveLength(1);
    expect(usage[0].totalTokens).toBe(usage[0].inputTokens + usage[0].outputTokens);
  });

  it("finishes a run that waits with its questions, which the client's resume answers", async () => {
    const checkpointer = new MemorySaver();
    const asked = (await agUiOf(stream(letter, "x" as never, { checkpointer, thread: "t" }))).at(-1) as any;
    expect(asked).toMatchObject({
      threadId: "t",
      outcome: { type: "interrupt", interrupts: [{ id: "check", reason: "approval" }] },
    });
    expect(answersFromResume([{ interruptId: "check", status: "cancelled" }])).toBeNull();
    const answer = answersFromResume([
      { interruptId: "check", status: "resolved", payload: { approve: true } },
    ]);
    const done = await agUiOf(stream(letter, { checkpointer, thread: "t", answer }));
    expect(done.at(-1)).toMatchObject({ type: "RUN_FINISHED", result: { sent: true } });
  });

  it("tells failures, cancelling and wrong input", async () => {
    expect((await agUiOf(stream(breaks, { n: 1 }))).at(-1)).toMatchObject({
      type: "RUN_ERROR",
      code: "NO_OUTPUT",
    });
    const wrong = await agUiOf(stream(breaks, { n: "x" } as never));
    expect(wrong).toMatchObject([{ type: "RUN_ERROR", code: "INPUT_INVALID" }]);
    const cancelled = await agUiOf(stream(breaks, { n: 1 }, { signal: AbortSignal.abort() }));
    expect(cancelled.at(-1)).toMatchObject({ type: "RUN_FINISHED", outcome: { type: "cancelled" } });
  });
});
