// The part of jest that the unit tests of a room use, kept in this process: their files are read once, and run many times.
import { format } from "node:util";
import { jestExpect } from "@jest/expect";
import { ModernFakeTimers } from "@jest/fake-timers";

/** A test that takes far longer than it took unchanged never ends. */
const patienceMs = 2_000;

const { setTimeout: after, clearTimeout: cancel, setImmediate: soon } = globalThis;

const names = (name, row, n) => `${format(name, ...(Array.isArray(row) ? row : [row]))} #${n}`;

/** `describe`, `it` and the rest write down what they are told; `run` does it. */
export class CollectedTests {
  tests = [];
  #suite = suiteIn(null, "");
  #timers = new ModernFakeTimers({ config: { fakeTimers: {} }, global: globalThis });

  /** What a test file imports from `@jest/globals`. */
  globals = {
    expect: jestExpect,
    jest: new Proxy(this.#timers, { get: (timers, key) => timers[key]?.bind(timers) }),
    describe: this.#withEach((name, body) => this.#within(name, body)),
    it: this.#withEach((name, body) => {
      const id = `${this.#suite.path}${name}`;
      const twins = this.tests.filter((test) => test.id.startsWith(id)).length;
      this.tests.push({ id: twins === 0 ? id : `${id} (${twins})`, suite: this.#suite, body });
    }),
    beforeEach: (hook) => this.#suite.beforeEach.push(hook),
    afterEach: (hook) => this.#suite.afterEach.unshift(hook),
    beforeAll: (hook) => this.#suite.beforeAll.push(hook),
    afterAll: (hook) => this.#suite.afterAll.unshift(hook),
  };

  /** Reads one test file. */
  file(name, read) {
    this.#within(name, read);
  }

  /** Runs those that are chosen, one after another; `each` is told how one ended, and says whether to go on. */
  async run(chosen, begin, each) {
    const begun = new Set();
    for (const test of chosen) {
      begin(test);
      const suites = lineOf(test.suite);
      const startedAt = performance.now();
      const error = await this.#ended(async () => {
        for (const suite of suites.filter((one) => !begun.has(one))) {
          begun.add(suite);
          for (const hook of suite.beforeAll) await hook();
        }
        for (const hook of suites.flatMap((one) => one.beforeEach)) await hook();
        try {
          await test.body();
        } finally {
          for (const hook of suites.toReversed().flatMap((one) => one.afterEach)) await hook();
        }
      });
      this.#timers.useRealTimers();
      if (!each(test, error, performance.now() - startedAt)) break;
    }
    for (const suite of [...begun].toReversed()) for (const hook of suite.afterAll) await hook();
    // What a test leaves for the next moment belongs to it, not to the next change.
    await new Promise((done) => soon(done));
  }

  async #ended(body) {
    let timer;
    const late = new Promise((done) => {
      timer = after(() => done(new TestTimedOut()), patienceMs);
    });
    const failed = body().then(
      () => null,
      (error) => error ?? new Error("rejected with nothing"),
    );
    return Promise.race([failed, late]).finally(() => cancel(timer));
  }

  #within(name, body) {
    const around = this.#suite;
    this.#suite = suiteIn(around, name);
    body();
    this.#suite = around;
  }

  #withEach(declare) {
    const each = (rows) => (name, body) =>
      rows.forEach((row, n) => {
        declare(names(name, row, n), Array.isArray(row) ? () => body(...row) : () => body(row));
      });
    return Object.assign(declare, { each });
  }
}

export class TestTimedOut extends Error {}

function suiteIn(around, name) {
  const path = around === null ? name : `${around.path}${name} › `;
  return { around, path, beforeEach: [], afterEach: [], beforeAll: [], afterAll: [] };
}

function lineOf(suite) {
  return suite === null ? [] : [...lineOf(suite.around), suite];
}
