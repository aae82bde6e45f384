import { Annotation, END, START, StateGraph } from "@langchain/langgraph";
import { run } from "agent-dag";
import { atOnce, fiveAgents, instructions, processorMs, startModel, text } from "./five-agents.js";
const rounds = Number(process.argv[2] ?? 40);
const warmUp = 8;
const names = ["a", "b", "c", "d"];
const { model: shared, end } = await startModel();
const ours = (streamed) => () => run(fiveAgents, text, { model: shared, ...streamed && { onEvent: () => void 0 } });
const State = Annotation.Root({
  input: Annotation(),
  said: Annotation({ reducer: (a, b) => ({ ...a, ...b }), default: () => ({}) })
});
function handWritten(streamed) {
  const ask = async (name, content) => {
    const messages = [
      { role: "system", content: instructions },
      { role: "user", content }
    ];
    let said = "";
    if (streamed) for await (const chunk of await shared.stream(messages)) said += chunk.content;
    else said = String((await shared.invoke(messages)).content);
    return { said: { [name]: said } };
  };
  const graph = new StateGraph(State).addNode("a", ({ input }) => ask("a", input)).addNode("b", ({ input }) => ask("b", input)).addNode("c", ({ input }) => ask("c", input)).addNode("d", ({ input }) => ask("d", input)).addNode("meta", ({ input, said }) => ask("meta", `${input}
${Object.values(said).join("\n")}`)).addEdge("meta", END);
  for (const name of names) graph.addEdge(START, name);
  const compiled = graph.addEdge([...names], "meta").compile();
  return () => compiled.invoke({ input: text });
}
const measured = async (once) => await processorMs(once) / (atOnce * 5);
const median = (values) => [...values].sort((x, y) => x - y)[values.length >> 1] ?? 0;
for (const streamed of [false, true]) {
  const pair = [ours(streamed), handWritten(streamed)];
  const times = [[], []];
  for (let round = -warmUp; round < rounds; round++) {
    for (const side of round % 2 === 0 ? [0, 1] : [1, 0]) {
      const ms = await measured(pair[side]);
      if (round >= 0) times[side].push(ms);
    }
  }
  const [own, hand] = times.map(median);
  const rss = Math.round(process.memoryUsage().rss / 1024 / 1024);
  console.log(
    `${streamed ? "streamed" : "whole   "}: ${own.toFixed(2)} ms a call, hand-written ${hand.toFixed(2)} ms, ratio ${(own / hand).toFixed(2)}, resident ${rss} MB`
  );
}
end();
process.exit(0);
