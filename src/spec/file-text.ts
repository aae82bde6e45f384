import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { DagError, errorMessage } from "../errors.js";

/** Largest file that is read, in bytes. */
export const largestFile = 1024 * 1024;

/**
 * Loads a text file: a regular file of at most 1 MiB that holds UTF-8 text.
 * @throws DagError `FILE_UNREADABLE`, `FILE_TOO_LARGE` or `FILE_NOT_TEXT`.
 */
export async function loadText(path: string): Promise<string> {
  const bytes = await loadBytes(path);
  const hint = "Give a UTF-8 text file.";
  if (bytes.includes(0))
    throw new DagError("FILE_NOT_TEXT", `"${path}" is binary: it holds NUL bytes.`, {
      facts: { path },
      hint,
    });
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new DagError("FILE_NOT_TEXT", `"${path}" is not UTF-8 text.`, { facts: { path }, hint, cause });
  }
}

async function loadBytes(path: string): Promise<Uint8Array> {
  try {
    // Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stat = await file.stat();
      if (!stat.isFile())
        throw unreadable(path, stat.isDirectory() ? "it is a directory" : "it is not a regular file");
      if (stat.size > largestFile) throw tooLarge(path, stat.size);
      const bytes = await file.readFile();
      if (bytes.length > largestFile) throw tooLarge(path, bytes.length); // it grew, or its size was not told
      return bytes;
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof DagError) throw error;
    const missing = error instanceof Error && "code" in error && error.code === "ENOENT";
    throw unreadable(path, missing ? "there is no such file" : errorMessage(error), error);
  }
}

function unreadable(path: string, reason: string, cause?: unknown): DagError {
  return new DagError("FILE_UNREADABLE", `"${path}" cannot be read: ${reason}.`, {
    facts: { path },
    cause,
    hint: "Give the path of a .yaml or .json file.",
  });
}

function tooLarge(path: string, bytes: number): DagError {
  return new DagError("FILE_TOO_LARGE", `"${path}" has ${bytes} bytes; the most is ${largestFile}.`, {
    facts: { path, bytes, largestFile },
    hint: "Split it: a graph node's dag may be a file of its own.",
  });
}
