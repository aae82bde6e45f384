import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { z } from "zod";
import { DagError, errorCode, errorMessage } from "../errors.js";
import { indented } from "../report/view-text.js";
import { yamlText } from "../report/yaml-text.js";
import { type FileLock, holderName, lockFile } from "../stores/file-lock.js";
import { replaceFile } from "../stores/replace-file.js";
import { storeError } from "../stores/store-error.js";
import { type CassetteEntry, cassetteEntry } from "./cassette-entry.js";

const version = 1;
const header = "# Recorded model calls of agent-dag. Commit this file; record again instead of editing it.";

const cassetteForm = z.object({ version: z.number(), entries: z.array(cassetteEntry) });

/**
 * The entries of a cassette file; `null` when there is no such file.
 * @throws DagError `CASSETTE_CORRUPT`, `CASSETTE_VERSION`; the file is left as it is.
 */
export function loadCassette(file: string): CassetteEntry[] | null {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return null;
    throw corrupt(file, errorMessage(error), error);
  }
  let value: unknown;
  try {
    value = parse(text, { maxAliasCount: 0 });
  } catch (error) {
    throw corrupt(file, errorMessage(error).split("\n")[0] ?? "", error);
  }
  const found = typeof value === "object" && value !== null && "version" in value ? value.version : undefined;
  if (typeof found === "number" && found > version) {
    throw new DagError(
      "CASSETTE_VERSION",
      `The cassette "${file}" has version ${found}; this release reads version ${version}.`,
      {
        facts: { file, version: found },
        hint: "Update agent-dag, or record again. The file was left untouched.",
      },
    );
  }
  const checked = cassetteForm.safeParse(value);
  if (checked.success) return checked.data.entries;
  const [issue] = checked.error.issues;
  throw corrupt(file, `${issue?.path.join(".") || "the whole file"}: ${issue?.message ?? ""}`, checked.error);
}

function corrupt(file: string, problem: string, cause: unknown): DagError {
  return new DagError("CASSETTE_CORRUPT", `The cassette "${file}" cannot be read: ${problem}.`, {
    facts: { file },
    cause,
    hint: "Restore it from version control, or delete it and record again. The file was left untouched.",
  });
}

/** One entry as it stands in the file. */
export function entryText(entry: CassetteEntry): string {
  return indented(yamlText([entry]).trimEnd());
}

/**
 * Replaces the file in one step: a crash leaves the old one or the new one, never a part.
 * @throws DagError `STORE_FAILED` naming the file and the cause.
 */
export async function writeCassette(file: string, entryTexts: readonly string[]): Promise<void> {
  const body = entryTexts.length === 0 ? "entries: []" : `entries:\n${entryTexts.join("\n")}`;
  try {
    await replaceFile(file, `${header}\nversion: ${version}\n${body}\n`);
  } catch (error) {
    throw storeError(error, file);
  }
}

/**
 * Makes the caller the only one that records into this file, in this process and in others.
 * @throws DagError `CASSETTE_IN_USE`; `STORE_FAILED` where its lock cannot be written.
 */
export function lockCassette(file: string): FileLock {
  return lockFile(file, (holder) =>
    inUse(file, holder.pid === process.pid ? "another cassette() of this process" : holderName(holder)),
  );
}

function inUse(file: string, owner: string): DagError {
  return new DagError("CASSETTE_IN_USE", `The cassette "${file}" is being recorded by ${owner}.`, {
    facts: { file, owner },
    hint: `Give each test a file of its own, or share one cassette() between them. If nobody records, delete "${file}.lock".`,
  });
}
