import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { EventLog } from "../../../nodes/engine/event-log.js";
import type { RunEvent } from "../../../src/records/events.js";
import { nodeWork } from "../../../src/records/work-id.js";
import { call, completed, node, projection } from "../../report/record-builder.js";

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

const started: RunEvent = {
  type: "run-started",
  atMs: 0,
  id: "r",
  thread: null,
  dag: projection({ a: node() }),
  topology: "t",
  input: "x",
  startedAt: "2026-01-02T03:04:05.000Z",
  simulated: null,
};
const notice = (code: string): RunEvent => ({ type: "notice", atMs: 0, code, message: "m" });
const callStarted = (id: string): RunEvent => ({
  type: "call-started",
  atMs: 0,
  call: id,
  attempt: 1,
  model: "m",
  ...nodeWork("a"),
});

it("numbers events, and tells what came before the start right after it", () => {
  const heard: RunEvent[] = [];
  const log = new EventLog((event) => heard.push(event));
  log.emit(notice("early"));
  expect(heard).toEqual([]);
  log.emit(started);
  log.emit(notice("late"));
  expect(heard.map((event) => [event.seq, "code" in event ? event.code : event.type])).toEqual([
    [1, "run-started"],
    [2, "early"],
    [3, "late"],
  ]);
  expect(log.record().events).toEqual(heard);
});

it("tells observers of copies that nobody can change", () => {
  const heard: RunEvent[] = [];
  const log = new EventLog((event) => heard.push(event));
  log.emit(started);
  log.settled(nodeWork("a"), completed(0, 1, { value: { x: [1] } }));
  const last = heard.at(-1) as { outcome: { value: { x: number[] } } };
  expect(() => last.outcome.value.x.push(2)).toThrow(TypeError);
  expect(log.outcomes().a).toMatchObject({ value: { x: [1] } });
});

it("tells what an outcome that was taken over had cost, where there is something to tell", () => {
  const log = new EventLog(undefined);
  log.emit(started);
  log.settled(nodeWork("a"), completed(0, 1));
  const cost = { modelCalls: 1, inputTokens: 1, outputTokens: 1, estimated: false, costUsd: 1 };
  log.settled(nodeWork("a"), completed(0, 1), cost);
  const [, plain, reused] = log.record().events;
  expect(plain).not.toHaveProperty("reused");
  expect(reused).toMatchObject({ type: "node-settled", reused: cost });
});

describe("its clock", () => {
  it("starts at what it is told, and counts to the microsecond", () => {
    const log = new EventLog(undefined);
    log.startAt(5000);
    expect(log.nowMs()).toBe(5000);
    jest.advanceTimersByTime(250);
    expect(log.nowMs()).toBe(5250);
    log.startAt(0.12345);
    expect(log.nowMs()).toBe(0.123);
  });
});

describe("an observer that fails", () => {
  it.each<[string, () => unknown]>([
    [
      "throws",
      () => {
        throw new Error("no");
      },
    ],
    ["rejects", () => Promise.reject(new Error("no"))],
  ])("changes nothing, and is told of once: it %s", async (_how, observer) => {
    const log = new EventLog(observer);
    log.emit(started);
    log.emit(notice("one"));
    await jest.advanceTimersByTimeAsync(0);
    log.emit(notice("two"));
    await jest.advanceTimersByTimeAsync(0);
    const notices = log
      .record()
      .events.filter((event) => event.type === "notice" && event.code === "OBSERVER_FAILED");
    expect(notices).toMatchObject([
      {
        message: "Whoever watches the run (`onEvent`) failed; the run goes on without minding it: no",
      },
    ]);
  });

  it("may return what is no promise, also what cannot be looked at", () => {
    const hostile = new Proxy(
      {},
      {
        has() {
          throw new Error("no");
        },
      },
    );
    for (const value of [hostile, null, undefined, JSON.parse(`{"then":7}`), 7]) {
      const log = new EventLog(() => value);
      log.emit(started);
      expect(log.record().events).toHaveLength(1);
    }
  });
});

describe("instruments", () => {
  it("hear each event, and are run around code, the first outermost", () => {
    const heard: string[] = [];
    const named = (name: string) => ({
      onEvent: (event: RunEvent) => void heard.push(`${name} ${event.type}`),
      within: <T>(_place: unknown, code: () => T): T => {
        heard.push(`+${name}`);
        const value = code();
        heard.push(`-${name}`);
        return value;
      },
    });
    const log = new EventLog(undefined, [named("a"), named("b")]);
    expect([log.isInstrumented, new EventLog(undefined).isInstrumented]).toEqual([true, false]);
    log.emit(started);
    expect(log.within({ kind: "call", call: "c" }, () => heard.push("code"))).toBe(5);
    expect(heard).toEqual(["a run-started", "b run-started", "+a", "+b", "code", "-b", "-a"]);
  });

  it("that fail change nothing, and are told of once", () => {
    const failing = {
      onEvent: () => {
        throw new Error("no");
      },
      within: <T>(_place: unknown, code: () => T): T => code(),
    };
    const log = new EventLog(undefined, [failing, failing]);
    log.emit(started);
    log.emit(notice("one"));
    expect(
      log.record().events.filter((event) => "code" in event && event.code === "OBSERVER_FAILED"),
    ).toHaveLength(1);
  });
});

describe("the end of all calls", () => {
  const endOf = (id: string): RunEvent => ({ type: "call-ended", atMs: 1, call: call("a", 0, 1, { id }) });

  it("is there where none is open", async () => {
    const log = new EventLog(undefined);
    log.emit(started);
    log.emit(callStarted("c1"));
    log.emit(endOf("c1"));
    await log.callsEnded();
    expect(jest.getTimerCount()).toBe(0);
  });

  it("comes with the last of them", async () => {
    const log = new EventLog(undefined);
    log.emit(started);
    for (const id of ["c1", "c2"]) log.emit(callStarted(id));
    let ended = false;
    const waiting = log.callsEnded().then(() => {
      ended = true;
    });
    log.emit(endOf("c1"));
    await jest.advanceTimersByTimeAsync(0);
    expect(ended).toBe(false);
    log.emit(endOf("c2"));
    await waiting;
    expect(jest.getTimerCount()).toBe(0);
  });

  it("is waited for a tenth of a second at most", async () => {
    const log = new EventLog(undefined);
    log.emit(started);
    log.emit(callStarted("c1"));
    const waiting = log.callsEnded();
    await jest.advanceTimersByTimeAsync(99);
    expect(jest.getTimerCount()).toBe(1);
    await jest.advanceTimersByTimeAsync(1);
    await waiting;
  });
});
