import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { z } from "zod";
import { runMany } from "../../src/batch/run-many.js";
import type { RunRecord } from "../../src/records/record.js";
import { defineDag } from "../../src/spec/define.js";
import { collect, counting, folder, lines, type Row, results, rows } from "../support/batch-rows.js";
import { replyModel } from "../support/reply-model.js";

describe("the results file", () => {
  it("holds one line a row, and spares the next batch what is done", async () => {
    const { spec, ran } = counting();
    await runMany(spec, rows("a", "b", "bad"), { key: "id", results }).summary;
    expect(lines()).toHaveLength(3);
    expect(Object.keys(lines()[0] ?? {})).not.toContain("record");
    ran.length = 0;

    const changed = [
      { id: "r0", text: "a" },
      { id: "r1", text: "B2" },
      { id: "r2", text: "bad" },
      { id: "r3", text: "new" },
    ];
    const batch = runMany(spec, changed, { key: "id", results, concurrency: 1 });
    const items = await collect(batch);
    expect(ran).toEqual(["r1", "r3"]);
    expect(items.map(({ key, output, reused }) => [key, output, reused === true]).sort()).toEqual([
      ["r0", "A!", true],
      ["r1", "B2!", false],
      ["r2", null, true],
      ["r3", "NEW!", false],
    ]);
    expect(await batch.summary).toMatchObject({ total: 4, completed: 3, failed: 1, reused: 2 });
    const byKey = lines().map(({ key, output }) => [key, output]);
    expect(byKey.sort()).toEqual([
      ["r0", "A!"],
      ["r1", "B2!"],
      ["r2", null],
      ["r3", "NEW!"],
    ]);
  });

  it("gives failed rows another try when asked", async () => {
    const { spec, ran } = counting();
    await runMany(spec, rows("a", "bad"), { key: "id", results }).summary;
    await runMany(spec, rows("a", "bad"), { key: "id", results }).summary;
    expect(ran).toEqual(["r0", "r1"]);
    await runMany(spec, rows("a", "bad"), { key: "id", results, retryFailed: true }).summary;
    expect(ran).toEqual(["r0", "r1", "r1"]);
    expect(lines()).toHaveLength(2);
  });

  it("knows rows without a key by their content: inserted, moved and equal ones", async () => {
    const { spec, ran } = counting();
    const [a, b] = rows("a", "b") as [Row, Row];
    await runMany(spec, [a, b, a], { results }).summary;
    expect(ran).toHaveLength(3);
    await runMany(spec, [{ id: "new", text: "n" }, b, a, a], { results }).summary;
    expect(ran.slice(3)).toEqual(["new"]);
    expect(new Set(lines().map(({ key }) => key)).size).toBe(4);
  });

  it.each([
    ["half a line", (text: string) => text.slice(0, -20)],
    ["a line without its break", (text: string) => text.slice(0, -1)],
  ])("is mended where it ends in %s", async (name, cut) => {
    const { spec, ran } = counting();
    await runMany(spec, rows("a", "b", "c"), { key: "id", results, concurrency: 1 }).summary;
    writeFileSync(results, cut(readFileSync(results, "utf8")));
    ran.length = 0;
    await runMany(spec, rows("a", "b", "c"), { key: "id", results }).summary;
    expect(ran).toEqual(name === "half a line" ? ["r2"] : []);
    expect(
      lines()
        .map(({ key }) => key)
        .sort(),
    ).toEqual(["r0", "r1", "r2"]);
  });

  it("is refused, untouched, when it is something else or another batch writes it", async () => {
    const { spec, ran } = counting();
    writeFileSync(results, '{"id":"r0","text":"an input"}\n');
    await expect(runMany(spec, rows("a"), { results }).summary).rejects.toMatchObject({
      code: "RESULTS_UNUSABLE",
    });
    expect(readFileSync(results, "utf8")).toBe('{"id":"r0","text":"an input"}\n');
    rmSync(results);
    const first = runMany(spec, rows("a", "b"), { results });
    const second = runMany(spec, rows("a", "b"), { results });
    await expect(collect(second)).rejects.toMatchObject({ code: "RESULTS_BUSY" });
    await first.summary;
    expect(ran).toHaveLength(2);
    await runMany(spec, rows("a", "b"), { results }).summary;
    expect(ran).toHaveLength(2);
    expect(readdirSync(folder)).toEqual(["results.jsonl"]);
  });

  it("tells of rows that another version of the graph made, and runs them again when asked", async () => {
    const { spec } = counting();
    await runMany(spec, rows("a", "b"), { key: "id", results }).summary;
    const other = defineDag({ name: "shout", nodes: { loud: { run: () => "other" } } });
    const notices: string[] = [];
    const again = { key: "id", results, onNotice: (text: string) => notices.push(text) };
    await runMany(other as unknown as typeof spec, rows("a", "b"), again).summary;
    expect(notices.join()).toMatch(/2 of the rows .* another version of the graph/);
    expect(
      lines()
        .map(({ output }) => output)
        .sort(),
    ).toEqual(["A!", "B!"]);
    const loose = defineDag({ name: "shout", input: z.any(), nodes: { loud: { run: () => "other" } } });
    await runMany(loose, rows("a", "b"), { ...again, retryChanged: true }).summary;
    expect(lines().map(({ output }) => output)).toEqual(["other", "other"]);
  });
});

describe("a place for results that cannot be used", () => {
  const refused = (path: string) => {
    const { spec, ran } = counting();
    const ended = runMany(spec, rows("a"), { results: path }).summary.then(
      () => "written",
      (error) => `${error.code}: ${error.message} (${ran.length} ran)`,
    );
    return ended;
  };

  it("is a folder, a device or a pipe", async () => {
    expect(await refused(folder)).toMatch(/^RESULTS_UNUSABLE: .*it is a folder.*\(0 ran\)$/);
    expect(await refused("/dev/zero")).toMatch(/^RESULTS_UNUSABLE: .*no file on a disk.*\(0 ran\)$/);
  });

  it("is one below a file", async () => {
    writeFileSync(results, "");
    expect(await refused(join(results, "r.jsonl"))).toMatch(
      /^STORE_FAILED: The store ".*r\.jsonl" failed: .*\(0 ran\)$/,
    );
  });

  it("leaves no half-written record behind", async () => {
    const { spec } = counting();
    const records = join(folder, "records");
    mkdirSync(join(records, "k.json"), { recursive: true });
    const options = { records, key: () => "k" };
    await expect(runMany(spec, rows("a"), options).summary).rejects.toMatchObject({ code: "STORE_FAILED" });
    expect(readdirSync(records)).toEqual(["k.json"]);
  });
});

it("may be reordered, have lines taken out, and empty ones or Windows line breaks; anything else is refused whole", async () => {
  const { spec, ran } = counting();
  const go = () => runMany(spec, rows("a", "b", "c"), { results, key: "id" }).summary;
  await go();
  const [a = "", b = "", c = ""] = readFileSync(results, "utf8").trimEnd().split("\n");
  ran.length = 0;
  writeFileSync(results, `${c}\r\n\n${a}\r\n  \n${b}`);
  expect(await go()).toMatchObject({ reused: 3 });
  writeFileSync(results, `${c}\n${a}\n\n`);
  expect(await go()).toMatchObject({ reused: 2 });
  expect(ran).toEqual([JSON.parse(b).key]);
  const merged = `<<<<<<< HEAD\n${a}\n=======\n${b}\n>>>>>>> other\n`;
  writeFileSync(results, merged);
  await expect(go()).rejects.toMatchObject({
    code: "RESULTS_UNUSABLE",
    message: expect.stringContaining("take that line out: the rows of the other lines stay done"),
  });
  expect(readFileSync(results, "utf8")).toBe(merged);
});

it("ends the batch when it is deleted meanwhile, where its rows were written to nowhere", async () => {
  const spec = defineDag({
    name: "deletes",
    input: z.object({ id: z.string(), text: z.string() }),
    nodes: {
      one: {
        run: ({ input }) => {
          if ((input as Row).id === "r1") rmSync(results);
          return 1;
        },
      },
    },
  });
  const batch = runMany(spec, rows("a", "b", "c"), { results, key: "id", concurrency: 1 });
  await expect(batch.summary).rejects.toMatchObject({
    code: "STORE_FAILED",
    facts: { reason: "gone" },
    message: expect.stringContaining("deleted, moved or replaced"),
  });
});

it("holds the line of a row whose record could not be written, and readers have the row", async () => {
  const { spec, ran } = counting();
  const records = join(folder, "records");
  mkdirSync(join(records, "r0.json"), { recursive: true });
  const batch = runMany(spec, rows("a"), { records, results, key: "id" });
  const seen: unknown[] = [];
  const reading = (async () => {
    for await (const item of batch) seen.push(item.output);
  })();
  await expect(reading).rejects.toMatchObject({ code: "STORE_FAILED" });
  await expect(batch.summary).rejects.toMatchObject({ code: "STORE_FAILED" });
  expect(seen).toEqual(["A!"]);
  rmSync(records, { recursive: true });
  expect(await runMany(spec, rows("a"), { records, results, key: "id" }).summary).toMatchObject({
    reused: 1,
  });
  expect(ran).toEqual(["r0"]);
});

it("keeps what replaced lines had used", async () => {
  const spec = defineDag({
    name: "k",
    input: z.object({ id: z.string(), v: z.number() }),
    nodes: { a: { instructions: "Say." } },
  });
  let asked = 0;
  const model = replyModel(() => `${++asked}`);
  for (const v of [1, 2, 3]) await runMany(spec, [{ id: "x", v }], { key: "id", results, model }).summary;
  expect(lines()).toMatchObject([{ usage: { modelCalls: 1 }, before: { modelCalls: 2 } }]);
  const summary = await runMany(spec, [{ id: "y", v: 1 }], {
    key: "id",
    results,
    model,
    limits: { maxModelCalls: 3 },
  }).summary;
  expect([summary.ended, asked]).toEqual(["budget", 3]);
});

it("writes each row's whole record before its line", async () => {
  const { spec } = counting();
  const records = join(folder, "records");
  await runMany(
    spec,
    [
      { id: "a/../b", text: "a" },
      { id: "ok", text: "b" },
    ],
    { key: "id", results, records },
  ).summary;
  const names = readdirSync(records).sort();
  expect(names).toHaveLength(2);
  expect(names[1]).toBe("ok.json");
  expect(names[0]).toMatch(/^a_.*-[0-9a-f]{16}\.json$/);
  const record = JSON.parse(readFileSync(join(records, "ok.json"), "utf8")) as RunRecord;
  expect(record).toMatchObject({ version: 1, output: "B!" });
});
