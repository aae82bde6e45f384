import { describe, expect, it } from "@jest/globals";
import {
  type EarlierRun,
  isFinal,
  Journal,
  lastCallNumber,
  ownOutcomes,
  type RunStamp,
  readRun,
  usedBefore,
} from "../../../nodes/engine/journal.js";
import type { ModelReply } from "../../../src/models/port.js";
import type { RunAnswer, RunEventOf, RunInterrupt } from "../../../src/records/events.js";
import {
  cancelled,
  completed,
  failed,
  interrupted,
  notStarted,
  type Outcome,
  skipped,
} from "../../../src/records/outcome.js";
import { nodeWork } from "../../../src/records/work-id.js";
import type { LogEntry } from "../../../src/stores/thread-log.js";
import { call, projection } from "../../report/record-builder.js";

const at = (endedAtMs: number) => ({ ...notStarted(endedAtMs), attempts: 1 });
const done = (value: unknown, endedAtMs = 1): Outcome => completed(at(endedAtMs), value);
const stamp: RunStamp = {
  id: "run-1",
  startedAt: "2026-01-02T03:04:05.000Z",
  topology: "dataflow",
  dag: "h",
  declared: projection({}, []),
};
const question: RunInterrupt = { node: "a", message: "Well?", value: null };
const answer: RunAnswer = { node: "a", decision: "approved", comment: null, by: null, at: "2026" };
const reply = (text: string): ModelReply =>
  ({
    text,
    toolCalls: [],
    usage: { inputTokens: 4, outputTokens: 2 },
    finishReason: "stop",
  }) as unknown as ModelReply;
const callStarted = (id: string, atMs = 5): RunEventOf<"call-started"> => ({
  type: "call-started",
  atMs,
  call: id,
  attempt: 2,
  model: "m",
  inputTokens: 9,
  ...nodeWork("a"),
});

/** A journal, and what it wrote: each entry as JSON, as a store gives it back. */
function setUp(earlier: readonly LogEntry[] | null = null) {
  const entries: LogEntry[] = [...(earlier ?? [])];
  let flushes = 0;
  const journal = new Journal(
    {
      append: async (entry) => void entries.push(JSON.parse(JSON.stringify(entry)) as LogEntry),
      flushed: async () => void flushes++,
    },
    earlier === null ? null : readRun(earlier),
  );
  return {
    journal,
    entries,
    flushes: () => flushes,
    /** What a later process makes of what was written. */
    resumed: () => setUp(entries).journal,
    read: () => readRun([{ kind: "run", stamp }, ...entries]) as EarlierRun,
  };
}

describe("settled work", () => {
  it("is found again by a later process, where it was made from the same", async () => {
    const { journal, read } = setUp();
    const key = { ...nodeWork("a"), item: 2 };
    expect(journal.outcome(key, "print")).toBeUndefined();
    await journal.settled(key, done(7), "print");
    expect(journal.outcome(key, "print")).toEqual(done(7));
    const later = new Journal(undefined, read());
    expect(later.outcome(key, "print")).toEqual(done(7));
    expect(later.outcome(key, "another")).toBeUndefined();
    expect(later.outcome(nodeWork("a"), "print")).toBeUndefined();
  });

  it("is the latest where it was written twice", async () => {
    const { journal, read } = setUp();
    await journal.settled(nodeWork("a"), done(1, 10), "one");
    await journal.settled(nodeWork("a"), done(2, 30), "two");
    expect(read().settled).toMatchObject([{ key: nodeWork("a"), outcome: done(2, 30), madeFrom: "two" }]);
    expect(read().elapsedMs).toBe(30);
  });

  it("is not written when a resumed run should have another go at it", () => {
    const { journal, entries } = setUp();
    expect(journal.settled(nodeWork("a"), cancelled(at(1), "aborted", "x"), "print")).toBeUndefined();
    expect(entries).toEqual([]);
    expect(journal.outcome(nodeWork("a"), "print")).toBeUndefined();
  });

  it("of a planner's calls is given once each, whichever call it was", () => {
    const called = (invocation: number, value: unknown) => ({
      kind: "settled",
      key: { ...nodeWork("a"), invocation },
      outcome: done(value),
      madeFrom: "print",
    });
    const item = { ...called(5, "item"), key: { node: "a", item: 0, invocation: 5 } };
    const { journal } = setUp([{ kind: "run", stamp }, item, called(3, "first"), called(4, "second")]);
    expect(journal.claim("b", "print")).toBeUndefined();
    expect(journal.claim("a", "another")).toBeUndefined();
    expect(journal.claim("a", "print")).toEqual(done("first"));
    expect(journal.claim("a", "print")).toEqual(done("second"));
    expect(journal.claim("a", "print")).toBeUndefined();
  });

  it("of this process is not given to another call", async () => {
    const { journal } = setUp();
    await journal.settled({ ...nodeWork("a"), invocation: 0 }, done(1), "print");
    expect(journal.claim("a", "print")).toBeUndefined();
  });
});

describe("an outcome is final", () => {
  const error = { code: "X", message: "x" };
  it.each<[string, Outcome, boolean]>([
    ["with a value", done(1), true],
    ["when it failed", failed(at(1), error), true],
    ["when it timed out", failed(at(1), { code: "NODE_TIMEOUT", message: "x" }, "timed-out"), true],
    ["when it was skipped", skipped(at(1), "condition", "x"), true],
    ["when it is not needed", cancelled(at(1), "not-needed", "x"), true],
    ["when a person said no", skipped(at(1), "rejected", "x"), true],
    ["but not while it waits for an answer", interrupted(at(1), "approval", "x"), false],
    ["but not where the run was aborted", cancelled(at(1), "aborted", "x"), false],
    ["but not after a fail-fast failure", cancelled(at(1), "fail-fast", "x"), false],
    ["but not for want of budget", skipped(at(1), "budget", "x"), false],
    ["but not at the deadline", skipped(at(1), "deadline", "x"), false],
    [
      "but not when the deadline ended it",
      failed(at(1), { code: "DEADLINE", message: "x" }, "timed-out"),
      false,
    ],
  ])("%s", (_what, outcome, expected) => {
    expect(isFinal(outcome)).toBe(expected);
    const around: Outcome = { ...done([]), items: [done(1), outcome] };
    expect(isFinal(around)).toBe(expected);
    expect(isFinal({ ...done([]), outcomes: { g: around } })).toBe(expected);
  });
});

describe("a step within unfinished work", () => {
  it("is done once, also by a later process", async () => {
    const { journal, read } = setUp();
    let done = 0;
    const body = async () => ++done;
    const key = nodeWork("a");
    expect(await journal.step(key, "s", () => ({ x: 1 }), body)).toBe(1);
    const later = setUp([{ kind: "run", stamp }, ...(read().steps as unknown as LogEntry[])]);
    expect(await later.journal.step(key, "s", () => ({ x: 1 }), body)).toBe(1);
    expect(later.entries).toHaveLength(2);
    expect(await later.journal.step(key, "s", () => ({ x: 2 }), body)).toBe(2);
    expect(await later.journal.step(key, "t", () => ({ x: 1 }), body)).toBe(3);
    expect(await later.journal.step({ ...key, item: 0 }, "s", () => ({ x: 1 }), body)).toBe(4);
  });

  it("that fails leaves nothing", async () => {
    const { journal, entries } = setUp();
    await expect(
      journal.step(
        nodeWork("a"),
        "s",
        () => 1,
        () => Promise.reject(new Error("no")),
      ),
    ).rejects.toThrow("no");
    expect(entries).toEqual([]);
  });
});

describe("a model's reply", () => {
  const key = nodeWork("a");
  const turn = { step: "ask 0", turn: 3 };

  it("is written down the moment it is whole, before what it leads to", () => {
    const { journal, entries } = setUp();
    expect(journal.question(key, turn, () => "prompt").heard).toBeUndefined();
    journal.replied({ ...key, turn: 3 }, "call-1", reply("hello"));
    expect(entries).toMatchObject([
      { kind: "reply", key, step: "ask 0", call: "call-1", reply: { text: "hello" } },
    ]);
  });

  it("that a process before had is not asked for again", () => {
    const { journal, entries } = setUp();
    journal.question(key, turn, () => "prompt");
    journal.replied({ ...key, turn: 3 }, "call-1", reply("hello"));
    const later = setUp([{ kind: "run", stamp }, ...entries]).journal;
    const heardFor = (madeFrom: unknown, step = "ask 0") =>
      later.question(key, { ...turn, step }, () => madeFrom).heard;
    expect(heardFor("prompt")).toEqual(reply("hello"));
    expect(heardFor("another prompt")).toBeUndefined();
    expect(heardFor("prompt", "ask 1")).toBeUndefined();
  });

  it("that nobody asked for in this turn is not kept", () => {
    const { journal, entries } = setUp();
    journal.replied({ ...key, turn: 3 }, "call-0", reply("early"));
    const asked = journal.question(key, turn, () => "prompt");
    journal.replied({ ...key, turn: 4 }, "call-1", reply("another turn"));
    journal.replied({ ...key, item: 1, turn: 3 }, "call-2", reply("another item"));
    asked.close();
    journal.replied({ ...key, turn: 3 }, "call-3", reply("late"));
    expect(entries).toEqual([]);
  });
});

it("begins with the run's stamp, and in a forked run with what that goes on from", async () => {
  const { journal, entries, flushes } = setUp();
  await journal.begun(stamp, null);
  expect([entries, flushes()]).toEqual([[{ kind: "run", stamp }], 1]);
  const forked = setUp();
  const settled = [{ key: nodeWork("a"), outcome: done(1), madeFrom: "p" }];
  const calls = [call("a", 0, 1)];
  await forked.journal.begun(stamp, { ...(readRun([{ kind: "run", stamp }]) as EarlierRun), settled, calls });
  expect(forked.entries).toEqual([
    { kind: "run", stamp },
    { kind: "settled", ...settled[0] },
    { kind: "call-ended", call: calls[0] },
  ]);
});

it("ends with what the nodes came to that were not written before, and with the planner's answer", async () => {
  const { journal, entries, read } = setUp();
  await journal.settled(nodeWork("a"), done(1), "p");
  await journal.ended({ a: done(1), b: done(2) }, { output: "said" }, 90);
  expect(entries.slice(1)).toEqual([
    { kind: "settled", key: nodeWork("b"), outcome: done(2), madeFrom: "" },
    { kind: "ended", answer: { output: "said" }, atMs: 90 },
  ]);
  expect(read()).toMatchObject({ ended: true, plannerAnswer: { output: "said" }, elapsedMs: 90 });
});

it("without a store knows nothing and writes nothing", async () => {
  const journal = new Journal(undefined);
  expect(journal.active).toBe(false);
  expect(setUp().journal.active).toBe(true);
  expect(journal.settled(nodeWork("a"), done(1), "p")).toBeUndefined();
  expect(journal.outcome(nodeWork("a"), "p")).toBeUndefined();
  let bodies = 0;
  const body = async () => ++bodies;
  const print = () => {
    throw new Error("Nothing is to be hashed.");
  };
  expect(await journal.step(nodeWork("a"), "s", print, body)).toBe(1);
  expect(await journal.step(nodeWork("a"), "s", print, body)).toBe(2);
  const asked = journal.question(nodeWork("a"), { step: "s", turn: 0 }, print);
  expect(asked.heard).toBeUndefined();
  journal.replied({ ...nodeWork("a"), turn: 0 }, "c", reply("x"));
  journal.callStarted(callStarted("c"));
  journal.callEnded(call("a", 0, 1));
  journal.asked("q", question);
  journal.withdrawn("q");
  expect(journal.answered("q", 1, answer)).toBeUndefined();
  await journal.begun(stamp, null);
  await journal.ended({}, null, 1);
  await journal.flushed();
});

describe("what a log tells", () => {
  const run: LogEntry = { kind: "run", stamp };

  it("is no run without its stamp", () => {
    expect(readRun([])).toBeNull();
    expect(readRun([{ kind: "ended", answer: null, atMs: 1 }])).toBeNull();
  });

  it("of a run that has just begun is nothing yet", () => {
    expect(readRun([run])).toEqual({
      stamp,
      settled: [],
      steps: [],
      replies: [],
      calls: [],
      questions: new Map(),
      answers: new Map(),
      given: [],
      ended: false,
      cancelled: false,
      plannerAnswer: null,
      elapsedMs: 0,
    });
  });

  it("of one that was cancelled for good is that it waits for nothing", () => {
    const asked = { kind: "asked", id: "q", question: { node: "a", kind: "approval", message: "?" } };
    expect(readRun([run, asked])?.questions.size).toBe(1);
    const over = readRun([run, asked, { kind: "cancelled" }]);
    expect([over?.cancelled, over?.questions.size, over?.ended]).toEqual([true, 0, false]);
  });

  it("is how long the run had run when it last wrote something down", () => {
    const elapsed = (...entries: LogEntry[]) => readRun([run, ...entries])?.elapsedMs;
    expect(elapsed({ kind: "call-started", event: callStarted("c", 40) })).toBe(40);
    expect(elapsed({ kind: "call-ended", call: call("a", 30, 25) })).toBe(55);
    expect(elapsed({ kind: "settled", key: nodeWork("a"), outcome: done(1, 70), madeFrom: "" })).toBe(70);
    expect(
      elapsed({
        kind: "settled",
        key: nodeWork("a"),
        outcome: { ...done(1), endedAtMs: null },
        madeFrom: "",
      }),
    ).toBe(0);
    expect(
      elapsed(
        { kind: "call-started", event: callStarted("c", 40) },
        { kind: "call-started", event: callStarted("d", 8) },
      ),
    ).toBe(40);
  });

  it("is which questions wait for an answer, and what was answered", async () => {
    const { journal, read } = setUp();
    for (const id of ["q1", "q2", "q3"]) journal.asked(id, question);
    journal.withdrawn("q2");
    await journal.answered("q3", undefined, answer);
    const { questions, answers, given } = read();
    expect(questions).toEqual(new Map([["q1", question]]));
    expect(answers).toEqual(new Map([["q3", null]]));
    expect(given).toEqual([answer]);
  });

  it("is safe once the store says so, and where there is none at once", async () => {
    let safe = () => {};
    const waiting = new Promise<void>((resolve) => {
      safe = resolve;
    });
    const order: string[] = [];
    const { flushed } = { flushed: () => waiting };
    const flushing = new Journal({ append: async () => {}, flushed }).flushed();
    const done = flushing.then(() => order.push("flushed"));
    await new Promise((resolve) => setImmediate(resolve));
    order.push("safe");
    safe();
    await done;
    expect(order).toEqual(["safe", "flushed"]);
    expect(new Journal(undefined).flushed()).toBeInstanceOf(Promise);
  });

  it("is that a run goes on that was opened again", () => {
    const ended: LogEntry = { kind: "ended", answer: null, atMs: 1 };
    expect(readRun([run, ended])?.ended).toBe(true);
    expect(readRun([run, ended, { kind: "reopened" }])?.ended).toBe(false);
    expect(readRun([run, { kind: "from-later" }])?.ended).toBe(false);
    expect(readRun([run, ended, { kind: "from-later" }])?.ended).toBe(true);
  });

  it("is every request that was sent: one that never ended is lost, and may have been paid for", async () => {
    const { journal, read } = setUp();
    journal.callStarted(callStarted("call-7"));
    journal.callStarted(callStarted("a-0"));
    journal.callEnded(call("a", 0, 1));
    expect(read().calls).toEqual([
      call("a", 0, 1),
      {
        id: "call-7",
        ...nodeWork("a"),
        attempt: 2,
        model: "m",
        startedAtMs: 5,
        firstTokenMs: null,
        durationMs: 0,
        inputTokens: 9,
        outputTokens: 0,
        estimated: true,
        costUsd: null,
        toolCalls: [],
        finishReason: null,
        hedged: false,
        error: { code: "CALL_LOST", message: "The process ended before the reply came." },
      },
    ]);
  });

  it("is that a request was not lost whose reply was written down before its end", () => {
    const { journal, read } = setUp();
    journal.callStarted(callStarted("call-1"));
    journal.question(nodeWork("a"), { step: "s", turn: 0 }, () => "p");
    const heard = { ...reply("hi"), toolCalls: [{ id: "t", name: "look", args: "{}", more: 1 }] };
    journal.replied({ ...nodeWork("a"), turn: 0 }, "call-1", heard as unknown as ModelReply);
    expect(read().calls).toMatchObject([
      {
        id: "call-1",
        inputTokens: 4,
        outputTokens: 2,
        estimated: true,
        toolCalls: [{ id: "t", name: "look", args: "{}" }],
        finishReason: "stop",
        error: null,
      },
    ]);
    expect(read().calls[0]?.toolCalls[0]).not.toHaveProperty("more");
  });

  it("adds up to what was used, how calls go on to be counted, and the nodes' outcomes", () => {
    const whole = { key: nodeWork("a"), outcome: done(1), madeFrom: "p" };
    const item = { key: { ...nodeWork("a"), item: 0 }, outcome: done(2), madeFrom: "p" };
    const inner = { key: nodeWork("g/a"), outcome: done(3), madeFrom: "p" };
    const earlier = {
      ...(readRun([run]) as EarlierRun),
      calls: [
        call("a", 0, 1, { id: "call-9" }),
        call("a", 0, 1, { id: "call-12" }),
        call("a", 0, 1, { id: "odd" }),
        call("a", 0, 1, { id: "99-call-3" }),
      ],
      settled: [whole, item, inner],
    };
    expect(usedBefore(earlier)).toMatchObject({
      modelCalls: 4,
      inputTokens: 4000,
      outputTokens: 480,
      costUsd: 0,
    });
    expect(lastCallNumber(earlier)).toBe(12);
    expect(lastCallNumber({ ...earlier, calls: [] })).toBe(0);
    expect(ownOutcomes(earlier)).toEqual({ a: done(1) });
  });
});
