import {
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "@jest/globals";
import { replaceFile } from "../../src/stores/replace-file.js";

const folder = mkdtempSync(join(tmpdir(), "agent-dag-replace-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("keeps the old file whole, and leaves nothing beside it, where the new one does not get done", async () => {
  const file = join(folder, "a");
  writeFileSync(file, "old");
  async function* broken() {
    yield "new";
    throw new Error("no more");
  }
  await expect(replaceFile(file, broken())).rejects.toThrow("no more");
  expect(readFileSync(file, "utf8")).toBe("old");
  expect(readdirSync(folder)).toEqual(["a"]);
});

it("keeps the rights of a file, and a link to it", async () => {
  const file = join(folder, "b");
  const link = join(folder, "link");
  writeFileSync(file, "old", { mode: 0o640 });
  symlinkSync(file, link);
  await replaceFile(link, "new");
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  expect([readFileSync(file, "utf8"), statSync(file).mode & 0o777]).toEqual(["new", 0o640]);
});

it("makes a file that was not there, and one behind a link that leads nowhere yet", async () => {
  const link = join(folder, "dangling");
  symlinkSync(join(folder, "c"), link);
  await replaceFile(join(folder, "d"), "");
  await replaceFile(link, "new");
  expect([readFileSync(join(folder, "d"), "utf8"), readFileSync(join(folder, "c"), "utf8")]).toEqual([
    "",
    "new",
  ]);
});

it("writes a device as it is, and says what the file system says", async () => {
  await replaceFile("/dev/null", "text");
  expect(statSync("/dev/null").isCharacterDevice()).toBe(true);
  await expect(replaceFile("/dev/full", "text")).rejects.toMatchObject({ code: "ENOSPC" });
  await expect(replaceFile(join(folder, "no", "e"), "text")).rejects.toMatchObject({ code: "ENOENT" });
});
