/** @type {import("jest").Config} */
export default {
  testEnvironment: "node",
  // One worker a core: loading LangGraph is most of what a test file takes, and jest's own default leaves a core idle.
  maxWorkers: "100%",
  // What a test file has loaded is let go of late: a worker comes to 3 GB over all of them, and a small machine would end it.
  workerIdleMemoryLimit: "1500MB",
  // Only for what would never end: a busy machine takes many times as long to start a process. So no test has a shorter one.
  testTimeout: 600_000,
  roots: ["<rootDir>/test", "<rootDir>/examples", "<rootDir>/templates"],
  testMatch: ["**/*.test.ts"],
  extensionsToTreatAsEsm: [".ts"],
  transform: {
    "^.+\\.ts$": [
      "@swc/jest",
      {
        jsc: { parser: { syntax: "typescript" }, target: "es2022" },
        module: { type: "es6" },
      },
    ],
  },
  setupFilesAfterEnv: ["<rootDir>/src/jest/index.ts"],
  moduleNameMapper: {
    "^(\\.{1,2}/.*)\\.js$": "$1",
    "^agent-dag$": "<rootDir>/src/index.ts",
    "^agent-dag/(testing|jest|serve)$": "<rootDir>/src/$1/index.ts",
    "^agent-dag/otel$": "<rootDir>/src/telemetry/otel.ts",
  },
};
