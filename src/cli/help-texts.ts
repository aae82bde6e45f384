import type { Command } from "commander";

/** What `--help` of a command says beside its options. */
interface HelpText {
  /** Command lines, each with what it does. */
  readonly examples: readonly (readonly [line: string, does: string])[];
  /** Exit statuses, where they are not those of {@link usualStatuses}. */
  readonly statuses?: Readonly<Record<number, string>>;
}

/** Exit statuses of what only reads and writes. */
const usualStatuses = { 0: "done", 2: "wrong usage, or a file that cannot be used" };

/** Exit statuses of what runs a graph. */
const runStatuses = {
  0: "done; also partial or waiting for an answer, each with a notice",
  1: "the run failed, or its output could not be written",
  2: "wrong usage, or an invalid graph: nothing was run",
  130: "interrupted by Ctrl-C",
};

/** By command. */
export const helpTexts: Readonly<Record<string, HelpText>> = {
  run: {
    examples: [
      ["agent-dag run examples/review.ts --timeline", "the graph's own input, without a key"],
      ['agent-dag run graph.ts --text "The lamp is bright."', "a text of yours"],
      ["agent-dag run graph.yaml --input review.json --model openai:gpt-4.1-mini", "a real model"],
      ["agent-dag run graph.ts --json > run.json", "the record, to be shown, compared or reused"],
      ["agent-dag run graph.ts --checkpoint sqlite:runs.db --thread t1", "survives a crash: see resume"],
      ["agent-dag run graph.ts --topology planned --max-cost 0.05 --web", "planned, bounded, and watched"],
    ],
    statuses: runStatuses,
  },
  resume: {
    examples: [
      ["agent-dag resume graph.ts --checkpoint sqlite:runs.db --thread t1", "goes on where it was"],
      [
        "agent-dag resume graph.ts --checkpoint sqlite:runs.db --thread t1 --answer true",
        "answers an approval",
      ],
    ],
    statuses: runStatuses,
  },
  compare: {
    examples: [
      [
        "agent-dag compare examples/review.ts --simulate gpt-4.1-mini",
        "at a real model's pace, without a key",
      ],
      [
        "agent-dag compare graph.ts --topologies dataflow,planned --repeat 5 --report compare.html",
        "as a page",
      ],
    ],
    statuses: { ...runStatuses, 1: "a run failed" },
  },
  batch: {
    examples: [
      [
        "agent-dag batch graph.ts reviews.csv --key id --out results.jsonl",
        "a line of results a row; again: only what is left",
      ],
      ["agent-dag batch graph.ts rows.jsonl --out results.jsonl --retry-failed", "the failed rows too"],
      ["agent-dag batch graph.ts texts/ --out results.jsonl --max-cost 2 --max-failures 5%", "bounded"],
      ["agent-dag batch graph.ts rows.jsonl --engine redis://localhost:6379", "for workers: see worker"],
      ["agent-dag batch --engine redis://localhost:6379 --follow b-7c1f", "looks on from elsewhere"],
    ],
    statuses: {
      0: "every row was met, and not all failed",
      1: "all rows failed, too many did, or the budget ended it",
      2: "wrong usage, or an invalid graph: nothing was run",
      130: "interrupted by Ctrl-C; the same command goes on",
    },
  },
  worker: {
    examples: [
      ["agent-dag worker graph.ts --engine redis://localhost:6379 --concurrency 8", "until Ctrl-C"],
      ["agent-dag worker graph.ts --engine postgres://me@db/batches", "on any number of machines"],
    ],
    statuses: { 0: "ended by Ctrl-C or SIGTERM", 2: "wrong usage, an invalid graph, or no engine there" },
  },
  predict: {
    examples: [
      ["agent-dag predict run.json", "every topology, from one record"],
      ["agent-dag predict run.json --model openai:gpt-4.1 --max-concurrency 2", "another model and limit"],
    ],
  },
  graph: {
    examples: [
      ["agent-dag graph graph.ts", "as Mermaid"],
      ["agent-dag graph graph.ts --format svg --record run.json > run.svg", "with a run's states in it"],
    ],
  },
  check: {
    examples: [
      ["agent-dag check graph.yaml", "every mistake at once"],
      ["agent-dag check graph.ts --explain", "who would wait for whom"],
    ],
    statuses: { 0: "the graph is valid", 2: "it is not, or the file cannot be used" },
  },
  diff: {
    examples: [
      ["agent-dag diff old.json new.json", "what changed between two runs"],
      ["agent-dag diff old.json new.json --report diff.html", "as a page, from where they part"],
    ],
    statuses: { 0: "nothing but times changed", 1: "something did", 2: "wrong usage, or no record" },
  },
  report: {
    examples: [
      ["agent-dag report run.json --out run.html", "one file, to be opened or attached"],
      ["agent-dag report old.json new.json --no-texts", "two runs, without prompts and answers"],
    ],
  },
  show: { examples: [["agent-dag show run.json", "outputs and timeline, as run printed them"]] },
  export: {
    examples: [
      ["agent-dag export run.json --format perfetto > trace.json", "for ui.perfetto.dev"],
      ["agent-dag export run.json --format otlp > spans.json", "for a collector"],
    ],
  },
  serve: {
    examples: [
      ["agent-dag serve graph.ts", "a page, and an API on this computer"],
      ["agent-dag serve a.ts b.yaml --port 8080 --store sqlite:runs.db", "runs survive a restart"],
      ["agent-dag serve graph.ts --mcp", "a tool for an assistant, over standard input and output"],
    ],
    statuses: { 0: "ended by Ctrl-C or SIGTERM", 2: "wrong usage, an invalid graph, or a port in use" },
  },
  init: {
    examples: [
      ["agent-dag init my-graph", "a review, read by four specialists"],
      ["agent-dag init my-batch --template batch", "a graph over the rows of a table"],
      [
        "agent-dag init . --template service --package file:./agent-dag-0.1.0.tgz",
        "in the project that is here",
      ],
    ],
    statuses: { 0: "done", 2: "the folder holds such files already: nothing was written" },
  },
};

/** Adds examples and exit statuses to the help of each command. */
export function addHelpTexts(program: Command): void {
  for (const command of program.commands) {
    const text = helpTexts[command.name()];
    if (text === undefined) continue;
    const { examples, statuses = usualStatuses } = text;
    const lines = examples.map(([line, does]) => `  # ${does}\n  ${line}`);
    const meanings = Object.entries(statuses).map(([status, means]) => `  ${status.padStart(3)}  ${means}`);
    command.addHelpText("after", `\nExamples:\n${lines.join("\n")}\n\nExit status:\n${meanings.join("\n")}`);
  }
}
