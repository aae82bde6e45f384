import { describe, expect, it } from "@jest/globals";
import { Command, MemorySaver } from "@langchain/langgraph";
import { compile } from "../../graphs/compile.js";
import type { DagSpec } from "../../src/spec/shape.js";

const topologies = ["sequential", "deterministic", "dataflow"] as const;

const draftAnd = (send: DagSpec["nodes"][string]["run"]): DagSpec => ({
  name: "letter",
  nodes: {
    draft: { run: ({ input }) => `Dear ${input}` },
    approve: { needs: ["draft"], approve: { message: "Send it?" } },
    send: { needs: ["approve"], ...(send !== undefined && { run: send }) },
  },
});
const spec = draftAnd(({ needs }) => `sent: ${needs.approve}`);
const config = { configurable: { thread_id: "one" } };

describe.each(topologies)("a compiled graph with a checkpointer, %s", (topology) => {
  it("answers each of several runs on one thread with that run's own input", async () => {
    const graph = compile(spec, { topology, checkpointer: new MemorySaver() });
    for (const name of ["Ada", "Grace"]) {
      const asked = await graph.invoke({ input: name }, config);
      expect(asked).toMatchObject({ __interrupt__: [{ value: { node: "approve", value: `Dear ${name}` } }] });
      const answered = await graph.invoke(new Command({ resume: true }), config);
      expect(answered).toMatchObject({ input: name, output: `sent: Dear ${name}` });
    }
  });

  it("refuses to go on with a spec that has changed", async () => {
    const checkpointer = new MemorySaver();
    await compile(spec, { topology, checkpointer }).invoke({ input: "Ada" }, config);
    const changed = draftAnd(({ needs }) => `posted: ${needs.approve}`);
    const going = compile(changed, { topology, checkpointer }).invoke(new Command({ resume: true }), config);
    await expect(going).rejects.toMatchObject({ code: "CHECKPOINT_MISMATCH" });
  });
});
