import { type Command, InvalidArgumentError, Option } from "commander";
import { type Topology, topologyNames } from "../../graphs/topology.js";
import { errorCode } from "../errors.js";
import type { DagSpec } from "../spec/shape.js";
import { listenForInterrupt } from "./interrupt.js";
import { type Io, stdoutAlone, tell, write } from "./io.js";
import {
  addSharedFlags,
  optionsFromFlags,
  positiveInteger,
  type RunFlags,
  waitingTime,
} from "./run-flags.js";
import { UsageError } from "./usage-error.js";

interface ServeFlags extends RunFlags {
  readonly port?: number;
  readonly host?: string;
  readonly hostName?: readonly string[];
  readonly token?: string;
  readonly cors?: readonly string[];
  readonly store?: string;
  readonly checkpoint?: string;
  readonly keepRuns?: number;
  readonly topology?: Topology;
  readonly mcp?: boolean;
  readonly drainMs: number;
}

/** Where a service listens unless it is told: there, or at any free port where that is taken. */
const usualPort = 8787;

/** `agent-dag serve <file…>`: serves graphs over HTTP until it is ended. */
export function addServeCommand(program: Command, io: Io): void {
  const command = program
    .command("serve")
    .description("Serve graphs over HTTP: start runs, follow, answer and cancel them.")
    .argument("<file...>", "graphs as .ts, .js, .yaml or .json; file.ts#name picks an export")
    .option(
      "--port <n>",
      `port to listen at, 0 for any (default: ${usualPort}, or any when it is taken)`,
      port,
    )
    .option("--host <address>", "address to listen at; any but this computer's own needs a token")
    .option("--host-name <name...>", "more names under which requests may address the service")
    .option("--token <token>", "what requests have to show (or AGENT_DAG_TOKEN)")
    .option("--cors <origin...>", "origins whose pages may use the service")
    .option(
      "--store <store>",
      "keep runs in sqlite:FILE, postgres://… or redis://…, so that they survive the service",
    )
    .addOption(new Option("--checkpoint <store>", "the same as --store").hideHelp())
    .addOption(new Option("--topology <name>", "how the graphs are wired").choices([...topologyNames]));
  addSharedFlags(command, { all: ", of all runs", each: ", for each run" })
    .option("--keep-runs <n>", "most ended runs that stay in memory (default: 1000)", positiveInteger)
    .option("--texts", "keep prompts and answers in events and records")
    .option("--mcp", "speak MCP over standard input and output, one tool a graph; HTTP only with --port")
    .option(
      "--drain-ms <n>",
      "how long runs under way may take when the service is ended",
      waitingTime,
      10_000,
    )
    .action((files: string[], flags: ServeFlags) => serveCommand(files, flags, io));
}

async function serveCommand(files: readonly string[], flags: ServeFlags, io: Io): Promise<void> {
  // Before anything of the user's is loaded: what it prints must not get between the messages.
  const channel = flags.mcp === true ? stdoutAlone(io) : null;
  const { loadValidGraph } = await import("./graph-file.js");
  const { openCheckpointer } = await import("../stores/checkpointer.js");
  const { namesAt, serve } = await import("../serve/serve.js");
  const { serveMcp } = await import("../serve/mcp-stdio.js");
  const specs = new Map<string, DagSpec>();
  for (const file of files) {
    const { dag } = await loadValidGraph(file);
    if (specs.has(dag.name)) {
      throw new UsageError(`Two graphs have the name "${dag.name}".`, "Serve one of them, or rename it.");
    }
    specs.set(dag.name, dag);
  }
  const token = flags.token ?? io.env.AGENT_DAG_TOKEN;
  const kept = flags.store ?? flags.checkpoint;
  const store = kept === undefined ? null : await openCheckpointer(kept);
  const { context: _context, ...fromFlags } = optionsFromFlags(flags);
  const options = {
    ...fromFlags,
    ...(flags.topology !== undefined && { topology: flags.topology }),
    ...(flags.host !== undefined && { host: flags.host }),
    ...(flags.hostName !== undefined && { hosts: [...namesAt(flags.host), ...flags.hostName] }),
    ...(flags.cors !== undefined && { cors: flags.cors }),
    ...(token !== undefined && token !== "" && { token }),
    ...(flags.keepRuns !== undefined && { keepRuns: flags.keepRuns }),
    ...(store !== null && { checkpointer: store.checkpointer }),
    onNotice: (message: string) => tell(io.stderr, `${message}\n`),
  };
  const graphs = [...specs.values()];
  const names = [...specs.keys()].join(", ");
  const listen = (at: number) => serve(graphs, { ...options, port: at });
  const ended = untilEnded(io);
  try {
    const service =
      channel !== null && flags.port === undefined
        ? null
        : await listen(flags.port ?? usualPort).catch((error: unknown) => {
            if (flags.port !== undefined || errorCode(error) !== "PORT_UNUSABLE") throw error;
            return listen(0);
          });
    const where = service === null ? "over standard input and output" : `at ${service.url}`;
    await write(io.stderr, `Serving ${names} ${where}. Ctrl-C ends it.\n`);
    if (channel === null) {
      await write(io.stdout, `${service?.url}\n`);
      await ended.signalled;
    } else {
      const { token: _, hosts: __, cors: ___, host: ____, ...runOptions } = options;
      const mcp = await serveMcp(graphs, { ...runOptions, stdin: io.stdin, stdout: channel });
      await Promise.race([ended.signalled, mcp.closed]);
      await mcp.close({ drainMs: flags.drainMs });
    }
    await service?.close({ drainMs: flags.drainMs });
    await flags.tracing?.flush();
    // Work that pays no heed to its signal would keep the process; what it does is not waited for any more.
    setTimeout(() => process.exit(io.exitCode), 1000).unref();
  } finally {
    ended.close();
    await store?.close();
  }
}

/** Listens for SIGINT and SIGTERM; a second one ends the process at once. */
function untilEnded(io: Io) {
  const interrupt = listenForInterrupt(() => tell(io.stderr, "Ending: runs under way may finish.\n"));
  const signalled = new Promise<void>((resolve) => {
    interrupt.signal.addEventListener("abort", () => resolve(), { once: true });
  });
  return { signalled, isSignalled: () => interrupt.signal.aborted, close: interrupt.close };
}

/** Parses a port, 0 for any. */
function port(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value <= 65_535) return value;
  throw new InvalidArgumentError(`It is ${text}; a port from 0 to 65535 is expected.`);
}
