// Each node asks a server of the test's, which counts, answers after a moment, and knows who asked when.
import { defineDag } from "agent-dag";

const ask =
  (node) =>
  async ({ input, needs, signal }) => {
    const body = JSON.stringify({ node, input, pid: process.pid });
    const reply = await fetch(process.env.CALLS_URL, { method: "POST", body, signal });
    return `${node}(${Object.values(needs).join("+")}) ${await reply.text()}`;
  };

export default defineDag({
  name: process.env.GRAPH_NAME ?? "calls",
  nodes: {
    a: { run: ask("a"), description: process.env.GRAPH_VERSION ?? "first" },
    b: { needs: ["a"], run: ask("b") },
    c: { needs: ["a"], run: ask("c") },
    d: { needs: ["b", "c"], run: ask("d") },
  },
});
