import { describe, expect, it } from "@jest/globals";
import { compare, defineDag, run } from "../../src/index.js";
import { assertComparison, assertRecord } from "../../src/records/read-record.js";

const inner = defineDag({ name: "inner", nodes: { x: { run: () => 1 } } });
const dag = defineDag({
  name: "g",
  nodes: {
    list: { run: () => ["a", "b"] },
    each: { needs: ["list"], forEach: { node: "list" }, instructions: "Say it." },
    bad: { run: () => Promise.reject(new Error("no")) },
    skip: { needs: ["bad"], run: () => 1 },
    sub: { dag: inner },
    end: { needs: ["each", "skip", "sub"], join: "settled", instructions: "Sum up." },
  },
});

describe("assertRecord", () => {
  it("takes what runs write, straight and as JSON", async () => {
    for (const topology of ["deterministic", "dataflow", "planned", "planned-dag"] as const) {
      const record = await run(dag, "A lamp.", { topology, model: "offline" });
      assertRecord(record);
      assertRecord(JSON.parse(JSON.stringify(record)));
    }
    assertComparison(
      await compare(dag, "A lamp.", { topologies: ["sequential", "dataflow"], model: "offline" }),
    );
  });

  it("names the first field that is wrong, whichever it is", async () => {
    const record = JSON.parse(JSON.stringify(await run(dag, "A lamp.", { model: "offline" })));
    const wrong: unknown[] = [];
    let tried = 0;
    const nullable =
      /^(.*AtMs|firstTokenMs|item|invocation|costUsd|error|description|finishReason|simulated)$/;
    const visit = (at: Record<string, unknown>, path: string, isData: boolean) => {
      for (const key of Object.keys(at)) {
        const kept = at[key];
        const here = `${path}.${key}`;
        const free = isData || /\.(input|output|value|args|\w+Input)$/.test(here) || /join$|text$/.test(here);
        for (const bad of free ? [] : [null, 7, "\u001b[2J", [], {}, -1]) {
          if (kept === null || (typeof bad === typeof kept && Array.isArray(bad) === Array.isArray(kept)))
            continue;
          if (bad === null && nullable.test(key)) continue;
          at[key] = bad;
          tried += 1;
          try {
            assertRecord(record, '"f.json"');
            wrong.push(`${here} = ${JSON.stringify(bad)} was taken`);
          } catch (error) {
            const { code, message } = error as { code: string; message: string };
            if (
              code !== "RECORD_INVALID" ||
              !message.startsWith('"f.json" is no record of a run: ') ||
              !message.includes(key.replace(/^\d+$/, `[${key}]`))
            )
              wrong.push(`${here} = ${JSON.stringify(bad)}: ${message}`);
          }
        }
        at[key] = kept;
        if (typeof kept === "object" && kept !== null && !free)
          visit(kept as Record<string, unknown>, here, free);
      }
    };
    visit(record, "", false);
    expect(tried).toBeGreaterThan(300);
    expect(wrong).toEqual([]);
  });

  it.each([
    [null, "it holds null"],
    [[], "it holds a list"],
    ["x", 'it holds "x"'],
    [{}, "version is missing"],
    [{ version: "1" }, 'version is "1"'],
  ])("refuses %j", (value, why) => {
    expect(() => assertRecord(value, '"f.json"')).toThrow(`"f.json" is no record of a run: ${why}`);
  });

  it("tells a newer version", () => {
    expect(() => assertRecord({ version: 2 }, '"f.json"')).toThrow(
      '"f.json" has version 2; this release reads versions up to 1.',
    );
  });

  it("refuses graphs that cannot be walked, and data without end", async () => {
    const text = JSON.stringify(await run(inner, "x"));
    const changed = (
      change: (record: {
        dag: { nodes: { x: { needs: string[] } }; outputs: string[] };
        input: unknown;
      }) => void,
    ) => {
      const record = JSON.parse(text);
      change(record);
      return () => assertRecord(record, '"f.json"');
    };
    expect(changed((record) => record.dag.nodes.x.needs.push("x"))).toThrow("go round in a circle");
    expect(changed((record) => record.dag.nodes.x.needs.push("y"))).toThrow(
      'names "y", which is no node of it',
    );
    expect(changed((record) => record.dag.outputs.push("y"))).toThrow('dag.outputs names "y"');
    const deep = changed((record) => {
      for (let i = 0; i < 20_000; i++) record.input = [record.input];
    });
    expect(deep).toThrow("nested more than 1500 levels deep");
  });
});
