import { getEventListeners } from "node:events";
import { describe, expect, it } from "@jest/globals";
import {
  type CancelCode,
  CancelError,
  Canceller,
  cancelledOutcome,
  cancelOf,
  untilCancelled,
} from "../../../nodes/engine/cancel.js";

const times = { readyAtMs: 1, startedAtMs: 2, endedAtMs: 3, attempts: 1 };

it.each<[CancelCode, string]>([
  ["aborted", "STOPPED_ABORTED"],
  ["deadline", "STOPPED_DEADLINE"],
  ["not-needed", "STOPPED_NOT_NEEDED"],
  ["fail-fast", "STOPPED_FAIL_FAST"],
  ["budget", "STOPPED_BUDGET"],
  ["rejected", "STOPPED_REJECTED"],
])("%s is recorded of a call that it cuts off as %s", (cancel, code) => {
  const cause = new Error("why");
  const error = new CancelError(cancel, "It ends.", { cause, node: "a" });
  expect(error).toMatchObject({ cancel, code, message: "It ends.", cause, facts: { node: "a" } });
});

describe("an abort reason", () => {
  it("of ours stays what it is", () => {
    const own = new CancelError("budget", "x");
    expect(cancelOf(own)).toBe(own);
  });

  it.each<[unknown, string]>([
    [undefined, "The run was aborted."],
    [new DOMException("This operation was aborted", "AbortError"), "The run was aborted."],
    [{ name: "AbortError" }, "The run was aborted."],
    [new Error("enough"), "The run was aborted: enough."],
    [null, "The run was aborted: A value that is not an Error was thrown: null."],
    ["enough", "The run was aborted: enough."],
    [new DOMException("too slow", "TimeoutError"), "The run was aborted: too slow."],
  ])("of somebody else's is that the run was aborted: %p", (reason, message) => {
    const error = cancelOf(reason);
    expect(error).toMatchObject({ cancel: "aborted", message });
    expect(error.cause).toBe(reason);
  });

  it("that cannot be looked at is one, too", () => {
    const hostile = new Proxy(
      {},
      {
        get() {
          throw new Error("no");
        },
        has() {
          throw new Error("no");
        },
      },
    );
    expect(cancelOf(hostile).cancel).toBe("aborted");
    expect(cancelOf(hostile).message).toMatch(/^The run was aborted: A value that is not an Error/);
  });
});

describe("work that is cancelled", () => {
  it.each<[CancelCode, boolean, string]>([
    ["deadline", true, "timed-out"],
    ["deadline", false, "skipped"],
    ["budget", true, "skipped"],
    ["budget", false, "skipped"],
    ["rejected", true, "skipped"],
    ["aborted", true, "cancelled"],
    ["aborted", false, "cancelled"],
    ["not-needed", true, "cancelled"],
    ["fail-fast", false, "cancelled"],
  ])("by %s while running (%j) is %s", (cancel, running, state) => {
    const outcome = cancelledOutcome(new CancelError(cancel, "It ends."), running, times);
    expect(outcome).toEqual(
      state === "timed-out"
        ? { ...times, state, error: { code: "DEADLINE", message: "It ends." } }
        : { ...times, state, reason: { code: cancel, message: "It ends." } },
    );
  });
});

describe("a canceller", () => {
  const [first, second] = [new CancelError("budget", "1"), new CancelError("aborted", "2")];

  it("cancels once", () => {
    const canceller = new Canceller();
    const heard: unknown[] = [];
    canceller.onCancel((reason) => heard.push(reason));
    expect(canceller.reason).toBeUndefined();
    canceller.cancel(first);
    canceller.cancel(second);
    expect([canceller.reason, heard]).toEqual([first, [first]]);
  });

  it("tells at once who asks later, and not who has gone", () => {
    const canceller = new Canceller();
    const heard: string[] = [];
    const leave = canceller.onCancel(() => heard.push("gone"));
    leave();
    canceller.cancel(first);
    canceller.onCancel(() => heard.push("late"))();
    expect(heard).toEqual(["late"]);
  });

  it("has one signal, aborted with the reason, before and after", () => {
    const before = new Canceller();
    const { signal } = before;
    expect(signal.aborted).toBe(false);
    before.cancel(first);
    expect([signal.aborted, signal.reason]).toEqual([true, first]);
    expect(before.signal).toBe(signal);
    const after = new Canceller();
    after.cancel(second);
    expect(after.signal.reason).toBe(second);
  });
});

describe("work until it is cancelled", () => {
  it("gives what it gives, or what it throws", async () => {
    const canceller = new Canceller();
    expect(await untilCancelled(Promise.resolve(7), canceller)).toBe(7);
    await expect(untilCancelled(Promise.reject(new Error("no")), canceller)).rejects.toThrow("no");
    expect(getEventListeners(canceller.signal, "abort")).toEqual([]);
  });

  it("is left behind at the reason", async () => {
    const canceller = new Canceller();
    const work = untilCancelled(new Promise(() => {}), canceller);
    const reason = new CancelError("aborted", "enough");
    canceller.cancel(reason);
    await expect(work).rejects.toBe(reason);
    await expect(untilCancelled(new Promise(() => {}), canceller)).rejects.toBe(reason);
  });
});
