import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import type { Contact } from "../../src/batch/engine/contact.js";
import type { EngineStore } from "../../src/batch/engine/engine-store.js";
import { SharedLimiter } from "../../src/batch/engine/shared-limiter.js";
import { SharedPauses } from "../../src/batch/engine/shared-pauses.js";

/** Documents of a store whose clock stands elsewhere. */
function documentStore() {
  const kept = new Map<string, any>();
  const aheadMs = 5_000_000;
  const now = () => performance.now() + aheadMs;
  const store = {
    async change(names: readonly string[], change: any) {
      const { write, result } = change(
        names.map((name) => kept.get(name) ?? null),
        now(),
      );
      for (const [at, name] of names.entries()) if (write[at] !== undefined) kept.set(name, write[at]);
      return result;
    },
  } as unknown as EngineStore;
  return { store, kept, now };
}

/** By how much the clock of this process was put on. */
let laterMs = 0;
beforeEach(() => {
  laterMs = 0;
  const now = performance.now.bind(performance);
  jest.spyOn(performance, "now").mockImplementation(() => now() + laterMs);
});
afterEach(() => {
  jest.restoreAllMocks();
});

const open = new AbortController().signal;
const turns = () => new Promise((resolve) => setTimeout(resolve, 20));
/** Whether what waits has gone on by now; it is given up else. */
async function goesOn(waiting: (signal: AbortSignal) => Promise<unknown>): Promise<boolean> {
  const control = new AbortController();
  let isOn = false;
  const asked = waiting(control.signal).then(
    () => {
      isOn = true;
    },
    () => {},
  );
  await turns();
  const was = isOn;
  control.abort();
  await asked;
  return was;
}
const isOver = (pauses: SharedPauses, model: string, patienceMs = Number.POSITIVE_INFINITY) =>
  goesOn((signal) => pauses.over(model, patienceMs, signal));

describe("a provider's pause", () => {
  it("that one worker is told holds for the others, of that model alone", async () => {
    const { store, kept, now } = documentStore();
    const [first, second] = [new SharedPauses(store, "p"), new SharedPauses(store, "p")];
    first.refused("openai:a", 50_000);
    // Several refusals of requests that were under way together are one.
    first.refused("openai:a", 10_000);
    await turns();
    second.hear(kept.get("p"), now());
    expect(await isOver(first, "openai:a")).toBe(false);
    expect(await isOver(second, "openai:a")).toBe(false);
    expect(await isOver(second, "openai:b")).toBe(true);
    // Whoever would rather be refused than wait so long is not held.
    expect(await isOver(second, "openai:a", 10_000)).toBe(true);
    laterMs += 50_000;
    expect(await isOver(first, "openai:a")).toBe(true);
    expect(await isOver(second, "openai:a")).toBe(true);
  });

  it("lets those that wait go on once it is over, and not before", async () => {
    const { store } = documentStore();
    const pauses = new SharedPauses(store, "p");
    const sinceMs = performance.now();
    pauses.refused("m", 30);
    await pauses.over("m", Number.POSITIVE_INFINITY, open);
    expect(performance.now() - sinceMs).toBeGreaterThanOrEqual(30);
  });

  it("is given up when the request is", async () => {
    const { store } = documentStore();
    const pauses = new SharedPauses(store, "p");
    pauses.refused("m", null);
    const control = new AbortController();
    const waiting = pauses.over("m", Number.POSITIVE_INFINITY, control.signal);
    control.abort(new Error("no more"));
    await expect(waiting).rejects.toThrow("no more");
  });

  it("holds back requests that wait at the limiter of another worker", async () => {
    const { store, kept, now } = documentStore();
    const contact = { reached: async () => {} } as unknown as Contact;
    const limiterOf = (worker: string) =>
      new SharedLimiter({ store, contact, document: "l", pauses: "p", worker, limits: {} });
    const [first, second] = [limiterOf("first"), limiterOf("second")];
    const lease = await first.acquire({ model: "m", tokens: 1 }, open);
    lease.refused(50_000);
    lease.settle({ inputTokens: 0, outputTokens: 0 });
    await turns();
    second.hear(kept.get("p"), now());
    const isSent = () => goesOn((signal) => second.acquire({ model: "m", tokens: 1 }, signal));
    expect(await isSent()).toBe(false);
    laterMs += 50_000;
    expect(await isSent()).toBe(true);
  });
});
