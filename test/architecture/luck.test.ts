import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "@jest/globals";

const files = readdirSync("test", { recursive: true, encoding: "utf8" })
  // Not those that a test makes for itself, and deletes.
  .filter((file) => file.endsWith(".ts") && !/(^|\/)\./.test(file))
  .map((file) => join("test", file))
  .sort();
const holding = (pattern: RegExp) => files.filter((file) => pattern.test(readFileSync(file, "utf8")));

it("draws what properties are tried with from one place, which draws the same each time", () => {
  expect(holding(/^import .* from "fast-check"/m)).toEqual(["test/support/drawn.ts"]);
});

it("gives no test less time than every test has: a busy machine is slow", () => {
  expect(holding(/^\s*\}, [1-5]?\d{1,2}_000\);$/m)).toEqual([]);
});
