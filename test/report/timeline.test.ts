import { stripVTControlCharacters } from "node:util";
import { describe, expect, it } from "@jest/globals";
import type { Outcome } from "../../src/records/outcome.js";
import { displayWidth } from "../../src/report/plain-text.js";
import { renderTimeline, renderTimelines } from "../../src/report/timeline.js";
import fc from "../support/drawn.js";
import { call, completed, failed, node, projection, record, skipped } from "./record-builder.js";

const specialists = ["features", "prosCons", "sentiment"];
const review = projection({
  ...Object.fromEntries(specialists.map((name) => [name, node()])),
  meta: node({ needs: specialists }),
});
const done = record(
  review,
  {
    features: completed(2, 840),
    prosCons: completed(2, 911),
    sentiment: completed(2, 450, { startedAtMs: 200 }),
    meta: completed(912, 1523),
  },
  { calls: [...specialists, "meta"].map((name) => call(name, 2, 400)) },
);
const broken = record(
  review,
  {
    features: completed(2, 840),
    prosCons: failed(2, 1911, 'The answer lacks "score" \u001b[31m中文 🎉\u0007 and is not JSON'),
    sentiment: {
      ...failed(2, 450, "no answer within 450 ms", "MODEL_TIMEOUT"),
      state: "timed-out",
    } as Outcome,
    meta: skipped("join", '"prosCons" failed'),
  },
  {
    state: "failed",
    error: { code: "RUN_FAILED", message: "No output: meta was skipped." },
    simulated: { profile: "fast", seed: 7, speed: 10 },
    calls: specialists.map((name) => call(name, 2, 400, { estimated: true, costUsd: null })),
    usage: { inputTokens: 3000, outputTokens: 360, modelCalls: 3, costUsd: null, estimated: true },
  },
);

describe("renderTimeline", () => {
  it("marks where a function reported, and says what at last, of an item on its own row", () => {
    const work = (name: string, atMs: number, value: unknown, item: number | null = null) =>
      ({ type: "node-progress", atMs, node: name, item, invocation: null, value }) as const;
    const reporting = record(
      projection({ load: node(), each: node({ needs: ["load"] }) }),
      {
        load: completed(0, 1000),
        each: completed(1000, 2000, { items: [completed(1000, 1500), completed(1000, 2000)] }),
      },
      {
        events: [
          work("load", 250, 0.25),
          work("load", 500, "half \u001b[31mway"),
          work("each", 1750, { page: 3, of: 4 }, 1),
        ],
      },
    );
    const lines = renderTimeline(reporting, { ascii: true, width: 100 }).split("\n");
    const row = (name: string) => lines.find((line) => line.includes(name)) ?? "";
    expect(row("load")).toMatch(/#+\|#+\|#+.*progress: half way/);
    expect(row("[1]")).toMatch(/#+\|#+.*progress: \{"page":3,"of":4\}|progress: \{"page":3,"of":4\}.*#+\|#+/);
    expect(row("[0]")).not.toContain("progress");
    expect(renderTimeline(reporting)).toContain("┃");
  });

  it("draws one bar a node on one axis, waiting in a light shade", () => {
    expect(`\n${renderTimeline(done)}\n`).toMatchInlineSnapshot(`
"
sample · deterministic  ✓ completed
  node      start  end tries tokens 0 s           0.5            1.0
                                    ┬─────────────┬──────────────┬──────────────
✓ features   0.00 0.84     1  1,120 ████████████████████████▎    ┊
✓ prosCons   0.00 0.91     1  1,120 ██████████████████████████▍  ┊
✓ sentiment  0.20 0.45     1  1,120 ░░░░░▐███████ ┊              ┊
✓ meta       0.91 1.52     1  1,120 ┊             ┊           ██████████████████

wall 1.52 s · critical path 1.52 s · 4 model calls
4,480 tokens (4,000 in, 480 out) · $0
"
`);
  });

  it("says in words what failed, timed out or was skipped, and why, without control characters", () => {
    const text = renderTimeline(broken);
    expect(`\n${text}\n`).toMatchInlineSnapshot(`
"
sample · deterministic  ✗ failed
  node      start  end tries tokens 0 s         0.5        1.0         1.5
                                    ┬───────────┬──────────┬───────────┬────────
✓ features   0.00 0.84     1 ≈1,120 ███████████████████▍   ┊           ┊
✗ prosCons   0.00 1.91     3 ≈1,120 ▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓
  └ failed (OUTPUT_INVALID): The answer lacks "score" 中文 🎉 and is not JSON
✗ sentiment  0.00 0.45     3 ≈1,120 ▓▓▓▓▓▓▓▓▓▓▓ ┊          ┊           ┊
  └ timed-out (MODEL_TIMEOUT): no answer within 450 ms
○ meta          –    –     –      – skipped (join): "prosCons" failed  ┊

wall 1.91 s · critical path 1.91 s · 3 model calls
≈3,360 tokens (≈3,000 in, ≈360 out) · cost unknown
simulated latency: profile fast, seed 7, speed 10x
error RUN_FAILED: No output: meta was skipped.
"
`);
    expect(text).not.toContain("\u001b");
    expect(text).not.toContain("\u0007");
  });

  it("shows planner and joiner, items, nested nodes and repeated calls", () => {
    const inner = projection({ x: node(), y: node({ needs: ["x"] }) });
    const dag = projection({
      each: node({ mapped: true }),
      many: node({ mapped: true }),
      sub: node({ kind: "graph", dag: inner }),
      again: node(),
    });
    const outcomes = {
      each: completed(5, 900, { items: [completed(5, 300), failed(5, 600, "boom")] }),
      many: completed(5, 1200, { items: Array.from({ length: 40 }, () => completed(5, 1200)) }),
      sub: completed(900, 2000, { outcomes: { x: completed(900, 1200), y: completed(1200, 2000) } }),
      again: completed(300, 2100, { invocations: [completed(300, 600), completed(1900, 2100)] }),
    };
    const calls = [
      call("$planner", 0, 300),
      call("$joiner", 2100, 200),
      call("each", 5, 200, { item: 0 }),
      call("sub/x", 900, 200),
    ];
    const text = renderTimeline(record(dag, outcomes, { calls, durationMs: 2300, topology: "planned" }));
    expect(`\n${text}\n`).toMatchInlineSnapshot(`
"
sample · planned  ✓ completed
  node     start  end tries tokens 0 s       0.5       1.0      1.5       2.0
                                   ┬─────────┬─────────┬────────┬─────────┬─────
✓ $planner  0.00 0.30     1  1,120 █████▉    ┊         ┊        ┊         ┊
✓ each      0.01 0.90     1  1,120 █████████████████▋ 2 items, 1 failed   ┊
✓   [0]     0.01 0.30     1  1,120 █████▉    ┊         ┊        ┊         ┊
✗   [1]     0.01 0.60     3      – ▓▓▓▓▓▓▓▓▓▓▓▓ failed (OUTPUT_INVALID): boom
✓ many      0.01 1.20     1      – ███████████████████████▌ 40 items      ┊
✓   p50     0.01 1.20     –      – ███████████████████████▌ 1.20 s: item 19
✓   p95     0.01 1.20     –      – ███████████████████████▌ 1.20 s: item 37
✓ sub       0.90 2.00     1  1,120 ┊         ┊      ▐█████████████████████▏
✓   x       0.90 1.20     1  1,120 ┊         ┊      ▐█████▌     ┊         ┊
✓   y       1.20 2.00     1      – ┊         ┊         ┊  ████████████████▏
✓ again     0.30 2.10     1      – ┊    ▐█████▊        ┊        ┊       ████▏
  └ 2 calls
✓ $joiner   2.10 2.30     1  1,120 ┊         ┊         ┊        ┊         ┊ ████

wall 2.30 s · critical path 2.10 s · 4 model calls
4,480 tokens (4,000 in, 480 out) · $0
"
`);
  });

  it("draws with ASCII alone when asked", () => {
    const text = renderTimeline(broken, { ascii: true }).replace("中文 🎉", "");
    expect(text).toMatch(/^[\n -~]*$/);
  });

  it("paints only when asked, and painting changes nothing else", () => {
    const painted = renderTimeline(broken, { color: true });
    expect(painted).toContain("\u001b[31m");
    expect(stripVTControlCharacters(painted)).toBe(renderTimeline(broken));
  });

  it("puts several runs on one common axis", () => {
    const blocks = renderTimelines([done, broken]).split("\n\n");
    const axes = blocks.map((block) => block.split("\n")[2]).filter((line) => line?.includes("┬"));
    expect(axes).toHaveLength(2);
    expect(new Set(axes).size).toBe(1);
  });

  it("draws a run that took no measurable time, and one without any node", () => {
    const dag = projection({ a: node() });
    expect(renderTimeline(record(dag, { a: completed(0, 5e-324) }))).toContain("✓ a");
    expect(renderTimeline(record(dag, {}, { state: "cancelled" }))).toContain("not settled");
    expect(renderTimeline(record(projection({}), {}))).toContain("wall 0 s");
  });

  it("has a column for what nodes cost, where there is room, and none for a run that cost nothing", () => {
    const dag = projection({ free: node(), paid: node(), unknown: node() });
    const calls = [
      call("free", 0, 100, { costUsd: 0 }),
      call("paid", 0, 100, { costUsd: 0.0042 }),
      call("unknown", 0, 100, { costUsd: null }),
    ];
    const outcomes = { free: completed(0, 100), paid: completed(0, 100), unknown: completed(0, 100) };
    const lines = renderTimeline(record(dag, outcomes, { calls })).split("\n");
    expect(lines[1]).toMatch(/tokens +cost /);
    expect(lines.find((line) => line.includes("paid"))).toContain(" $0.0042 ");
    expect(lines.find((line) => line.includes("free"))).toContain(" $0 ");
    expect(lines.find((line) => line.includes("unknown"))).toContain(" – ");
    expect(renderTimeline(record(dag, outcomes, { calls }), { width: 40 })).not.toContain("$0.0042 ");
    expect(renderTimeline(record(dag, outcomes, { calls: calls.slice(0, 1) }))).not.toMatch(/tokens +cost/);
  });

  it("shows the median and the 95th percentile of a map of more than 20 items, a row each item of a small one", () => {
    const dag = projection({ each: node({ mapped: true }) });
    const of = (count: number) =>
      record(dag, {
        each: completed(0, 2100, {
          items: Array.from({ length: count }, (_, at) => completed(0, (at + 1) * 100)),
        }),
      });
    const large = renderTimeline(of(21));
    expect(large).toMatch(/p50 [\s\S]*1\.10 s: item 10/);
    expect(large).toMatch(/p95 [\s\S]*2\.00 s: item 19/);
    expect(renderTimeline(of(20))).not.toContain("p50");
    expect(renderTimeline(of(3))).toContain("[2]");
  });

  it("never exceeds the width, shows every node in the spec's order, for any record", () => {
    const time = fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 0, max: 100_000 }));
    const message = fc.oneof(fc.string({ unit: "grapheme", maxLength: 120 }), fc.string({ unit: "binary" }));
    const leaf: fc.Arbitrary<Outcome> = fc.oneof(
      fc
        .tuple(time, time, time)
        .map(([ready, wait, work]) => completed(ready, ready + wait + work, { startedAtMs: ready + wait })),
      fc.tuple(time, time, message).map(([from, work, text]) => failed(from, from + work, text)),
      message.map((text) => skipped("join", text)),
    );
    const outcome = fc.oneof(
      leaf,
      fc.array(leaf, { maxLength: 30 }).map((items) => completed(0, 500, { items })),
      fc.array(leaf, { minLength: 1, maxLength: 5 }).map((invocations) => completed(0, 500, { invocations })),
    );
    const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/);
    fc.assert(
      fc.property(
        fc.dictionary(name, outcome, { maxKeys: 20, noNullPrototype: true }),
        fc.integer({ min: 40, max: 200 }),
        fc.boolean(),
        (outcomes, width, ascii) => {
          const names = Object.keys(outcomes);
          const dag = projection(Object.fromEntries(names.map((each) => [each, node()])));
          const calls = names.map((each, at) => call(each, 0, 10, { costUsd: at % 3 === 0 ? null : at / 7 }));
          const lines = renderTimeline(record(dag, outcomes, { calls }), { width, ascii }).split("\n");
          for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(width);
          const rows = lines
            .slice(3, lines.indexOf(""))
            .flatMap((line) => /^\S ([A-Za-z][\w-]*)/.exec(line)?.[1] ?? []);
          expect(rows).toHaveLength(names.length);
          rows.forEach((row, index) => {
            expect(names[index]?.startsWith(row)).toBe(true);
          });
        },
      ),
      { numRuns: 200 },
    );
  });
});
