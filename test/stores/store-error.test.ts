import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { DagError, openCheckpointer, storeError } from "../../src/index.js";
import { cli } from "../cli/cli-run.js";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "stores-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const coded = (code: string, message = "it broke") => Object.assign(new Error(message), { code });

/** What a stored value that was cut or overwritten gives. */
function jsonErrorOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    return error;
  }
}

describe("storeError", () => {
  it.each([
    [coded("SQLITE_FULL", "database or disk is full"), "full"],
    [coded("SQLITE_IOERR_WRITE", "disk I/O error"), "full"],
    [coded("SQLITE_ERROR", "cannot rollback - no transaction is active"), "full"],
    [coded("ENOSPC"), "full"],
    [coded("SQLITE_READONLY", "attempt to write a readonly database"), "read-only"],
    [coded("EROFS"), "read-only"],
    [coded("SQLITE_BUSY", "database is locked"), "locked"],
    [coded("SQLITE_BUSY_SNAPSHOT"), "locked"],
    [coded("SQLITE_CORRUPT_VTAB"), "corrupt"],
    [coded("SQLITE_NOTADB", "file is not a database"), "corrupt"],
    ...["{", '"\n"', '{"a": x}', "[1,"].map((text): [unknown, string] => [jsonErrorOf(text), "corrupt"]),
    [coded("SQLITE_READONLY_DBMOVED"), "gone"],
    [coded("SQLITE_CANTOPEN"), "gone"],
    [coded("SQLITE_ERROR", "no such table: checkpoints"), "gone"],
    [coded("53100"), "full"],
    [coded("57P01"), "unreachable"],
    [new AggregateError([coded("ECONNREFUSED")], ""), "unreachable"],
    [new Error("outer", { cause: coded("SQLITE_FULL") }), "full"],
    [new Error("strange"), "unknown"],
    [null, "unknown"],
    [Object.create(null), "unknown"],
  ])("names the store, the cause and what to do: %#", (thrown, reason) => {
    const error = storeError(thrown, "runs.db");
    expect(error).toBeInstanceOf(DagError);
    expect(error).toMatchObject({ code: "STORE_FAILED", cause: thrown, facts: { store: "runs.db", reason } });
    expect(error.message).toMatch(/^The store "runs\.db" failed: .+\. [A-Z].+\.$/s);
    expect(storeError(error, "other")).toBe(error);
  });
});

describe("a file that is only read", () => {
  const graph = "examples/review.yaml";
  it("is not created by resume, nor by opening it to read", async () => {
    const file = join(folder, "tpyo.db");
    const { exitCode, stderr } = await cli([
      "resume",
      graph,
      "--checkpoint",
      `sqlite:${file}`,
      "--thread",
      "t",
    ]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`There is no SQLite file "${file}".`);
    await expect(openCheckpointer(`sqlite:${file}`, { create: false })).rejects.toMatchObject({
      code: "CHECKPOINTER_MISSING",
    });
    expect(readdirSync(folder)).toEqual([]);
  });

  it("is left as it is when it holds something else", async () => {
    const Database = createRequire(import.meta.resolve("@langchain/langgraph-checkpoint-sqlite"))(
      "better-sqlite3",
    );
    const file = join(folder, "other.db");
    const db = new Database(file);
    db.exec("CREATE TABLE mine (x)");
    db.close();
    const before = readFileSync(file);
    const { exitCode, stderr } = await cli([
      "resume",
      graph,
      "--checkpoint",
      `sqlite:${file}`,
      "--thread",
      "t",
    ]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringContaining("holds no runs") });
    expect(readFileSync(file).equals(before)).toBe(true);
    const text = join(folder, "text.db");
    writeFileSync(text, "no database at all, but long enough to be read as one".repeat(30));
    const spoilt = await cli(["resume", graph, "--checkpoint", `sqlite:${text}`, "--thread", "t"]);
    expect(spoilt.stderr).toContain("it is damaged, or no store at all (SQLITE_NOTADB");
    expect(existsSync(`${text}-wal`)).toBe(false);
  });

  it("says why a store cannot be opened", async () => {
    const place = join(folder, "nowhere", "x.db");
    await expect(openCheckpointer(`sqlite:${place}`)).rejects.toMatchObject({
      code: "CHECKPOINTER_UNUSABLE",
      message: expect.stringContaining(`"${place}"`),
    });
    chmodSync(folder, 0o755);
  });

  it("still opens what holds runs, and creates by default", async () => {
    const file = join(folder, "runs.db");
    const run = await cli([
      "run",
      graph,
      "--model",
      "offline",
      "--checkpoint",
      `sqlite:${file}`,
      "--thread",
      "t",
      "--json",
    ]);
    expect(run.exitCode).toBe(0);
    const again = await cli(["resume", graph, "--checkpoint", `sqlite:${file}`, "--thread", "t", "--json"]);
    expect(again).toMatchObject({ exitCode: 0 });
  });
});
