import { EventSchemas } from "@ag-ui/core/schemas";
import { expect, it } from "@jest/globals";
import { MemorySaver } from "@langchain/langgraph";
import * as ai6 from "ai";
import { faults } from "../../src/models/faults.js";
import type { RunEvent } from "../../src/records/events.js";
import { stream } from "../../src/run/stream.js";
import { type AgUiEvent, answersFromResume, toAgUi } from "../../src/serve/ag-ui.js";
import { answersFromMessages, toUIMessageStream, type UiChunk } from "../../src/serve/ui-message-stream.js";
import fc from "../support/drawn.js";
import { replyModel } from "../support/reply-model.js";
import { drawn, specOf } from "../telemetry/random-runs.js";

const hasNode22 = Number(process.versions.node.split(".")[0]) >= 22;
const ai = hasNode22 ? ((await import("ai7")) as unknown as typeof ai6) : ai6;
const runs = 30;

/** What a model may say: of any kind, and what protocols are written in. */
const words = fc.oneof(
  fc.string({ unit: "binary", minLength: 1, maxLength: 40 }),
  fc.constantFrom(
    "data: [DONE]\n\n",
    '{"type":"finish"}',
    "</script><img src=x onerror=alert(1)>",
    "\u0000\ud800\u2028",
    "  ",
    "event: RUN_ERROR\r\n",
  ),
);
const scene = fc.record({ run: drawn, said: words, approve: fc.boolean() });

type Drawn = typeof drawn extends fc.Arbitrary<infer Run> ? Run : never;

/** A run to its end, answered as often as it asks; `read` takes each part of it and gives the answers that it asks for. */
async function played(
  { run: { topology, seed, nodes, abortMs }, said }: { readonly run: Drawn; readonly said: string },
  read: (events: AsyncIterable<RunEvent>) => Promise<Readonly<Record<string, unknown>> | null>,
): Promise<void> {
  // As a rule an agent gives the output, so that a text is told while it is written.
  const speaker = { kind: "agent" as const, needs: [0, 1, 2, 3, 4, 5, 6], join: "settled" as const };
  const spec = specOf(seed % 4 === 0 ? nodes : [...nodes, speaker], seed);
  const controller = new AbortController();
  const options = {
    topology,
    model: topology.startsWith("planned")
      ? ("offline" as const)
      : replyModel(() => said, { delayMs: () => seed % 3 }),
    checkpointer: new MemorySaver(),
    thread: "t",
    use: [
      faults(
        [
          { fault: "server-error", rate: 0.2 },
          { fault: "stream-cut", rate: 0.3 },
        ],
        { seed },
      ),
    ],
    policy: { retry: { maxAttempts: 2, initialIntervalMs: 1, maxIntervalMs: 2 } },
  };
  const timer = abortMs === null ? undefined : setTimeout(() => controller.abort(), abortMs);
  let answer = await read(stream(spec, ["a", said], { ...options, signal: controller.signal }));
  clearTimeout(timer);
  for (let turn = 0; answer !== null && turn < 9; turn++)
    answer = await read(stream(spec, { ...options, answer }));
  expect(answer).toBeNull();
}

it("gives the AI SDK valid chunks in a legal order, whose questions its messages answer", async () => {
  const schema = ai.uiMessageChunkSchema();
  await fc.assert(
    fc.asyncProperty(scene, async ({ run, said, approve }) => {
      let message: ai6.UIMessage | undefined;
      await played({ run, said }, async (events) => {
        const chunks: UiChunk[] = [];
        for await (const chunk of toUIMessageStream(events) as unknown as AsyncIterable<UiChunk>) {
          const checked = await schema.validate?.(JSON.parse(JSON.stringify(chunk)));
          if (checked?.success !== true) throw new Error(`not valid: ${JSON.stringify(chunk)}`);
          chunks.push(chunk);
        }
        legalChunks(chunks);
        const again = new ReadableStream<UiChunk>({
          start(controller) {
            for (const chunk of chunks) if (chunk.type !== "error") controller.enqueue(chunk);
            controller.close();
          },
        });
        const before = message === undefined ? {} : { message };
        for await (const next of ai.readUIMessageStream({ stream: again, terminateOnError: true, ...before }))
          message = next;
        for (const part of (message?.parts ?? []) as any[]) {
          if (part.state !== "approval-requested") continue;
          part.state = "approval-responded";
          part.approval = { id: part.approval.id, approved: approve };
        }
        return answersFromMessages(message === undefined ? [] : [message])?.answers ?? null;
      });
    }),
    { numRuns: runs, seed: 11 },
  );
});

it("gives AG-UI valid events in a legal order, whose interrupts a client's resume answers", async () => {
  await fc.assert(
    fc.asyncProperty(scene, async ({ run, said, approve }) =>
      played({ run, said }, async (events) => {
        const all: AgUiEvent[] = [];
        for await (const event of toAgUi(events)) {
          EventSchemas.parse(JSON.parse(JSON.stringify(event)));
          all.push(event);
        }
        legalEvents(all);
        const last = all.at(-1);
        if (last?.type !== "RUN_FINISHED" || last.outcome.type !== "interrupt") return null;
        return answersFromResume(
          last.outcome.interrupts.map(({ id }) => ({
            interruptId: id,
            status: "resolved" as const,
            payload: { approve },
          })),
        );
      }),
    ),
    { numRuns: runs, seed: 12 },
  );
});

function legalChunks(chunks: readonly UiChunk[]): void {
  expect(chunks[0]?.type).toBe("start");
  expect(chunks.filter(({ type }) => type === "start")).toHaveLength(1);
  expect(chunks.map(({ type }) => type).lastIndexOf("finish")).toBe(chunks.length - 1);
  const open = new Set<string>();
  const asked = new Set<string>();
  let inStep = false;
  for (const chunk of chunks) {
    if (chunk.type === "start-step" || chunk.type === "finish-step") {
      expect(inStep).toBe(chunk.type === "finish-step");
      inStep = chunk.type === "start-step";
    } else if (chunk.type === "text-start") {
      expect(open.has(chunk.id)).toBe(false);
      open.add(chunk.id);
    } else if (chunk.type === "text-delta") expect(open.has(chunk.id)).toBe(true);
    else if (chunk.type === "text-end") expect(open.delete(chunk.id)).toBe(true);
    else if (chunk.type === "tool-input-available") asked.add(chunk.toolCallId);
    else if ("toolCallId" in chunk) expect(asked.has(chunk.toolCallId)).toBe(true);
  }
  expect([...open, inStep]).toEqual([false]);
}

function legalEvents(events: readonly AgUiEvent[]): void {
  expect(events[0]?.type).toBe("RUN_STARTED");
  const ends = events.filter(({ type }) => type === "RUN_FINISHED" || type === "RUN_ERROR");
  expect(ends).toEqual([events.at(-1)]);
  const messages = new Set<string>();
  const steps = new Set<string>();
  let nodes: Record<string, unknown> = {};
  for (const event of events) {
    if (event.type === "TEXT_MESSAGE_START") {
      expect(messages.has(event.messageId)).toBe(false);
      messages.add(event.messageId);
    } else if (event.type === "TEXT_MESSAGE_CONTENT") {
      expect(messages.has(event.messageId)).toBe(true);
      expect(event.delta).not.toBe("");
    } else if (event.type === "TEXT_MESSAGE_END") expect(messages.delete(event.messageId)).toBe(true);
    else if (event.type === "STEP_STARTED") {
      expect(steps.has(event.stepName)).toBe(false);
      steps.add(event.stepName);
    } else if (event.type === "STEP_FINISHED") expect(steps.delete(event.stepName)).toBe(true);
    else if (event.type === "STATE_SNAPSHOT")
      ({ nodes } = event.snapshot as { nodes: Record<string, unknown> });
    else if (event.type === "STATE_DELTA")
      for (const { path } of event.delta) expect(Object.keys(nodes)).toContain(path.slice("/nodes/".length));
  }
  expect([...messages, ...steps]).toEqual([]);
}
