import { createInterface } from "node:readline/promises";
import type { RunInterrupt } from "../records/events.js";
import { cleanLine } from "../report/plain-text.js";
import { typedAnswer, typedEdit } from "../report/typed-value.js";
import { canonicalJson } from "../spec/canonical.js";
import { listenForInterrupt } from "./interrupt.js";
import { type Io, tell } from "./io.js";

/**
 * Asks a person on the terminal about every question that a run waits at; gives the answers by node, `null` where the
 * input ends (Ctrl-D) or the command is interrupted (Ctrl-C) before all are answered.
 */
export async function askApprovals(
  questions: readonly RunInterrupt[],
  io: Io,
): Promise<Record<string, unknown> | null> {
  const terminal = createInterface({ input: io.stdin, output: io.stderr, terminal: false });
  const interrupt = listenForInterrupt(() => terminal.close());
  const left = new Promise<null>((resolve) => {
    terminal.once("close", () => resolve(null));
  });
  try {
    return await Promise.race([left, askAll(questions, io, (prompt) => terminal.question(prompt))]);
  } finally {
    interrupt.close();
    terminal.close();
  }
}

async function askAll(
  questions: readonly RunInterrupt[],
  io: Io,
  ask: (prompt: string) => Promise<string>,
): Promise<Record<string, unknown>> {
  const answers: Record<string, unknown> = {};
  for (const question of questions) {
    tell(io.stderr, `\n${[question.message, ...toLookAt(question)].join("\n")}\n`);
    answers[question.node] =
      question.kind === "interrupt"
        ? typedAnswer(await ask(`${cleanLine(question.node)}: your answer (text or JSON)? `))
        : await askOne(question, io, ask);
  }
  return answers;
}

/** What a question shows, then what is passed on where that is something else; a message is not said twice. */
function toLookAt({ message, value, show }: RunInterrupt): string[] {
  const told = Object.entries(show ?? {}).map(([label, what]) => `${label}: ${shown(what)}`);
  const same = (what: unknown) => canonicalJson(what) === canonicalJson(value);
  if (value === message || same(show ?? null) || Object.values(show ?? {}).some(same)) return told;
  return [...told, told.length === 0 ? shown(value) : `Passed on: ${shown(value)}`];
}

async function askOne(
  { node, value }: RunInterrupt,
  io: Io,
  ask: (prompt: string) => Promise<string>,
): Promise<unknown> {
  for (;;) {
    const reply = (await ask(`${cleanLine(node)}: [a]pprove, [r]eject or [e]dit? `)).trim().toLowerCase();
    if (/^(a|approve|y|yes)$/.test(reply)) return true;
    if (/^(r|reject|n|no)$/.test(reply)) {
      const comment = (await ask("Why? (may be empty) ")).trim();
      return comment === "" ? false : { approve: false, comment };
    }
    if (/^(e|edit)$/.test(reply)) {
      const edit = typedEdit(
        await ask(typeof value === "string" ? "New text: " : "New value (text or JSON): "),
        value,
      );
      if ("value" in edit) return { edit: edit.value };
      tell(io.stderr, `${edit.problem}\n`);
    }
  }
}

function shown(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}
