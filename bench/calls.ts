// Processor time of one model request: five agents a run, 25 runs at once, against a hand-written StateGraph on
// ChatOpenAI, interleaved, the server in a process of its own. `npm run bench:calls`
import { Annotation, END, START, StateGraph } from "@langchain/langgraph";
import { run } from "agent-dag";
import { atOnce, fiveAgents, instructions, processorMs, startModel, text } from "./five-agents.js";

const rounds = Number(process.argv[2] ?? 40);
/**
 * Rounds before the first that counts, 7,500 calls of each: until then V8 goes on compiling, also on threads of its own, and
 * of a library that is larger than forty lines it has more to compile. What these rounds cost is told for itself.
 */
const warmUp = 60;
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

/** What each call cost ours, and the hand-written graph. */
type Sides = readonly [own: number[], hand: number[]];

const median = (values: readonly number[]) => [...values].sort((x, y) => x - y)[values.length >> 1] ?? 0;

function told(sides: Sides): string {
  const [own, hand] = sides.map(median) as [number, number];
  return `${own.toFixed(2)} ms a call, hand-written ${hand.toFixed(2)} ms, ratio ${(own / hand).toFixed(2)}`;
}

for (const streamed of [false, true]) {
  const pair = [ours(streamed), handWritten(streamed)] as const;
  const cold: Sides = [[], []];
  const warm: Sides = [[], []];
  for (let round = -warmUp; round < rounds; round++) {
    // In turn, so that neither always comes first.
    for (const side of round % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
      (round < 0 ? cold : warm)[side].push(await measured(pair[side]));
    }
  }
  const rss = Math.round(process.memoryUsage().rss / 1024 / 1024);
  console.log(`${streamed ? "streamed" : "whole   "}: ${told(warm)}, resident ${rss} MB`);
  console.log(`          in the first ${warmUp * atOnce * 5} calls ${told(cold)}`);
}
end();
process.exit(0);
