import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { cli } from "./cli-run.js";

let folder: string;
const file = (name: string, content: string | Uint8Array) => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "agent-dag-chat-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const graph = () =>
  file("chat.yaml", "name: chat\ninput: messages\nnodes:\n  a: { instructions: List the pros and cons. }\n");
const runs = async (...args: string[]) => {
  const { stdout, stderr, exitCode } = await cli(["run", graph(), ...args, "--model", "offline", "--json"]);
  return { record: stdout === "" ? null : JSON.parse(stdout), stderr, exitCode };
};

it("makes one message of a text", async () => {
  const { record, exitCode } = await runs("--text", "The battery is weak.");
  expect(exitCode).toBe(0);
  expect(record.input).toEqual([{ role: "user", content: "The battery is weak." }]);
  expect(record.output).toContain("battery");
});

it("reads a chat, with files that stand beside it", async () => {
  file("photo.png", Buffer.from("iVBORw0KGgoA".padEnd(4_000, "A"), "base64"));
  file("notes.txt", "The lens is sharp.");
  const parts = [
    { type: "text", text: "The screen is bright." },
    { type: "image", path: "photo.png" },
    { type: "file", path: "notes.txt" },
  ];
  const { record, stderr } = await runs(
    "--input",
    file("chat.json", JSON.stringify([{ role: "user", content: parts }])),
  );
  expect(record.output).toContain("bright");
  expect(record.output).toContain("sharp");
  expect(JSON.stringify(record.input)).toMatch(/sha256:\w+ 3000 bytes/);
  expect(stderr).toContain("[image photo.png, image/png, 3 kB]");
});

it.each([
  ["0.role", [{ role: "robot", content: "x" }]],
  ['"gone.png"', [{ role: "user", content: [{ type: "image", path: "gone.png" }] }]],
  ["list of messages", { role: "user" }],
  ["empty", []],
])("says what is wrong, and makes no record: %s", async (words, content) => {
  const { record, stderr, exitCode } = await runs("--input", file("bad.json", JSON.stringify(content)));
  expect(exitCode).toBe(2);
  expect(record).toBeNull();
  expect(stderr).toContain(words);
});
