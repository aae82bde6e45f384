import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** A store that batches can be put into, as the tests handle it. */
export interface TestEngine {
  /** Makes an empty one and gives its address. */
  database(): Promise<string>;
  stop(): Promise<void>;
  start(): Promise<void>;
  end(): Promise<void>;
}

const main = fileURLToPath(new URL("../../dist/src/cli/main.js", import.meta.url));
export const graphFile = fileURLToPath(new URL("./calls-graph.mjs", import.meta.url));

/** A command of the built package in a process of its own. */
export interface Running {
  readonly child: ChildProcess;
  readonly said: { stdout: string; stderr: string };
  /** Resolves with its status once it has ended. */
  readonly ended: Promise<number | null>;
  /** Resolves once standard error holds the text. */
  says(text: RegExp): Promise<void>;
}

const all = new Set<ChildProcess>();

/** Starts `agent-dag …`, behind another command where one is given. */
export function start(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  behind: readonly string[] = [],
): Running {
  const [command = "", ...words] = [...behind, process.execPath, main, ...args];
  const child = spawn(command, words, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, NODE_OPTIONS: "", ...env },
  });
  all.add(child);
  const said = { stdout: "", stderr: "" };
  const listeners = new Set<() => void>();
  child.stdout?.on("data", (chunk) => {
    said.stdout += String(chunk);
  });
  child.stderr?.on("data", (chunk) => {
    said.stderr += String(chunk);
    for (const listener of listeners) listener();
  });
  const ended = new Promise<number | null>((resolve) => {
    child.once("close", (code) => {
      all.delete(child);
      resolve(code);
    });
  });
  return {
    child,
    said,
    ended,
    says: (text) =>
      new Promise((resolve, reject) => {
        const listener = () => {
          if (!text.test(said.stderr)) return;
          listeners.delete(listener);
          resolve();
        };
        listeners.add(listener);
        listener();
        void ended.then((code) => reject(new Error(`It ended with ${code} before ${text}: ${said.stderr}`)));
      }),
  };
}

/** Starts a worker, and waits until it works. */
export async function startWorker(
  url: string,
  env: Readonly<Record<string, string>>,
  ...flags: string[]
): Promise<Running> {
  const worker = start(["worker", graphFile, "--engine", url, ...flags], env);
  await worker.says(/Working at rows/);
  return worker;
}

/** Ends whatever a test has left. */
export function endAll(): void {
  for (const child of all) child.kill("SIGKILL");
}

/** Waits until something holds. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  what: string,
  ms = 60_000,
): Promise<void> {
  const end = Date.now() + ms;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`It did not come to this: ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
