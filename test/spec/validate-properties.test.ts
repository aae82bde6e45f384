import { describe, expect, it } from "@jest/globals";
import { didYouMean, editDistance } from "../../src/spec/did-you-mean.js";
import { pathSteps, pathTo } from "../../src/spec/issue.js";
import { findCycles } from "../../src/spec/need-rules.js";
import { validate } from "../../src/spec/validate.js";
import fc from "../support/drawn.js";

const keys = fc.constantFrom(
  ..."name nodes input output policy retry hedge a b needs join when forEach items node path run tool tools dag args $ref".split(
    " ",
  ),
  ..."instructions approve message model modelOptions atLeast mode deadlineMs equals in exists __proto__ toString".split(
    " ",
  ),
);
const oddities: unknown[] = [
  undefined,
  null,
  Number.NaN,
  -1,
  1,
  "",
  "a",
  "b",
  true,
  1n,
  Symbol("x"),
  () => 1,
  new Map(),
  new Date(),
  /x/,
];
/** Values that look a little like specs, with holes, cycles, getters and proxies that throw. */
const anything = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "medium" },
    fc.constantFrom(...oddities),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(keys, tie("value"), { maxKeys: 6 }),
    fc
      .dictionary(keys, tie("value"), { maxKeys: 4 })
      .map((object) => Object.assign(object, { nodes: object })),
    fc.tuple(keys, fc.anything()).map(([key, thrown]) => {
      const get = () => {
        throw thrown;
      };
      return Object.defineProperty({ name: "x", nodes: {} }, key, {
        get,
        enumerable: true,
        configurable: true,
      });
    }),
    fc.constant(
      new Proxy(
        {},
        {
          ownKeys: () => {
            throw new Error("no keys");
          },
          get: () => {
            throw new Error("no value");
          },
        },
      ),
    ),
  ),
})).value;

/** A valid DAG: each node needs only earlier ones; then the order of declaration is shuffled. */
const graphs = fc
  .integer({ min: 1, max: 30 })
  .chain((size) =>
    fc.tuple(
      fc.array(fc.array(fc.nat(), { maxLength: 4 }), { minLength: size, maxLength: size }),
      fc.shuffledSubarray([...Array(size).keys()], { minLength: size, maxLength: size }),
    ),
  )
  .map(([picks, order]) => {
    const needsOf = picks.map((pick, i) => (i === 0 ? [] : [...new Set(pick.map((p) => `n${p % i}`))]));
    return order.map((i): readonly [string, readonly string[]] => [`n${i}`, needsOf[i] ?? []]);
  });

const specOf = (graph: readonly (readonly [string, readonly string[]])[]) => ({
  name: "random",
  nodes: Object.fromEntries(
    graph.map(([name, needs], i) => [
      name,
      {
        instructions: "Do.",
        needs,
        ...(needs.length > 0 && i % 3 === 0 ? { join: { atLeast: needs.length } } : {}),
        ...(needs.length > 0 && i % 3 === 1 ? { when: { node: needs[0], exists: true } } : {}),
        ...(needs.length > 0 && i % 3 === 2 ? { forEach: { node: needs[0], path: "items" } } : {}),
      },
    ]),
  ),
});

/** A cycle as text that does not depend on where it is begun. */
function rotated(cycle: readonly string[]): string {
  const start = cycle.indexOf([...cycle].sort()[0] ?? "");
  return [...cycle.slice(start), ...cycle.slice(0, start)].join();
}

describe("validate, whatever it is given,", () => {
  it("returns issues and never throws", () => {
    fc.assert(
      fc.property(anything, (value) => {
        for (const spec of [value, { name: "x", nodes: value }, { name: "x", nodes: { a: value } }]) {
          for (const issue of validate(spec)) {
            expect(Object.values(issue).every((part) => typeof part === "string")).toBe(true);
          }
        }
      }),
      { numRuns: 1000 },
    );
  });

  it("finds nothing wrong with a valid DAG", () => {
    fc.assert(fc.property(graphs, (graph) => expect(validate(specOf(graph))).toEqual([])));
  });

  it("reports a real cycle, and only cycles, when one need is turned around", () => {
    fc.assert(
      fc.property(
        graphs.filter((graph) => graph.some(([, needs]) => needs.length > 0)),
        fc.nat(),
        (graph, pick) => {
          const edges = graph.flatMap(([name, needs]) => needs.map((need) => [name, need] as const));
          const [from, to] = edges[pick % edges.length] ?? ["", ""];
          const needsOf = new Map(
            graph.map(([name, needs]) => [name, name === to ? [...needs, from] : [...needs]]),
          );
          const cycles = findCycles(needsOf);
          expect(cycles.length).toBeGreaterThan(0);
          for (const cycle of cycles) {
            expect(new Set(cycle).size).toBe(cycle.length);
            for (const [i, name] of cycle.entries())
              expect(needsOf.get(name)).toContain(cycle[(i + 1) % cycle.length]);
          }
          expect(new Set(cycles.map(rotated)).size).toBe(cycles.length);
          const issues = validate(specOf([...needsOf]));
          expect(new Set(issues.map(({ code }) => code))).toEqual(new Set(["cycle"]));
          expect(issues).toHaveLength(cycles.length);
        },
      ),
    );
  });
});

describe("a path of an issue", () => {
  it("leads back to its steps", () => {
    const steps = fc.array(fc.oneof(fc.string(), fc.nat(99), keys), { minLength: 1 });
    fc.assert(
      fc.property(fc.tuple(fc.string(), steps), ([first, rest]) => {
        const all = [first, ...rest];
        expect(pathSteps(all.reduce<string>((path, step) => pathTo(path, step), ""))).toEqual(all);
      }),
    );
  });
});

describe("did you mean", () => {
  it.each([
    ["sentimant", "sentiment"],
    ["Sentiment", "sentiment"],
    ["snetiment", "sentiment"],
    ["feature", "features"],
  ])("takes %s for %s", (written, meant) => {
    expect(didYouMean(written, ["meta", "features", "sentiment"])).toBe(`Did you mean "${meant}"?`);
  });

  it("lists what there is when nothing is near", () => {
    expect(didYouMean("xyz", ["meta", "features"])).toBe('Choose one of "meta", "features".');
    expect(didYouMean("a", ["b"])).toBe('Choose one of "b".');
  });

  it("measures a distance that is symmetric, zero for equals and at most the longer length", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        expect(editDistance(a, b)).toBe(editDistance(b, a));
        expect(editDistance(a, b) === 0).toBe(a === b);
        expect(editDistance(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length));
      }),
    );
    expect(editDistance("ca", "ac")).toBe(1);
    expect(editDistance("kitten", "sitting")).toBe(3);
  });
});
