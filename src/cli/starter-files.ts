/** What the starter project's files depend on. */
export interface StarterOptions {
  /** The project's package name. */
  readonly name: string;
  /** Where `agent-dag` is installed from: a version range or a file. */
  readonly agentDag: string;
  /** Versions that this package was tested with, by package. */
  readonly versions: Readonly<Record<string, string>>;
}

/** The files of a small project: a graph of three nodes, its snapshot test, and what runs both. */
export function starterFiles({ name, agentDag, versions }: StarterOptions): Record<string, string> {
  const pick = (names: readonly string[]) => Object.fromEntries(names.map((one) => [one, versions[one]]));
  const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
  return {
    "package.json": json({
      name,
      version: "0.1.0",
      private: true,
      type: "module",
      scripts: {
        start: "agent-dag run graph.ts --timeline",
        test: "NODE_OPTIONS=--experimental-vm-modules jest",
      },
      dependencies: {
        ...pick(["@langchain/core", "@langchain/langgraph", "@langchain/openai"]),
        "agent-dag": agentDag,
        ...pick(["zod"]),
      },
      devDependencies: pick(["@jest/globals", "@swc/core", "@swc/jest", "jest", "typescript"]),
    }),
    "tsconfig.json": json({
      compilerOptions: {
        target: "ES2022",
        module: "NodeNext",
        strict: true,
        skipLibCheck: true,
        noEmit: true,
      },
    }),
    "jest.config.js": jestConfig,
    "graph.ts": graph,
    "graph.test.ts": graphTest,
    ".gitignore": "node_modules/\n",
    // A folder is installed as a package would be; linked, it would bring a second Jest's types along.
    ...(/^file:(?!.*\.tgz$)/.test(agentDag) && { ".npmrc": "install-links=true\n" }),
  };
}

const jestConfig = `export default {
  setupFilesAfterEnv: ["agent-dag/jest"],
  extensionsToTreatAsEsm: [".ts"],
  transform: {
    "^.+\\\\.ts$": ["@swc/jest", { jsc: { parser: { syntax: "typescript" }, target: "es2022" }, module: { type: "es6" } }],
  },
  moduleNameMapper: { "^(\\\\.{1,2}/.*)\\\\.js$": "$1" },
};
`;

const graph = `import { defineDag } from "agent-dag";
import { z } from "zod";

export const feedback = defineDag({
  name: "feedback",
  input: z.object({ message: z.string().min(1) }),
  nodes: {
    topics: { instructions: "List the main topics of the message." },
    sentiment: { instructions: "Judge the overall sentiment of the message, with the reason." },
    summary: {
      needs: ["topics", "sentiment"],
      instructions: "Summarise in one sentence what the message says and how its writer feels about it.",
    },
  },
});

// What \`agent-dag run graph.ts\` uses when it is given no input of its own.
export const input = {
  message:
    "The new booking page is quick and I like the calendar. Paying was a pain, though: the form lost my card " +
    "number twice, and the confirmation mail arrived a day late.",
};
`;

const graphTest = `import "agent-dag/jest"; // the types of its matchers
import { expect, it } from "@jest/globals";
import { run } from "agent-dag";
import { view } from "agent-dag/testing";
import { feedback, input } from "./graph.js";

it("keeps its graph", () => {
  expect(view(feedback, "graph")).toMatchSnapshot();
});

it("summarises the feedback", async () => {
  const record = await run(feedback, input, { model: "offline" });

  expect(record).toHaveRunInParallel("topics", "sentiment");
  expect(record).toHaveCompleted("summary");
  // The first run writes the snapshot; commit it. Later runs fail when an output changes.
  expect(view(record, "outputs")).toMatchSnapshot();
});
`;
