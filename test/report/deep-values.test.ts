import { expect, it } from "@jest/globals";
import { predict } from "../../src/compare/predict.js";
import { serializer } from "../../src/jest/serializer.js";
import { assertRecord } from "../../src/records/read-record.js";
import { foldEvents } from "../../src/records/record.js";
import { renderOutputs, renderValue } from "../../src/report/outputs.js";
import { diffRecords, renderRecordDiff } from "../../src/report/record-diff.js";
import { renderReport } from "../../src/report/report.js";
import { renderTimeline } from "../../src/report/timeline.js";
import { yamlText } from "../../src/report/yaml-text.js";
import { run } from "../../src/run/run.js";
import { defineDag } from "../../src/spec/define.js";
import { maxDepth } from "../../src/spec/json-value.js";

const nested = (levels: number, leaf: string) => {
  let value: unknown = leaf;
  for (let n = 0; n < levels; n++) value = n % 2 ? [value] : { in: value };
  return value;
};

const record = async (leaf: string) => {
  const inner = defineDag({ name: "inner", nodes: { b: { run: () => nested(maxDepth, leaf) } } });
  const whole = defineDag({ name: "outer", nodes: { a: { dag: inner, input: "x" } } });
  return JSON.parse(JSON.stringify(await run(whole, "x")));
};

it("lets every reader of a record read the deepest value that a run takes", async () => {
  const [old, now] = [await record("old"), await record("now")];
  expect(old.state).toBe("completed");
  expect(() => assertRecord(old)).not.toThrow();
  expect(renderOutputs(old)).toContain('"old"');
  const diff = renderRecordDiff(diffRecords(old, now));
  expect(diff).toContain("now");
  expect(renderReport(old)).toContain("outer");
  expect(renderReport([old, now])).toContain("outer");
  expect(renderTimeline(old)).toContain("a");
  expect(foldEvents(old.events).output).toEqual(old.output);
  expect(await predict(old)).toEqual(expect.anything());
  expect(serializer.serialize(old, {}, "")).toContain("old");
});

it("writes what is nested deeper than people read as a line of JSON", () => {
  expect(yamlText(nested(100, "leaf")).split("\n").length).toBeGreaterThan(50);
  expect(yamlText(nested(101, "leaf"))).toBe(`${JSON.stringify(nested(101, "leaf"))}\n`);
  expect(renderValue(nested(101, "leaf"))).toBe(JSON.stringify(nested(101, "leaf")));
});
