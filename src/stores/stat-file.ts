import { type Stats, statSync } from "node:fs";
import { errorCode } from "../errors.js";

/** What stands at a path, `undefined` for nothing: also below a file, where Node threw before version 24. */
export function statFile(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if (errorCode(error) === "ENOTDIR") return undefined;
    throw error;
  }
}
