import { describe, expect, it } from "@jest/globals";
import { z } from "zod";
import { type DagIssue, DagValidationError } from "../../src/errors.js";
import { defineDag } from "../../src/spec/define.js";
import { validatePolicy } from "../../src/spec/policy-rules.js";
import { validate } from "../../src/spec/validate.js";

const a = { instructions: "Say a." };
const b = { needs: ["a"], instructions: "Say b." };
const dag = (nodes: object, more: object = {}) => ({ name: "x", nodes, ...more });
const node = (fields: object) => dag({ a, n: { needs: ["a"], instructions: "Say n.", ...fields } });
const policy = (fields: object) => node({ policy: fields });
const tool = { name: "t", invoke: async () => 1 };
const throwing = Object.defineProperty({}, "name", {
  enumerable: true,
  get: () => {
    throw new Error("no");
  },
});
const inside: { name: string; nodes: Record<string, object> } = { name: "loop", nodes: { a } };
inside.nodes.self = { dag: inside };
const endless: { deeper?: unknown } = {};
endless.deeper = endless;

/** One spec for each issue: what is wrong, the code, where it stands, and what the message or the hint has to say. */
const wrong: [unknown, string, string, RegExp][] = [
  [null, "not-a-dag", "", /null/],
  [[], "not-a-dag", "", /empty array/],
  [() => 1, "not-a-dag", "", /function/],
  [throwing, "unreadable", "", /no/],
  [{ nodes: { a } }, "bad-name", "name", /no name/],
  [{ name: " ", nodes: { a } }, "bad-name", "name", /" "/],
  [{ name: "x" }, "bad-nodes", "nodes", /no nodes/],
  [{ name: "x", nodes: [a] }, "bad-nodes", "nodes", /array of 1/],
  [dag({}), "no-nodes", "nodes", /no nodes/],
  [dag({ a }, { version: 2 }), "bad-version", "version", /2/],
  [dag({ a }, { description: 3 }), "bad-value", "description", /3/],
  [dag({ a }, { node: {} }), "unknown-option", "node", /"nodes"/],
  [dag({ a }, { model: "gpt" }), "bad-model", "model", /provider:name/],
  [dag({ a }, { input: "text" }), "bad-schema", "input", /JSON Schema/],
  [dag({ a }, { input: { type: "strng" } }), "bad-schema", "input", /strng/],
  [
    dag({ a }, { input: { $ref: "#/$defs/x", $defs: { x: { $ref: "#/$defs/x" } } } }),
    "bad-schema",
    "input",
    /without end/,
  ],
  [dag({ a }, { input: { properties: { x: { type: "string" } } } }), "bad-schema", "input", /type: object/],
  [dag({ a }, { output: "aa" }), "unknown-output", "output", /"a"/],
  [dag({ a }, { output: {} }), "bad-output", "output", /object/],
  [dag({ "1a": a }), "bad-name", 'nodes["1a"]', /"1a"/],
  [dag({ [`a${"b".repeat(64)}`]: a }), "bad-name", `nodes.a${"b".repeat(64)}`, /64/],
  [dag(JSON.parse('{ "__proto__": { "instructions": "x" } }')), "bad-name", "nodes.__proto__", /__proto__/],
  [dag({ planner: a }), "reserved-name", "nodes.planner", /planner/],
  [dag({ a: 3 }), "not-a-node", "nodes.a", /3/],
  [dag({ a: {} }), "no-kind", "nodes.a", /instructions/],
  [dag({ a: { ...a, run: () => 1 } }), "several-kinds", "nodes.a", /agent, function/],
  [node({ instructions: "" }), "bad-instructions", "nodes.n.instructions", /""/],
  [dag({ a: { run: "() => 1" } }), "bad-run", "nodes.a.run", /TypeScript/],
  [dag({ a: { tool: "search" } }), "bad-tool", "nodes.a.tool", /"search"/],
  [node({ tools: tool }), "bad-tool", "nodes.n.tools", /list/],
  [node({ tools: [tool, {}] }), "bad-tool", "nodes.n.tools[1]", /invoke/],
  [node({ tools: [tool, tool] }), "duplicate-tool", "nodes.n.tools[1]", /"t"/],
  [dag({ a: { approve: "Go?" } }), "bad-approve", "nodes.a.approve", /message/],
  [dag({ a: { run: () => 1, tools: [tool] } }), "wrong-kind", "nodes.a.tools", /agent/],
  [dag({ a: { tool, output: z.string() } }), "wrong-kind", "nodes.a.output", /function/],
  [node({ description: 1 }), "bad-value", "nodes.n.description", /1/],
  [node({ include: "all" }), "bad-value", "nodes.n.include", /"both"/],
  [node({ need: ["a"] }), "unknown-option", "nodes.n.need", /"needs"/],
  [node({ output: "text" }), "bad-schema", "nodes.n.output", /"text"/],
  [node({ output: z.object({ at: z.date() }) }), "bad-schema", "nodes.n.output", /JSON Schema/],
  [node({ modelOptions: { temperature: -1 } }), "out-of-bounds", "nodes.n.modelOptions.temperature", /-1/],
  [node({ modelOptions: { maxTokens: 0.5 } }), "out-of-bounds", "nodes.n.modelOptions.maxTokens", /0\.5/],
  [node({ modelOptions: { topP: 1 } }), "unknown-option", "nodes.n.modelOptions.topP", /topP/],
  [node({ modelOptions: "hot" }), "bad-value", "nodes.n.modelOptions", /hot/],
  [node({ needs: "a" }), "bad-needs", "nodes.n.needs", /list/],
  [node({ needs: [1] }), "bad-needs", "nodes.n.needs[0]", /1/],
  [node({ needs: ["a", "n"] }), "self-need", "nodes.n.needs[1]", /itself/],
  [node({ needs: ["a", "a"] }), "duplicate-need", "nodes.n.needs[1]", /twice/],
  [
    dag({ sentiment: a, meta: { ...a, needs: ["sentimant"] } }),
    "unknown-need",
    "nodes.meta.needs[0]",
    /Did you mean "sentiment"\?/,
  ],
  [dag({ a: { ...a, needs: ["b"] }, b }), "cycle", "nodes.a.needs[0]", /a → b → a/],
  [node({ join: "al" }), "bad-join", "nodes.n.join", /"all"/],
  [node({ join: {} }), "bad-join", "nodes.n.join", /neither/],
  [node({ join: { atLeast: 1, mode: "any" } }), "bad-join", "nodes.n.join", /both/],
  [node({ join: { mode: "all" } }), "bad-join", "nodes.n.join.mode", /"settled"/],
  [node({ join: { atLeast: 2 } }), "join-above-needs", "nodes.n.join.atLeast", /at most 1/],
  [node({ join: { atLeast: 0 } }), "out-of-bounds", "nodes.n.join.atLeast", /integer/],
  [node({ join: { atLeast: 1, deadlineMs: 0 } }), "out-of-bounds", "nodes.n.join.deadlineMs", /above 0/],
  [node({ join: { mode: "any", deadline: 5 } }), "unknown-option", "nodes.n.join.deadline", /deadlineMs/],
  [dag({ a: { ...a, join: "any" } }), "join-without-needs", "nodes.a.join", /needs/],
  [node({ when: true }), "bad-when", "nodes.n.when", /true/],
  [node({ when: { node: "a" } }), "bad-when", "nodes.n.when", /no test/],
  [node({ when: { node: "a", gt: 1, lt: 2 } }), "bad-when", "nodes.n.when", /gt, lt/],
  [node({ when: { node: "a", in: [] } }), "bad-when", "nodes.n.when.in", /at least one/],
  [node({ when: { node: "a", gt: "1" } }), "out-of-bounds", "nodes.n.when.gt", /"1"/],
  [node({ when: { node: "a", exists: "yes" } }), "bad-when", "nodes.n.when.exists", /true or false/],
  [node({ when: { node: "b", exists: true } }), "unknown-reference", "nodes.n.when.node", /"a"/],
  [
    node({ when: { item: true, exists: true }, forEach: { node: "a" } }),
    "no-item",
    "nodes.n.when.item",
    /forEach/,
  ],
  [
    dag({ a, c: a, b: { ...b, when: { node: "c", exists: true } } }),
    "reference-not-needed",
    "nodes.b.when.node",
    /Add "c"/,
  ],
  [
    node({ when: { node: "a", input: true, exists: true } }),
    "bad-reference",
    "nodes.n.when",
    /node and input/,
  ],
  [node({ forEach: "tags" }), "bad-for-each", "nodes.n.forEach", /plain text/],
  [node({ forEach: 3 }), "bad-for-each", "nodes.n.forEach", /3/],
  [node({ forEach: { path: "x" } }), "bad-reference", "nodes.n.forEach", /nothing/],
  [node({ forEach: { input: "tags" } }), "bad-reference", "nodes.n.forEach.input", /true/],
  [node({ forEach: { node: "a", path: "x..y" } }), "bad-reference", "nodes.n.forEach.path", /x\.\.y/],
  [
    node({ forEach: { items: { node: "a" }, maxConcurrency: 0 } }),
    "out-of-bounds",
    "nodes.n.forEach.maxConcurrency",
    /at least 1/,
  ],
  [node({ forEach: { item: true } }), "no-item", "nodes.n.forEach.item", /no item/],
  [
    dag({ a: { ...a, forEach: "tag" } }, { input: z.object({ tags: z.array(z.string()) }) }),
    "bad-for-each",
    "nodes.a.forEach",
    /"tags"/,
  ],
  [
    dag({ a: { ...a, forEach: "t" } }, { input: z.object({ t: z.string() }) }),
    "bad-for-each",
    "nodes.a.forEach",
    /string/,
  ],
  [
    dag({ a: { tool, args: { q: [{ $ref: { node: "b" } }] } } }),
    "unknown-reference",
    "nodes.a.args.q[0].$ref.node",
    /"b"/,
  ],
  [
    dag({ a: { tool, args: { q: { $ref: { item: true } } } } }),
    "no-item",
    "nodes.a.args.q.$ref.item",
    /no item/,
  ],
  [dag({ a: { tool, args: { q: { $ref: "a" } } } }), "bad-reference", "nodes.a.args.q.$ref", /"a"/],
  [dag({ a: { tool, args: endless } }), "unreadable", "nodes.a.args", /contains itself/],
  [dag({ a: { dag: dag({ b: {} }) } }), "no-kind", "nodes.a.dag.nodes.b", /kind/],
  [inside, "nested-in-itself", "nodes.self.dag", /inside itself/],
  [dag({ a: { dag: "inner.yaml" } }), "not-a-dag", "nodes.a.dag", /"inner\.yaml"/],
  [policy({ timeout: 1 }), "unknown-option", "nodes.n.policy.timeout", /timeoutMs/],
  [policy({ timeoutMs: Number.NaN }), "out-of-bounds", "nodes.n.policy.timeoutMs", /NaN/],
  [policy({ timeoutMs: 1e10 }), "out-of-bounds", "nodes.n.policy.timeoutMs", /2147483647/],
  [policy({ idleTimeoutMs: -1 }), "out-of-bounds", "nodes.n.policy.idleTimeoutMs", /-1/],
  [policy({ timeoutMs: 10, idleTimeoutMs: 20 }), "contradiction", "nodes.n.policy.idleTimeoutMs", /10 ms/],
  [policy({ deadlineMs: 10 }), "deadline-on-node", "nodes.n.policy.deadlineMs", /timeoutMs/],
  [policy({ onError: "stop" }), "bad-value", "nodes.n.policy.onError", /"fail-fast"/],
  [policy({ fallbackModels: "openai:x" }), "bad-value", "nodes.n.policy.fallbackModels", /list/],
  [policy({ fallbackModels: ["x"] }), "bad-model", "nodes.n.policy.fallbackModels[0]", /"x"/],
  [policy({ repairAttempts: 11 }), "out-of-bounds", "nodes.n.policy.repairAttempts", /from 0 to 10/],
  [policy({ maxToolRounds: 0 }), "out-of-bounds", "nodes.n.policy.maxToolRounds", /from 1 to 100/],
  [policy({ retry: 3 }), "bad-value", "nodes.n.policy.retry", /3/],
  [
    policy({ retry: { maxAttempts: 21 } }),
    "out-of-bounds",
    "nodes.n.policy.retry.maxAttempts",
    /from 1 to 20/,
  ],
  [
    policy({ retry: { initialIntervalMs: -1 } }),
    "out-of-bounds",
    "nodes.n.policy.retry.initialIntervalMs",
    /-1/,
  ],
  [
    policy({ retry: { backoffFactor: 0.5 } }),
    "out-of-bounds",
    "nodes.n.policy.retry.backoffFactor",
    /at least 1/,
  ],
  [
    policy({ retry: { initialIntervalMs: 9, maxIntervalMs: 8 } }),
    "contradiction",
    "nodes.n.policy.retry.maxIntervalMs",
    /shorter/,
  ],
  [policy({ retry: { jitter: "full" } }), "bad-value", "nodes.n.policy.retry.jitter", /true or false/],
  [policy({ retry: { retryOn: "all" } }), "bad-value", "nodes.n.policy.retry.retryOn", /codes/],
  [policy({ hedge: {} }), "missing-field", "nodes.n.policy.hedge.after", /p95/],
  [policy({ hedge: { after: "p99" } }), "out-of-bounds", "nodes.n.policy.hedge.after", /p99/],
  [
    policy({ hedge: { after: 5, maxExtraShare: 2 } }),
    "out-of-bounds",
    "nodes.n.policy.hedge.maxExtraShare",
    /at most 1/,
  ],
  [policy([]), "bad-value", "nodes.n.policy", /object/],
  [dag({ a }, { policy: { deadlineMs: 0 } }), "out-of-bounds", "policy.deadlineMs", /above 0/],
];

const places = (issues: readonly DagIssue[]) => issues.map(({ code, path }) => `${code} ${path}`);

describe("validate", () => {
  it.each(wrong.map(([spec, code, path, says]) => ({ spec, code, path, says })))(
    "reports $code at $path, alone, with what is wrong and a hint",
    ({ spec, code, path, says }) => {
      const issues = validate(spec);
      expect(places(issues)).toEqual([`${code} ${path}`]);
      expect(`${issues[0]?.message} ${issues[0]?.hint}`).toMatch(says);
      expect(issues[0]?.hint).not.toBe("");
    },
  );

  it("reports every mistake of a spec at once", () => {
    const spec = dag({
      a: { ...a, needs: ["c"], policy: { timeoutMs: -1 } },
      b: { needs: ["a", "bb"], instructions: "B.", join: { atLeast: 3 } },
      c: { needs: ["b"], dag: dag({ inner: { needs: ["inner"], instructions: "I." } }) },
    });
    expect(places(validate(spec)).sort()).toEqual([
      "cycle nodes.a.needs[0]",
      "join-above-needs nodes.b.join.atLeast",
      "out-of-bounds nodes.a.policy.timeoutMs",
      "self-need nodes.c.dag.nodes.inner.needs[0]",
      "unknown-need nodes.b.needs[1]",
    ]);
  });

  it("reports each of two cycles that share a node, once", () => {
    const spec = dag({
      hub: { ...a, needs: ["left", "right"] },
      left: { ...a, needs: ["hub"] },
      right: { ...a, needs: ["hub"] },
    });
    expect(validate(spec).map(({ message }) => /: (.*) \(/.exec(message)?.[1])).toEqual([
      "hub → left → hub",
      "hub → right → hub",
    ]);
  });

  it("reports a DAG that stands in two places once", () => {
    const shared = dag({ b: {} });
    expect(places(validate(dag({ one: { dag: shared }, two: { dag: shared } })))).toEqual([
      "no-kind nodes.one.dag.nodes.b",
    ]);
  });

  it("finds nothing wrong with every kind of node in every form", () => {
    const spec = dag(
      {
        agent: {
          ...a,
          output: { type: "object" },
          model: "openai:x",
          modelOptions: { temperature: 0 },
          tools: [tool],
          include: "needs",
        },
        live: { instructions: () => "Say.", model: { invoke: async () => "" } },
        fn: {
          run: () => 1,
          output: z.number(),
          needs: ["agent", "live"],
          join: { mode: "any", deadlineMs: 5 },
        },
        tool: {
          tool,
          needs: ["fn"],
          args: { q: { $ref: { node: "fn" } } },
          when: { node: "fn", equals: null },
        },
        each: {
          tool,
          forEach: { items: "tags", maxConcurrency: 2 },
          args: { q: { $ref: { item: true, path: "0.x" } } },
        },
        graph: {
          dag: dag({ a }),
          input: { $ref: { input: true } },
          policy: { retry: { retryOn: ["X"] }, hedge: { after: "p95" } },
        },
        ask: { approve: { message: "Go?" }, needs: ["fn", "tool"], join: { atLeast: 2 }, when: () => true },
      },
      { input: z.object({ tags: z.array(z.any()) }), output: "ask", policy: { deadlineMs: 5 }, version: 1 },
    );
    expect(validate(spec)).toEqual([]);
  });

  it("follows a chain of 20,000 nodes without running out of stack", () => {
    const nodes = Object.fromEntries(
      Array.from({ length: 20_000 }, (_, i) => [`n${i}`, { ...a, needs: [`n${(i + 1) % 20_000}`] }]),
    );
    expect(validate(dag(nodes)).map(({ code }) => code)).toEqual(["cycle"]);
  });
});

describe("validatePolicy", () => {
  it("takes a deadline for a run and for a spec", () => {
    expect(validatePolicy({ deadlineMs: 5 }, "policy", { where: "run" })).toEqual([]);
    expect(validatePolicy({ deadlineMs: 5 }, "policy", { where: "spec" })).toEqual([]);
  });
});

describe("defineDag", () => {
  it("throws one error that carries every issue", () => {
    const declare = () => defineDag({ name: "x", nodes: { a: { instructions: "" }, b: {} } });
    expect(declare).toThrow(DagValidationError);
    expect(declare).toThrow(/The DAG "x" has 2 issues/);
  });

  it("freezes data, and leaves schemas, tools and models alone", () => {
    const schema = z.object({ a: z.string() });
    const model = {
      invoke: async () => "",
      stream: async () => (async function* () {})(),
      _llmType: () => "x",
    };
    const own = { ...tool, calls: 0 };
    const spec = {
      name: "x",
      nodes: { a: { ...a, output: schema, model, tools: [own], policy: { retry: { maxAttempts: 2 } } } },
    };
    const declared = defineDag(spec);
    expect(declared).toBe(spec);
    expect(
      [spec, spec.nodes, spec.nodes.a, spec.nodes.a.tools, spec.nodes.a.policy.retry].every(Object.isFrozen),
    ).toBe(true);
    expect([schema, model, own].some(Object.isFrozen)).toBe(false);
  });
});
