/**
 * Snapshot serializer and matchers for Jest and Vitest. One line of the config sets everything up:
 * `setupFilesAfterEnv: ["agent-dag/jest"]` in Jest, `setupFiles: ["agent-dag/jest"]` in Vitest.
 */
import { currentRunner, register } from "./runner.js";

export { type SnapshotView, view } from "../testing/view.js";
export { type CallFilter, matchers, type ToolCallFilter } from "./matchers.js";
export { register, type TestRunner } from "./runner.js";
export { serializer } from "./serializer.js";
export type { ToolExpectation } from "./tool-expectation.js";
export type { DagMatchers, NodePath } from "./typed.js";

// The one import in this package that does something: it is what the line in the config is for.
const runner = await currentRunner();
if (runner !== null) register(runner);
