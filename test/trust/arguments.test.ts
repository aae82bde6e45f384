import { describe, expect, it } from "@jest/globals";
import { MemorySaver } from "@langchain/langgraph";
import * as library from "agent-dag";
import { DagError, defineDag, openCheckpointer, resume, run, runMany, stream } from "agent-dag";
import { matchers, register } from "agent-dag/jest";
import { traced } from "agent-dag/otel";
import { answersFromMessages, answersFromResume, createHandler, serve, toAgUi } from "agent-dag/serve";
import { cassette, faults, scriptedModel, simulateLatency } from "agent-dag/testing";

const one = defineDag({ name: "one", nodes: { a: { run: () => 1 } } });
const nothing: readonly [string, any][] = [
  ["undefined", undefined],
  ["null", null],
  ["a number", 5],
  ["a symbol", Symbol("s")],
];
const any = library as any;
const done = await run(one, "x");
const record = () => structuredClone(done);

function revoked(): any {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

/** What each door of the library is given in place of what it takes. */
const doors: Readonly<Record<string, (wrong: any) => unknown>> = {
  "run's spec": (wrong) => run(wrong, "x"),
  "stream's spec": (wrong) => stream(wrong, "x").record,
  "resume's spec": (wrong) => resume(wrong, { checkpointer: new MemorySaver(), thread: "t" }),
  "resume's options": (wrong) => resume(one, wrong),
  "compile's spec": (wrong) => any.compile(wrong),
  "compare's spec": (wrong) => any.compare(wrong, "x"),
  "runMany's spec": (wrong) => runMany(wrong, ["x"]).summary,
  "runMany's inputs": (wrong) => runMany(one, wrong).summary,
  "runWorker's spec": (wrong) => any.runWorker(wrong, { engine: "redis://127.0.0.1:1/0" }),
  "runWorker's options": (wrong) => any.runWorker(one, wrong),
  "cancelBatch's options": (wrong) => any.cancelBatch("id", wrong),
  "forgetBatch's options": (wrong) => any.forgetBatch("id", wrong),
  "followBatch's options": (wrong) => any.followBatch("id", wrong).summary,
  defineDag: (wrong) => defineDag(wrong),
  "extendDag's base": (wrong) => any.extendDag(wrong, { nodes: {} }),
  "extendDag's nodes": (wrong) => any.extendDag(one, wrong),
  warningsOf: (wrong) => any.warningsOf(wrong),
  loadDag: (wrong) => any.loadDag(wrong),
  loadPrices: (wrong) => any.loadPrices(wrong),
  openCheckpointer: (wrong) => openCheckpointer(wrong),
  createBudget: (wrong) => any.createBudget(wrong),
  predict: (wrong) => any.predict(wrong),
  foldEvents: (wrong) => any.foldEvents(wrong),
  assertRecord: (wrong) => any.assertRecord(wrong),
  renderGraph: (wrong) => any.renderGraph(wrong),
  renderTimeline: (wrong) => any.renderTimeline(wrong),
  renderOutputs: (wrong) => any.renderOutputs(wrong),
  renderComparison: (wrong) => any.renderComparison(wrong),
  renderBatch: (wrong) => any.renderBatch(wrong),
  renderReport: (wrong) => any.renderReport(wrong),
  renderRecordDiff: (wrong) => any.renderRecordDiff(wrong),
  diffRecords: (wrong) => any.diffRecords(wrong, wrong),
  faults: (wrong) => faults(wrong),
  scriptedModel: (wrong) => scriptedModel(wrong),
  cassette: (wrong) => cassette(wrong),
  simulateLatency: (wrong) => simulateLatency(wrong),
  "createHandler's specs": (wrong) => createHandler(wrong),
  "a handler's request": (wrong) => createHandler(one)(wrong),
};

describe.each(Object.entries(doors))("%s", (_name, door) => {
  it.each(nothing)("is refused in words where it is %s", async (_what, wrong) => {
    const error: unknown = await Promise.resolve()
      .then(() => door(wrong))
      .then(
        () => "was taken",
        (thrown: unknown) => thrown,
      );
    expect(error).toBeInstanceOf(DagError);
    expect((error as Error).message).not.toMatch(/reading '|destructure|is not a function|not iterable/);
  });
});

/** What is of the right kind, and cannot be meant; each has to be told with the name of what it is about. */
const impossible: Readonly<Record<string, readonly [call: () => unknown, told: RegExp]>> = {
  "no events": [() => any.foldEvents([]), /run-started/],
  "events without the first": [() => any.foldEvents([{ type: "run-ended", seq: 1, atMs: 0 }]), /run-started/],
  "an event that is none": [() => any.foldEvents([null]), /events\[0\].* null/],
  "events that hold nothing": [() => any.foldEvents([{ type: "run-started" }]), /events make no record/],
  "a call that holds nothing": [
    () => any.foldEvents([...record().events.slice(0, 1), { type: "call-ended", seq: 2, atMs: 0 }]),
    /events make no record/,
  ],
  "topologies that are one": [
    () => any.compare(one, "x", { topologies: "dataflow" }),
    /topologies.*"dataflow"/,
  ],
  "topologies that are none": [() => any.compare(one, "x", { topologies: [null] }), /topologies/],
  "a repeat that is none": [() => any.compare(one, "x", { repeat: Symbol("s") }), /Symbol\(s\)/],
  "predicted topologies that are one": [() => any.predict(record(), { topologies: "x" }), /topologies.*"x"/],
  "variants that are none": [() => any.predict(record(), [null]), /variants/],
  "a port that is none": [() => serve(one, { port: -1 }), /port.*-1/],
  "answers of no list": [() => answersFromResume({} as any), /resume.*an object/],
  "answers that are none": [() => answersFromResume([null] as any), /resume/],
  "messages of no list": [() => answersFromMessages({} as any), /messages.*an object/],
  "a script of no lists": [() => scriptedModel({ a: "text" } as any), /script\.a.*"text"/],
  "a path that is none": [() => matchers.toHaveCompleted.call({}, record(), 5 as any), /node.*5/],
  "tools of no list": [() => matchers.toHaveCalledTools.call({}, record(), "t" as any), /tools.*"t"/],
  "a runner that is none": [() => register({} as any), /runner.*an object/],
  "an input that cannot be looked at": [() => run(one, revoked()), /a string is expected/],
  "a compiled graph's input that cannot be looked at": [
    () => any.compile(one).invoke({ input: revoked() }),
    /a string is expected/,
  ],
  ...Object.fromEntries(
    Object.entries({
      renderGraph: (options: any) => any.renderGraph(one, options),
      renderTimeline: (options: any) => any.renderTimeline(record(), options),
      renderOutputs: (options: any) => any.renderOutputs(record(), options),
      renderReport: (options: any) => any.renderReport(record(), options),
      createBudget: (options: any) => any.createBudget({}, options),
      compare: (options: any) => any.compare(one, "x", options),
      predict: (options: any) => any.predict(record(), options),
      faults: (options: any) => faults([], options),
      scriptedModel: (options: any) => scriptedModel({}, options),
      cassette: (options: any) => cassette("none.json", options),
      simulateLatency: (options: any) => simulateLatency("gpt-4.1-mini", options),
      createHandler: (options: any) => createHandler(one, options),
      serve: (options: any) => serve(one, options),
      toAgUi: (options: any) => toAgUi(stream(one, "x"), options).next(),
      traced: (options: any) => traced(options),
    }).flatMap(([name, call]) =>
      [null, 5, revoked()].map((options): [string, [() => unknown, RegExp]] => [
        `options of ${name}: ${options === null || typeof options === "number" ? options : "revoked"}`,
        [() => call(options), new RegExp(`${name}.*\\n.*options`)],
      ]),
    ),
  ),
};

it.each(Object.entries(impossible))("%s is told in words", async (_what, [call, told]) => {
  const error: unknown = await Promise.resolve()
    .then(call)
    .then(
      () => "was taken",
      (thrown: unknown) => thrown,
    );
  expect(error).toBeInstanceOf(DagError);
  expect((error as Error).message).toMatch(told);
});

describe("a spec", () => {
  it("that holds itself is refused in words", () => {
    const endless: any = { name: "endless", nodes: {} };
    endless.nodes.inner = { dag: endless, input: "x" };
    expect(() => defineDag(endless)).toThrow(/endless.*issue/);
    expect(() => any.compile(endless)).toThrow(/endless.*issue/);
  });

  it("whose reading throws is refused in words, wherever it throws", () => {
    const throwing = new Proxy({}, { get: () => Reflect.ownKeys(null as never) });
    expect(() => defineDag(throwing as any)).toThrow(DagError);
    expect(() => defineDag({ name: "s", nodes: throwing } as any)).toThrow(DagError);
  });
});

describe("options", () => {
  it.each([
    ["a number", 5],
    ["a function", () => 1],
    ["a text", "x"],
  ] as const)("of stream are refused like run's where they are %s", async (_what, options: any) => {
    await expect(stream(one, "x", options).record).rejects.toThrow("The options have");
  });

  it.each([
    ["the text of one", "sqlite:runs.db"],
    ["null", null],
    ["an empty object", {}],
    ["a class", MemorySaver],
    ["half of one", { getTuple() {} }],
  ])("refuse a checkpointer that is %s", async (_what, checkpointer: any) => {
    for (const door of [
      run(one, "x", { checkpointer, thread: "t" }),
      stream(one, "x", { checkpointer }).record,
    ])
      await expect(door).rejects.toThrow(/checkpointer: It has to be a LangGraph checkpointer, but is/);
  });

  it("say what to pass where a checkpointer was opened and its holder is passed", async () => {
    const opened: any = await openCheckpointer("memory:");
    await expect(run(one, "x", { checkpointer: opened, thread: "t" })).rejects.toThrow(
      "Pass its `checkpointer`.",
    );
  });

  it("with a thread and no checkpointer are told that nothing is persisted", async () => {
    const { state, events } = await run(one, "x", { thread: "t" });
    expect(state).toBe("completed");
    expect(events.filter(({ type }) => type === "notice")).toMatchObject([
      { code: "THREAD_NOT_PERSISTED", message: expect.stringContaining('"t"') },
    ]);
    const kept = await run(one, "x", { checkpointer: new MemorySaver(), thread: "t" });
    expect(kept.events.some(({ type }) => type === "notice")).toBe(false);
  });
});

describe("inputs of a batch", () => {
  const iterable = (next: () => any): any => ({ [Symbol.iterator]: () => ({ next }) });

  it.each([
    ["whose iterator has no next", { [Symbol.iterator]: () => ({}) }],
    ["whose iterator is no object", { [Symbol.asyncIterator]: () => 5 }],
    ["whose iterator is no function", { [Symbol.iterator]: 5 }],
    ["whose next gives no object", iterable(() => 5)],
  ])("%s are refused in words, not read for ever", async (_what, inputs: any) => {
    await expect(runMany(one, inputs).summary).rejects.toThrow("inputs: It has to be");
  });

  it("that throw what is no error end the batch with one", async () => {
    const inputs = iterable(() => {
      throw null;
    });
    await expect(runMany(one, inputs).summary).rejects.toBeInstanceOf(Error);
  });

  it("that cannot be looked at cost their row alone", async () => {
    const trap = new Proxy(
      {},
      {
        getPrototypeOf() {
          throw 1;
        },
      },
    );
    const batch = runMany(one, [revoked(), trap, "x"] as any[]);
    const items = [];
    for await (const item of batch) items.push([item.index, item.error?.code ?? item.state]);
    expect(items.sort()).toEqual([
      [0, "INPUT_NOT_JSON"],
      [1, "INPUT_INVALID"],
      [2, "completed"],
    ]);
  });

  it("whose key is no text cost their row alone, whatever the key is", async () => {
    const cycle: any = {};
    cycle.self = cycle;
    for (const named of [1n, cycle, Symbol("s")]) {
      const batch = runMany(one, ["x"], { key: () => named as any });
      for await (const { error } of batch) expect(error?.code).toBe("ROW_KEY_INVALID");
    }
  });
});
