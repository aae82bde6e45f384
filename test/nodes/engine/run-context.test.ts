import { getEventListeners } from "node:events";
import { describe, expect, it, jest } from "@jest/globals";
import { z } from "zod";
import { instrumentation, type RunClock } from "../../../nodes/engine/instrument.js";
import type { RunEvent } from "../../../src/records/events.js";
import { completed } from "../../../src/records/outcome.js";
import { nodeWork } from "../../../src/records/work-id.js";
import { messages } from "../../../src/spec/messages.js";
import type { DagSpec } from "../../../src/spec/shape.js";
import type { LogEntry } from "../../../src/stores/thread-log.js";
import { bareContext, bareRun } from "./bare-run.js";

const spec: DagSpec = { name: "d", nodes: { a: { run: () => 1 } } };
const begun = (given: Parameters<typeof bareContext>[1] = {}, within = spec, input: unknown = "x") => {
  const { run } = bareContext(within, given);
  const stamp = run.begin(input, []);
  return { run, stamp, started: run.events.record().events[0] as RunEvent & { type: "run-started" } };
};

describe("a run begins", () => {
  it("under the id and thread that it was given, with its input", () => {
    const { run, stamp, started } = begun({ options: { id: "one", thread: "t" } });
    expect([run.id, stamp.id]).toEqual(["one", "one"]);
    expect(started).toMatchObject({
      id: "one",
      thread: "t",
      topology: "bare",
      input: "x",
      simulated: null,
      atMs: 0,
    });
    expect(begun().started).toMatchObject({ thread: null });
    expect(begun().run.id).not.toBe(begun().run.id);
    const { run: empty } = bareContext({ ...spec, input: {} });
    empty.begin(undefined, []);
    expect(empty.events.record().input).toBeNull();
  });

  it("with the bytes of a conversation by their digest, and any other input as it is", () => {
    const image = { type: "image", mediaType: "image/png", data: "aGVs".repeat(600) };
    const chat = [{ role: "user", content: [image] }];
    const type = { type: "object", properties: { data: { type: "string" } } };
    const plain = begun({}, { ...spec, input: type as never }, { messages: chat }).started;
    expect(plain.input).toEqual({ messages: chat });
    expect(begun({}, spec, chat).started.input).toEqual(chat);
    const asked = z.object({ chat: messages(), other: z.any() });
    for (const [input, given, at] of [
      [messages(), chat, (kept: any) => kept],
      [asked, { chat, other: 1 }, (kept: any) => kept.chat],
    ] as const) {
      const kept = begun({}, { ...spec, input }, given).started.input;
      expect(JSON.stringify(kept)).not.toContain("aGVsaGVs");
      expect(at(kept)[0].content[0]).toMatchObject({
        ...image,
        data: expect.stringMatching(/^\[sha256:[0-9a-f]{16} 1800 bytes\]$/),
      });
    }
  });

  it("as simulated where a middleware says so", () => {
    const simulated = { model: "m" };
    const use = [
      Object.assign((model: never) => model, {}),
      Object.assign((model: never) => model, { simulated }),
    ];
    expect(begun({ options: { use: use as never } }).started.simulated).toEqual(simulated);
    expect(begun({ options: { use: use.slice(0, 1) as never } }).started.simulated).toBeNull();
  });

  it("with what is replayed, marked so", () => {
    const { run } = bareContext(spec);
    const ready: RunEvent = { type: "node-ready", ...nodeWork("a"), atMs: 1 };
    const outcome = completed({ readyAtMs: 1, startedAtMs: 1, endedAtMs: 2, attempts: 1 }, 1);
    expect(run.isReplayed(nodeWork("a"))).toBe(false);
    run.begin("x", [
      { ...ready, node: "b" },
      { type: "node-settled", ...nodeWork("a"), outcome, atMs: 2 },
    ]);
    expect(run.isReplayed(nodeWork("a"))).toBe(true);
    expect(run.isReplayed(nodeWork("b"))).toBe(false);
    const replayed = run.events.record().events.filter((event) => "replayed" in event && event.replayed);
    expect(replayed.map(({ type }) => type)).toEqual(["node-ready", "node-settled"]);
  });

  it("on the clock that its instruments are given", async () => {
    const clocks: RunClock[] = [];
    const heard: string[] = [];
    const instrument = instrumentation({
      observeRun(clock: RunClock) {
        clocks.push(clock);
        return {
          onEvent: ({ type }: RunEvent) => void heard.push(type),
          within: <T>(_: unknown, code: () => T) => code(),
        };
      },
    });
    const log: LogEntry[] = [];
    await bareRun(spec, "x", { log });
    const { run } = begun({ options: { use: [instrument] } });
    expect(clocks[0]?.elapsedMs).toBe(0);
    expect(clocks[0]?.nowMs()).toBeLessThanOrEqual(run.events.nowMs());
    expect(heard).toEqual(["run-started"]);
  });
});

describe("a run's deadline", () => {
  it("leaves less and less time", () => {
    const { run } = begun({ options: { policy: { deadlineMs: 1e9 } } });
    run.events.startAt(1000);
    expect(run.remainingMs()).toBeLessThanOrEqual(1e9 - 1000);
    expect(begun().run.remainingMs()).toBe(Number.POSITIVE_INFINITY);
    run.release();
  });

  it.each([
    [0, 50],
    [30, 20],
  ])("of 50 ms, when %p ms have passed in an earlier process, passes in %p ms", (elapsedMs, leftMs) => {
    jest.useFakeTimers();
    try {
      const log: LogEntry[] = [
        { kind: "run", stamp: { id: "r", startedAt: "2026", topology: "bare", dag: "h" } } as never,
        { kind: "ended", answer: null, atMs: elapsedMs } as never,
      ];
      const { run } = begun({ log, options: { policy: { deadlineMs: 50 } } });
      jest.advanceTimersByTime(leftMs - 1);
      expect(run.canceller.reason).toBeUndefined();
      jest.advanceTimersByTime(1);
      expect(run.canceller.reason).toMatchObject({ cancel: "deadline" });
    } finally {
      jest.useRealTimers();
    }
  });

  it("does not pass once the run has ended", async () => {
    const { run } = begun({ options: { policy: { deadlineMs: 5 } } });
    run.end(null);
    await new Promise((resolve) => setTimeout(resolve, 15));
    expect(run.canceller.reason).toBeUndefined();
  });
});

describe("a run's end", () => {
  it("is the same record however often it is asked for", () => {
    const { run } = begun();
    expect(run.end(null)).toBe(run.end({ code: "C", message: "m" }));
    expect(run.end(null).events.filter(({ type }) => type === "run-ended")).toHaveLength(1);
  });

  it("is aborted by the user's signal only", () => {
    const stopped = begun().run;
    stopped.cancel("aborted", "Stop.");
    expect(stopped.end(null).state).toBe("cancelled");
    const late = begun().run;
    late.cancel("deadline", "Late.");
    expect(late.end(null).state).not.toBe("cancelled");
  });

  it("has the planner's answer where there is one", () => {
    const { run } = begun();
    expect(run.plannerAnswer).toBeNull();
    run.answer({ output: "said" } as never);
    expect(run.plannerAnswer).toEqual({ output: "said" });
    expect(run.end(null).output).toBe("said");
  });

  it("lets go of the user's signal", () => {
    const controller = new AbortController();
    const { run } = begun();
    run.obey(controller.signal);
    expect(getEventListeners(controller.signal, "abort")).toHaveLength(1);
    run.end(null);
    expect(getEventListeners(controller.signal, "abort")).toEqual([]);
    controller.abort();
    expect(run.canceller.reason).toBeUndefined();
  });
});

it("retries are counted by work", () => {
  const { run } = begun();
  expect(run.retriesOf(nodeWork("a"))).toBe(0);
  run.noteRetry(nodeWork("a"));
  run.noteRetry(nodeWork("a"));
  run.noteRetry({ ...nodeWork("a"), item: 1 });
  expect(
    [nodeWork("a"), nodeWork("b"), { ...nodeWork("a"), item: 1 }].map((key) => run.retriesOf(key)),
  ).toEqual([2, 0, 1]);
});

it("a policy is the node's, then the run's, then the spec's", () => {
  const within = { ...spec, policy: { timeoutMs: 1, idleTimeoutMs: 1, onError: "fail-fast" as const } };
  const { run } = begun({ options: { policy: { timeoutMs: 2, idleTimeoutMs: 2 } } }, within);
  expect(run.policyFor({ policy: { timeoutMs: 3 } })).toMatchObject({
    timeoutMs: 3,
    idleTimeoutMs: 2,
    onError: "fail-fast",
  });
});
