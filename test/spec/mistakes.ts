import { z } from "zod";

export const a = { instructions: "Say a." };
const b = { needs: ["a"], instructions: "Say b." };
export const dag = (nodes: object, more: object = {}) => ({ name: "x", nodes, ...more });
const node = (fields: object) => dag({ a, n: { needs: ["a"], instructions: "Say n.", ...fields } });
/** A node after one whose value has a label and items. */
const labelled = (fields: object) =>
  dag({
    a: { ...a, output: z.object({ label: z.enum(["bug", "praise"]), items: z.array(z.string()) }) },
    n: { needs: ["a"], instructions: "Say n.", ...fields },
  });
const policy = (fields: object) => node({ policy: fields });
export const tool = { name: "t", invoke: async () => 1 };
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

type Mistake = [unknown, string, string, RegExp];
/** A graph node whose DAG wants a review, after a node that gives numbers. */
const inner = (fields: object, more: object = {}) =>
  dag({
    a: { run: () => ({ n: 1, list: [1] }), output: z.object({ n: z.number(), list: z.array(z.number()) }) },
    g: {
      needs: ["a"],
      dag: {
        name: "inner",
        input: z.object({
          review: z.string().min(1),
          stars: z.number().default(3),
          more: z.object({ tags: z.array(z.string()) }).optional(),
        }),
        nodes: { end: { instructions: "End.", output: z.object({ label: z.string() }) } },
      },
      ...fields,
    },
    ...more,
  });
const given = (input: unknown, code: string, at: string, says: RegExp): Mistake[] => [
  [inner({ input }), code, `nodes.g.input${at}`, says],
];
const policyOf: Record<string, unknown> = {
  retry: { maxAttempts: 2 },
  hedge: { after: 5 },
  idleTimeoutMs: 5,
  fallbackModels: ["offline"],
  repairAttempts: 1,
  maxToolRounds: 2,
};

/** One spec for each issue: what is wrong, the code, where it stands, and what the message or the hint has to say. */
export const mistakes: Mistake[] = [
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
  [dag({ a: { approve: { message: "?" }, output: z.string() } }), "wrong-kind", "nodes.a.output", /function/],
  [
    dag({ a: { run: () => 1, repeat: { until: () => true, maxRounds: 1 } } }),
    "wrong-kind",
    "nodes.a.repeat",
    /graph/,
  ],
  [dag({ a: { runnable: {} } }), "bad-runnable", "nodes.a.runnable", /runnable/],
  [dag({ a: { approve: { message: "?", show: 1 } } }), "bad-approve", "nodes.a.approve.show", /list/],
  [node({ tools: [{ tool, approve: "no" }] }), "bad-tool", "nodes.n.tools[0].approve", /"no"/],
  [
    dag({ a: { run: () => 1 }, b: { needs: ["a"], when: { node: "a", state: "failled" }, run: () => 1 } }),
    "unknown-state",
    "nodes.b.when.state",
    /"failed"/,
  ],
  [node({ when: { all: [] } }), "bad-when", "nodes.n.when.all", /list/],
  [
    node({ when: { not: { any: [{ node: "x", state: "failed" }] } } }),
    "unknown-reference",
    "nodes.n.when.not.any[0].node",
    /"x"/,
  ],
  ...given({ revue: "x" }, "unknown-field", ".revue", /no field "revue".*"review"/),
  ...given({}, "missing-input", "", /needs "review" in its input/),
  ...given({ review: "x", stars: "five" }, "bad-input", ".stars", /number/),
  ...given({ review: "" }, "bad-input", ".review", />=1 char/),
  ...given("text", "bad-input", "", /"text" here.*object/),
  ...given({ review: "x", more: { tag: ["a"] } }, "unknown-field", ".more.tag", /"tags"/),
  ...given({ review: "x", more: { tags: "a" } }, "bad-input", ".more.tags", /array/),
  ...given(
    { review: { $ref: { node: "a", path: "n" } } },
    "bad-input",
    ".review",
    /of type number, and string/,
  ),
  ...given({ review: "x", more: { $ref: { node: "a" } } }, "bad-input", ".more", /no field "tags"/),
  ...given({ $ref: { node: "a" } }, "bad-input", "", /no field "review"/),
  ...given({ $ref: { input: true } }, "bad-input", "", /string, and object/),
  [inner({}), "bad-input", "nodes.g.dag", /the input of the DAG around it: it is of type string/],
  [
    inner({ forEach: { node: "a", path: "list" } }),
    "bad-input",
    "nodes.g.forEach",
    /each item: it is of type number/,
  ],
  [
    dag({
      a: { tool, output: z.object({ hits: z.array(z.string()) }) },
      n: { needs: ["a"], instructions: "N.", when: { node: "a", path: "hit", exists: true } },
    }),
    "unknown-field",
    "nodes.n.when.path",
    /"hits"/,
  ],
  [
    inner(
      { input: { review: "x" } },
      { n: { needs: ["g"], instructions: "N.", when: { node: "g", path: "labl", equals: 1 } } },
    ),
    "unknown-field",
    "nodes.n.when.path",
    /"label"/,
  ],
  ...["retry", "hedge", "idleTimeoutMs", "fallbackModels", "repairAttempts", "maxToolRounds"].map(
    (key): Mistake => [
      inner({ input: { review: "x" }, policy: { [key]: policyOf[key] } }),
      "policy-without-effect",
      `nodes.g.policy.${key}`,
      /its inner nodes.*Put it on the nodes of its DAG/,
    ],
  ),
  ...["hedge", "idleTimeoutMs", "fallbackModels", "repairAttempts", "maxToolRounds"].flatMap(
    (key): Mistake[] => [
      [
        dag({ a: { run: () => 1, policy: { [key]: policyOf[key] } } }),
        "policy-without-effect",
        `nodes.a.policy.${key}`,
        /function/,
      ],
      [
        dag({ a: { tool, policy: { [key]: policyOf[key] } } }),
        "policy-without-effect",
        `nodes.a.policy.${key}`,
        /tool/,
      ],
    ],
  ),
  [
    dag({ a: { approve: { message: "?" }, policy: { timeoutMs: 5 } } }),
    "policy-without-effect",
    "nodes.a.policy.timeoutMs",
    /person/,
  ],
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
  [dag({ toString: a }), "reserved-name", "nodes.toString", /every object/],
  [
    labelled({ when: { node: "a", path: "labl", equals: "bug" } }),
    "unknown-field",
    "nodes.n.when.path",
    /"label"/,
  ],
  [
    labelled({ when: { node: "a", path: "label.x", exists: true } }),
    "unknown-field",
    "nodes.n.when.path",
    /type string/,
  ],
  [
    labelled({ when: { node: "a", path: "label", equals: "bugg" } }),
    "never-equal",
    "nodes.n.when.equals",
    /"bug"/,
  ],
  [
    labelled({ when: { node: "a", path: "label", in: ["bug", "x"] } }),
    "never-equal",
    "nodes.n.when.in[1]",
    /"x"/,
  ],
  [labelled({ forEach: { node: "a", path: "label" } }), "bad-for-each", "nodes.n.forEach", /type string/],
  [labelled({ forEach: { node: "a", path: "itms" } }), "unknown-field", "nodes.n.forEach.path", /"items"/],
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
