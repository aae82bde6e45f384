/**
 * The same fan-out of agents with instant models in `dataflow`, in the OpenAI Agents SDK for JavaScript (its agents started
 * by `Promise.all`, a last one merging), and as bare promises; interleaved in one run. Needs `npm install --prefix bench/agents-sdk`.
 */
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { type DagSpec, defineDag, type Model, run } from "agent-dag";
import { percentile } from "./percentile.js";

/** The part of the SDK that is used. */
interface AgentsSdk {
  readonly Agent: new (options: { name: string; instructions: string; model: unknown }) => unknown;
  readonly Usage: new (usage: object) => unknown;
  run(agent: unknown, input: string): Promise<{ finalOutput?: unknown }>;
  setTracingDisabled(disabled: boolean): void;
}

const width = 1024;
const rounds = 5;

const sdk = await loadSdk();
if (sdk === null) {
  console.log("Skipped: the OpenAI Agents SDK is not installed. Run: npm install --prefix bench/agents-sdk");
} else {
  await measure(sdk);
}

async function loadSdk(): Promise<AgentsSdk | null> {
  const folder = createRequire(new URL("./agents-sdk/package.json", import.meta.url));
  try {
    return (await import(pathToFileURL(folder.resolve("@openai/agents")).href)) as AgentsSdk;
  } catch {
    return null;
  }
}

async function measure({ Agent, Usage, run: runAgent, setTracingDisabled }: AgentsSdk): Promise<void> {
  setTracingDisabled(true);
  const theirModel = {
    async getResponse() {
      const content = [{ type: "output_text", text: "done" }];
      const output = [{ type: "message", role: "assistant", status: "completed", content }];
      return { usage: new Usage({ inputTokens: 1, outputTokens: 1, totalTokens: 2 }), output };
    },
  };
  const ourModel: Model = {
    id: "bench:instant",
    async *call() {
      yield { type: "text", text: "done" };
      yield { type: "usage", inputTokens: 1, outputTokens: 1 };
      yield { type: "finish", reason: "stop" };
    },
  };
  const names = Array.from({ length: width }, (_, index) => `n${index}`);
  const agents = names.map((name) => new Agent({ name, instructions: "Answer.", model: theirModel }));
  const last = new Agent({ name: "join", instructions: "Merge.", model: theirModel });
  const nodes = {
    ...Object.fromEntries(names.map((name) => [name, { instructions: "Answer." }])),
    join: { needs: names, instructions: "Merge." },
  };
  const dag = defineDag({ name: "fan", nodes } as never) as DagSpec;

  const contenders: Record<string, () => Promise<unknown>> = {
    dataflow: async () => {
      const { state } = await run(dag, "x", { topology: "dataflow", model: ourModel });
      if (state !== "completed") throw new Error(`The run ended as ${state}.`);
    },
    "Agents SDK": async () => {
      const answers = await Promise.all(agents.map((agent) => runAgent(agent, "x")));
      await runAgent(last, answers.map(({ finalOutput }) => String(finalOutput)).join("\n"));
    },
    "Promise.all": () => Promise.all(names.map(async () => "done")),
  };
  const times = new Map(Object.keys(contenders).map((name) => [name, [] as number[]]));
  for (let round = -1; round < rounds; round++) {
    for (const [name, work] of Object.entries(contenders)) {
      const from = performance.now();
      await work();
      if (round >= 0) times.get(name)?.push(performance.now() - from);
    }
  }
  const base = percentile(times.get("dataflow") ?? [], 0.5);
  console.log(`${width} agents with instant models, then one that merges; medians of ${rounds}, interleaved`);
  for (const [name, list] of times) {
    const ms = percentile(list, 0.5);
    console.log(`${name.padEnd(12)} ${ms.toFixed(1).padStart(8)} ms  ${(ms / base).toFixed(2)} × dataflow`);
  }
}
