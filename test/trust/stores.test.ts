import { mkdirSync, mkdtempSync, renameSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { MemorySaver } from "@langchain/langgraph";
import { defineDag, openCheckpointer, resume, run } from "agent-dag";

/** A store that fails at its n-th writing (or reading), once or from then on. */
class FailingSaver extends MemorySaver {
  #calls = 0;
  armed = true;

  constructor(
    readonly method: "put" | "putWrites" | "getTuple",
    readonly at: number,
    readonly always: boolean,
  ) {
    super();
  }

  #check(method: string): void {
    if (method !== this.method || !this.armed) return;
    this.#calls++;
    if (this.always ? this.#calls >= this.at : this.#calls === this.at) {
      throw Object.assign(new Error("database or disk is full"), { code: "SQLITE_FULL" });
    }
  }

  override async put(...args: Parameters<MemorySaver["put"]>) {
    this.#check("put");
    return super.put(...args);
  }

  override async putWrites(...args: Parameters<MemorySaver["putWrites"]>) {
    this.#check("putWrites");
    return super.putWrites(...args);
  }

  override async getTuple(...args: Parameters<MemorySaver["getTuple"]>) {
    this.#check("getTuple");
    return super.getTuple(...args);
  }
}

const spec = defineDag({
  name: "kept",
  nodes: {
    a: { run: () => "a" },
    b: { needs: ["a"], run: () => "b" },
    c: { needs: ["b"], run: () => "c" },
    d: { needs: ["b"], run: () => "d" },
  },
});

describe.each(["sequential", "deterministic", "dataflow"] as const)("a store that fails, %s", (topology) => {
  for (const method of ["put", "putWrites", "getTuple"] as const) {
    for (const always of [true, false]) {
      it(`at any ${method}, ${always ? "from then on" : "once"}: the run ends with its record, and says what is wrong`, async () => {
        for (let at = 1; at <= 12; at++) {
          const checkpointer = new FailingSaver(method, at, always);
          const options = { topology, checkpointer, thread: "t" };
          const record = await run(spec, "x", options);
          expect(record).toMatchObject({ state: "completed", output: { c: "c", d: "d" } });
          const notices = record.events.filter((event) => event.type === "notice");
          expect(notices.length).toBeLessThanOrEqual(1);
          if (at === 1) {
            expect(notices).toMatchObject([{ code: "STORE_FAILED" }]);
            expect(JSON.stringify(notices)).toContain("no room to write");
          }
          // What was stored can be resumed once there is room again.
          checkpointer.armed = false;
          const again = await resume(spec, options).catch((error: unknown) => error);
          if (again instanceof Error) expect(again).toMatchObject({ code: "THREAD_UNKNOWN" });
          else expect(again).toMatchObject({ output: { c: "c", d: "d" } });
        }
      });
    }
  }
});

it.each(["sequential", "deterministic", "dataflow"] as const)(
  "a store that fails is told to the run that drives the thread, also after another was refused it, %s",
  async (topology) => {
    const checkpointer = new FailingSaver("put", 1, true);
    checkpointer.armed = false;
    const options = { topology, checkpointer, thread: "t" };
    const driven = defineDag({
      name: "driven",
      nodes: {
        a: {
          run: async () => {
            await expect(run(spec, "x", options)).rejects.toMatchObject({ code: "THREAD_BUSY" });
            checkpointer.armed = true;
          },
        },
        b: { needs: ["a"], run: () => "b" },
        c: { needs: ["b"], run: () => "c" },
      },
    });
    const record = await run(driven, "x", options);
    expect(record).toMatchObject({ state: "completed", output: "c" });
    expect(record.events.filter(({ type }) => type === "notice")).toMatchObject([{ code: "STORE_FAILED" }]);
  },
);

describe("an SQLite file that is not what it was", () => {
  const cases: [string, (file: string) => void, RegExp][] = [
    ["deleted", (file) => rmSync(file), /not there any more/],
    ["moved away", (file) => renameSync(file, `${file}.old`), /not there any more/],
    ["gone with its folder", (file) => rmSync(join(file, ".."), { recursive: true }), /not there any more/],
    [
      "replaced by a folder",
      (file) => {
        rmSync(file);
        mkdirSync(file);
      },
      /not there any more/,
    ],
    ["emptied", (file) => truncateSync(file), /damaged/],
  ];

  it.each(cases)("is told once while the run goes on: %s", async (_, spoil, why) => {
    const file = join(mkdtempSync(join(tmpdir(), "gone-")), "runs.db");
    const { checkpointer, close } = await openCheckpointer(`sqlite:${file}`);
    const spoilt = defineDag({
      name: "spoilt",
      nodes: {
        a: { run: () => "a" },
        b: { needs: ["a"], run: () => spoil(file) ?? "b" },
        c: { needs: ["b"], run: ({ needs }) => `${needs.b}c` },
      },
    });
    const record = await run(spoilt, "x", { checkpointer, thread: "t" });
    expect(record).toMatchObject({ state: "completed", output: "bc" });
    const notices = record.events.flatMap((event) => (event.type === "notice" ? [event] : []));
    expect(notices).toMatchObject([{ code: "STORE_FAILED", message: expect.stringContaining(file) }]);
    expect(notices[0]?.message).toMatch(why);
    await close();
    rmSync(join(file, ".."), { recursive: true, force: true });
  });
});

it.each([1, 2, 3, 4, 5, 6, 7, 8])(
  "a store that gives what is no checkpoint at its reading %d is told as a store that fails",
  async (at) => {
    let reads = 0;
    class Spoilt extends MemorySaver {
      override async getTuple(...args: Parameters<MemorySaver["getTuple"]>) {
        const tuple = await super.getTuple(...args);
        return ++reads === at ? ({ ...tuple, checkpoint: null } as never) : tuple;
      }
    }
    const { state, error, events } = await run(spec, "x", { checkpointer: new Spoilt(), thread: "t" }).catch(
      (thrown) => ({ state: "refused", error: thrown, events: [] }),
    );
    expect(reads < at || state === "completed" || error?.code).not.toBe("ERROR");
    expect(events.filter((one) => one.type === "notice" && one.code !== "STORE_FAILED")).toEqual([]);
  },
);
