import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { cli } from "./cli-run.js";

let folder: string;
const file = (name: string, content: string | Uint8Array) => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "agent-dag-input-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const noExample = () =>
  file("no-example.yaml", "name: plain\nnodes:\n  a: { instructions: Summarise in one sentence. }\n");
const twoFields = () =>
  file(
    "two.yaml",
    "name: two\ninput: { type: object, properties: { title: { type: string }, body: { type: string } }, required: [title, body] }\nnodes:\n  a: { instructions: Summarise. }\n",
  );

/** Runs with an input that has to be refused: status 2, a message, and no record. */
async function refused(args: readonly string[], stdin?: string | Uint8Array): Promise<string> {
  const result = await cli(["run", ...args, "--model", "offline", "--json"], stdin);
  expect(result.exitCode).toBe(2);
  expect(result.stdout).toBe("");
  expect(result.stderr).not.toMatch(/\n\s+at /);
  return result.stderr;
}

describe("an input that cannot be used ends with status 2 and no record", () => {
  it.each([
    [
      "a missing file",
      () => ["--input", join(folder, "nowhere.txt")],
      /There is no input file ".*nowhere\.txt"/,
    ],
    ["a folder", () => ["--input", folder], /is a folder/],
    ["an empty file", () => ["--input", file("empty.txt", " \n\t ")], /is empty/],
    ["an empty text", () => ["--text", ""], /from --text is empty/],
    ["5 MB", () => ["--input", file("large.txt", "a".repeat(5_000_000))], /larger than 1 MiB/],
    [
      "a binary file",
      () => ["--input", file("binary.txt", new Uint8Array([0x89, 0x50, 0, 1, 255]))],
      /is not text/,
    ],
    ["JSON that cannot be parsed", () => ["--input", file("bad.json", '{"review": ')], /cannot be parsed/],
    [
      "JSON that does not fit",
      () => ["--input", file("wrong.json", '{"rewiev": "x"}')],
      /review: Invalid input/,
    ],
    ["both flags", () => ["--text", "x", "--input", "-"], /Both --text and --input/],
  ])("%s", async (_what, args, message) => {
    expect(await refused(["examples/review.yaml", ...args()])).toMatch(message);
  });

  it("empty and binary standard input", async () => {
    expect(await refused(["examples/review.yaml", "--input", "-"])).toMatch(/standard input is empty/);
    expect(await refused(["examples/review.yaml", "--input", "-"], new Uint8Array([0xff, 0xfe]))).toMatch(
      /not text/,
    );
  });

  it("no input at all, when the file has no example", async () => {
    expect(await refused([noExample()])).toMatch(/needs an input.*--text/s);
  });

  it("a text for an input with two text fields, which are named", async () => {
    expect(await refused([twoFields(), "--text", "hello"])).toMatch(/Its fields are: title, body\./);
  });
});

describe("a usable input", () => {
  const inputOf = async (args: readonly string[], stdin?: string) => {
    const { stdout, exitCode } = await cli(["run", ...args, "--model", "offline", "--json"], stdin);
    expect(exitCode).toBe(0);
    return (JSON.parse(stdout) as { input: unknown }).input;
  };

  it("fills the only text field from --text, from a file and from standard input", async () => {
    const text = "The lamp is bright, but the switch is loose.";
    const expected = { review: text };
    expect(await inputOf(["examples/review.yaml", "--text", text])).toEqual(expected);
    expect(await inputOf(["examples/review.yaml", "--input", file("r.txt", text)])).toEqual(expected);
    expect(await inputOf(["examples/review.yaml", "--input", "-"], text)).toEqual(expected);
  });

  it("is parsed from JSON, also from standard input, and from YAML", async () => {
    const input = { title: "Lamp", body: "It is bright." };
    expect(await inputOf([twoFields(), "--input", file("ok.json", JSON.stringify(input))])).toEqual(input);
    expect(
      await inputOf([twoFields(), "--input", file("ok.yaml", "title: Lamp\nbody: It is bright.\n")]),
    ).toEqual(input);
    expect(await inputOf([twoFields(), "--input", "-"], JSON.stringify(input))).toEqual(input);
  });

  it("is the file's own example when none is given", async () => {
    expect(await inputOf(["examples/review.yaml"])).toMatchObject({
      review: expect.stringContaining("Halden Trail"),
    });
  });
});
