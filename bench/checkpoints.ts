/** What keeping a run costs: bytes written for 200 nodes of 4 kB, and how soon a killed run of 200 nodes goes on. */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DagSpec, defineDag, type Model, resume, run } from "agent-dag";
import { openCheckpointer } from "../src/stores/checkpointer.js";

const nodeCount = 200;
const answer = "x".repeat(4096);
const folder = mkdtempSync(join(tmpdir(), "agent-dag-bench-"));

/** A chain of agents of 4 kB each: as many supersteps as nodes. */
const dag = defineDag({
  name: "kept",
  nodes: Object.fromEntries(
    Array.from({ length: nodeCount }, (_, index) => [
      `n${index}`,
      { instructions: "Go on.", include: "input" as const, ...(index > 0 && { needs: [`n${index - 1}`] }) },
    ]),
  ),
} as never) as DagSpec;

/** Answers at once; aborts the run after so many requests. */
function model(stopAfter: number, controller: AbortController, onFirst: () => void): Model {
  let asked = 0;
  return {
    id: "bench:kept",
    async *call() {
      asked++;
      if (asked === 1) onFirst();
      if (asked > stopAfter) controller.abort();
      yield { type: "text", text: answer };
      yield { type: "usage", inputTokens: 1, outputTokens: 1 };
      yield { type: "finish", reason: "stop" };
    },
  };
}

let missed = false;
function report(figure: string, value: number, target: number, unit: string): void {
  missed ||= value > target;
  console.log(
    `${figure.padEnd(60)} ${value.toFixed(2).padStart(9)} ${unit.padEnd(3)} target ≤ ${target}  ${value <= target ? "met" : "MISSED"}`,
  );
}

try {
  for (const topology of ["sequential", "deterministic", "dataflow"] as const) {
    const file = join(folder, `${topology}.db`);
    const whole = await openCheckpointer(`sqlite:${file}`);
    await run(dag, "x", {
      topology,
      model: model(Infinity, new AbortController(), () => {}),
      checkpointer: whole.checkpointer,
      thread: "t",
    });
    whole.close();
    report(
      `${topology}: bytes on disk / sum of values`,
      statSync(file).size / (nodeCount * answer.length),
      4,
      "×",
    );

    const halfFile = join(folder, `${topology}-half.db`);
    const half = await openCheckpointer(`sqlite:${halfFile}`);
    const controller = new AbortController();
    await run(dag, "x", {
      topology,
      model: model(nodeCount / 2, controller, () => {}),
      checkpointer: half.checkpointer,
      thread: "t",
      signal: controller.signal,
    });
    half.close();
    const again = await openCheckpointer(`sqlite:${halfFile}`);
    const from = performance.now();
    let firstMs = Number.NaN;
    const resumed = await resume(dag, {
      model: model(Infinity, new AbortController(), () => {
        firstMs = performance.now() - from;
      }),
      checkpointer: again.checkpointer,
      thread: "t",
    });
    again.close();
    if (resumed.state !== "completed")
      throw new Error(`The resumed run ended as ${resumed.state}: ${resumed.error?.message}`);
    report(`${topology}: first new request after resume`, firstMs, 500, "ms");
  }
} finally {
  rmSync(folder, { recursive: true });
}
if (missed && process.argv.includes("--check")) process.exitCode = 1;
