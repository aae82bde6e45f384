// Processor time of one model request: five agents a run, 25 runs at once, against a hand-written StateGraph on
// ChatOpenAI, interleaved, the server in a process of its own. `npm run bench:calls`
import { Annotation, END, START, StateGraph } from "@langchain/langgraph";
import { run } from "agent-dag";
import { atOnce, fiveAgents, instructions, processorMs, startModel, text } from "./five-agents.js";

const rounds = Number(process.argv[2] ?? 40);
/** Rounds before the first that counts: until then both are mostly compiled. */
const warmUp = 8;
const names = ["a", "b", "c", "d"] as const;
const { model: shared, end } = await startModel();
const ours = (streamed: boolean) => () =>
  run(fiveAgents, text, { model: shared, ...(streamed && { onEvent: () => undefined }) });

const State = Annotation.Root({
  input: Annotation<string>(),
  said: Annotation<Record<string, string>>({ reducer: (a, b) => ({ ...a, ...b }), default: () => ({}) }),
});

function handWritten(streamed: boolean) {
  const ask = async (name: string, content: string) => {
    const messages = [
      { role: "system", content: instructions },
      { role: "user", content },
    ];
    let said = "";
    if (streamed) for await (const chunk of await shared.stream(messages)) said += chunk.content;
    else said = String((await shared.invoke(messages)).content);
    return { said: { [name]: said } };
  };
  const graph = new StateGraph(State)
    .addNode("a", ({ input }) => ask("a", input))
    .addNode("b", ({ input }) => ask("b", input))
    .addNode("c", ({ input }) => ask("c", input))
    .addNode("d", ({ input }) => ask("d", input))
    .addNode("meta", ({ input, said }) => ask("meta", `${input}\n${Object.values(said).join("\n")}`))
    .addEdge("meta", END);
  for (const name of names) graph.addEdge(START, name);
  const compiled = graph.addEdge([...names], "meta").compile();
  return () => compiled.invoke({ input: text });
}

/** Milliseconds of processor time a call. */
const measured = async (once: () => Promise<unknown>) => (await processorMs(once)) / (atOnce * 5);

const median = (values: readonly number[]) => [...values].sort((x, y) => x - y)[values.length >> 1] ?? 0;

for (const streamed of [false, true]) {
  const pair = [ours(streamed), handWritten(streamed)] as const;
  const times: [number[], number[]] = [[], []];
  for (let round = -warmUp; round < rounds; round++) {
    // In turn, so that neither always comes first.
    for (const side of round % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
      const ms = await measured(pair[side]);
      if (round >= 0) times[side].push(ms);
    }
  }
  const [own, hand] = times.map(median) as [number, number];
  const rss = Math.round(process.memoryUsage().rss / 1024 / 1024);
  console.log(
    `${streamed ? "streamed" : "whole   "}: ${own.toFixed(2)} ms a call, hand-written ${hand.toFixed(2)} ms, ratio ${(own / hand).toFixed(2)}, resident ${rss} MB`,
  );
}
end();
process.exit(0);
