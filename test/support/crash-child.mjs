// One run (or resume) of the crash tests in a process of its own, so that it can be killed. Works on the built package.
import { defineDag, openCheckpointer, resume, run } from "agent-dag";
import { z } from "zod";

const [mode, topology, store, url, input = "in"] = process.argv.slice(2);
/** What a planner calls first; then it answers. */
const called = ["first", "each", "sub", "loop", "second"];

/** Asks the counting server, which knows each request by its place, and a planner's by turn. */
const model = {
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
const round = defineDag({
  name: "round",
  input: z.object({ round: z.number() }),
  nodes: {
    write: { instructions: "Write." },
    done: { needs: ["write"], run: ({ input }) => input.round >= 3 },
    text: { needs: ["write", "done"], run: ({ needs }) => needs.write },
  },
  output: "text",
});
const dag = defineDag({
  name: "crash",
  nodes: {
    first: { instructions: "First." },
    list: { run: () => ["a", "b", "c", "d"] },
    each: { needs: ["list"], forEach: { items: { node: "list" }, maxConcurrency: 2 }, instructions: "Each." },
    sub: { needs: ["first"], dag: inner, input: "inner input" },
    loop: {
      needs: ["first"],
      dag: round,
      input: { round: { $ref: { round: true } } },
      repeat: { until: { node: "done", equals: true }, maxRounds: 5 },
    },
    second: { needs: ["first"], instructions: "Second." },
    last: { needs: ["each", "sub", "loop", "second"], instructions: "Last." },
  },
});

const { checkpointer, close } = await openCheckpointer(store);
const options = { checkpointer, thread: "crash", model };
try {
  const record =
    mode === "run" ? await run(dag, input, { ...options, topology }) : await resume(dag, options);
  console.log(JSON.stringify(record));
} catch (error) {
  console.log(JSON.stringify({ refused: error.code ?? String(error) }));
} finally {
  await close();
}
