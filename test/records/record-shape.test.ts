import { describe, expect, it } from "@jest/globals";
import {
  assertComparison,
  assertParts,
  assertRecord,
  isMeantAsComparison,
} from "../../src/records/read-record.js";
import { cpuMs } from "../support/cpu-ms.js";

const times = { readyAtMs: 0, startedAtMs: 1, endedAtMs: 2, attempts: 1 };
const problem = { code: "X", message: "x", text: "words" };
const sums = {
  modelCalls: 1,
  inputTokens: 2,
  outputTokens: 3,
  estimated: false,
  costUsd: 0.5,
  cachedInputTokens: 1,
  cacheWriteTokens: 1,
  reasoningTokens: 1,
};
const key = { node: "a", item: 0, invocation: 0 };
const call = {
  id: "call-1",
  ...key,
  attempt: 1,
  model: "m",
  startedAtMs: 0,
  firstTokenMs: 1,
  durationMs: 2,
  inputTokens: 1,
  cachedInputTokens: 1,
  cacheWriteTokens: 1,
  outputTokens: 1,
  reasoningTokens: 1,
  prefix: { key: "k", tokens: 1 },
  waited: { limitMs: 1, warmMs: 1 },
  estimated: false,
  costUsd: 0.5,
  toolCalls: [{ id: "t", name: "look", args: {} }],
  finishReason: "stop",
  hedged: false,
  error: problem,
};
const plain = { state: "completed", value: 1, ...times };
const outcome = {
  ...plain,
  items: [plain, { state: "failed", error: problem, ...times }],
  invocations: [{ state: "skipped", reason: problem, ...times }],
  outcomes: { x: { state: "timed-out", error: problem, ...times } },
  rounds: [{ x: { state: "cancelled", reason: problem, ...times } }],
  exhausted: true,
};
const projected = {
  hash: "h",
  valueHash: "v",
  kind: "agent",
  needs: [],
  join: "all",
  description: "d",
  conditional: false,
  mapped: false,
  declared: { model: "m" },
};
const inner = { name: "inner", hash: "h", nodes: { x: projected }, outputs: ["x"], declared: { model: "m" } };
const kinds = ["agent", "function", "tool", "approval", "runnable"];
const dag = {
  ...inner,
  nodes: {
    ...Object.fromEntries(kinds.map((kind) => [kind, { ...projected, kind }])),
    a: { ...projected, kind: "graph", needs: ["agent"], join: { atLeast: 1 }, dag: inner },
  },
  outputs: ["a"],
};
const simulated = { profile: "p", seed: 1, speed: 2 };
const interrupts = [{ node: "a", message: "?" }];
const event = (type: string, fields: object) => ({ type, atMs: 1, seq: 1, replayed: true, ...fields });
const events = [
  event("run-started", {
    id: "r",
    thread: "t",
    dag: inner,
    topology: "dataflow",
    startedAt: "2026-01-02T03:04:05Z",
    simulated,
  }),
  event("node-ready", key),
  event("node-started", { ...key, items: 1 }),
  event("node-attempt", { ...key, attempt: 1, startedAtMs: 0, error: problem }),
  event("tool-ended", { ...key, tool: "look", call: "c", startedAtMs: 0, error: problem }),
  event("node-progress", key),
  event("question-answered", {
    answer: { node: "a", decision: "approved", comment: "c", by: "b", at: "2026" },
  }),
  event("notice", { code: "N", message: "n" }),
  event("call-started", { ...key, call: "c", attempt: 1, model: "m", inputTokens: 1 }),
  event("call-ended", { call }),
  event("node-settled", { ...key, outcome: { state: "interrupted", reason: problem, ...times } }),
  event("run-ended", { state: "failed", error: problem, interrupts }),
];
const record = {
  version: 1,
  id: "r",
  thread: "t",
  dag,
  topology: "dataflow",
  startedAt: "2026-01-02T03:04:05Z",
  durationMs: 1,
  state: "completed",
  error: problem,
  outcomes: { a: outcome },
  calls: [call],
  interrupts,
  events,
  usage: { ...sums, reused: sums },
  criticalPathMs: 1,
  simulated,
};
const comparison = {
  version: 1,
  dag,
  topologies: [
    {
      topology: "dataflow",
      runs: [record],
      wallMs: { median: 1, min: 1, max: 1 },
      criticalPathMs: 1,
      modelCalls: 1,
      inputTokens: 1,
      outputTokens: 1,
      costUsd: 1,
      failures: 0,
    },
  ],
  agreement: [{ topology: "dataflow" }],
  advice: "Take dataflow.",
};

/** Fields that may be missing. */
const optional = new Set([
  ...["text", "items", "invocations", "outcomes", "rounds", "exhausted", "valueHash", "declared", "dag"],
  ...["cachedInputTokens", "cacheWriteTokens", "reasoningTokens", "prefix", "waited", "limitMs", "warmMs"],
  ...["inputTokens", "reused", "seq", "replayed", "wallMs", "criticalPathMs", "modelCalls", "outputTokens"],
  ...["costUsd", "failures", "agreement", "advice", "args"],
]);
/** Fields that may be `null`. */
const nullable = new Set([
  ...[
    "readyAtMs",
    "startedAtMs",
    "endedAtMs",
    "item",
    "invocation",
    "firstTokenMs",
    "costUsd",
    "finishReason",
  ],
  ...["error", "description", "thread", "simulated", "comment", "by"],
]);
/** Fields that hold anything. */
const free = /(?:^|\.)(?:value|args)$/;
/** Fields that have to be there although others of that name may be missing. */
const required = new RegExp(
  [
    "^(?:topologies\\[0\\]\\.runs\\[0\\]\\.)?(?:dag|outcomes|criticalPathMs)$",
    "events\\[0\\]\\.dag$",
    "(?:usage|reused|calls\\[0\\]|\\.call)\\.(?:modelCalls|inputTokens|outputTokens|costUsd)$",
  ].join("|"),
);
/** Fields that must not be `null` although others of that name may be. */
const neverNull = /(?:x|items\[1\])\.error$|(?:events\[[34]\]|calls\[0\]|\.call)\.startedAtMs$/;
/** Fields by names that a spec gives. */
const named = /(?:^|\.)(?:nodes|outcomes|declared|rounds\[0\])\.\w+$/;
/** Of these, the ones that others name. */
const neededByOthers = /(?:^|\.)nodes\.\w+$|(?:^|\.)outcomes\.a$/;

type Check = (value: unknown) => void;

/** Every change of one field that is taken although it must not be, or refused although it may be, or told of another field. */
function wronglyJudged(whole: object, check: Check): string[] {
  const wrong: string[] = [];
  const copy = JSON.parse(JSON.stringify(whole));
  const judge = (change: string, path: string, isTaken: boolean) => {
    let message: string | null = null;
    try {
      check(copy);
    } catch (error) {
      if ((error as { code?: string }).code !== "RECORD_INVALID") throw error;
      ({ message } = error as Error);
    }
    if ((message === null) !== isTaken) wrong.push(`${change}: ${message ?? "taken"}`);
    else if (message !== null && !message.includes(path)) wrong.push(`${change} is told as ${message}`);
  };
  const visit = (at: Record<string, unknown>, prefix: string) => {
    const isList = Array.isArray(at);
    for (const key of Object.keys(at)) {
      const path = isList ? `${prefix}[${key}]` : prefix === "" ? key : `${prefix}.${key}`;
      const kept = at[key];
      if (!isList && !neededByOthers.test(path)) {
        delete at[key];
        judge(`${path} is missing`, path, named.test(path) || (optional.has(key) && !required.test(path)));
      }
      if (free.test(path) || key === "join") {
        at[key] = kept;
        continue;
      }
      at[key] = typeof kept === "string" ? 7 : "text";
      judge(`${path} of another type`, path, false);
      at[key] = null;
      judge(`${path} is null`, path, nullable.has(key) && !neverNull.test(path));
      if (typeof kept === "number") {
        at[key] = -1;
        judge(`${path} below 0`, path, key === "seed" || key === "speed");
        at[key] = Infinity;
        if (key !== "version") judge(`${path} without end`, path, false);
      }
      at[key] = kept;
      if (typeof kept === "object" && kept !== null) visit(kept as Record<string, unknown>, path);
    }
  };
  visit(copy as Record<string, unknown>, "");
  return wrong;
}

it("takes a record that has everything, and one with fields that it does not know", () => {
  expect(() => assertRecord(record)).not.toThrow();
  expect(() => assertRecord({ ...record, more: 1, usage: { ...sums, more: 1 } })).not.toThrow();
  expect(() => assertRecord({ ...record, events: [...events, event("from-later", { x: 1 })] })).not.toThrow();
  expect(() => assertRecord({ ...record, events: [event("toString", {})] })).not.toThrow();
});

it("judges each field of a record by itself, and names it", () => {
  expect(wronglyJudged(record, (value) => assertRecord(value))).toEqual([]);
});

it("judges each field of a comparison by itself, and names it", () => {
  const small = { ...comparison, topologies: [{ ...comparison.topologies[0], runs: [] }] };
  expect(wronglyJudged(small, (value) => assertComparison(value))).toEqual([]);
});

describe("a comparison", () => {
  it("is taken with its records", () => {
    expect(() => assertComparison(comparison)).not.toThrow();
  });

  it("has at least one topology, and every record of it is held to the form", () => {
    expect(() => assertComparison({ ...comparison, topologies: [] })).toThrow(
      /^The comparison is no comparison: /,
    );
    const withRun = (run: object) => ({
      ...comparison,
      topologies: [{ topology: "x", runs: [record, run] }],
    });
    expect(() => assertComparison(withRun({ ...record, id: 7 }))).toThrow("topologies[0].runs[1].id is 7");
    const circle = JSON.parse(JSON.stringify(record)) as { dag: { nodes: { a: { needs: string[] } } } };
    circle.dag.nodes.a.needs.push("a");
    expect(() => assertComparison(withRun(circle))).toThrow(
      "the needs of topologies[0].runs[1].dag.nodes.a go round in a circle",
    );
  });

  it("is told from a record by what it holds", () => {
    expect(isMeantAsComparison(comparison)).toBe(true);
    for (const other of [record, { ...comparison, outcomes: {} }, {}, null, 7, "topologies"]) {
      expect(isMeantAsComparison(other)).toBe(false);
    }
  });
});

describe("what is told", () => {
  const messageOf = (value: unknown): Record<string, unknown> => {
    try {
      assertRecord(value);
    } catch (error) {
      return error as Record<string, unknown>;
    }
    throw new Error("It was taken.");
  };

  it("is where, what was found, what is expected, and what to do", () => {
    const error = messageOf({ ...record, calls: [call, { ...call, attempt: "one" }] });
    expect(error).toMatchObject({
      code: "RECORD_INVALID",
      message:
        'The record is no record of a run: calls[1].attempt is "one" (expected number). Give a file that `agent-dag run --json` or `agent-dag compare --json` wrote.',
      facts: { path: "calls[1].attempt" },
    });
  });

  it.each([
    [undefined, "missing"],
    [null, "null"],
    [[1], "a list"],
    [{ a: 1 }, "an object"],
    [true, "true"],
    [7, "7"],
  ])("of %j is that it is %s", (found, name) => {
    expect(messageOf({ ...record, topology: found }).message).toContain(`topology is ${name} (`);
  });

  it("is cut where a value is long", () => {
    const long = "x".repeat(80);
    expect(messageOf({ ...record, durationMs: long }).message).toContain(
      `durationMs is "${"x".repeat(59)}… (`,
    );
    expect(messageOf({ ...record, durationMs: "x".repeat(58) }).message).toContain(`"${"x".repeat(58)}" (`);
  });

  it("of a start that is no point in time says so", () => {
    expect(messageOf({ ...record, startedAt: "soon" }).message).toContain(
      'startedAt is "soon" (it is no point in time)',
    );
  });

  it("of a newer version is that, with what to do", () => {
    expect(messageOf({ version: 7 })).toMatchObject({
      code: "VERSION_UNSUPPORTED",
      message: "The record has version 7; this release reads versions up to 1. Update agent-dag.",
      facts: { version: 7, supportedVersion: 1 },
    });
    expect(messageOf({ ...record, version: 0 }).code).toBe("RECORD_INVALID");
  });

  it.each([
    ["undefined", undefined],
    ["a list", []],
    ["null", null],
    ["text", "x"],
  ])("of %s is that an object is expected", (_what, value) => {
    expect(messageOf(value).message).toContain(", and an object is expected");
  });
});

describe("a graph", () => {
  const withDag = (change: (dag: any) => void) => {
    const changed = JSON.parse(JSON.stringify(record));
    change(changed);
    return () => assertRecord(changed);
  };

  it("needs and gives only nodes of its own, inner ones and the events' too", () => {
    expect(withDag(({ dag }) => dag.nodes.a.needs.push("gone"))).toThrow(
      'dag.nodes.a.needs names "gone", which is no node of it',
    );
    expect(withDag(({ dag }) => dag.nodes.a.dag.nodes.x.needs.push("agent"))).toThrow(
      'dag.nodes.a.dag.nodes.x.needs names "agent"',
    );
    expect(withDag(({ dag }) => dag.nodes.a.dag.outputs.push("a"))).toThrow(
      'dag.nodes.a.dag.outputs names "a"',
    );
    expect(withDag(({ events: [first] }) => first.dag.outputs.push("gone"))).toThrow(
      'events[0].dag.outputs names "gone", which is no node of it',
    );
  });

  it("of a long chain is gone through once, from whichever end it is declared", async () => {
    const chain = (length: number) => {
      const names = Array.from({ length }, (_, n) => `n${n}`);
      const nodes = names.map((name, n) => [name, { ...projected, needs: names.slice(n + 1, n + 2) }]);
      const whole = { ...inner, nodes: Object.fromEntries(nodes), outputs: ["n0"] };
      return () => assertRecord({ ...record, dag: whole, events: [] });
    };
    await cpuMs(chain(500), 1);
    // Eight times the nodes: eight times the time, where a look at each for each would take 64 times.
    const [short, long] = [await cpuMs(chain(1_000), 2), await cpuMs(chain(8_000), 2)];
    expect(long / Math.max(short, 1)).toBeLessThan(32);
  });

  it("does not go round in a circle, of whatever length", () => {
    expect(withDag(({ dag }) => dag.nodes.agent.needs.push("a"))).toThrow(
      "the needs of dag.nodes.agent go round in a circle",
    );
    expect(
      withDag(({ dag }) => {
        dag.nodes.agent.needs.push("tool");
        dag.nodes.tool.needs.push("function");
      }),
    ).not.toThrow();
  });
});

it.each([
  ["all", true],
  [{ atLeast: 1 }, true],
  [7, false],
  [null, false],
  [[], false],
])("takes %j for a join: %j", (join, isTaken) => {
  const changed = JSON.parse(JSON.stringify(record));
  changed.dag.nodes.a.join = join;
  const check = expect(() => assertRecord(changed));
  if (isTaken) check.not.toThrow();
  else check.toThrow("dag.nodes.a.join is ");
});

it("may have ended in any state, with joins of any rule", () => {
  for (const state of ["completed", "partial", "rejected", "failed", "cancelled", "interrupted"])
    expect(() => assertRecord({ ...record, state })).not.toThrow();
  for (const join of ["all", "any", "settled", { atLeast: 1 }]) {
    const nodes = { x: { ...projected, join } };
    expect(() => assertRecord({ ...record, dag: { ...inner, nodes }, events: [] })).not.toThrow();
  }
  expect(() => assertRecord({ ...record, state: "done" })).toThrow(
    /^The record is no record of a run: state is "done" /,
  );
});

it("has no field that is called `__proto__` where names are, and a value wherever something completed", () => {
  const named = JSON.parse('{"__proto__": {"state": "completed"}}');
  expect(() => assertRecord({ ...record, outcomes: named })).toThrow(
    "outcomes is an object (it has a field `__proto__`)",
  );
  const { value: _, ...without } = plain;
  expect(() => assertRecord({ ...record, outcomes: { a: without } })).toThrow(
    "outcomes.a.value is missing (it is missing)",
  );
});

describe("for readers of a few parts", () => {
  const parts = { calls: "list", dag: "object" } as const;

  it("holds those", () => {
    assertParts({ calls: [], dag: {}, more: 1 }, "record", parts);
    assertParts({}, "record", {});
  });

  it.each([
    [null, "it is null, and an object is expected"],
    ["x", 'it is "x", and an object is expected'],
    [[], "it is an empty array, and an object is expected"],
    [{ calls: {}, dag: {} }, "calls is an object (list expected)"],
    [{ calls: [] }, "dag is missing (object expected)"],
    [{ calls: [], dag: [] }, "dag is a list (object expected)"],
  ])("names the first that is wrong: %j", (value, why) => {
    expect(() => assertParts(value, "record of a run", parts)).toThrow(
      expect.objectContaining({
        code: "RECORD_INVALID",
        message: expect.stringContaining(`The value is no record of a run: ${why}.`),
      }),
    );
  });
});

it("is nested no more than 500 levels deeper than a value may be", () => {
  const nested = (depth: number) => {
    let value: unknown = 1;
    for (let n = 0; n < depth; n++) value = [value];
    return { ...record, input: value };
  };
  expect(() => assertRecord(nested(1499))).not.toThrow();
  expect(() => assertRecord(nested(1500))).toThrow("it is nested more than 1500 levels deep");
});
