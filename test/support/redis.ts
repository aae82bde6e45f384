import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A Redis server of a test's own: the machine's `redis-server`, which writes each change to its log. */
export interface TestRedis {
  /** Its address, of an empty database. */
  database(): Promise<string>;
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Lets the server hang: connections stay, nothing is answered. */
  freeze(): void;
  thaw(): void;
  /** Ends the server and deletes its data. */
  end(): Promise<void>;
}

/** Whether this machine has a `redis-server`. */
export function hasRedis(): boolean {
  try {
    execFileSync("redis-server", ["--version"], { stdio: "pipe" });
    return true;
  } catch {
    return false;
  }
}

/** Starts a server on a free port, of the loopback interface where no other address is given. Call `end` when done. */
export async function startRedis(host = "127.0.0.1"): Promise<TestRedis> {
  const folder = mkdtempSync(join(tmpdir(), "agent-dag-redis-"));
  const port = await freePort();
  let server: ChildProcess | undefined;
  let databases = -1;

  async function start(): Promise<void> {
    const settings = [
      "--bind",
      host,
      "--protected-mode",
      "no",
      "--dir",
      folder,
      "--save",
      "",
      "--appendonly",
      "yes",
      "--databases",
      "64",
    ];
    const child = spawn("redis-server", ["--port", String(port), ...settings], { stdio: "pipe" });
    server = child;
    let log = "";
    await new Promise<void>((resolve, reject) => {
      child.stdout.on("data", (chunk) => {
        log += String(chunk);
        if (log.includes("Ready to accept connections")) resolve();
      });
      child.once("error", reject);
      child.once("exit", (code) => reject(new Error(`Redis ended with ${code}: ${log}`)));
    });
  }

  async function stop(): Promise<void> {
    const child = server;
    server = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGCONT");
    child.kill("SIGTERM");
    await ended;
  }

  await start();
  return {
    database: async () => `redis://${host}:${port}/${++databases}`,
    start,
    stop,
    freeze: () => void server?.kill("SIGSTOP"),
    thaw: () => void server?.kill("SIGCONT"),
    async end() {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
