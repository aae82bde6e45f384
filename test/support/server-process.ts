import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";

/** A server of a test's own, as a process that can be ended and started again. */
export interface ServerProcess {
  readonly process: ChildProcess | undefined;
  /** @returns once the server says that it is ready */
  start(): Promise<void>;
  /** Ends it in its own way and waits until it has ended, also where it hangs. */
  stop(): Promise<void>;
}

/**
 * @param launch Starts the process.
 * @param ready What it prints when it takes connections.
 * @param ending The signal that lets it end with its data whole.
 */
export function serverProcess(
  name: string,
  launch: () => ChildProcess,
  ready: RegExp,
  ending: NodeJS.Signals,
): ServerProcess {
  let server: ChildProcess | undefined;
  return {
    get process() {
      return server;
    },
    async start() {
      const child = launch();
      server = child;
      let log = "";
      await new Promise<void>((resolve, reject) => {
        for (const stream of [child.stdout, child.stderr])
          stream?.on("data", (chunk) => {
            log += String(chunk);
            if (ready.test(log)) resolve();
          });
        child.once("error", reject);
        child.once("exit", (code) => reject(new Error(`${name} ended with ${code}: ${log}`)));
      });
    },
    async stop() {
      const child = server;
      server = undefined;
      if (child === undefined || child.exitCode !== null) return;
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGCONT");
      child.kill(ending);
      await ended;
    },
  };
}

let ports = 0;

/**
 * A port of the loopback interface that nobody listens on, nor will before it is asked for: it is none of those that the system
 * gives to connections (and to listeners on port 0), of which thousands may come and go while a server starts or is away.
 */
export async function freePort(): Promise<number> {
  const first = 10_000;
  const count = Math.max(1000, lowestGiven() - first);
  for (;;) {
    // Processes that look at the same time begin at different ports.
    const port = first + ((process.pid * 97 + ports++) % count);
    if (await isFree(port)) return port;
  }
}

/** The lowest port that the system gives to whoever asks for any. */
function lowestGiven(): number {
  try {
    return Number.parseInt(readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8"), 10);
  } catch {
    // The range that the standards give: 49152 to 65535.
    return 49_152;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
