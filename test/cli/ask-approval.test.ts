import { PassThrough } from "node:stream";
import { describe, expect, it } from "@jest/globals";
import { askApprovals } from "../../src/cli/ask-approval.js";
import type { Io } from "../../src/cli/io.js";
import type { RunInterrupt } from "../../src/records/events.js";

/** Answers each prompt with the next line, and keeps what the person saw. */
async function asked(
  lines: readonly string[],
  nodes: readonly string[] = ["ok"],
  more: Partial<RunInterrupt> = {},
) {
  const stdin = new PassThrough();
  const stderr = new PassThrough();
  const seen: string[] = [];
  const replies = [...lines];
  stderr.on("data", (chunk) => {
    seen.push(String(chunk));
    if (/[?:] (\(may be empty\) )?$/.test(String(chunk))) stdin.write(`${replies.shift()}\n`);
  });
  const io = { stdin, stderr } as unknown as Io;
  const questions = nodes.map((node) => ({
    node,
    message: `Send ${node}?`,
    value: { text: "hello" },
    ...more,
  }));
  return { answers: await askApprovals(questions, io), text: seen.join("") };
}

describe("an approval on the terminal", () => {
  it("shows the message and what is to be approved", async () => {
    const { text } = await asked(["a"]);
    expect(text).toMatch(
      /Send ok\?\n\{\n {2}"text": "hello"\n\}\nok: \[a\]pprove, \[r\]eject or \[e\]dit\? /,
    );
  });

  it("shows what is to be looked at first, and what is passed on where that is more", async () => {
    const { text } = await asked(["a"], ["ok"], { show: { draft: "Dear Ada", score: 3 } });
    expect(text).toContain(
      'Send ok?\ndraft: Dear Ada\nscore: 3\nPassed on: {\n  "text": "hello"\n}\nok: [a]pprove',
    );
    const same = await asked(["a"], ["ok"], { show: { draft: "hello" }, value: "hello" });
    expect(same.text).toContain("Send ok?\ndraft: hello\nok: [a]pprove");
  });

  it("takes the answer to a question of `interrupt` as it is", async () => {
    const free = { kind: "interrupt", message: "How many?", value: "How many?" } as const;
    const { answers, text } = await asked(["3"], ["count"], free);
    expect(answers).toEqual({ count: 3 });
    expect(text).toBe("\nHow many?\ncount: your answer (text or JSON)? ");
    expect((await asked(["edit"], ["count"], free)).answers).toEqual({ count: "edit" });
  });

  it("gives up where the input ends before an answer", async () => {
    const stdin = new PassThrough();
    const io = { stdin, stderr: new PassThrough() } as unknown as Io;
    const asking = askApprovals([{ node: "ok", message: "?", value: 1 }], io);
    stdin.end();
    expect(await asking).toBeNull();
  });

  it.each([
    [["a"], true],
    [["YES"], true],
    [["r", ""], false],
    [["no", "too long"], { approve: false, comment: "too long" }],
    [["e", '{"text":"bye"}'], { edit: { text: "bye" } }],
    [["edit", "just text"], { edit: "just text" }],
    [["what?", "a"], true],
  ])("reads %j", async (lines, expected) => {
    expect((await asked(lines)).answers).toEqual({ ok: expected });
  });

  it.each(["2025", "true", '{"a":1}', '"quoted"', "null", " "])(
    "keeps an edited text as text: %j",
    async (typed) => {
      const { answers, text } = await asked(["e", typed], ["ok"], { value: "2024" });
      expect(answers).toEqual({ ok: { edit: typed } });
      expect(text).toContain("New text: ");
    },
  );

  it("asks again where an edit begins like JSON and is none", async () => {
    const { answers, text } = await asked(["e", '{"text":"bye"', "e", '{"text":"bye"}']);
    expect(text).toContain("begins like JSON and is none");
    expect(answers).toEqual({ ok: { edit: { text: "bye" } } });
  });

  it("asks one question after another and answers by node", async () => {
    expect((await asked(["a", "r", ""], ["first", "second"])).answers).toEqual({
      first: true,
      second: false,
    });
  });
});
