import { expect, it } from "@jest/globals";
import { renderReport, reportData } from "../../src/report/report.js";
import { run } from "../../src/run/run.js";
import { defineDag } from "../../src/spec/define.js";
import { mapRecord, projected } from "../support/page-records.js";

const record = mapRecord(3);
const broken: readonly (readonly [what: string, value: unknown])[] = [
  ["a newer version", { ...record, version: 2 }],
  ["no version", { ...record, version: undefined }],
  ["a list of nothing", null],
  ["no outcomes", { ...record, outcomes: undefined }],
  ["an outcome without a state", { ...record, outcomes: { list: {} } }],
  ["an outcome without a reason", { ...record, outcomes: { list: { state: "failed" } } }],
  ...[
    ["items that are no list", { items: "x" }],
    ["an item that is nothing", { items: [null] }],
    ["invocations that are none", { invocations: [1] }],
    ["a round that is none", { rounds: [5] }],
    ["a round with an outcome that is none", { rounds: [{ inner: null }] }],
    ["inner outcomes that are none", { outcomes: [] }],
  ].map(([what, spoilt]): [string, unknown] => [
    what as string,
    { ...record, outcomes: { list: { state: "completed", value: 1, ...(spoilt as object) } } },
  ]),
  ["calls that are none", { ...record, calls: [7] }],
  ["no events", { ...record, events: "cut o" }],
  ["a graph without nodes", { ...record, dag: { name: "x" } }],
  ["needs that are no names", { ...record, dag: { ...record.dag, nodes: { list: { needs: [{}] } } } }],
];

it.each(broken)("refuses %s in one sentence", (_what, value) => {
  expect(() => renderReport(value as never)).toThrow(/version|no record that can be shown/);
});

it("lets nothing end its data or its script, and nothing else run", () => {
  const html = renderReport({ ...record, input: "</script><script>alert(1)</script>" });
  expect(html.match(/<\/script>/g)).toHaveLength(2);
  expect(html).toContain("default-src 'none'");
});

it("keeps a text that many prompts share once", async () => {
  const document = "A long passage that everybody reads. ".repeat(100);
  const nodes = Object.fromEntries(
    Array.from({ length: 20 }, (_, at) => [`n${at}`, { instructions: "Summarise in one sentence." }]),
  );
  const kept = await run(defineDag({ name: "shared", nodes }), document as never, {
    model: "offline",
    texts: true,
  });
  const parts = kept.events.filter(
    (event) => event.type === "text-kept" && event.text.includes(document.trim()),
  );
  expect(parts).toHaveLength(1);
  expect(
    renderReport(kept as never).split("A long passage that everybody reads. A long").length,
  ).toBeLessThan(120);
  const plain = await run(defineDag({ name: "shared", nodes }), document as never, { model: "offline" });
  expect(plain.events.some((event) => event.type === "text-kept")).toBe(false);
});

it("places nodes of any name, also those that objects have by themselves", () => {
  const nodes = Object.fromEntries(
    ["constructor", "__proto__", "toString"].map((name, at, all) => [
      name,
      projected({ needs: all.slice(0, at) }),
    ]),
  );
  const dag = { ...record.dag, nodes, outputs: ["toString"] };
  const { graphs } = reportData({ ...record, dag, outcomes: {}, calls: [], events: [] });
  expect(graphs.g0?.edges.map(({ from, to }) => `${from} ${to}`)).toEqual([
    "constructor __proto__",
    "constructor toString",
    "__proto__ toString",
  ]);
});
