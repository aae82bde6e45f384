import type { ChildProcess } from "node:child_process";
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

/** A port of the loopback interface that nobody listens on. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
