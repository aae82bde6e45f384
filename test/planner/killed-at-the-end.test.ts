import { expect, it } from "@jest/globals";
import { MemorySaver } from "@langchain/langgraph";
import { resume, run } from "../../src/run/run.js";
import { defineDag } from "../../src/spec/define.js";

const dag = defineDag({
  name: "ending",
  nodes: { a: { instructions: "A." }, b: { needs: ["a"], instructions: "B." } },
});

it("goes on where the process was killed after LangGraph's last step", async () => {
  const asked: string[] = [];
  const model = {
    id: "test:plan",
    async *call({ node, turn }: { node: string; turn: number }) {
      asked.push(`${node} ${turn}`);
      yield {
        type: "text" as const,
        text: node === "$planner" && turn === 0 ? "1. a()\njoin()" : `by ${node}`,
      };
      yield { type: "finish" as const, reason: "stop" };
    },
  };
  // Every state of the store that a kill could leave behind.
  const states: string[] = [];
  class Watched extends MemorySaver {
    override async put(...args: Parameters<MemorySaver["put"]>) {
      const config = await super.put(...args);
      this.keep();
      return config;
    }
    override async putWrites(...args: Parameters<MemorySaver["putWrites"]>) {
      await super.putWrites(...args);
      this.keep();
    }
    keep() {
      states.push(JSON.stringify([this.storage, this.writes], bytesAsText));
    }
  }
  const options = { topology: "planned-dag" as const, model, thread: "t" };
  const whole = await run(dag, "x", { ...options, checkpointer: new Watched() });
  expect(whole.state).toBe("completed");
  const requests = asked.length;
  for (const state of states.slice(-6)) {
    const saver = new MemorySaver();
    [saver.storage, saver.writes] = JSON.parse(state, textAsBytes);
    asked.length = 0;
    const record = await resume(dag, { model, thread: "t", checkpointer: saver }).catch((error) => error);
    if (record.code === "THREAD_BUSY") continue;
    expect([record.state, record.output]).toEqual([whole.state, whole.output]);
    expect(asked.length).toBeLessThan(requests);
  }
});

function bytesAsText(_key: string, value: unknown): unknown {
  return value instanceof Uint8Array ? { bytes: Buffer.from(value).toString("base64") } : value;
}

function textAsBytes(_key: string, value: any): unknown {
  return typeof value?.bytes === "string" ? new Uint8Array(Buffer.from(value.bytes, "base64")) : value;
}
