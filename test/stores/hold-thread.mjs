// Drives a thread in a process of its own until it is told "finish", or killed, or stopped. Works on the built package.
import { defineDag, openCheckpointer, run } from "agent-dag";

const [store = "", thread = ""] = process.argv.slice(2);
const told = new Promise((resolve) => process.stdin.once("data", resolve));
const model = {
  id: "test:held",
  async *call({ node }) {
    if (node === "held") {
      console.log("holds");
      await told;
    }
    yield { type: "text", text: `${node} of ${process.pid}` };
    yield { type: "finish", reason: "stop" };
  },
};
// Without functions, so that another process, which reads them otherwise, has the same spec.
const dag = defineDag({
  name: "held",
  nodes: { first: { instructions: "First." }, held: { needs: ["first"], instructions: "Held." } },
});
const { checkpointer, close } = await openCheckpointer(store);
const record = await run(dag, "x", { checkpointer, thread, model });
console.log(JSON.stringify({ state: record.state, output: record.output }));
await close();
process.exit(0);
