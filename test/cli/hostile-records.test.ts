import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { compare, defineDag, type RunRecord, renderComparison, run } from "../../src/index.js";
import { renderOutputs } from "../../src/report/outputs.js";
import { cleanPaintedText, jsonText } from "../../src/report/plain-text.js";
import { renderTimeline } from "../../src/report/timeline.js";
import { cli } from "./cli-run.js";

const hostile =
  "\u001b]0;OWNED\u0007\u001b[2J\u001b[31m\u009b31m\u202e\u2066\u200f\u061c\u0000\u0008\r\u007f\u0085\u2028\ufeff\u{e0041}\u206a";
const obeyed =
  /(?!\n)\p{Cc}|[\u061C\u200E\u200F\u2028-\u202E\u2066-\u206F\uFEFF\uFFF9-\uFFFB]|[\u{E0000}-\u{E007F}]/u;
let folder: string;
let record: RunRecord;

const dag = defineDag({
  name: "g",
  description: "d",
  nodes: {
    a: { description: "one", run: () => ({ text: "value" }) },
    bad: { run: () => Promise.reject(new Error("no")) },
    b: { needs: ["a", "bad"], join: "settled", instructions: "Sum up." },
  },
});

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "hostile-"));
  record = JSON.parse(JSON.stringify(await run(dag, "A lamp.", { model: "offline" })));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The value with `hostile` at the end of every text that is free, and of every name. */
function spoilt<T>(value: T, key = ""): T {
  const fixed = ["state", "kind", "type", "startedAt", "join"];
  if (typeof value === "string") return (fixed.includes(key) ? value : value + hostile) as T;
  if (Array.isArray(value)) return value.map((one) => spoilt(one, key)) as T;
  if (typeof value !== "object" || value === null) return value;
  const names = ["nodes", "outcomes", "declared", "value", "output"];
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => [
      names.includes(key) ? name + hostile : name,
      spoilt(part, name),
    ]),
  ) as T;
}

function file(name: string, value: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof value === "string" ? value : JSON.stringify(value));
  return path;
}

describe("a hostile record", () => {
  it("reaches no terminal through diff, as text or as JSON, or through its errors", async () => {
    const [ok, evil] = [file("ok.json", record), file("evil.json", spoilt(record))];
    const graph = file(
      "g.yaml",
      `name: ${JSON.stringify(`g${"\u202e"}`)}\nnodes:\n  a: { instructions: Hello. }\n`,
    );
    const lines = [
      ["diff", ok, evil],
      ["diff", evil, ok],
      ["diff", evil, ok, "--json"],
      ["diff", ok, file("odd.json", { ...spoilt(record), [hostile]: 1, state: hostile })],
      ["diff", ok, join(folder, `${hostile.replaceAll("\0", "")}.json`)],
      ["check", "examples/review.yaml", "--explain", "--times", evil],
      ["check", graph],
      ["graph", graph],
      ["graph", graph, "--format", "json"],
      ["graph", graph, "--format", "svg"],
      ["run", graph, "--model", "offline", "--text", `A lamp${hostile}`, "--timeline"],
      ["run", graph, "--model", "offline", "--text", `A lamp${hostile}`, "--json"],
      ["run", graph, "--model", `offline${hostile}`, "--text", "x", "--debug"],
      ["run", graph, "--model", "offline", "--text", "x", "--reuse", evil],
      [`${hostile}`],
      ["run", graph, `--${hostile}`],
    ];
    for (const args of lines) {
      const { stdout, stderr } = await cli(args);
      expect([args.join(" "), obeyed.test(stdout), obeyed.test(stderr)]).toEqual([
        args.join(" "),
        false,
        false,
      ]);
      expect((stdout + stderr).trim()).not.toBe("");
    }
  });

  it("reaches no terminal through what is painted: only our own colours are left", async () => {
    const evil = spoilt(record);
    const comparison = spoilt(
      JSON.parse(
        JSON.stringify(
          await compare(dag, "A lamp.", { model: "offline", topologies: ["sequential", "dataflow"] }),
        ),
      ),
    );
    const look = { color: true, width: 100 };
    for (const text of [
      renderOutputs(evil, look),
      renderTimeline(evil, look),
      renderComparison(comparison, look),
    ]) {
      expect(obeyed.test(stripVTControlCharacters(cleanPaintedText(text)))).toBe(false);
      expect(text).not.toContain("OWNED\u0007");
      const plain = { ...look, color: false };
      expect(
        obeyed.test(
          renderOutputs(evil, plain) + renderTimeline(evil, plain) + renderComparison(comparison, plain),
        ),
      ).toBe(false);
    }
  });

  it("is the same data as JSON", () => {
    const text = jsonText({ [hostile]: hostile });
    expect(obeyed.test(text)).toBe(false);
    expect(JSON.parse(text)).toEqual({ [hostile]: hostile });
  });
});

it("a report shows what it can, whatever stands in a text's place", async () => {
  const odd = JSON.parse('{"constructor":1,"toString":2,"__proto__":{"x":1}}');
  for (const field of ["id", "topology", "state", "startedAt"]) {
    const bad = file("bad.json", { ...record, [field]: odd });
    const { exitCode, stderr } = await cli(["report", bad, "--out", join(folder, "report.html")]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: expect.stringContaining("report.html") });
  }
});

describe("a file that is no record", () => {
  const broken: readonly (readonly [string, (good: RunRecord) => unknown, string])[] = [
    ["outcomes", (good) => ({ ...good, outcomes: null }), "outcomes is null"],
    [
      "a call",
      (good) => ({ ...good, calls: [{ ...good.calls[0], toolCalls: 3 }] }),
      "calls[0].toolCalls is 3",
    ],
    [
      "a join that is none",
      (good) => JSON.stringify(good).replaceAll('"join":"all"', '"join":"xall"'),
      ".join is ",
    ],
    ["an event", (good) => ({ ...good, events: [null] }), "events[0] is null"],
    ["a list", () => [], "it holds a list"],
    ["no JSON", () => "{", "it is not JSON"],
    [
      "a name that changes what objects are",
      (good) => JSON.stringify(good).replace('"outcomes":{', '"outcomes":{"__proto__":{"state":4},'),
      "`__proto__`",
    ],
    ["a newer version", (good) => ({ ...good, version: 9 }), "has version 9"],
    [
      "a comparison without runs",
      (good) => ({ version: 1, dag: good.dag, topologies: [{}] }),
      "topologies[0].topology is missing",
    ],
  ];
  it.each(broken)("is told in one sentence by every command: %s", async (_, spoil, why) => {
    const [ok, none] = [file("ok.json", record), file("none.json", spoil(record))];
    const commands = [
      ["diff", ok, none],
      ["diff", none, ok],
    ];
    if (!why.startsWith("topologies"))
      commands.push(
        ["check", "examples/review.yaml", "--times", none],
        ["run", "examples/review.yaml", "--model", "offline", "--text", "A lamp.", "--reuse", none],
      );
    for (const args of commands) {
      const { exitCode, stderr } = await cli(args);
      expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringContaining(why) });
      expect(stderr).toContain(`"${none}"`);
      expect(stderr.trim().split("\n")).toHaveLength(1);
    }
  });
});
