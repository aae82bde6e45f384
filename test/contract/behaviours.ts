import { expect } from "@jest/globals";
import { interrupt } from "@langchain/langgraph";
import {
  type DagSpec,
  defineDag,
  type ModelMiddleware,
  type RunOptions,
  type RunRecord,
  run,
  type Topology,
} from "agent-dag";
import { z } from "zod";

/** The ways to start a run or to go on with it. */
export const doors = ["run", "stream", "resume", "compiled"] as const;
export type Door = (typeof doors)[number];

/** What a run came to, whichever door it went through. */
export interface Told {
  readonly error?: unknown;
  readonly states?: Readonly<Record<string, string>>;
  readonly outcomes?: RunRecord["outcomes"];
  readonly output?: unknown;
  readonly questions?: readonly string[];
  /** The types of its events, with the node or the verdict. */
  readonly events: readonly string[];
  /** All that was told and given back, as text. */
  readonly text: string;
}

/** What is around a run. */
export interface Around {
  /** Begins the same run on the same thread, with these options too; it is aborted when the test has ended. */
  begin(options: Partial<RunOptions>): void;
  /** From then on whatever is written to the checkpointer fails. */
  breakStore(): void;
}

export interface Behaviour {
  readonly claim: string;
  /** Made anew for each cell; `done` lists what its functions did, and one of them may have the run aborted. */
  spec(done: string[], abort: () => void): DagSpec;
  readonly input?: unknown;
  readonly model?: string;
  /** Options beside those of every run; sees to what has to be there before the door is opened. */
  options?(spec: DagSpec, done: string[], around: Around): Promise<Partial<RunOptions>> | Partial<RunOptions>;
  /** Why a combination cannot hold. */
  skip?(door: Door, topology: Topology, kept: boolean): string | undefined;
  check(told: Told, done: readonly string[], topology: Topology): void;
}

/** Notes that a function ran, and gives its value. */
function noted<V>(done: string[], name: string, value: V): V {
  done.push(name);
  return value;
}

/** A spec whose functions are typed by hand: the table's specs are many, and each is small. */
const dag = (name: string, nodes: Record<string, any>) => defineDag({ name, nodes } as DagSpec);

const noCheckpointer = "nothing is persisted";

/** Middleware that notes for which node a request is made. */
const noting =
  (done: string[]): ModelMiddleware =>
  (model) => ({
    id: model.id,
    call(request) {
      done.push(request.node);
      return model.call(request);
    },
  });

/** Ends when the signal is aborted. */
const untilAborted = (signal: AbortSignal) =>
  new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));

const planned = (topology: Topology) => topology.startsWith("planned");

export const behaviours: Behaviour[] = [
  {
    claim: "gives outcomes, output and events",
    spec: (done) =>
      defineDag({
        name: "plain",
        nodes: {
          a: { run: () => noted(done, "a", "A") },
          b: { needs: ["a"], run: ({ needs }: any) => noted(done, "b", `${needs.a}B`) },
        },
      } as DagSpec),
    check(told, done, topology) {
      expect(told.states).toEqual({ a: "completed", b: "completed" });
      if (!planned(topology)) expect(told.output).toBe("AB");
      expect(done).toEqual(["a", "b"]);
      expect(told.events.at(0)).toBe("run-started");
      expect(told.events.at(-1)).toBe("run-ended completed");
    },
  },
  {
    claim: "keeps a failure in its outcome, and ends as failed without an output",
    spec: () =>
      defineDag({
        name: "failing",
        nodes: {
          a: {
            run: () => {
              throw new Error("broke");
            },
          },
          b: { needs: ["a"], run: () => 1 },
        },
      }),
    check(told, _, topology) {
      expect(told.states).toEqual({ a: "failed", b: "skipped" });
      if (!planned(topology)) expect(told.events.at(-1)).toBe("run-ended failed");
    },
  },
  {
    claim: "refuses an input that does not fit before anything runs",
    spec: (done) => defineDag({ name: "text", nodes: { a: { run: () => done.push("a") } } }),
    input: 5,
    skip: (door) => (door === "resume" ? "a resumed run has its input already" : undefined),
    check(told, done) {
      expect(told.error).toMatchObject({ code: "INPUT_INVALID" });
      expect(done).toEqual([]);
      expect(told.events).toEqual([]);
    },
  },
  {
    claim: "finds a missing model before any function runs",
    spec: (done) =>
      defineDag({
        name: "missing",
        nodes: { f: { run: () => done.push("f") }, a: { needs: ["f"], instructions: "x" } },
      }),
    model: "nowhere:model",
    skip: (door) => (door === "resume" ? "there is nothing to resume: the run never began" : undefined),
    check(told, done) {
      expect(told.error).toMatchObject({ code: "MODEL_PROVIDER_MISSING" });
      expect(done).toEqual([]);
    },
  },
  {
    claim: "takes back a question that nobody needs the answer of any more",
    spec: () =>
      defineDag({
        name: "moot",
        nodes: {
          ask: { approve: { message: "?" } },
          fast: { run: () => new Promise((resolve) => setTimeout(() => resolve("fast"), 5)) },
          out: { needs: ["ask", "fast"], join: "any", run: ({ needs }: any) => needs.fast },
        },
      } as DagSpec),
    skip: (_, __, kept) => (kept ? undefined : "an approval without a checkpointer is refused"),
    check(told, _, topology) {
      expect(told.questions ?? []).toEqual([]);
      expect(told.states).toMatchObject({ ask: "cancelled", out: "completed" });
      if (!planned(topology)) expect(told.events.at(-1)).toBe("run-ended completed");
    },
  },
  {
    claim: "suspends at a question, goes on beside it, and tells what it waits for",
    spec: (done) =>
      defineDag({
        name: "asks",
        nodes: {
          ask: { approve: { message: "?" } },
          after: { needs: ["ask"], run: () => done.push("after") },
          other: { run: () => noted(done, "other", 1) },
        },
      } as DagSpec),
    skip: (_, __, kept) => (kept ? undefined : "an approval without a checkpointer is refused"),
    check(told, done, topology) {
      expect(told.questions).toEqual(["ask"]);
      expect(done).toEqual(planned(topology) ? expect.not.arrayContaining(["after"]) : ["other"]);
      expect(told.events.at(-1)).toBe("run-ended interrupted");
    },
  },
  {
    claim: "refuses an approval that could never be answered",
    spec: (done) =>
      defineDag({
        name: "never",
        nodes: { a: { run: () => done.push("a") }, ok: { needs: ["a"], approve: { message: "?" } } },
      }),
    skip: (door, _, kept) =>
      kept
        ? "with a checkpointer it can be answered"
        : door === "resume"
          ? "nothing can be resumed without a checkpointer"
          : undefined,
    check(told, done) {
      expect(told.error).toMatchObject({ code: "CHECKPOINTER_MISSING" });
      expect(done).toEqual([]);
    },
  },
  {
    claim: "ends as cancelled when it is aborted, and aborts what runs",
    spec: (done, abort) =>
      defineDag({
        name: "long",
        nodes: {
          a: {
            run: ({ signal }) =>
              new Promise((resolve) => {
                signal.addEventListener("abort", () => {
                  done.push("aborted");
                  resolve(1);
                });
                setImmediate(abort);
              }),
          },
        },
      }),
    check(told, done) {
      expect(done).toEqual(["aborted"]);
      expect(told.events.at(-1)).toBe("run-ended cancelled");
    },
  },
  {
    claim: "tells each step of the work, in the same order",
    spec: () =>
      dag("steps", {
        a: { run: ({ progress }: any) => progress(1) ?? "A" },
        b: { needs: ["a"], when: { node: "a", equals: "B" }, run: () => 1 },
        c: { needs: ["a"], run: () => "C" },
      }),
    check({ events }) {
      // A planner's call settles, and at the end the node that was called.
      const steps = [...new Set(events.filter((event) => /^node-(started|progress|settled)/.test(event)))];
      expect(steps.filter((step) => step.endsWith(" a"))).toEqual([
        "node-started a",
        "node-progress a",
        "node-settled a",
      ]);
      expect(steps.indexOf("node-settled a")).toBeLessThan(steps.indexOf("node-started c"));
      expect(steps).toEqual(expect.arrayContaining(["node-settled b", "node-settled c"]));
      expect(steps).not.toContain("node-started b");
      expect(steps).toHaveLength(6);
    },
  },
  {
    claim: "tries again, and ends what takes too long, as the policy says",
    spec: (done) =>
      dag("policy", {
        again: {
          policy: { retry: { maxAttempts: 2, initialIntervalMs: 1 } },
          run: ({ attempt }: any) => {
            done.push(`try ${attempt}`);
            if (attempt === 1) throw new Error("once");
            return "again";
          },
        },
        late: { policy: { timeoutMs: 20 }, run: ({ signal }: any) => untilAborted(signal) },
        end: { needs: ["again", "late"], join: "settled", run: ({ needs }: any) => needs.again },
      }),
    check({ states, outcomes }, done) {
      expect(states).toEqual({ again: "completed", late: "timed-out", end: "completed" });
      expect(outcomes?.again).toMatchObject({ attempts: 2, value: "again" });
      expect(done).toEqual(["try 1", "try 2"]);
    },
  },
  {
    claim: "ends as partial where items of a map are lost",
    spec: () =>
      dag("map", {
        list: { run: () => [1, 2, 3] },
        each: {
          needs: ["list"],
          forEach: { node: "list" },
          run: ({ item }: any) => {
            if (item === 2) throw new Error("two");
            return item * 10;
          },
        },
        end: { needs: ["each"], run: ({ needs }: any) => needs.each },
      }),
    check({ states, outcomes, events }) {
      expect(states).toEqual({ list: "completed", each: "completed", end: "completed" });
      expect(outcomes?.end).toMatchObject({ value: [10, null, 30] });
      expect(events.at(-1)).toBe("run-ended partial");
    },
  },
  {
    claim: "repeats a graph until its condition holds",
    spec: () =>
      dag("loop", {
        grow: {
          dag: dag("inner", { add: { run: ({ input }: any) => `${input}!` } }),
          input: ({ input, previous }: any) => previous ?? input,
          repeat: { until: ({ output }: any) => output.endsWith("!!!"), maxRounds: 5 },
        },
        end: { needs: ["grow"], run: ({ needs }: any) => needs.grow },
      }),
    check({ outcomes }) {
      expect(outcomes?.end).toMatchObject({ state: "completed", value: "x!!!" });
      expect(outcomes?.grow?.rounds).toHaveLength(3);
    },
  },
  {
    claim: "keeps siblings running when one node fails, and shows the failure to an error branch",
    spec: () =>
      dag("branch", {
        a: {
          run: () => {
            throw new Error("broke");
          },
        },
        saved: {
          needs: ["a"],
          join: "settled",
          when: { node: "a", state: ["failed", "timed-out"] },
          run: ({ outcomes }: any) => outcomes.a.error.message,
        },
        other: { run: () => "other" },
      }),
    check({ states, outcomes }) {
      expect(states).toEqual({ a: "failed", saved: "completed", other: "completed" });
      expect(outcomes?.saved).toMatchObject({ value: expect.stringContaining("broke") });
    },
  },
  {
    claim: "hands the context on, and does not record it",
    spec: () => dag("context", { a: { run: ({ context }: any) => context.tenant.length } }),
    options: () => ({ context: { tenant: "secret tenant" } }),
    check({ outcomes, text }) {
      expect(outcomes?.a).toMatchObject({ value: 13 });
      expect(text).not.toContain("secret tenant");
    },
  },
  {
    claim: "refuses a context that does not fit before anything runs",
    spec: (done) => {
      const nodes = { a: { run: () => done.push("a") } };
      return defineDag({ name: "context", context: z.object({ tenant: z.string() }), nodes }) as DagSpec;
    },
    options: () => ({ context: { tenant: 5 } }),
    skip: (door) => (door === "resume" ? "a run without its context never began" : undefined),
    check({ error, events }, done) {
      expect(error).toMatchObject({ code: "CONTEXT_INVALID" });
      expect(done).toEqual([]);
      expect(events).toEqual([]);
    },
  },
  {
    claim: "refuses an option that cannot be used before anything runs",
    spec: (done) => dag("options", { a: { run: () => done.push("a") } }),
    options: () => ({ limits: { maxConcurrency: 0 } }),
    check({ error, events }, done) {
      expect(error).toMatchObject({ code: expect.stringMatching(/INVALID/) });
      expect(done).toEqual([]);
      expect(events).toEqual([]);
    },
  },
  {
    claim: "sends requests through the middleware in use",
    spec: () =>
      dag("asks", { a: { instructions: "x" }, end: { needs: ["a"], run: ({ needs }: any) => needs.a } }),
    options: (_, done) => ({ use: [noting(done)] }),
    check({ states }, done) {
      expect(states).toEqual({ a: "completed", end: "completed" });
      expect(done.filter((node) => node === "a")).toEqual(["a"]);
    },
  },
  {
    claim: "makes no request beyond the budget, and keeps what was done",
    spec: () =>
      dag("budget", {
        a: { instructions: "x" },
        b: { needs: ["a"], instructions: "x" },
        end: { needs: ["a", "b"], join: "settled", run: ({ needs }: any) => needs.a },
      }),
    options: (_, done) => ({ limits: { maxModelCalls: 1 }, use: [noting(done)] }),
    check({ states, outcomes, events }, done, topology) {
      expect(Object.keys(states ?? {}).sort()).toEqual(["a", "b", "end"]);
      // The planner's own request is the one.
      expect(done).toEqual([planned(topology) ? "$planner" : "a"]);
      if (planned(topology)) return;
      expect(states).toMatchObject({ a: "completed", end: "completed" });
      expect(outcomes?.b).toMatchObject({ state: "skipped", reason: { code: "budget" } });
      expect(events.at(-1)).toBe("run-ended partial");
    },
  },
  {
    claim: "takes from an earlier record what has not changed",
    spec: (done) => dag("again", { a: { run: () => noted(done, "a", "A") } }),
    options: async (spec, done) => {
      const reuse = await run(spec, "x");
      done.length = 0;
      return { reuse };
    },
    check({ outcomes }, done) {
      expect(outcomes?.a).toMatchObject({ state: "completed", value: "A", reused: true });
      expect(done).toEqual([]);
    },
  },
  {
    claim: "is not changed by an observer that throws",
    spec: () => dag("observed", { a: { run: () => "A" } }),
    options: () => ({
      onEvent: () => {
        throw new Error("the observer is broken");
      },
    }),
    check({ outcomes, events }, _, topology) {
      expect(outcomes?.a).toMatchObject({ value: "A" });
      if (!planned(topology)) expect(events.at(-1)).toBe("run-ended completed");
    },
  },
  {
    claim: "suspends where a function asks",
    spec: (done) =>
      dag("interrupts", {
        a: { run: () => noted(done, "answered", interrupt("Which one?")) },
        b: { needs: ["a"], run: () => done.push("b") },
      }),
    skip: (_, __, kept) => (kept ? undefined : noCheckpointer),
    check({ questions, states, events }, done) {
      expect(questions).toEqual([expect.stringMatching(/^a(#0)?$/)]);
      expect(done).toEqual([]);
      expect(states?.b).not.toBe("completed");
      expect(events.at(-1)).toBe("run-ended interrupted");
    },
  },
  {
    claim: "goes on in memory where the store fails, and says so once",
    spec: (done) =>
      dag("unstored", {
        a: { run: ({ context }: any) => context.breakStore() ?? noted(done, "a", "A") },
        b: { needs: ["a"], run: ({ needs }: any) => noted(done, "b", `${needs.a}B`) },
        c: { needs: ["b"], run: ({ needs }: any) => noted(done, "c", `${needs.b}C`) },
      }),
    options: (_, __, { breakStore }) => ({ context: { breakStore } }),
    skip: (_, __, kept) => (kept ? undefined : noCheckpointer),
    check({ outcomes, output, events }, done, topology) {
      expect(outcomes?.c).toMatchObject({ state: "completed", value: "ABC" });
      if (!planned(topology)) expect(output).toBe("ABC");
      expect(done).toEqual(["a", "b", "c"]);
      expect(events.filter((event) => event === "notice STORE_FAILED")).toHaveLength(1);
      expect(events.at(-1)).toBe("run-ended completed");
    },
  },
  {
    claim: "refuses a thread that somebody else drives",
    spec: (done) =>
      dag("busy", {
        a: {
          run: ({ context, signal }: any) => {
            if (context === undefined) return done.push("a");
            context.begun();
            return untilAborted(signal);
          },
        },
      }),
    options: async (_, __, { begin }) => {
      await new Promise<void>((begun) => begin({ context: { begun } }));
      return {};
    },
    skip: (_, __, kept) => (kept ? undefined : noCheckpointer),
    check({ error }, done) {
      expect(error).toMatchObject({ code: "THREAD_BUSY" });
      expect(done).toEqual([]);
    },
  },
];
