import { Annotation, END, START, StateGraph } from "@langchain/langgraph";

const State = Annotation.Root({
  values: Annotation<Record<string, unknown>>({ reducer: (a, b) => ({ ...a, ...b }), default: () => ({}) }),
});

/** What a node of a benchmark does: nothing, or a wait. */
export type Step = () => unknown;

/** The same DAG as a LangGraph user would write it by hand: one node a step, list-form edges as joins. */
export function handWritten(nodes: Readonly<Record<string, { needs?: readonly string[]; run: Step }>>) {
  const graph = new StateGraph(State) as StateGraph<any, any, any, string>;
  const needed = new Set(Object.values(nodes).flatMap(({ needs = [] }) => needs));
  for (const [name, { run }] of Object.entries(nodes)) {
    graph.addNode(name, async () => ({ values: { [name]: await run() } }));
  }
  for (const [name, { needs = [] }] of Object.entries(nodes)) {
    if (needs.length === 0) graph.addEdge(START, name);
    else graph.addEdge(needs.length === 1 ? (needs[0] as string) : [...needs], name);
    if (!needed.has(name)) graph.addEdge(name, END);
  }
  const compiled = graph.compile();
  return () => compiled.invoke({ values: {} }, { recursionLimit: Object.keys(nodes).length + 10 });
}
