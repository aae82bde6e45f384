import { describe, expect, it } from "@jest/globals";
import { renderOutputs } from "../../src/report/outputs.js";
import { completed, failed, node, projection, record, skipped } from "./record-builder.js";

const dag = projection({ meta: node({ needs: ["old", "score"] }), old: node(), score: node() }, ["meta"]);

describe("renderOutputs", () => {
  it("shows nodes in the spec's order, the output last, then how the run ended", () => {
    const text = renderOutputs(
      record(
        dag,
        {
          meta: completed(500, 900, { value: "Four stars.\n\u001b[31mBuy it.\u0007" }),
          old: completed(0, 400),
          score: completed(0, 500, { value: { label: "mixed", score: 0.4, why: ["cheap", "loud"] } }),
        },
        { output: "Four stars.\n\u001b[31mBuy it.\u0007" },
      ),
      { width: 60 },
    );
    expect(`\n${text}\n`).toMatchInlineSnapshot(`
"
── old ─────────────────────────────────────────────────────
done

── score ───────────────────────────────────────────────────
label: mixed
score: 0.4
why:
  - cheap
  - loud

══ meta ════════════════════════════════════════════════════
Four stars.
Buy it.

✓ completed in 0.900 s
"
`);
  });

  it("shows what failed with its code, message and the text that was paid for", () => {
    const lost = failed(0, 400, "The answer is not JSON.");
    const text = renderOutputs(
      record(
        dag,
        {
          meta: skipped("join", '"score" failed'),
          old: completed(0, 400, { value: [1, null], items: [completed(0, 1), failed(0, 2, "boom")] }),
          score: {
            ...lost,
            error: { code: "OUTPUT_INVALID", message: "Not JSON.", text: "I'd say \u001b[1m4" },
          } as typeof lost,
        },
        { state: "failed", error: { code: "RUN_FAILED", message: "There is no output." } },
      ),
      { width: 60 },
    );
    expect(`\n${text}\n`).toMatchInlineSnapshot(`
"
── old ─────────────────────────────────────────────────────
- 1
- null
1 of 2 items did not complete:
  [1] failed OUTPUT_INVALID: boom

── score  ✗ failed ─────────────────────────────────────────
OUTPUT_INVALID: Not JSON.
What the model answered:
I'd say 4

══ meta  ○ skipped ═════════════════════════════════════════
join: "score" failed

✗ failed in 0.400 s: 1 failed (score); 1 skipped (meta); RUN_FAILED: There is no output.
"
`);
  });

  it("shows an answer of the planner's own that no node gave", () => {
    const text = renderOutputs(record(dag, { meta: completed(0, 1) }, { output: "The planner's answer" }));
    expect(text).toContain("═ output ═");
    expect(text).toContain("The planner's answer");
  });

  it("names the question that an interrupted run waits at", () => {
    const interrupts = [{ node: "ask", message: "Publish?", value: null }];
    const text = renderOutputs(record(dag, {}, { state: "interrupted", interrupts }));
    expect(text.split("\n").at(-1)).toBe("‖ ask waits for an answer: Publish?");
  });
});
