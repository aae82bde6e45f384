import { resolve } from "node:path";
import { DagError, errorMessage } from "../errors.js";
import { environmentModelId } from "../models/deferred-model.js";
import type { Model, ModelChunk, ModelMiddleware, ModelRequest } from "../models/port.js";
import { assertArgument, assertOptions } from "../spec/issue.js";
import type { FileLock } from "../stores/file-lock.js";
import { checkAtEnd } from "./at-end.js";
import {
  type CassetteEntry,
  cassetteKey,
  comparePlaces,
  type EntryPlace,
  entryPlace,
  recordedPart,
} from "./cassette-entry.js";
import { entryText, loadCassette, lockCassette, writeCassette } from "./cassette-file.js";
import { cassetteMiss } from "./cassette-miss.js";
import { playReply, type StreamEnd, streamTape } from "./cassette-stream.js";
import { createRedactor, type Redaction } from "./redaction.js";

/** What a cassette does with a call. */
export type CassetteMode = "replay" | "record" | "auto";

/** How a cassette records and replays. */
export interface CassetteOptions {
  /**
   * `replay`: answers from the file, and never calls a model. `record`: calls the model and writes the file anew.
   * `auto`: answers from the file what is in it, and records the rest.
   * @default "replay"
   */
  readonly mode?: CassetteMode;
  /** Replays with the recorded latencies divided by this, above 0 (1 is as fast as it was). @default no waiting */
  readonly speed?: number;
  /** Texts and patterns that are taken out besides keys and tokens, before comparing and before writing. @default [] */
  readonly redact?: readonly Redaction[];
}

/** Middleware for `use` that records model calls and replays them. */
export interface Cassette extends ModelMiddleware {
  /** The file, as it was given. */
  readonly file: string;
  /** What it does with a call. */
  readonly mode: CassetteMode;
  /** `true` when no model is needed below, so that neither key nor server is. */
  readonly answersAlone: boolean;
  /**
   * Reads the file now instead of at the first run; with `mode: "record"` it takes the file instead of at the first call.
   * @throws DagError `CASSETTE_MISSING`, `CASSETTE_CORRUPT`, `CASSETTE_VERSION`; `CASSETTE_IN_USE`, and `STORE_FAILED` when it
   *   cannot be locked.
   */
  load(): void;
  /**
   * Checks that no call was missed and that every recorded call was used, and lets go of the file. Where
   * `agent-dag/jest` is set up, the end of the test does this by itself, unless it was done by hand.
   * @throws DagError `CASSETTE_MISSED`, `CASSETTE_UNUSED`; `STORE_FAILED` when what was recorded could not be written.
   */
  assertComplete(): void;
  /** Lets go of the file, so that another cassette may record into it. */
  close(): void;
}

/**
 * Records model calls once and replays them for ever. A call is found by its node, item, request and, among equal ones,
 * by which of them it is, so the order in which parallel calls arrive does not matter. What a call returned is on disk
 * when it ends; where it cannot be written the call is answered all the same, a warning of the process says so, and the next call
 * writes both. Keys, tokens and your redactions never reach the file.
 * @param file a path; YAML is written, whatever its ending
 * @throws DagError `CASSETTE_OPTION_INVALID`. Calls fail with `CASSETTE_MISSING`, `CASSETTE_MISS`, `CASSETTE_CORRUPT`,
 *   `CASSETTE_VERSION`, `CASSETTE_IN_USE`, and `STORE_FAILED` when the file cannot be locked, before anything is asked.
 * @example await run(dag, input, { use: [cassette("test/review.cassette.yaml")] });
 */
export function cassette(file: string, options: CassetteOptions = {}): Cassette {
  assertArgument("cassette", typeof file === "string", ["file", file, "the path of a file"]);
  assertOptions("cassette", options);
  const { mode = "replay", speed, redact = [] } = options;
  assertModeAndSpeed(mode, speed);
  const path = resolve(file);
  const clean = createRedactor(redact);
  /** In the order of the file. */
  const rows: Row[] = [];
  /** Those that can be replayed, by their request. */
  const replayable = new Map<string, Row[]>();
  const used = new Map<string, number>();
  const misses: DagError[] = [];
  let tried = false;
  let loaded = false;
  let asserted = false;
  let lock: FileLock | undefined;
  let calls = 0;
  let writing: Promise<void> | undefined;
  let dirty = false;
  /** Why what was recorded is not in the file. */
  let unwritten: unknown;

  const load = () => {
    if (loaded) return;
    tried = true;
    const found = mode === "record" ? [] : loadCassette(path);
    if (found === null && mode === "replay") throw missingFile(file);
    for (const entry of found ?? []) {
      const row = rowOf(entry, calls++);
      rows.push(row);
      const equal = replayable.get(row.key);
      if (equal === undefined) replayable.set(row.key, [row]);
      else equal.push(row);
    }
    loaded = true;
  };

  const flush = (): Promise<void> => {
    dirty = true;
    writing ??= (async () => {
      while (dirty) {
        dirty = false;
        rows.sort((a, b) => comparePlaces(a.place, b.place) || a.order - b.order);
        try {
          await writeCassette(
            path,
            rows.map((row) => row.text),
          );
          unwritten = undefined;
        } catch (error) {
          if (unwritten === undefined) process.emitWarning(`Calls are not recorded. ${errorMessage(error)}`);
          unwritten = error;
        }
      }
    })().finally(() => {
      writing = undefined;
    });
    return writing;
  };

  /** The next recorded entry for a request; among equal ones those that came to an end go first. */
  const take = (model: string, key: string): { row: Row | undefined; known: number } => {
    const known = (replayable.get(key) ?? [])
      .filter((row) => fitsModel(row.entry.model, model))
      .sort(
        (a, b) =>
          Number(a.entry.reply.aborted ?? false) - Number(b.entry.reply.aborted ?? false) ||
          a.order - b.order,
      );
    const counter = `${model} ${key}`;
    const count = used.get(counter) ?? 0;
    const row = known[count];
    if (row !== undefined) {
      used.set(counter, count + 1);
      row.used = true;
    }
    return { row, known: known.length };
  };

  async function* answer(inner: Model, request: ModelRequest): AsyncGenerator<ModelChunk> {
    load();
    const place = placeOf(request);
    const asked = clean(recordedPart(request));
    const key = cassetteKey(place, asked);
    if (mode !== "record") {
      const { row, known } = take(inner.id, key);
      if (row !== undefined) {
        yield* playReply(row.entry.reply, speed, request.signal);
        return;
      }
      if (mode === "replay") {
        const missed = { file, model: inner.id, place, request: asked, recordedTimes: known };
        const miss = cassetteMiss(
          missed,
          rows.map((one) => one.entry),
        );
        misses.push(miss);
        throw miss;
      }
    }
    lock ??= lockCassette(path);
    const order = calls++;
    const tape = streamTape();
    let end: StreamEnd = { how: "aborted" };
    try {
      for await (const chunk of inner.call(request)) {
        tape.add(chunk);
        yield chunk;
      }
      end = { how: "complete" };
    } catch (error) {
      end = request.signal.aborted ? { how: "aborted" } : { how: "error", error };
      throw error;
    } finally {
      const reply = tape.reply(end, clean);
      const entry = { ...place, turn: request.turn, model: inner.id, request: asked, reply };
      rows.push({ ...rowOf(entry, order), used: true });
      await flush();
    }
  }

  const wrap = (inner: Model): Model => {
    load();
    const id = inner.id === environmentModelId ? (usualModel(rows) ?? inner.id) : inner.id;
    return { id, call: (request) => answer(inner, request) };
  };

  const close = () => {
    lock?.release();
    lock = undefined;
  };

  const assertComplete = () => {
    asserted = true;
    close();
    if (unwritten !== undefined) throw unwritten;
    if (misses.length > 0) throw missedCalls(file, misses);
    const unused = rows.filter((row) => !row.used && row.entry.reply.aborted !== true);
    if (loaded && unused.length > 0) {
      throw unusedEntries(
        file,
        unused.map((row) => row.entry),
      );
    }
    if (!tried && mode === "replay") throw neverUsed(file);
  };

  const tape: Cassette = Object.defineProperties(wrap as Cassette, {
    file: { value: file },
    mode: { value: mode },
    answersAlone: {
      get: () => {
        load();
        return mode === "replay" || (mode === "auto" && rows.length > 0);
      },
    },
    load: {
      value: () => {
        load();
        if (mode === "record") lock ??= lockCassette(path);
      },
    },
    assertComplete: { value: assertComplete },
    close: { value: close },
  });
  checkAtEnd({
    check() {
      if (!asserted) assertComplete();
    },
  });
  return tape;
}

interface Row {
  readonly entry: CassetteEntry;
  readonly key: string;
  readonly text: string;
  /** Position in the file, or in the order in which calls began. */
  readonly order: number;
  readonly place: EntryPlace;
  used: boolean;
}

function rowOf(entry: CassetteEntry, order: number): Row {
  return {
    entry,
    key: cassetteKey(entry, entry.request),
    text: entryText(entry),
    order,
    place: entryPlace(entry),
    used: false,
  };
}

function placeOf({
  node,
  item,
  invocation,
}: ModelRequest): Pick<CassetteEntry, "node" | "item" | "invocation"> {
  return { node, ...(item !== null && { item }), ...(invocation !== null && { invocation }) };
}

/** A model that nobody chose is whatever was recorded. */
function fitsModel(recorded: string, asked: string): boolean {
  return recorded === asked || asked === environmentModelId || recorded === environmentModelId;
}

/** The model that most entries were recorded with. */
function usualModel(rows: readonly Row[]): string | undefined {
  const counts = new Map<string, number>();
  for (const { entry } of rows) counts.set(entry.model, (counts.get(entry.model) ?? 0) + 1);
  return [...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))[0]?.[0];
}

function assertModeAndSpeed(mode: CassetteMode, speed: number | undefined): void {
  const modes: readonly string[] = ["replay", "record", "auto"];
  if (!modes.includes(mode)) {
    throw new DagError("CASSETTE_OPTION_INVALID", `A cassette has no mode "${String(mode)}".`, {
      hint: `Choose one of: ${modes.join(", ")}.`,
    });
  }
  if (speed === undefined || (Number.isFinite(speed) && speed > 0)) return;
  throw new DagError(
    "CASSETTE_OPTION_INVALID",
    `A cassette's speed is ${speed}; it has to be a number above 0.`,
    {
      hint: "Use 1 for the recorded latencies, or leave it out for no waiting.",
    },
  );
}

/** There is nothing to replay. */
function missingFile(file: string): DagError {
  return new DagError("CASSETTE_MISSING", `There is no cassette "${file}" to replay.`, {
    facts: { file },
    hint: 'Record it once with a real model: `mode: "record"` (or "auto"), or --record FILE on the command line.',
  });
}

/** Calls that were not in the file. */
function missedCalls(file: string, misses: readonly DagError[]): DagError {
  const list = misses.map((miss) => miss.message).join("\n");
  return new DagError(
    "CASSETTE_MISSED",
    `${misses.length === 1 ? "1 call was" : `${misses.length} calls were`} not in the cassette "${file}":\n${list}`,
    {
      facts: { file, misses: misses.length },
    },
  );
}

/** Entries that nobody asked for. */
function unusedEntries(file: string, unused: readonly CassetteEntry[]): DagError {
  const list = unused.map((entry) => {
    const item = entry.item === undefined ? "" : `[${entry.item}]`;
    return `  - ${entry.node}${item}, request ${entry.turn + 1}`;
  });
  return new DagError(
    "CASSETTE_UNUSED",
    `${unused.length} recorded ${unused.length === 1 ? "call" : "calls"} of "${file}" ${unused.length === 1 ? "was" : "were"} never asked for:\n${list.join("\n")}\n`,
    {
      facts: { file, unused: unused.length },
      hint: "Record again, so that the file holds what the run needs.",
    },
  );
}

/** A cassette that no run was given. */
function neverUsed(file: string): DagError {
  return new DagError("CASSETTE_UNUSED", `The cassette "${file}" was never used.`, {
    facts: { file },
    hint: "Pass it to `run` in `use`, or take it out of the test.",
  });
}
