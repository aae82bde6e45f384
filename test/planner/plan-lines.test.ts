import { describe, expect, it } from "@jest/globals";
import { createPlanCheck } from "../../nodes/planner/plan-check.js";
import type { PlanPiece } from "../../nodes/planner/plan-line.js";
import { createPlanReader } from "../../nodes/planner/plan-stream.js";
import { callablesOf } from "../../nodes/planner/planner-catalogue.js";
import { sums } from "./specs.js";

function read(chunks: readonly string[]): PlanPiece[] {
  const reader = createPlanReader();
  return [...chunks.flatMap((chunk) => reader.add(chunk)), ...reader.end()];
}

const plan = '1. density(12, b=3)\n2. after("the “ünï” 💡, (really)")\n3. tolerant($1, focus="x")\njoin()\n';

describe("plan lines", () => {
  it("are the same wherever the chunks are cut, within surrogate pairs too", () => {
    const whole = read([plan]);
    expect(whole.map((one) => one.piece)).toEqual(["call", "call", "call", "join"]);
    for (let at = 0; at <= plan.length; at++)
      expect(read([plan.slice(0, at), plan.slice(at)])).toEqual(whole);
    expect(read(plan.split(""))).toEqual(whole);
  });

  it("are complete at the closing parenthesis, before the line break", () => {
    expect(createPlanReader().add("1. density(1, 2)")).toHaveLength(1);
  });

  it("leave prose and fences out", () => {
    const pieces = read([
      "Here is my plan (short):\n```\n- 1. people()\nThen I join.\n\n2) join()\n```\nThat is all (I think).",
    ]);
    expect(pieces.map((one) => one.piece)).toEqual(["call", "join"]);
  });

  it("say what is wrong with a line that was cut off or is no call", () => {
    const codes = (text: string) =>
      read([text]).map((one) => (one.piece === "broken" ? one.code : one.piece));
    expect(codes('1. after("dura')).toEqual(["truncated-line"]);
    expect(codes('1. after("dura\n2. people()\njoin()')).toEqual(["truncated-line", "call", "join"]);
    expect(codes("1. peop")).toEqual(["truncated-line"]);
    expect(codes("1. density(1,,2)")).toEqual(["bad-arguments"]);
    for (const line of [
      "people()",
      "-1. people()",
      "12345678. people()",
      "- `people()`",
      'after("x (y)");',
    ]) {
      expect(codes(`${line}\njoin()`)).toEqual(["no-number", "join"]);
    }
    for (const line of ["**1.** people()", "1 . people()", "**2. people()**"]) {
      expect(codes(`${line}\njoin()`)).toEqual(["call", "join"]);
    }
    expect(codes("1. density(one)")).toEqual(["bad-arguments"]);
    expect(codes(`1. after("${"x".repeat(30_000)}")\njoin()`)).toEqual(["line-too-long", "join"]);
  });
});

describe("a plan", () => {
  const issuesOf = (text: string) => {
    const check = createPlanCheck(callablesOf(sums), new Set(), 200);
    const codes = read([text]).flatMap((piece) => {
      if (piece.piece !== "call") return [];
      const checked = check.add(piece);
      return "issues" in checked ? checked.issues.map((issue) => issue.code) : [];
    });
    return [...codes, ...check.end().map((issue) => issue.code)];
  };

  it("meets the validator of hand-written specs", () => {
    expect(issuesOf("1. people()\n2. density($1, 4)")).toEqual([]);
    expect(issuesOf("1. peple()")).toEqual(["unknown-node"]);
    expect(issuesOf("1. answer()")).toEqual(["unknown-node"]);
    expect(issuesOf("1. density($2, 4)\n2. people()")).toEqual(["forward-reference"]);
    expect(issuesOf("1. density($1, 4)")).toEqual(["self-need"]);
    expect(issuesOf("1. density($2, 4)\n2. density($1, 4)")).toEqual([
      "forward-reference",
      "forward-reference",
      "cycle",
    ]);
    expect(issuesOf("1. people()\n1. people()")).toEqual(["duplicate-call"]);
    expect(issuesOf('1. density("x", 4)')).toEqual(["bad-arguments"]);
    expect(issuesOf("1. density(1, 2, 3)")).toEqual(["bad-arguments"]);
    expect(issuesOf("1. density(c=1)")).toEqual(["bad-arguments"]);
    expect(issuesOf("1. after(3)")).toEqual(["bad-arguments"]);
    expect(issuesOf('1. after("a", "b")')).toEqual(["bad-arguments"]);
    expect(issuesOf("1. people(1)")).toEqual(["bad-arguments"]);
  });
});
