import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { topologyNames } from "../../graphs/topology.js";
import type { RunRecord } from "../../src/records/record.js";

/** A request that the counting server was asked, with when its answer had gone out. */
export interface Asked {
  /** Node, and item or planner's turn. */
  readonly path: string;
  endedAt: number | null;
}

/** A server that stands for a provider and knows every request it was sent. */
export interface CountingServer {
  readonly url: string;
  readonly asked: Asked[];
  /** Called after each answer, with the number of answers so far. */
  onAnswer: (count: number) => void;
  close(): void;
}

/** Starts one whose answers take so many milliseconds. */
export async function countingServer(delayMs: number): Promise<CountingServer> {
  const server = createServer((request, response) => {
    const call: Asked = { path: decodeURIComponent(request.url ?? ""), endedAt: null };
    counting.asked.push(call);
    setTimeout(() => {
      response.end(`answer to ${call.path}`);
      call.endedAt = performance.now();
      counting.onAnswer(counting.asked.filter(({ endedAt }) => endedAt !== null).length);
    }, delayMs);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const counting: CountingServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: [],
    onAnswer: () => {},
    close: () => server.close(),
  };
  return counting;
}

/** A process that runs or resumes the graph of the crash tests: a map, a loop, an inner graph and agents beside them. */
export interface CrashProcess {
  readonly child: ChildProcess;
  /** What it printed: a record, what it was refused with, or `null` where it was killed before. */
  readonly end: Promise<RunRecord | { readonly refused: string } | null>;
}

/** Topologies by turns; with `CRASH_TOPOLOGY` only that one. */
export const crashTopologies = topologyNames.filter((name) => (process.env.CRASH_TOPOLOGY ?? name) === name);

export function startCrashProcess(
  mode: "run" | "resume",
  { topology, store, url, input = "in" }: { topology: string; store: string; url: string; input?: string },
): CrashProcess {
  const { NODE_OPTIONS: _, ...env } = process.env;
  const child = spawn(process.execPath, ["test/support/crash-child.mjs", mode, topology, store, url, input], {
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout?.on("data", (chunk) => {
    text += String(chunk);
  });
  const end = new Promise<any>((resolve) => {
    child.on("close", () => resolve(text === "" ? null : JSON.parse(text)));
  });
  return { child, end };
}

/** Its record; throws where it has none. */
export async function recordOf({ end }: CrashProcess): Promise<RunRecord> {
  const told = await end;
  if (told === null || "refused" in told) throw new Error(`No record: ${JSON.stringify(told)}`);
  return told;
}

/** What must be the same whether a run was interrupted or not. */
export const essence = ({ outcomes, output, state }: RunRecord) => ({
  state,
  output,
  values: Object.entries(outcomes).map(([name, outcome]) => [
    name,
    "value" in outcome ? outcome.value : outcome.state,
  ]),
});
