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

/** What a planner calls first; then it answers. */
const called = ["first", "each", "sub", "second"];

/** Asks the counting server, which knows each request by node and item, and a planner's by turn. */
const model: Model = {
  id: "test:counted",
  async *call({ node, item, turn, signal }) {
    const part = node === "$planner" ? turn : (item ?? "-");
    const reply = await (await fetch(`${url}/${encodeURIComponent(node)}/${part}`, { signal })).text();
    const plans = node === "$planner" && turn === 0;
    if (plans && topology === "planned") {
      for (const [index, name] of called.entries())
        yield { type: "tool-call", index, id: name, name, args: "{}" };
    } else if (plans) {
      yield { type: "text", text: [...called.map((name, i) => `${i + 1}. ${name}()`), "join()"].join("\n") };
    } else yield { type: "text", text: reply };
    yield { type: "usage", inputTokens: 10, outputTokens: 5 };
    yield { type: "finish", reason: plans && topology === "planned" ? "tool_calls" : "stop" };
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
