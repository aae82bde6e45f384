import { describe, expect, it } from "@jest/globals";
import {
  callerIn,
  type Instrument,
  instrumentation,
  instrumentsInUse,
  isInstrument,
  listener,
  type Place,
  type RemoteSpan,
  splitInstruments,
  streamWithin,
  underSpan,
} from "../../../nodes/engine/instrument.js";
import type { ModelMiddleware } from "../../../src/models/port.js";
import type { RunEvent } from "../../../src/records/events.js";

const silent = { onEvent: () => {}, within: <T>(_: Place, code: () => T) => code() };
const instrument = (part: Partial<Instrument> = {}) =>
  instrumentation<Instrument>({ observeRun: () => silent, ...part });
const middleware: ModelMiddleware = (model) => model;
const span: RemoteSpan = { traceId: "t", spanId: "s", isSampled: true, state: "" };
const event: RunEvent = { type: "notice", atMs: 1, code: "C", message: "m" };

describe("an instrument", () => {
  it("is a function that gives back what it is given and can observe runs", () => {
    const one = instrument({ texts: true });
    const given = { id: "m" };
    expect((one as unknown as (given: unknown) => unknown)(given)).toBe(given);
    expect(one.texts).toBe(true);
    expect(isInstrument(one)).toBe(true);
  });

  it.each<[string, unknown]>([
    ["a plain function", () => {}],
    ["an object that observes", { observeRun: () => silent }],
    ["a function whose observeRun is none", Object.assign(() => {}, { observeRun: 3 })],
    ["nothing", undefined],
    ["null", null],
  ])("is not %s", (_, value) => expect(isInstrument(value)).toBe(false));

  it("that only listens hears every event and runs code as it is", () => {
    const heard: RunEvent[] = [];
    const run = listener((one) => heard.push(one)).observeRun({ nowMs: () => 0, elapsedMs: 0 });
    run.onEvent(event);
    expect(heard).toEqual([event]);
    expect(run.within({ kind: "call", call: "c" }, () => 3)).toBe(3);
  });
});

describe("splitting the options", () => {
  it("leaves options without instruments as they are", () => {
    const options = { use: [middleware], onEvent: () => {}, id: "x" };
    expect(splitInstruments(options)).toEqual({ options, instruments: [] });
    expect(splitInstruments(options).options).toBe(options);
    expect(splitInstruments({}).instruments).toEqual([]);
  });

  it("takes out each instrument once, wherever it stands", () => {
    const [a, b] = [instrument(), instrument()];
    const split = splitInstruments({ use: [a, middleware, b], onEvent: a, id: "x" });
    expect(split.instruments).toEqual([a, b]);
    expect(split.options).toEqual({ use: [middleware], id: "x" });
    expect(splitInstruments({ onEvent: a }).instruments).toEqual([a]);
    for (const options of [{ onEvent: a }, { use: [a] }]) {
      expect(splitInstruments(options).options).toStrictEqual({});
    }
  });

  it("leaves no empty list, keeps an observer that is none, and texts only where one wants them", () => {
    const onEvent = () => {};
    const quiet = splitInstruments({ use: [instrument()], onEvent }).options;
    expect(quiet).toEqual({ onEvent });
    expect(Object.keys(quiet)).toEqual(["onEvent"]);
    const asks = splitInstruments({ use: [instrument(), instrument({ texts: true })], texts: false });
    expect(asks.options).toEqual({ texts: true });
    expect(splitInstruments({ use: [instrument({ texts: false })], texts: true }).options).toEqual({
      texts: true,
    });
  });
});

describe("a span of another process", () => {
  it("goes to the instruments that take one; everything else stays", () => {
    const child = instrument();
    const parents: RemoteSpan[] = [];
    const takes = instrument({
      under(parent) {
        parents.push(parent);
        return child;
      },
    });
    const plain = instrument();
    const under = underSpan({ use: [takes, middleware, plain], id: "x" }, span);
    expect(under).toEqual({ use: [child, middleware, plain], id: "x" });
    expect(under.use[1]).toBe(middleware);
    expect(parents).toEqual([span]);
  });

  it("changes nothing without a span or without anything in use", () => {
    const options = { use: [instrument({ under: () => instrument() })] };
    expect(underSpan(options, null)).toBe(options);
    const without: { use?: ModelMiddleware[] } = {};
    expect(underSpan(without, span)).toBe(without);
  });

  it("is the first that an instrument knows to stand above", () => {
    const other = { ...span, spanId: "other" };
    const knows = instrument({ caller: () => span });
    const knowsNone = instrument({ caller: () => null });
    expect(
      callerIn({
        use: [middleware, knowsNone, instrument(), knows],
        onEvent: instrument({ caller: () => other }),
      }),
    ).toBe(span);
    expect(callerIn({ onEvent: knows })).toBe(span);
    expect(callerIn({ use: [knowsNone] })).toBeNull();
    expect(callerIn({})).toBeNull();
    const stranger = Object.defineProperty(() => {}, "caller", { value: () => span });
    expect(callerIn({ onEvent: stranger })).toBeNull();
  });
});

describe("an instrument given as onEvent", () => {
  it("is put in use, once", () => {
    const one = instrument();
    const moved = instrumentsInUse({ onEvent: one, use: [middleware], id: "x" });
    expect(moved).toEqual({ use: [middleware, one], id: "x" });
    expect(Object.keys(moved)).not.toContain("onEvent");
    expect(instrumentsInUse({ onEvent: one, use: [one] }).use).toEqual([one]);
    expect(instrumentsInUse({ onEvent: one }).use).toEqual([one]);
  });

  it("stays where it is no instrument", () => {
    const options = { onEvent: () => {} };
    expect(instrumentsInUse(options)).toBe(options);
  });
});

describe("a stream within a place", () => {
  const place: Place = { kind: "call", call: "c" };
  const scene = () => {
    const told: string[] = [];
    const within = <T>(at: Place, code: () => T): T => {
      expect(at).toBe(place);
      told.push("within");
      return code();
    };
    const stream = (results: readonly (IteratorResult<number> | Error)[]): AsyncIterable<number> => ({
      [Symbol.asyncIterator]() {
        const left = [...results];
        return {
          async next() {
            const next = left.shift() ?? { done: true, value: undefined };
            if (next instanceof Error) throw next;
            return next;
          },
          async return() {
            told.push("return");
            return { done: true, value: undefined };
          },
        };
      },
    });
    return { told, within, stream };
  };
  const all = async (steps: AsyncIterable<number>) => {
    const values: number[] = [];
    for await (const value of steps) values.push(value);
    return values;
  };
  const step = (value: number) => ({ done: false as const, value });

  it("takes every step there, and is not returned when it ends by itself", async () => {
    const { told, within, stream } = scene();
    expect(await all(streamWithin(within, place, stream([step(1), step(2)])))).toEqual([1, 2]);
    expect(told).toEqual(["within", "within", "within", "within"]);
  });

  it("passes on what it throws, and is not returned", async () => {
    const { told, within, stream } = scene();
    const failure = new Error("cut");
    await expect(all(streamWithin(within, place, stream([step(1), failure])))).rejects.toBe(failure);
    expect(told).not.toContain("return");
  });

  it("is returned when its reader stops early", async () => {
    const { told, within, stream } = scene();
    for await (const _ of streamWithin(within, place, stream([step(1), step(2)]))) break;
    expect(told.filter((one) => one === "return")).toHaveLength(1);
  });

  it("needs no return to be stopped", async () => {
    const { within } = scene();
    const bare: AsyncIterable<number> = { [Symbol.asyncIterator]: () => ({ next: async () => step(1) }) };
    for await (const value of streamWithin(within, place, bare)) {
      expect(value).toBe(1);
      break;
    }
  });
});
