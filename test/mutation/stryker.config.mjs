// Mutation testing of one room: `ROOM=limits npm run test:mutation` (limits, records, engine, stores).
import { rooms } from "./rooms.mjs";

const room = process.env.ROOM ?? "limits";
if (rooms[room] === undefined) throw new Error(`ROOM is one of ${Object.keys(rooms).join(", ")}.`);

/** @type {import("@stryker-mutator/api/core").PartialStrykerOptions} */
export default {
  mutate: rooms[room].mutate,
  testRunner: process.env.RUNNER ?? "in-process",
  plugins: ["@stryker-mutator/jest-runner", "./test/mutation/in-process-runner.mjs"],
  testRunnerNodeArgs: ["--experimental-vm-modules", "--no-warnings=ExperimentalWarning"],
  jest: { projectType: "custom", configFile: "test/mutation/jest.config.js", enableFindRelatedTests: false },
  coverageAnalysis: "perTest",
  concurrency: Number(process.env.CONCURRENCY ?? 1),
  ignorePatterns: ["dist", "docs", "bench", ".docs-*"],
  tempDirName: ".stryker-tmp",
  incremental: true,
  incrementalFile: `.stryker-tmp/incremental-${room}.json`,
  reporters: ["clear-text", "json", "progress-append-only"],
  clearTextReporter: { allowColor: false, reportTests: false },
  jsonReporter: { fileName: `.stryker-tmp/report-${room}.json` },
  disableTypeChecks: false,
  allowEmpty: false,
  thresholds: { high: 90, low: 80, break: null },
};
