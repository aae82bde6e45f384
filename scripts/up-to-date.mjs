// Whether dist/ has to be made again.
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

const folders = ["src", "nodes", "graphs", "scripts"];
const files = ["package.json", "package-lock.json", "tsconfig.json", "tsconfig.build.json"];

/** What the build writes last, once dist/ is whole. */
export const stampOf = (root) => join(root, "dist/built");

/** Whether nothing that dist/ is made from has changed since it was made whole; a file that is gone changes its folder. */
export function isUpToDate(root) {
  if (!existsSync(stampOf(root))) return false;
  const made = statSync(stampOf(root)).mtimeMs;
  const within = folders.flatMap((name) =>
    readdirSync(join(root, name), { recursive: true }).map((path) => join(name, path)),
  );
  return [...folders, ...within, ...files].every((path) => statSync(join(root, path)).mtimeMs <= made);
}
