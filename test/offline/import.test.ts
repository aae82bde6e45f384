import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, it } from "@jest/globals";

const script = `
import { createRequire } from "node:module";
const loaded = () => Object.keys(createRequire(import.meta.url).cache).some((file) => /node_modules.wink-/.test(file));
const { defineDag, run, OfflineChatModel } = await import("agent-dag");
new OfflineChatModel();
const spec = defineDag({ name: "one", nodes: { only: { instructions: "Judge the sentiment." } } });
await run(defineDag({ name: "code", nodes: { only: { run: () => 1 } } }), "text", { model: "offline" });
const before = loaded();
await run(spec, "It is excellent.", { model: "offline" });
console.log(JSON.stringify([before, loaded()]));
`;

it("loads the language library when an offline answer is asked for, not at import", async () => {
  const args = ["--input-type=module", "--eval", script];
  const { stdout } = await promisify(execFile)(process.execPath, args, { encoding: "utf8" });
  expect(JSON.parse(stdout)).toEqual([false, true]);
});
