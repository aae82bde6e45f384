import { createInterface } from "node:readline/promises";
import type { RunInterrupt } from "../records/events.js";
import { cleanLine } from "../report/plain-text.js";
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
    tell(io.stderr, `\n${question.message}\n${shown(question.value)}\n`);
    answers[question.node] = await askOne(question.node, ask);
  }
  return answers;
}

async function askOne(node: string, ask: (prompt: string) => Promise<string>): Promise<unknown> {
  for (;;) {
    const reply = (await ask(`${cleanLine(node)}: [a]pprove, [r]eject or [e]dit? `)).trim().toLowerCase();
    if (/^(a|approve|y|yes)$/.test(reply)) return true;
    if (/^(r|reject|n|no)$/.test(reply)) {
      const comment = (await ask("Why? (may be empty) ")).trim();
      return comment === "" ? false : { approve: false, comment };
    }
    if (/^(e|edit)$/.test(reply)) return { edit: readValue(await ask("New value (text or JSON): ")) };
  }
}

function readValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function shown(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}
