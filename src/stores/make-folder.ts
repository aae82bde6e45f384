import { mkdirSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { statFile } from "./stat-file.js";

/**
 * Makes a folder, and those above it that are missing. Node's own `recursive` goes round for ever where the kernel says of a
 * folder that is there that it cannot be found, as within `/proc`.
 * @throws What the file system says.
 */
export function makeFolder(path: string): void {
  const folder = resolve(path);
  if (isFolder(folder)) return;
  const parent = dirname(folder);
  if (parent !== folder) makeFolder(parent);
  try {
    mkdirSync(folder);
  } catch (error) {
    // Somebody else may have made it meanwhile.
    if (isFolder(folder)) return;
    if (statFile(folder) === undefined) throw error;
    const message = `${folder} is a file, and no folder can be made there`;
    throw Object.assign(new Error(message, { cause: error }), { code: "ENOTDIR" });
  }
}

function isFolder(path: string): boolean {
  return statFile(path)?.isDirectory() === true;
}
