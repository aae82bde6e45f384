import { describe, expect, it } from "@jest/globals";
import { type EarlierRun, Journal, readRun } from "../../../nodes/engine/journal.js";
import { answerRecord, Questions, readApproval } from "../../../nodes/engine/questions.js";
import { Suspension, suspendedOutcome } from "../../../nodes/engine/suspension.js";
import { notStarted } from "../../../src/records/outcome.js";
import { nodeWork } from "../../../src/records/work-id.js";
import type { LogEntry } from "../../../src/stores/thread-log.js";
import { projection } from "../../report/record-builder.js";

const stamp = { id: "run-1", startedAt: "2026", topology: "t", dag: "h", declared: projection({}, []) };
const well = { message: "Well?", value: null };

function setUp(earlier: readonly LogEntry[] = []) {
  const entries: LogEntry[] = [];
  const journal = new Journal({ append: async (entry) => void entries.push(entry), flushed: async () => {} });
  const before = readRun([{ kind: "run", stamp }, ...earlier]) as EarlierRun;
  const questions = new Questions("run-1", journal, earlier.length === 0 ? null : before);
  const ask = (path: string, which = "") => {
    try {
      return questions.ask(nodeWork(path), which, well);
    } catch (error) {
      expect(error).toBeInstanceOf(Suspension);
      return (error as Suspension).question;
    }
  };
  return { questions, entries, ask };
}

describe("a question", () => {
  it("suspends the work that asks, and is written down once", () => {
    const { questions, entries, ask } = setUp();
    expect(ask("a")).toEqual({ node: "a", ...well });
    ask("a");
    const id = questions.idOf(nodeWork("a"), "");
    expect(questions.open).toEqual([{ id, question: { node: "a", ...well } }]);
    expect(entries).toEqual([{ kind: "asked", id, question: { node: "a", ...well } }]);
  });

  it("is not written again by a later process, but open again", () => {
    const first = setUp();
    first.ask("a");
    const later = setUp(first.entries);
    expect(later.questions.open).toEqual([]);
    later.ask("a");
    expect(later.questions.open).toHaveLength(1);
    expect(later.entries).toEqual([]);
  });

  it("has an id of its own for each run, work and place in it", () => {
    const { questions } = setUp();
    const ids = [
      questions.idOf(nodeWork("a"), ""),
      questions.idOf(nodeWork("b"), ""),
      questions.idOf({ ...nodeWork("a"), item: 0 }, ""),
      questions.idOf(nodeWork("a"), "x"),
      new Questions("run-2", new Journal(undefined), null).idOf(nodeWork("a"), ""),
    ];
    expect(new Set(ids).size).toBe(ids.length);
    expect(questions.idOf(nodeWork("a"), "")).toBe(ids[0]);
  });

  it("is told in the order of the nodes", () => {
    const { questions, ask } = setUp();
    for (const name of ["c", "a", "b"]) ask(name);
    expect(questions.open.map(({ question }) => question.node)).toEqual(["a", "b", "c"]);
  });

  it("has its answer in a later process, also where that is nothing", () => {
    const { questions } = setUp();
    const answered = (which: string, value: unknown): LogEntry => ({
      kind: "answered",
      id: questions.idOf(nodeWork("a"), which),
      value,
      answer: {},
    });
    const later = setUp([answered("", null), answered("q0", "x"), answered("q1", "y"), answered("q3", "z")]);
    expect(later.ask("a")).toBeNull();
    expect(later.questions.open).toEqual([]);
    expect(later.questions.answersTo(nodeWork("a"), "q")).toEqual(["x", "y"]);
    expect(later.questions.answersTo(nodeWork("b"), "q")).toEqual([]);
  });

  it("is taken back with the node that asked, and with what it is a part of", () => {
    const { questions, entries, ask } = setUp();
    for (const name of ["g", "g[1]/x", "ab", "other"]) ask(name);
    expect(questions.takeWithdrawn()).toBe(false);
    entries.length = 0;
    questions.withdraw("a");
    expect([questions.open.length, questions.takeWithdrawn()]).toEqual([4, false]);
    questions.withdraw("g");
    expect(questions.open.map(({ question }) => question.node)).toEqual(["ab", "other"]);
    expect(entries).toEqual([
      { kind: "withdrawn", id: questions.idOf(nodeWork("g"), "") },
      { kind: "withdrawn", id: questions.idOf(nodeWork("g[1]/x"), "") },
    ]);
    expect([questions.takeWithdrawn(), questions.takeWithdrawn()]).toEqual([true, false]);
  });
});

describe("an answer", () => {
  const none = { comment: null, by: null };
  it.each<[unknown, object]>([
    [true, { ...none, decision: "approved" }],
    ["approve", { ...none, decision: "approved" }],
    [{ approve: true }, { ...none, decision: "approved" }],
    [
      { approve: true, comment: "fine", by: "me" },
      { decision: "approved", comment: "fine", by: "me" },
    ],
    [
      { approve: true, value: 7 },
      { ...none, decision: "edited", value: 7 },
    ],
    [
      { edit: null, by: "me" },
      { comment: null, by: "me", decision: "edited", value: null },
    ],
    [false, { ...none, decision: "rejected" }],
    ["reject", { ...none, decision: "rejected" }],
    [
      { approve: false, comment: "no" },
      { decision: "rejected", comment: "no", by: null },
    ],
    [{ reject: "too dear" }, { decision: "rejected", comment: "too dear", by: null }],
    [
      { reject: true, comment: "no" },
      { decision: "rejected", comment: "no", by: null },
    ],
    [
      { reject: false, approve: true },
      { ...none, decision: "approved" },
    ],
    [
      { approve: true, comment: 7, by: {} },
      { ...none, decision: "approved" },
    ],
  ])("%j is read", (answer, expected) => {
    expect(readApproval(answer)).toEqual(expected);
  });

  it.each([[null], ["yes"], [1], [{}], [{ approve: "yes" }], [{ reject: false }]])(
    "%j is refused",
    (answer) => {
      const message = `The answer ${JSON.stringify(answer)} is neither yes, nor no, nor an edit. Answer { "approve": true }, { "approve": false, "comment": "…" } or { "edit": … }.`;
      expect(() => readApproval(answer)).toThrow(
        expect.objectContaining({ code: "ANSWER_INVALID", message }),
      );
    },
  );

  it.each([
    [{ approve: false, edit: 1 }],
    [{ approve: true, reject: "too dear" }],
    [{ edit: 1, reject: true }],
  ])("%j, which says yes and no, is refused", (answer) => {
    expect(() => readApproval(answer)).toThrow("is both a yes and a no");
  });

  it("is kept with who gave it and what was decided", () => {
    const kept = answerRecord({ node: "a", ...well }, { approve: false, comment: "no", by: "me" });
    expect(kept).toEqual({ node: "a", decision: "rejected", comment: "no", by: "me", at: kept.at });
    expect(new Date(kept.at).toISOString()).toBe(kept.at);
    const tool = answerRecord({ node: "a", kind: "tool", ...well }, true);
    expect(tool.decision).toBe("approved");
  });

  it("to an interrupt of LangGraph is whatever it is", () => {
    const kept = answerRecord({ node: "a", kind: "interrupt", ...well }, "anything");
    expect(kept).toEqual({ node: "a", decision: "answered", comment: null, by: null, at: kept.at });
  });
});

describe("suspended work", () => {
  it.each([
    [null, "approval", "Parts of it wait for an answer."],
    [{ node: "a", ...well }, "approval", '"a" waits for an answer.'],
    [{ node: "a", kind: "approval", ...well }, "approval", '"a" waits for an answer.'],
    [{ node: "a", kind: "tool", ...well }, "question", '"a" waits for an answer.'],
    [{ node: "a", kind: "interrupt", ...well }, "question", '"a" waits for an answer.'],
  ] as const)("by %j has not ended, and says what for", (question, code, message) => {
    const suspension = new Suspension(question);
    expect(suspension).toMatchObject({ name: "Suspension", message, question });
    expect(suspendedOutcome(suspension, notStarted(9, 3))).toEqual({
      readyAtMs: 3,
      startedAtMs: null,
      endedAtMs: null,
      attempts: 0,
      state: "interrupted",
      reason: { code, message: "The run waits for an answer." },
    });
  });
});
