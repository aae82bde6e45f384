import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { Command, MemorySaver } from "@langchain/langgraph";
import { defineDag, openCheckpointer, resume, run, stream } from "agent-dag";
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

describe.each(["__proto__", "constructor", "prototype", "\0", "a\0b", "\ud800"])(
  "a thread that not every store could hold: %j",
  (thread) => {
    it("is refused before anything runs, at each door and by each store", async () => {
      const folder = mkdtempSync(join(tmpdir(), "threads-"));
      const sqlite = await openCheckpointer(`sqlite:${join(folder, "threads.db")}`);
      for (const checkpointer of [new MemorySaver(), sqlite.checkpointer]) {
        let runs = 0;
        const counts = defineDag({ name: "counts", nodes: { a: { run: () => ++runs } } });
        const options = { checkpointer, thread };
        const refused = { code: "THREAD_INVALID", facts: { thread } };
        await expect(run(counts, "x", options)).rejects.toMatchObject(refused);
        await expect(stream(counts, "x", options).record).rejects.toMatchObject(refused);
        await expect(resume(counts, options)).rejects.toMatchObject(refused);
        const graph = compile(counts, { checkpointer });
        const invoked = graph.invoke({ input: "x" }, { configurable: { thread_id: thread } });
        await expect(invoked).rejects.toMatchObject(refused);
        expect(runs).toBe(0);
      }
      await sqlite.close();
      rmSync(folder, { recursive: true });
    });
  },
);

it("a thread named as what every object has is a thread as any other", async () => {
  for (const thread of ["toString", "hasOwnProperty", "valueOf", " ", "ünïcode 🙂", "../up"]) {
    const options = { checkpointer: new MemorySaver(), thread };
    expect((await run(spec, "Ada", options)).state).toBe("interrupted");
    expect((await resume(spec, { ...options, answer: true })).output).toBe("sent: Dear Ada");
  }
});
