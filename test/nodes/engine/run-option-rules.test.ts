import { describe, expect, it } from "@jest/globals";
import { MemorySaver } from "@langchain/langgraph";
import { assertRunOptions, validateRunOptions } from "../../../nodes/engine/run-option-rules.js";
import type { RunOptions } from "../../../nodes/engine/run-options.js";
import { DagValidationError } from "../../../src/errors.js";

const spec = { name: "dag", nodes: { one: { instructions: "1" }, "caf\u00e9": { instructions: "2" } } };
const issues = (options: unknown) => validateRunOptions(spec, options);
const record = { version: 1, dag: { nodes: {} }, outcomes: {}, calls: [], events: [] };

it("has nothing against any option that is there, nor against one that is left undefined", () => {
  const options = {
    model: "offline",
    models: { one: "offline" },
    policy: { retry: { maxAttempts: 2 } },
    limits: { maxTokens: 5 },
    prices: { m: { inputPerMillion: 1, outputPerMillion: 1 } },
    planner: {},
    layout: undefined,
    warm: "first-token",
    use: [() => {}],
    checkpointer: new MemorySaver(),
    id: "i",
    thread: "t",
    reuse: record,
    times: record,
    texts: true,
    context: 3,
    signal: new AbortController().signal,
    onEvent: () => {},
    topology: "dataflow",
    topologies: [],
    repeat: 2,
    answer: 1,
    nonsense: undefined,
  };
  expect(issues(options)).toEqual([]);
  expect(issues({})).toEqual([]);
});

it.each([
  [null, "null"],
  [3, "3"],
  ["x", '"x"'],
  [undefined, "undefined"],
])("options that are %p are no options", (options, shown) => {
  expect(issues(options)).toEqual([
    {
      code: "bad-value",
      path: "",
      message: `Options have to be an object, but are ${shown}.`,
      hint: "Write { … }.",
    },
  ]);
});

describe("an option that is not there", () => {
  it.each([
    ["retry", "policy"],
    ["timeoutMs", "policy"],
    ["idleTimeoutMs", "policy"],
    ["deadlineMs", "policy"],
    ["onError", "policy"],
    ["fallbackModels", "policy"],
    ["hedge", "policy"],
    ["maxConcurrency", "limits"],
    ["requestsPerMinute", "limits"],
    ["tokensPerMinute", "limits"],
    ["maxTokens", "limits"],
    ["maxCostUsd", "limits"],
    ["maxModelCalls", "limits"],
    ["limiter", "limits"],
    ["hedgeStatistics", "limits"],
  ])("%s is sent home to %s", (key, home) => {
    expect(issues({ [key]: 1 })).toEqual([
      {
        code: "unknown-option",
        path: key,
        message: `"${key}" is not an option here.`,
        hint: `Write ${home}: { ${key}: … }.`,
      },
    ]);
  });

  it.each([
    ["topologie", '"topolog'],
    ["answr", '"answer"'],
    ["repet", '"repeat"'],
    ["sgnal", '"signal"'],
    ["modl", '"model"'],
  ])("%s is close to %s", (key, hint) => {
    expect(issues({ [key]: 1 })).toMatchObject([{ path: key, hint: expect.stringContaining(hint) }]);
  });

  it("that an object inherits is none either", () => {
    expect(issues({ toString: 1 })).toMatchObject([{ code: "unknown-option", path: "toString" }]);
    expect(issues({ toString: 1 })[0]?.hint).not.toContain("Write");
  });
});

describe("models by node", () => {
  it.each([
    [{ one: "offline" }],
    [{ "one/inner": "offline" }],
    [{ "one[2]": "offline" }],
    [{ "one#1": "offline" }],
    [{ $planner: "offline" }],
    [{ "cafe\u0301": "offline" }],
    [undefined],
  ])("%j are of the spec", (models) => {
    expect(issues({ models })).toEqual([]);
  });

  it("are told which node is not there, and what may have been meant", () => {
    expect(issues({ models: { one: "offline", "onne/inner": "offline" } })).toEqual([
      {
        code: "unknown-node",
        path: 'models["onne/inner"]',
        message: '"onne/inner" is not a node of "dag".',
        hint: expect.anything(),
      },
    ]);
    expect(issues({ models: { onne: "offline" } })[0]?.hint).toContain('"one"');
    expect(issues({ models: { "": "offline", "/one": "offline" } })).toHaveLength(2);
  });

  it.each([
    ["offline", '"offline"'],
    [["offline"], "a list"],
    [null, "null"],
  ])("are not %j", (models, shown) => {
    expect(issues({ models })).toMatchObject([
      {
        code: "bad-value",
        path: "models",
        message: expect.stringMatching(/^It has to be an object of models by node, but is .+\.$/),
        hint: "Write { node: model }.",
      },
    ]);
    if (shown !== "a list") expect(issues({ models })[0]?.message).toContain(shown);
  });
});

describe("a checkpointer", () => {
  const whole = { getTuple: () => {}, put: () => {}, putWrites: () => {} };
  const { put: _, ...partial } = whole;

  it("is whatever can do what a checkpointer does", () => {
    expect(issues({ checkpointer: whole })).toEqual([]);
  });

  it.each<[unknown, string]>([
    [{}, "Pass a saver, such as `new MemorySaver()`"],
    [null, "Pass a saver, such as `new MemorySaver()`"],
    ["sqlite:runs.db", 'await openCheckpointer("sqlite:FILE")'],
    [partial, "Pass a saver"],
    [{ ...whole, put: true }, "Pass a saver"],
    [{ checkpointer: whole, close: () => {} }, "Pass its `checkpointer`."],
    [{ checkpointer: 3 }, "Pass a saver"],
  ])("is not %p", (checkpointer, hint) => {
    expect(issues({ checkpointer })).toEqual([
      {
        code: "bad-value",
        path: "checkpointer",
        message: expect.stringMatching(/^It has to be a LangGraph checkpointer, but is .+\.$/),
        hint: expect.stringContaining(hint),
      },
    ]);
  });
});

describe("a choice", () => {
  it("is one of its words", () => {
    expect(issues({ warm: "off" })).toEqual([]);
    expect(issues({ warm: "on" })).toEqual([
      {
        code: "bad-value",
        path: "warm",
        message: 'It has to be one of "first-token", "off", but is "on".',
        hint: expect.anything(),
      },
    ]);
    expect(issues({ warm: "first-tokn" })[0]?.hint).toContain('"first-token"');
    expect(issues({ warm: "first-tokn" })[0]?.hint).not.toContain("Write one of");
    expect(issues({ warm: 1 })).toMatchObject([{ hint: 'Write one of "first-token", "off".' }]);
    expect(issues({ layout: "upside-down" })).toMatchObject([{ code: "bad-value", path: "layout" }]);
  });
});

it.each([[{}], [[() => {}, {}]], ["x"]])("`use` is a list of functions and not %p", (use) => {
  expect(issues({ use })).toEqual([
    {
      code: "bad-value",
      path: "use",
      message: expect.stringMatching(/^It has to be a list of middleware, but is .+\.$/),
      hint: "Write [ … ].",
    },
  ]);
});

describe.each(["reuse", "times"])("%s", (option) => {
  it.each<[string, unknown]>([
    ["no object", 3],
    ["null", null],
    ["another version", { ...record, version: 2 }],
    ["no dag", { ...record, dag: undefined }],
    ["a dag without nodes", { ...record, dag: {} }],
    ["no outcomes", { ...record, outcomes: undefined }],
    ["no calls", { ...record, calls: {} }],
    ["no events", { ...record, events: {} }],
    ["a checkpointer without a thread", { checkpointer: {} }],
    ["a thread without a checkpointer", { checkpointer: 3, thread: "t" }],
  ])("cannot be %s", (_, value) => {
    expect(issues({ [option]: value })).toEqual([
      {
        code: "bad-value",
        path: option,
        message: expect.stringMatching(/^It has to be the record of an earlier run, but is .+\.$/),
        hint: "Pass what `run` returned, or its JSON, parsed.",
      },
    ]);
  });
});

it("a thread of a checkpointer can be reused, and tells no times", () => {
  const thread = { checkpointer: {}, thread: "t" };
  expect(issues({ reuse: thread })).toEqual([]);
  expect(issues({ times: thread })).toMatchObject([{ path: "times" }]);
});

it("says where a policy, limits, prices and a planner are wrong", () => {
  const options = {
    policy: { timeoutMs: 0 },
    limits: { maxTokens: 0 },
    prices: 3,
    planner: 3,
  };
  const paths = issues(options).map(({ path }) => path);
  expect(paths).toEqual(["policy.timeoutMs", "limits.maxTokens", "prices", "planner"]);
});

it("an option that throws when it is read is told as one", () => {
  const throwing = (name: string) => ({
    enumerable: true,
    get() {
      throw new Error(`no ${name}`);
    },
  });
  for (const name of ["policy", "limits", "prices", "planner"]) {
    const revoked = Proxy.revocable({}, {});
    revoked.revoke();
    for (const inner of [Object.defineProperty({}, "x", throwing(name)), revoked.proxy]) {
      const found = issues({ [name]: inner });
      expect(found).not.toEqual([]);
      expect(found.filter(({ path }) => !path.startsWith(name))).toEqual([]);
    }
  }
});

it.each([
  ["signal", {}, "an object", "an AbortSignal", "Pass the `signal` of an AbortController."],
  ["signal", 3, "3", "an AbortSignal", "Pass the `signal` of an AbortController."],
  ["signal", null, "null", "an AbortSignal", "Pass the `signal` of an AbortController."],
  ["onEvent", {}, "an object", "a function", "Write onEvent: (event) => { … }."],
  ["onEvent", null, "null", "a function", "Write onEvent: (event) => { … }."],
])("%s cannot be %j", (option, value, shown, wanted, hint) => {
  expect(issues({ [option]: value })).toEqual([
    { code: "bad-value", path: option, message: `It has to be ${wanted}, but is ${shown}.`, hint },
  ]);
});

it("a run's policy may say what only holds for a run", () => {
  expect(issues({ policy: { deadlineMs: 5, onError: "fail-fast" } })).toEqual([]);
});

it("asserting throws every issue at once, and nothing where there is none", () => {
  const wrong = { polcy: {}, warm: "on" } as unknown as RunOptions;
  const assert = () => assertRunOptions(spec, wrong);
  expect(assert).toThrow(DagValidationError);
  expect(assert).toThrow(/The options/);
  expect(assert).toThrow(/polcy[\s\S]*warm/);
  expect(() => assertRunOptions(spec, {})).not.toThrow();
});
