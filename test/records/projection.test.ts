import { describe, expect, it } from "@jest/globals";
import { projectDag } from "../../src/records/projection.js";
import { dagHash, declarationOf, hashOf } from "../../src/spec/canonical.js";
import type { DagSpec, Node } from "../../src/spec/shape.js";

const of = (node: Node) => {
  const projected = projectDag({ name: "d", nodes: { node } }).nodes.node;
  if (projected === undefined) throw new Error("The node is there.");
  return projected;
};

it("holds what a spec declares, with what is left out filled in", () => {
  const inner: DagSpec = { name: "inner", nodes: { x: { run: () => 1 } } };
  const spec: DagSpec = {
    name: "outer",
    description: "What it does.",
    nodes: {
      a: { instructions: "Say it.", description: "Says it." },
      b: { needs: ["a"], join: "any", when: () => true, forEach: { node: "a" }, run: () => 1 },
      c: { needs: ["b"], dag: inner },
    },
    output: "c",
  };
  const projected = projectDag(spec);
  expect(projected).toMatchObject({
    name: "outer",
    hash: dagHash(spec),
    outputs: ["c"],
    declared: { description: '"What it does."' },
  });
  expect(Object.keys(projected.declared ?? {})).toEqual(["description"]);
  const { a, b, c } = projected.nodes;
  expect(a).toEqual({
    hash: hashOf(declarationOf(spec.nodes.a as Node)),
    valueHash: hashOf({ instructions: "Say it." }),
    kind: "agent",
    needs: [],
    join: "all",
    description: "Says it.",
    conditional: false,
    mapped: false,
    declared: { description: '"Says it."', instructions: '"Say it."' },
  });
  expect(b).toMatchObject({
    kind: "function",
    needs: ["a"],
    join: "any",
    description: null,
    conditional: true,
    mapped: true,
    declared: { forEach: '{"node":"a"}', run: "(function)", when: "(function)" },
  });
  expect(c?.dag).toBe(projectDag(inner));
  expect(c?.declared).toEqual({});
});

it("is made once for a spec", () => {
  const spec: DagSpec = { name: "d", nodes: { a: { run: () => 1 } } };
  expect(projectDag(spec)).toBe(projectDag(spec));
});

describe("the hash of what can change a value", () => {
  it("is no other with another description or policy, as the whole hash is", () => {
    const plain = of({ instructions: "Say it." });
    const other = of({ instructions: "Say it.", description: "Says it.", policy: { timeoutMs: 1 } });
    expect(other.valueHash).toBe(plain.valueHash);
    expect(other.hash).not.toBe(plain.hash);
    expect(of({ instructions: "Say so." }).valueHash).not.toBe(plain.valueHash);
  });
});

describe("what a node states", () => {
  it("stands there by name in order, without what it leaves open, its edges and its inner spec", () => {
    const declared = of({
      tools: undefined,
      instructions: "I.",
      description: "D.",
      needs: [],
      join: "all",
    } as unknown as Node).declared;
    expect(Object.entries(declared ?? {})).toEqual([
      ["description", '"D."'],
      ["instructions", '"I."'],
    ]);
    expect(of({ instructions: "I.", output: null } as unknown as Node).declared).not.toHaveProperty("output");
  });

  it("is short: a long text is cut and ends in its hash", () => {
    const whole = "x".repeat(70);
    expect(of({ instructions: whole }).declared?.instructions).toBe(`"${whole}"`);
    const text = JSON.stringify("x".repeat(71));
    expect(of({ instructions: "x".repeat(71) }).declared?.instructions).toBe(
      `"${"x".repeat(47)}… #${hashOf(text).slice(0, 8)}`,
    );
    expect(of({ instructions: "🙂".repeat(60) }).declared?.instructions).toMatch(
      /^"(🙂){47}… #[0-9a-f]{8}$/u,
    );
  });

  it("shows functions wherever they stand without their source", () => {
    const node = {
      instructions: "I.",
      modelOptions: { list: [1, () => 1, null], deep: { f: () => 2, s: "s" } },
    };
    expect(of(node as unknown as Node).declared?.modelOptions).toBe(
      '{"deep":{"f":"(function)","s":"s"},"list":[1,"(function)",null]}',
    );
  });
});
