import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { z } from "zod";
import { readRows } from "../../src/batch/read-rows.js";
import { defineDag } from "../../src/spec/define.js";
import type { DagSpec } from "../../src/spec/shape.js";

let folder: string;
let before: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "agent-dag-rows-"));
  before = process.cwd();
  process.chdir(folder);
});
afterAll(() => {
  process.chdir(before);
  rmSync(folder, { recursive: true });
});

const nodes = { a: { run: () => 1 } };
const text = defineDag({ name: "text", nodes });
const review = defineDag({
  name: "review",
  input: z.object({
    id: z.string(),
    score: z.number().optional(),
    good: z.boolean().optional(),
    tags: z.array(z.string()).optional(),
    note: z.string().optional(),
    none: z.number().nullable().optional(),
    mixed: z.union([z.string(), z.number()]).optional(),
    level: z.literal([1, 2]).optional(),
  }),
  nodes,
});

async function read(
  dag: DagSpec,
  files: Record<string, string | Uint8Array>,
  paths = Object.keys(files),
  stdin?: string,
) {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(folder, name, ".."), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  const rows = [];
  for await (const { input, place, name, problem } of readRows(
    dag,
    paths,
    stdin === undefined ? undefined : Readable.from([Buffer.from(stdin)]),
  ).rows()) {
    rows.push(problem === null ? { input, place, ...(name !== null && { name }) } : { place, problem });
  }
  return rows;
}

describe("JSON lines", () => {
  it("are one input a line; what is none is a row with a problem that names its line", async () => {
    const rows = await read(review, {
      "a.jsonl": '\uFEFF{"id":"1"}\n\n{"id":\n"only an id"\r\n{"id":"last"}',
    });
    expect(rows).toMatchObject([
      { input: { id: "1" }, place: "a.jsonl, line 1" },
      { place: "a.jsonl, line 3", problem: expect.stringMatching(/^it is not JSON: /) },
      { input: { id: "only an id" }, place: "a.jsonl, line 4" },
      { input: { id: "last" }, place: "a.jsonl, line 5" },
    ]);
  });

  it("are bounded and have to be text", async () => {
    const long = Buffer.from(`"${"x".repeat(1024 * 1024)}"\n`);
    const rows = await read(text, {
      "b.jsonl": Buffer.concat([long, Buffer.from([0x22, 0xff, 0x22, 0x0a]), Buffer.from('"ok"')]),
    });
    expect(rows).toMatchObject([
      { problem: "it is larger than 1 MiB" },
      { problem: "it is not UTF-8 text" },
      { input: "ok", place: "b.jsonl, line 3" },
    ]);
  });

  it("with several fields give a text graph its text", async () => {
    const rows = await read(text, {
      "c.jsonl": '{"id":1,"text":"a","other":"b"}\n{"id":"x","body":"c"}\n{"a":"1","b":"2"}\n',
    });
    expect(rows).toMatchObject([{ input: "a" }, { input: "c" }, { problem: expect.stringMatching(/a, b/) }]);
  });
});

describe("CSV", () => {
  it("maps columns to fields as the schema's types have them, where the text is one", async () => {
    const rows = await read(review, {
      "a.csv": [
        "id,score,good,tags,note,none,mixed,level,extra",
        '007,4.5,TRUE,"[""a"",""b""]",hello,,12,2,x',
        "2,,,,,,,,",
        "3,many,yes,not json,,1e3,,,",
      ].join("\n"),
    });
    expect(rows.map((row) => "input" in row && row.input)).toEqual([
      {
        id: "007",
        score: 4.5,
        good: true,
        tags: ["a", "b"],
        note: "hello",
        none: null,
        mixed: "12",
        level: 2,
        extra: "x",
      },
      { id: "2", none: null, extra: "" },
      { id: "3", score: "many", good: "yes", tags: "not json", none: 1000, extra: "" },
    ]);
  });

  it("names the first line of a row, also after cells with line breaks", async () => {
    const rows = await read(text, { "b.csv": 'id,text\n1,"a\nb"\n\n2,c,d\n3,"e" f\n4,g\n5,"open\n6,h\n' });
    expect(rows).toMatchObject([
      { input: "a\nb", place: "b.csv, line 2" },
      { place: "b.csv, line 5", problem: "it has 3 cells, and the header has 2" },
      { input: '"e" f', place: "b.csv, line 6" },
      { input: "g", place: "b.csv, line 7" },
      { place: "b.csv, line 8", problem: "a quote is opened and never closed" },
    ]);
  });

  it("is read with commas, semicolons or tabs, and a mark at its start", async () => {
    for (const [name, content] of [
      ["c.csv", "\uFEFFid;note\r\n1;a,b\r\n"],
      ["c.tsv", "id\tnote\n1\ta,b\n"],
      ["d.csv", 'id,"note"\n1,"a,b"'],
    ] as const) {
      expect(await read(review, { [name]: content })).toMatchObject([{ input: { id: "1", note: "a,b" } }]);
    }
  });

  it("is refused where its header names a column twice or not at all", async () => {
    await expect(read(text, { "e.csv": "a,a\n1,2\n" })).rejects.toMatchObject({ code: "FILE_FORM" });
    await expect(read(text, { "f.csv": "a,\n1,2\n" })).rejects.toThrow(/Column 2 of "f.csv" has no name/);
  });

  it("keeps columns from a schema that takes no others, but for its key", async () => {
    const strict = defineDag({ name: "s", input: z.strictObject({ note: z.string() }), nodes });
    writeFileSync("g.csv", "id,note\n1,a\n");
    const [row] = await collect(readRows(strict, ["g.csv"]).rows());
    expect(row).toMatchObject({ input: { note: "a" }, fields: { id: "1", note: "a" } });
  });
});

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

describe("lists, folders, patterns", () => {
  it("of a JSON file are its items", async () => {
    expect(await read(review, { "a.json": '[{"id":"1"},{"id":"2"}]' })).toMatchObject([
      { input: { id: "1" }, place: "a.json, item 1" },
      { place: "a.json, item 2" },
    ]);
    await expect(read(review, { "b.json": '{"id":"1"}' })).rejects.toThrow(/holds no list/);
    await expect(read(review, { "c.json": "[1" })).rejects.toMatchObject({ code: "FILE_FORM" });
  });

  it("of texts are rows named by their files", async () => {
    const files = {
      "t/b.txt": "b",
      "t/a.md": "a",
      "t/in/c.txt": "c",
      "t/d.png": "x",
      "t/e.txt": " \n",
      "t/f.txt": Buffer.from([0xff, 0xfe]),
    };
    const all = await read(text, files, ["t"]);
    expect(all).toMatchObject([
      { input: "a", name: "a.md" },
      { input: "b", name: "b.txt" },
      { place: "t/e.txt", problem: "it is empty" },
      { place: "t/f.txt", problem: "it is not UTF-8 text" },
      { input: "c", name: "in/c.txt", place: "t/in/c.txt" },
    ]);
    const names = async (pattern: string) => (await read(text, {}, [pattern])).map(({ place }) => place);
    expect(await names("t/*.txt")).toEqual(["t/b.txt", "t/e.txt", "t/f.txt"]);
    expect(await names("t/**/*.txt")).toEqual(["t/b.txt", "t/e.txt", "t/f.txt", "t/in/c.txt"]);
    expect(await names("t/[ab].{md,txt}")).toEqual(["t/a.md", "t/b.txt"]);
    expect(await names("t/a.md")).toEqual(["t/a.md"]);
  });

  it("reads no folder that a pattern cannot reach", async () => {
    // Whatever lies in the root of a disk, all that is below it would take long, and some of it may not be read.
    await expect(read(text, {}, ["/agent-dag-nothing*.txt"])).rejects.toMatchObject({
      code: "FILE_UNREADABLE",
      message: expect.stringMatching(/^The pattern "\/agent-dag-nothing\*\.txt" holds no/),
    });
    const names = async (pattern: string) => (await read(text, {}, [pattern])).map(({ place }) => place);
    await read(text, { "p/a/b.txt": "b", "p/a/c/d.txt": "d" });
    expect(await names("p/*/*.txt")).toEqual(["p/a/b.txt"]);
    expect(await names("p/{a/b,a/c/d}.txt")).toEqual(["p/a/b.txt", "p/a/c/d.txt"]);
  });

  it("matches patterns of many stars as quickly as others", async () => {
    const name = `${"a/".repeat(12)}${"b".repeat(60)}.txt`;
    const none = `m/${"**/".repeat(12)}${"*".repeat(24)}c.txt`;
    await read(text, { [`m/${name}`]: "b" });
    await expect(read(text, {}, [none])).rejects.toMatchObject({ code: "FILE_UNREADABLE" });
    expect(await read(text, {}, [none.replace("c.txt", "b.txt")])).toMatchObject([{ input: "b" }]);
  });

  it.each([["nothing.jsonl"], ["t/*.nope"], ["x.png"], ["nowhere/*.txt"]])(
    "refuses %s in words",
    async (path) => {
      writeFileSync("x.png", "x");
      await expect(read(text, {}, [path])).rejects.toMatchObject({ code: "FILE_UNREADABLE" });
    },
  );
});

describe("standard input", () => {
  it("is JSON lines, a JSON list, or lines of text for a text graph", async () => {
    const from = async (dag: DagSpec, stdin: string) =>
      (await read(dag, {}, ["-"], stdin)).map((row) => ("input" in row ? row.input : row.problem));
    expect(await from(review, '{"id":"1"}\n{"id":"2"}\n')).toEqual([{ id: "1" }, { id: "2" }]);
    expect(await from(review, '[\n {"id":"1"},\n {"id":"2"}\n]\n')).toEqual([{ id: "1" }, { id: "2" }]);
    expect(await from(text, 'plain words\n"a string"\n42\n\n[not json\n')).toEqual([
      "plain words",
      "a string",
      "42",
      "[not json",
    ]);
    expect(await from(review, "{oops\n")).toEqual([expect.stringMatching(/not JSON/)]);
  });
});

describe("what stands in real files", () => {
  it("is a list on one line, after blank lines, beyond 1 MiB or with a mark at its start", async () => {
    const from = async (dag: DagSpec, stdin: string) =>
      (await read(dag, {}, ["-"], stdin)).map((row) => ("input" in row ? row.input : row.problem));
    expect(await from(review, '[{"id":"1"},{"id":"2"}]')).toEqual([{ id: "1" }, { id: "2" }]);
    expect(await from(review, '\uFEFF\n\n [\n{"id":"1"},\n{"id":"2"}]\n\n')).toEqual([
      { id: "1" },
      { id: "2" },
    ]);
    expect(await from(text, '["one","two"]\n')).toEqual(["one", "two"]);
    const long = "x".repeat(700_000);
    expect(await from(text, JSON.stringify([long, long]))).toEqual([long, long]);
    expect(await from(review, "[]")).toEqual([]);
    await expect(from(review, '[{"id":"1"},\n{"id":"2"}')).rejects.toThrow(/begins like a JSON list/);
    expect(await read(review, { "mark.json": '\uFEFF[{"id":"1"}]' })).toEqual([
      { input: { id: "1" }, place: "mark.json, item 1" },
    ]);
  });

  it("is a line for each input, where they are lists or begin as one", async () => {
    const from = async (dag: DagSpec, stdin: string) =>
      (await read(dag, {}, ["-"], stdin)).map((row) => ("input" in row ? row.input : row.problem));
    const numbers = defineDag({ name: "numbers", input: z.array(z.number()), nodes });
    expect(await from(numbers, "[1,2]\n[3]\n")).toEqual([[1, 2], [3]]);
    expect(await from(numbers, "[1,2]\n")).toEqual([[1, 2]]);
    expect(await from(numbers, "[[1,2],[3]]\n")).toEqual([[1, 2], [3]]);
    expect(await from(text, "[INFO] started\r\n[x] done\r\n")).toEqual(["[INFO] started", "[x] done"]);
    expect(await from(text, '["a quote"] she said\nmore\n')).toEqual(['["a quote"] she said', "more"]);
    expect(await from(text, '["a"]\nmore\n')).toEqual(['["a"]', "more"]);
  });

  it("is a row that is too large or no UTF-8, which costs only itself", async () => {
    const cell = (size: number) => "x".repeat(size);
    expect(
      await read(review, {
        "large.csv": `id,note\nbig,${cell(3_000_000)}\nmid,"${cell(1_500_000)}"\nlast,end\n`,
      }),
    ).toEqual([
      { place: "large.csv, line 2", problem: "it is larger than 1 MiB" },
      { place: "large.csv, line 3", problem: "it is larger than 1 MiB" },
      { input: { id: "last", note: "end" }, place: "large.csv, line 4" },
    ]);
    const latin = Buffer.from("id,note\n1,caf\xe9\n2,caf\u00c3\u00a9\n3,\u00ef\u00bf\u00bd\n", "latin1");
    expect(await read(review, { "latin.csv": latin })).toMatchObject([
      { place: "latin.csv, line 2", problem: "it is not UTF-8 text" },
      { input: { id: "2", note: "café" } },
      { input: { id: "3", note: "\ufffd" } },
    ]);
    expect(await read(review, { "mark.csv": "\uFEFFid,note\n1,ü\n" })).toEqual([
      { input: { id: "1", note: "ü" }, place: "mark.csv, line 2" },
    ]);
    const wide = Buffer.from("\uFEFFid,note\n1,a\n", "utf16le");
    await expect(read(review, { "wide.csv": wide })).rejects.toThrow(/"wide.csv" cannot be used: .*UTF-8/);
    await expect(read(review, { "latin.json": Buffer.from('["caf\xe9"]', "latin1") })).rejects.toThrow(
      /latin.json/,
    );
  });

  it("is a folder with links to files", async () => {
    await read(text, { "linked/a.txt": "a", "elsewhere.txt": "b" });
    symlinkSync(join(folder, "elsewhere.txt"), join(folder, "linked", "b.txt"));
    symlinkSync(join(folder, "nowhere.txt"), join(folder, "linked", "c.txt"));
    symlinkSync(join(folder, "linked", "ring.txt"), join(folder, "linked", "ring.txt"));
    expect((await read(text, {}, ["linked"])).map(({ place }) => place)).toEqual([
      "linked/a.txt",
      "linked/b.txt",
    ]);
  });
});
