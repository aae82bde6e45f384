/**
 * Many empty rows of a five-node graph in one process: rows a second beside a bare pool over `run`, what the results file costs a row,
 * resident memory from the first rows to the last, and the same batch again. `npm run bench:batch -- 100000`.
 * `npm run bench:batch -- engines` measures batches over several processes instead (`batch-engines.ts`).
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { defineDag, run, runMany } from "agent-dag";

const [first = "20000", variant, results] = process.argv.slice(2).filter((word) => word !== "--check");
const rows = Number(first);

/** Runs with and without a results file that are compared. */
const pairs = 5;
const pairRows = Math.min(rows, 10_000);

const dag = defineDag({
  name: "empty",
  nodes: {
    a: { run: () => 1 },
    b: { needs: ["a"], run: () => 2 },
    c: { needs: ["a"], run: () => 3 },
    d: { needs: ["a"], run: () => 4 },
    e: { needs: ["b", "c", "d"], run: () => 5 },
  },
});

interface Measured {
  readonly ms: number;
  /** Resident memory in MB: after a tenth of the rows, and at the end. */
  readonly rss: readonly [number, number];
}

/** One variant in a process of its own, so that none finds another's heap. */
async function measure(): Promise<Measured> {
  const rss = () => {
    (globalThis as { gc?: () => void }).gc?.();
    return process.memoryUsage.rss() / 1e6;
  };
  let early = 0;
  let given = 0;
  function* inputs() {
    for (; given < rows; given++) {
      if (given === Math.floor(rows / 10)) early = rss();
      yield `row ${given}`;
    }
  }
  const from = performance.now();
  if (variant === "pool") {
    const source = inputs();
    const worker = async () => {
      for (let next = source.next(); !next.done; next = source.next()) await run(dag, next.value);
    };
    await Promise.all(Array.from({ length: 8 }, worker));
  } else {
    const summary = await runMany(dag, inputs(), results === undefined ? {} : { results }).summary;
    if (summary.completed !== rows) throw new Error(`${summary.completed} of ${rows} rows are completed.`);
  }
  const ms = performance.now() - from;
  return { ms, rss: [early, rss()] };
}

function inProcess(...words: string[]): Measured {
  return inProcessOf(rows, ...words);
}

function inProcessOf(count: number, ...words: string[]): Measured {
  const jiti = fileURLToPath(import.meta.resolve("jiti/package.json")).replace(
    /package\.json$/,
    "lib/jiti-cli.mjs",
  );
  const args = ["--expose-gc", jiti, fileURLToPath(import.meta.url), String(count), ...words];
  const child = spawnSync(process.execPath, args, { encoding: "utf8" });
  if (child.status !== 0) throw new Error(child.stderr);
  return JSON.parse(child.stdout) as Measured;
}

if (first === "engines") await import("./batch-engines.js");
else if (variant !== undefined) console.log(JSON.stringify(await measure()));
else {
  const folder = mkdtempSync(join(tmpdir(), "agent-dag-bench-"));
  let missed = false;
  const report = (figure: string, text: string, holds = true) => {
    missed ||= !holds;
    console.log(`${figure.padEnd(58)} ${text}${holds ? "" : "  MISSED"}`);
  };
  try {
    const file = join(folder, "results.jsonl");
    const pool = inProcess("pool");
    const plain = inProcess("batch");
    const ledger = inProcess("batch", file);
    const overheadsMs = Array.from({ length: pairs }, (_, at) => {
      const kept = join(folder, `pair-${at}.jsonl`);
      // Each goes first as often: what the machine does beside them meets both.
      const both = at % 2 === 0 ? [[], [kept]] : [[kept], []];
      const ms = new Map(both.map((words) => [words.length, inProcessOf(pairRows, "batch", ...words).ms]));
      return ((ms.get(1) ?? 0) - (ms.get(0) ?? 0)) / pairRows;
    }).sort((a, b) => a - b);
    const again = inProcess("batch", file);
    const rate = ({ ms }: Measured) => `${Math.round((rows / ms) * 1000)} rows/s`;
    report(`${rows} rows, a bare pool over run`, rate(pool));
    report(
      `${rows} rows, runMany without a results file`,
      `${rate(plain)}, ${(plain.ms / pool.ms).toFixed(2)} × the pool's time`,
    );
    const overheadMs = overheadsMs[Math.floor(pairs / 2)] ?? 0;
    report(
      `${rows} rows, runMany with a results file`,
      `${rate(ledger)}, ${(ledger.ms / pool.ms).toFixed(2)} × the pool's time`,
    );
    report(
      `the results file, a row, median of ${pairs} pairs (at most 0.5 ms)`,
      `${overheadMs.toFixed(3)} ms (${overheadsMs.map((ms) => ms.toFixed(3)).join(", ")})`,
      overheadMs <= 0.5,
    );
    for (const [name, { rss }] of Object.entries({ pool, plain, ledger })) {
      const grown = rss[1] - rss[0];
      report(
        `memory, ${name} (± 20 MB)`,
        `${rss.map((mb) => mb.toFixed(0)).join(" → ")} MB`,
        name === "pool" || Math.abs(grown) <= 20,
      );
    }
    report(
      "the same batch again (100,000 rows: at most 3 s)",
      `${(again.ms / 1000).toFixed(2)} s`,
      again.ms <= (3000 * rows) / 100_000 + 500,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
  if (missed && process.argv.includes("--check")) process.exitCode = 1;
}
