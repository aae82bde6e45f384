import { assertArgument } from "../spec/issue.js";
import { openChecks, takeChecks } from "../testing/at-end.js";
import { matchers } from "./matchers.js";
import { serializer } from "./serializer.js";

/** The part of a test runner that is used: Jest's and Vitest's globals, or what their packages export. */
export interface TestRunner {
  /** Takes matchers and snapshot serializers. */
  readonly expect: {
    extend(matchers: Record<string, unknown>): void;
    addSnapshotSerializer(serializer: unknown): void;
  };
  /** Registers what is done before each test. */
  beforeEach(hook: () => void): unknown;
  /** Registers what is done after each test. */
  afterEach(hook: () => Promise<void>): unknown;
  /** Registers what is done after the last test of a file. */
  afterAll(hook: () => Promise<void>): unknown;
}

/**
 * Registers the serializer and the matchers, and has every test that makes a scripted model or a cassette fail when it
 * leaves some of it unused. What is made outside a test is checked after the last one of the file.
 */
export function register(runner: TestRunner): void {
  assertArgument("register", isRunner(runner), ["runner", runner, "Jest's or Vitest's exports"]);
  runner.expect.extend(matchers);
  runner.expect.addSnapshotSerializer(serializer);
  let running = 0;
  let before = 0;
  runner.beforeEach(() => {
    if (running++ === 0) before = openChecks();
  });
  runner.afterEach(async () => {
    // While other tests run at the same time, whose script is whose cannot be told: the last one to end checks all.
    if (--running === 0) await runChecks(before);
  });
  runner.afterAll(() => runChecks(0));
}

async function runChecks(from: number): Promise<void> {
  const results = await Promise.allSettled(takeChecks(from).map(async ({ check }) => check()));
  const errors = results.flatMap((result) => (result.status === "rejected" ? [result.reason as Error] : []));
  const [first, ...others] = errors;
  if (first === undefined) return;
  throw others.length === 0
    ? first
    : new AggregateError(errors, errors.map((error) => error.message).join("\n\n"));
}

/** The runner that this file is loaded in; `null` outside of Jest and Vitest. */
export async function currentRunner(): Promise<TestRunner | null> {
  const globals: unknown = globalThis;
  if (isRunner(globals)) return globals;
  return (await imported(() => import("@jest/globals"))) ?? (await imported(() => import("vitest")));
}

/** Outside of its runner Jest's package cannot be imported, and Vitest's fails at its first hook; one may not be installed. */
async function imported(load: () => Promise<unknown>): Promise<TestRunner | null> {
  try {
    const loaded = await load();
    if (!isRunner(loaded)) return null;
    loaded.afterAll(async () => {});
    return loaded;
  } catch {
    return null;
  }
}

function isRunner(value: unknown): value is TestRunner {
  if (typeof value !== "object" || value === null || !("expect" in value)) return false;
  const { expect } = value;
  const hooks = ["beforeEach", "afterEach", "afterAll"] as const;
  return typeof expect === "function" && "extend" in expect && hooks.every((hook) => hook in value);
}
