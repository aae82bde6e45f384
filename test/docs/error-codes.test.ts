import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "@jest/globals";
import { errorCodes } from "../../src/errors.js";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Codes of the system and of others, which the source only reads. */
const foreign = /^(E[A-Z]+|UND_ERR_\w+|ERR_\w+|SQLITE_\w+)$/;

function codesInSource(): Set<string> {
  const codes = new Set<string>();
  const places =
    /(?:new \w*Error\(\s*|super\(\s*|\bcode: |[cC]ode = |\[|error\(\s*|jsonCopy\([^"]*, )"([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|ABORTED|DEADLINE|USAGE)"/g;
  for (const room of ["src", "nodes", "graphs"]) {
    for (const name of readdirSync(join(root, room), { recursive: true, encoding: "utf8" })) {
      if (!name.endsWith(".ts")) continue;
      for (const [, code = ""] of readFileSync(join(root, room, name), "utf8").matchAll(places))
        if (!foreign.test(code)) codes.add(code);
    }
  }
  return codes;
}

it("every code in the source is declared and documented, and no other", () => {
  const declared = Object.keys(errorCodes).sort();
  expect([...codesInSource()].sort()).toEqual(declared);
  const page = readFileSync(join(root, "docs/errors.md"), "utf8");
  const rows = [...page.matchAll(/^\| `(\w+)` \| (.+) \|$/gm)].map(([, code, says]) => [code, says]);
  expect(Object.fromEntries(rows)).toEqual(errorCodes);
});
