import { describe, expect, it } from "@jest/globals";
import { z } from "zod";
import { DagValidationError } from "../../src/errors.js";
import { defineDag } from "../../src/spec/define.js";

describe("a type error stands at", () => {
  const a = { instructions: "A." };
  const refused = (declare: () => unknown) => expect(declare).toThrow(DagValidationError);

  it("a misspelt need, and only there", () => {
    refused(() =>
      defineDag({
        name: "x",
        nodes: {
          alpha: { instructions: "A." },
          beta: {
            needs: [
              "alpha",
              // @ts-expect-error "alpa" is not a node
              "alpa",
            ],
            run: () => 1,
          },
        },
      }),
    );
  });

  it("a node that needs itself", () => {
    refused(() =>
      defineDag({
        name: "x",
        nodes: {
          a,
          // @ts-expect-error a node cannot need itself
          b: { needs: ["b"], instructions: "B." },
        },
      }),
    );
  });

  it("a misspelt name in when, forEach and output", () => {
    refused(() =>
      defineDag({
        name: "x",
        nodes: {
          a,
          // @ts-expect-error "aa" is not a node
          b: { needs: ["a"], when: { node: "aa", exists: true }, instructions: "B." },
          // @ts-expect-error "aa" is not a node
          c: { needs: ["a"], forEach: { node: "aa" }, instructions: "C." },
        },
      }),
    );
    // @ts-expect-error "aa" is not a node
    refused(() => defineDag({ name: "x", output: "aa", nodes: { a, b: { instructions: "B." } } }));
  });

  it("an unknown option, a wrong join and a wrong policy", () => {
    refused(() =>
      defineDag({
        name: "x",
        nodes: {
          // @ts-expect-error unknown option
          a: { instructions: "A.", need: [] },
          // @ts-expect-error unknown join
          b: { needs: ["a"], instructions: "B.", join: "most" },
          // @ts-expect-error unknown policy
          c: { instructions: "C.", policy: { timeout: 3 } },
        },
      }),
    );
  });

  it("a field of the input that is no array", () => {
    refused(() =>
      defineDag({
        name: "x",
        input: z.object({ tags: z.array(z.string()), title: z.string() }),
        nodes: {
          // @ts-expect-error "title" is no array
          a: { forEach: "title", instructions: "A." },
        },
      }),
    );
  });

  it("a value that is not there", () => {
    const dag = defineDag({
      name: "x",
      nodes: {
        a,
        b: { needs: ["a"], run: ({ needs }) => needs.a.trim() },
        // @ts-expect-error b is not among its needs
        c: { needs: ["a"], run: ({ needs }) => needs.b },
      },
    });
    expect(dag.name).toBe("x");
  });
});

describe("tsc finds where it is written", () => {
  const once = defineDag({
    name: "once",
    input: z.object({ before: z.string().nullable() }),
    nodes: { write: { run: ({ input }): string => `${input.before ?? ""}x` } },
  });
  const declared = (nodes: () => unknown) => expect(nodes).toBeInstanceOf(Function);

  it("a `previous` of another type", () =>
    declared(() =>
      defineDag({
        name: "wrong",
        nodes: {
          loop: {
            dag: once,
            // @ts-expect-error `previous` is a string or null
            input: ({ previous }) => ({ before: previous?.toFixed(2) ?? null }),
            repeat: { until: { node: "write", equals: "xx" }, maxRounds: 2 },
          },
        },
      }),
    ));

  it("a loop's condition on a node that its DAG has not", () =>
    declared(() =>
      defineDag({
        name: "wrong",
        nodes: {
          loop: {
            dag: once,
            input: { before: null },
            // @ts-expect-error no such node
            repeat: { until: { node: "wriet", equals: "xx" }, maxRounds: 2 },
          },
        },
      }),
    ));

  it("a reference to a node that is not a need", () => {
    const inner = defineDag({
      name: "inner",
      input: z.object({ text: z.string(), more: z.array(z.string()) }),
      nodes: { x: { run: ({ input }) => input.text } },
    });
    declared(() =>
      defineDag({
        name: "wrong",
        nodes: {
          a: { run: () => ["a"] },
          b: { run: () => ["b"] },
          // @ts-expect-error "b" is no need
          map: { needs: ["a"], forEach: { node: "b" }, run: ({ item }) => item },
          // @ts-expect-error "b" is no need
          keyed: { needs: ["a"], forEach: { items: { node: "b" }, key: "id" }, run: ({ item }) => item },
          // @ts-expect-error "b" is no need
          ok: { needs: ["a"], approve: { message: "?", show: [{ node: "b" }] } },
          given: {
            needs: ["a"],
            dag: inner,
            // @ts-expect-error "b" is no need
            input: { text: { $ref: { node: "b", path: "0" } }, more: { $ref: { node: "a" } } },
          },
          deeper: {
            needs: ["a"],
            dag: inner,
            // @ts-expect-error "b" is no need
            input: { text: "x", more: [{ $ref: { node: "b", path: "0" } }] },
          },
        },
      }),
    );
  });

  it("a condition on a node that is not a need, and a misspelt state", () =>
    declared(() =>
      defineDag({
        name: "wrong",
        nodes: {
          a: { run: () => 1 },
          b: { run: () => 2 },
          // @ts-expect-error "b" is no need
          c: { needs: ["a"], when: { node: "b", gt: 1 }, run: ({ needs }) => needs.a },
          // @ts-expect-error it has no needs
          d: { when: { node: "b", gt: 1 }, run: () => 1 },
          e: {
            needs: ["a", "b"],
            join: "settled",
            // @ts-expect-error no such state
            when: { any: [{ node: "a", state: "faild" }] },
            instructions: "Mend.",
          },
        },
      }),
    ));
});
