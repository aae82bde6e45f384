import { getEventListeners } from "node:events";
import { expect, it } from "@jest/globals";
import { waitMs } from "../../src/limits/wait.js";

it("ends after its time, without a listener left", async () => {
  const { signal } = new AbortController();
  await expect(waitMs(1, signal)).resolves.toBeUndefined();
  expect(getEventListeners(signal, "abort")).toEqual([]);
});

it("ends with the signal's reason as soon as that is aborted", async () => {
  const controller = new AbortController();
  const waiting = waitMs(3_600_000, controller.signal);
  controller.abort("enough");
  await expect(waiting).rejects.toBe("enough");
});

it("does not begin with a signal that was aborted before", async () => {
  const reason = new Error("before");
  await expect(waitMs(0, AbortSignal.abort(reason))).rejects.toBe(reason);
});
