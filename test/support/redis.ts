import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, serverProcess } from "./server-process.js";

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
  let databases = -1;

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
  const launch = () => spawn("redis-server", ["--port", String(port), ...settings], { stdio: "pipe" });
  const server = serverProcess("Redis", launch, /Ready to accept connections/, "SIGTERM");
  const { start, stop } = server;

  await start();
  return {
    database: async () => `redis://${host}:${port}/${++databases}`,
    start,
    stop,
    freeze: () => void server.process?.kill("SIGSTOP"),
    thaw: () => void server.process?.kill("SIGCONT"),
    async end() {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
