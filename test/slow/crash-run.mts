// Runs (or resumes) the graph of the crash test in a process of its own, so that it can be killed.
import { defineDag, type Model, resume, run, type Topology } from "agent-dag";
import { openCheckpointer } from "../../src/stores/checkpointer.js";

const [mode, topology, file, url, input = ""] = process.argv.slice(2) as [
  string,
  Topology,
  string,
  string,
  string?,
];

/** Asks the counting server, which knows each request by node and item. */
const model: Model = {
  id: "test:counted",
  async *call({ node, item, signal }) {
    const reply = await fetch(`${url}/${encodeURIComponent(node)}/${item ?? "-"}`, { signal });
    yield { type: "text", text: await reply.text() };
    yield { type: "usage", inputTokens: 10, outputTokens: 5 };
    yield { type: "finish", reason: "stop" };
  },
};

const inner = defineDag({
  name: "inner",
  nodes: {
    left: { instructions: "Left." },
    right: { instructions: "Right." },
    both: { needs: ["left", "right"], instructions: "Both." },
  },
});

const dag = defineDag({
  name: "crash",
  nodes: {
    first: { instructions: "First." },
    list: { run: () => ["a", "b", "c"] },
    each: { needs: ["list"], forEach: { items: { node: "list" }, maxConcurrency: 2 }, instructions: "Each." },
    sub: { needs: ["first"], dag: inner },
    second: { needs: ["first"], instructions: "Second." },
    last: { needs: ["each", "sub", "second"], instructions: "Last." },
  },
});

const { checkpointer, close } = await openCheckpointer(`sqlite:${file}`);
const options = { checkpointer, thread: "crash", model };
const record =
  mode === "run"
    ? await run(dag, input, { ...options, topology })
    : await resume(dag, { ...options, topology });
close();
console.log(JSON.stringify(record));
