import { DagError, errorCode } from "../../errors.js";
import { redact } from "../../models/redact.js";
import { noteAddress } from "../../models/secrets.js";
import { showValue } from "../../spec/issue.js";
import type { EngineStore } from "./engine-store.js";

/**
 * Opens the store of an engine by its address.
 * @throws DagError `ENGINE_UNKNOWN`, `ENGINE_PACKAGE_MISSING`, `CHECKPOINTER_UNUSABLE`.
 */
export async function openEngineStore(url: string): Promise<EngineStore> {
  assertEngineUrl(url);
  noteAddress(url);
  try {
    if (isPostgres(url)) return await (await import("./postgres-store.js")).PostgresEngineStore.open(url);
    return await (await import("./redis-store.js")).RedisEngineStore.open(url);
  } catch (error) {
    if (errorCode(error) !== "CHECKPOINTER_PACKAGE_MISSING") throw error;
    throw enginePackagesMissing(url, error);
  }
}

/** What an engine needs beside this package. */
export function enginePackagesMissing(url: string, cause: unknown): DagError {
  const packages = ["bullmq", isPostgres(url) ? "pg" : "ioredis"];
  return new DagError(
    "ENGINE_PACKAGE_MISSING",
    `The engine needs packages that are not installed: ${packages.join(", ")}.`,
    { cause, hint: `Run: npm install ${packages.join(" ")}` },
  );
}

/** Whether the address is one of PostgreSQL. */
export function isPostgres(url: string): boolean {
  return /^postgres(ql)?:\/\//.test(url);
}

/** @throws DagError `ENGINE_UNKNOWN` for what is no address of an engine. */
export function assertEngineUrl(url: string): void {
  if (typeof url === "string" && (isPostgres(url) || /^rediss?:\/\//.test(url))) return;
  const shown = typeof url === "string" ? `"${redact(url, [])}"` : showValue(url);
  throw new DagError("ENGINE_UNKNOWN", `${shown} names no engine.`, {
    facts: { engine: shown },
    hint: "Use postgres://user:password@host:port/database or redis://user:password@host:port/0.",
  });
}
