// A test runner for Stryker: one process reads a room's tests once, then tries one change after another in milliseconds.
// jest takes seconds for each change, nearly all of it to begin. Both find the same (`RUNNER=jest` to compare).
import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, matchesGlob } from "node:path";
import { constants, Script } from "node:vm";
import { declareFactoryPlugin, PluginKind } from "@stryker-mutator/api/plugin";
import {
  DryRunStatus,
  determineHitLimitReached,
  TestStatus,
  toMutantRunResult,
} from "@stryker-mutator/api/test-runner";
import { build } from "esbuild";
import { CollectedTests, TestTimedOut } from "./collected-tests.mjs";
import { rooms } from "./rooms.mjs";

class InProcessRunner {
  #script;
  #collected;

  capabilities() {
    return { reloadEnvironment: true };
  }

  async init() {
    globalThis.__stryker__ ??= {};
    process.env.NODE_ENV = "test";
    process.env.FORCE_COLOR = "0";
    // What a changed program rejects or throws after its test has failed is nobody's.
    process.on("unhandledRejection", () => {});
    process.on("uncaughtException", () => {});
    this.#script = new Script(await bundled(testFiles()), {
      filename: "tests-of-a-room.cjs",
      importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    });
  }

  async dryRun() {
    const seen = globalThis.__stryker__;
    seen.mutantCoverage = { static: {}, perTest: {} };
    seen.currentTestId = undefined;
    seen.activeMutant = undefined;
    this.#read();
    const tests = await this.#run(this.#collected.tests, true);
    seen.currentTestId = undefined;
    return { status: DryRunStatus.Complete, tests, mutantCoverage: seen.mutantCoverage };
  }

  async mutantRun({ activeMutant, testFilter, disableBail, hitLimit, reloadEnvironment }) {
    const seen = globalThis.__stryker__;
    seen.mutantCoverage = undefined;
    seen.currentTestId = undefined;
    seen.hitLimit = hitLimit;
    seen.hitCount = hitLimit ? 0 : undefined;
    seen.activeMutant = reloadEnvironment ? activeMutant.id : undefined;
    try {
      if (reloadEnvironment || this.#collected === undefined) this.#read();
      seen.activeMutant = activeMutant.id;
      const chosen = this.#collected.tests.filter(({ id }) => testFilter?.includes(id) ?? true);
      const tests = await this.#run(chosen, disableBail);
      const reached = determineHitLimitReached(seen.hitCount, seen.hitLimit);
      if (reached) return toMutantRunResult(reached);
      if (tests.some(({ timedOut }) => timedOut)) return toMutantRunResult({ status: DryRunStatus.Timeout });
      return toMutantRunResult({ status: DryRunStatus.Complete, tests }, disableBail);
    } catch (error) {
      // Read with the change in it, a file throws: every test of it fails.
      const failed = { id: "reading", name: "reading", timeSpentMs: 0, status: TestStatus.Failed };
      const tests = [{ ...failed, failureMessage: String(error) }];
      return toMutantRunResult({ status: DryRunStatus.Complete, tests }, disableBail);
    } finally {
      seen.activeMutant = undefined;
      // What was read while the change was in it keeps what it made of it.
      if (reloadEnvironment) this.#collected = undefined;
    }
  }

  #read() {
    const collected = new CollectedTests();
    const exported = {};
    this.#script.runInThisContext()(createRequire(join(process.cwd(), "package.json")), collected, exported);
    this.#collected = collected;
  }

  async #run(chosen, onWhenFailed) {
    const results = [];
    const begin = ({ id }) => {
      globalThis.__stryker__.currentTestId = id;
    };
    await this.#collected.run(chosen, begin, ({ id }, error, timeSpentMs) => {
      const result = { id, name: id, timeSpentMs };
      results.push(
        error === null
          ? { ...result, status: TestStatus.Success }
          : {
              ...result,
              status: TestStatus.Failed,
              failureMessage: String(error?.message ?? error),
              timedOut: error instanceof TestTimedOut,
            },
      );
      return error === null || onWhenFailed;
    });
    return results;
  }
}

function testFiles() {
  return rooms[process.env.ROOM ?? "limits"].tests.flatMap((pattern) =>
    readdirSync(dirname(pattern))
      .map((file) => join(dirname(pattern), file))
      .filter((file) => matchesGlob(file, pattern)),
  );
}

/** A function of `require`, the tests to fill and the exports: all test files and what they import from the project. */
async function bundled(files) {
  const reads = files.map((file) => `tests.file(${JSON.stringify(file)}, () => require("./${file}"));`);
  const { outputFiles } = await build({
    stdin: { contents: reads.join("\n"), resolveDir: process.cwd(), sourcefile: "tests.cjs" },
    bundle: true,
    write: false,
    format: "cjs",
    platform: "node",
    target: "node20",
    packages: "external",
    logLevel: "error",
    define: { "import.meta.url": "metaUrl" },
    plugins: [
      {
        name: "jest-globals",
        setup(it) {
          it.onResolve({ filter: /^@jest\/globals$/ }, () => ({ path: "jest", namespace: "jest" }));
          it.onLoad({ filter: /.*/, namespace: "jest" }, () => ({
            contents: "module.exports = tests.globals;",
            loader: "js",
          }));
        },
      },
    ],
  });
  const metaUrl = JSON.stringify(`file://${process.cwd()}/src/spec/any.ts`);
  return `(function (require, tests, exports) { const module = { exports }; const metaUrl = ${metaUrl};\n${outputFiles[0].text}\n})`;
}

export const strykerPlugins = [
  declareFactoryPlugin(PluginKind.TestRunner, "in-process", () => new InProcessRunner()),
];
