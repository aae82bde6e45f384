import { describe, expect, it } from "@jest/globals";
import { createBudget } from "../../src/limits/budget.js";
import { createLimiter } from "../../src/limits/limiter.js";
import { limitCalls } from "../../src/models/limit-calls.js";
import {
  batchesOf,
  batchModel,
  type ChunkBatch,
  type Model,
  type ModelChunk,
  type ModelMiddleware,
  type ModelRequest,
  replyOf,
  wrapModel,
} from "../../src/models/port.js";
import { timeCalls } from "../../src/models/time-calls.js";
import { chunksOf, request } from "./requests.js";

const text = (words: string): ModelChunk => ({ type: "text", text: words });
const finish: ModelChunk = { type: "finish", reason: "stop" };

/** A model that says what it says in these batches. */
const saying = (...batches: ChunkBatch[]) =>
  batchModel("test:m", async function* () {
    yield* batches;
  });

const all = async (batches: AsyncIterable<ChunkBatch>) => {
  const seen: ChunkBatch[] = [];
  for await (const batch of batches) seen.push(batch);
  return seen;
};

it("a model's batches are its chunks, one after another", async () => {
  const model = saying([text("a"), text("b")], [], [text("c"), finish]);
  expect(await chunksOf(model)).toEqual([text("a"), text("b"), text("c"), finish]);
  expect(await replyOf(model, request())).toMatchObject({ text: "abc", finishReason: "stop" });
});

it("the chunks of any other model come each for itself, and one that is left early is told", async () => {
  let left = false;
  const model: Model = {
    id: "test:own",
    async *call() {
      try {
        yield text("a");
        yield finish;
      } finally {
        left = true;
      }
    },
  };
  expect(await all(batchesOf(model, request()))).toEqual([[text("a")], [finish]]);
  left = false;
  for await (const _ of batchesOf(model, request())) break;
  expect(left).toBe(true);
});

it("middleware stands in the way of batches, also where it copies the fields of the model", async () => {
  const loud = (model: Model): Model => ({
    ...model,
    async *call(one) {
      for await (const chunk of model.call(one))
        yield chunk.type === "text" ? text(chunk.text.toUpperCase()) : chunk;
    },
  });
  const model = wrapModel(saying([text("a"), text("b"), finish]), [loud]);
  expect(await all(batchesOf(model, request()))).toEqual([[text("A")], [text("B")], [finish]]);
  expect(await replyOf(loud(saying([text("a"), text("b"), finish])), request())).toMatchObject({
    text: "AB",
  });
});

it("a budget ends an answer in the middle of a batch", async () => {
  const model = saying([text("x".repeat(150)), text("y".repeat(300)), text("never"), finish]);
  const limited = limitCalls(model, {
    limiter: createLimiter({}),
    budget: createBudget({ maxTokens: 120 }),
    prices: async () => () => null,
    remainingMs: () => Number.POSITIVE_INFINITY,
  });
  const batches = await all(batchesOf(limited, request()));
  expect(batches).toEqual([
    [text("x".repeat(150)), text("y".repeat(300)), { type: "finish", reason: "length" }],
  ]);
});

describe("the signal of an attempt", () => {
  const attempt = async (stream: boolean, middleware: readonly ModelMiddleware[] = [], endsAtOnce = true) => {
    const seen: AbortSignal[] = [];
    const batches = async function* (one: ModelRequest) {
      seen.push(one.signal);
      yield [text("a")];
      yield [finish];
    };
    const model = batchModel("test:m", batches, endsAtOnce);
    const own = request({ stream });
    for await (const _ of timeCalls({})(wrapModel(model, middleware)).call(own)) break;
    return { own: own.signal, signal: seen[0] };
  };
  const passing: ModelMiddleware = (model) => ({ ...model, call: (one) => model.call(one) });

  it("is aborted when the reader of a stream leaves early, and the run's is not", async () => {
    const { own, signal } = await attempt(true);
    expect([own.aborted, signal?.aborted]).toEqual([false, true]);
  });

  it("is the run's own where a reply is fetched whole and nothing stands between", async () => {
    const { own, signal } = await attempt(false);
    expect(signal).toBe(own);
    expect((await attempt(false, [passing])).signal?.aborted).toBe(true);
    expect((await attempt(false, [], false)).signal?.aborted).toBe(true);
  });

  it("ends a model that pays it no heed, whole or streamed", async () => {
    const deaf = batchModel("test:m", async function* (): AsyncGenerator<ChunkBatch> {
      await new Promise(() => {});
      yield [finish];
    });
    for (const stream of [false, true]) {
      const controller = new AbortController();
      const reply = all(batchesOf(timeCalls({})(deaf), request({ stream, signal: controller.signal })));
      controller.abort(new Error("enough"));
      await expect(reply).rejects.toThrow("enough");
    }
  });
});
