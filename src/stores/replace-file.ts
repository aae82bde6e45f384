import { randomUUID } from "node:crypto";
import { createWriteStream, lstatSync, realpathSync } from "node:fs";
import { chmod, rename, rm, writeFile } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { errorCode } from "../errors.js";
import { statFile } from "./stat-file.js";

/**
 * Replaces a file in one step: whatever happens meanwhile, a crash or a full disk, the old one stands there whole or the new one.
 * A link stays, and the file behind it is replaced; a device or a pipe is written as it is, and so is a file in a folder
 * where no other can be made. Rejects with what the file system says.
 * @param content The whole text, or its parts one after the other.
 */
export async function replaceFile(file: string, content: string | AsyncIterable<string>): Promise<void> {
  const path = behindLink(file);
  const known = statFile(path);
  if (isNoPlainFile(path)) return writeFile(path, content);
  const beside = `${path}.${process.pid}-${randomUUID().slice(0, 8)}.tmp`;
  try {
    const parts = typeof content === "string" ? [content] : content;
    await pipeline(parts, createWriteStream(beside, { flags: "wx", flush: true }));
    if (known !== undefined) await chmod(beside, known.mode & 0o777);
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true }).catch(() => {});
    if (known === undefined || typeof content !== "string" || !/^(EACCES|EPERM)$/.test(errorCode(error)))
      throw error;
    await writeFile(path, content);
  }
}

/** A device, a pipe, or a link that leads nowhere yet. */
function isNoPlainFile(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isFile() === false;
}

function behindLink(file: string): string {
  const isLink = lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() === true;
  return isLink && statFile(file) !== undefined ? realpathSync(file) : file;
}
