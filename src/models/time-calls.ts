import { DagError } from "../errors.js";
import { followSignal, iterateUntilAborted } from "./abortable.js";
import {
  batchesOf,
  batchModel,
  type ChunkBatch,
  endsAtOnce,
  isContent,
  type ModelChunk,
  type ModelMiddleware,
  type ModelRequest,
} from "./port.js";

/** The clocks of one attempt. */
export interface CallClocks {
  /** Longest the attempt may take, in milliseconds above 0. @default none */
  readonly timeoutMs?: number;
  /** Longest silence after the first piece of the reply, in milliseconds above 0. @default none */
  readonly idleTimeoutMs?: number;
}

/**
 * Ends an attempt as soon as its signal is aborted, one that takes too long with `MODEL_TIMEOUT`, and one that falls silent in its reply with
 * `MODEL_STALLED`; both are retryable. The request is aborted, and not waited for when it pays that no heed.
 */
export function timeCalls({ timeoutMs, idleTimeoutMs }: CallClocks): ModelMiddleware {
  return (model) => {
    const timed = async function* (request: ModelRequest): AsyncGenerator<ChunkBatch> {
      const following = followSignal(request.signal);
      const clock =
        timeoutMs === undefined
          ? undefined
          : setTimeout(() => following.abort(tookTooLong(model.id, request, timeoutMs)), timeoutMs);
      let idle: NodeJS.Timeout | undefined;
      let finished = false;
      let ended = false;
      try {
        const batches = batchesOf(model, { ...request, signal: following.signal });
        for await (const chunks of iterateUntilAborted(batches, following.signal)) {
          // A reply that has said how it ended is not silent, whatever its connection does afterwards.
          finished ||= chunks.some((chunk) => chunk.type === "finish");
          if (finished) clearTimeout(idle);
          else if (idleTimeoutMs !== undefined && (idle !== undefined || chunks.some(isHeard))) {
            clearTimeout(idle);
            idle = setTimeout(
              () => following.abort(fellSilent(model.id, request, idleTimeoutMs)),
              idleTimeoutMs,
            );
          }
          yield chunks;
        }
        ended = true;
      } finally {
        clearTimeout(clock);
        clearTimeout(idle);
        following.close(ended);
      }
    };
    return batchModel(model.id, (request) =>
      // Nobody can leave a reply early that is fetched whole, so that it needs no signal of its own.
      timeoutMs === undefined && request.stream === false && endsAtOnce(model)
        ? batchesOf(model, request)
        : timed(request),
    );
  };
}

/** What a model that falls silent afterwards had begun with. */
const isHeard = (chunk: ModelChunk) => isContent(chunk) || chunk.type === "thought";

function tookTooLong(model: string, request: ModelRequest, timeoutMs: number): DagError {
  return new DagError(
    "MODEL_TIMEOUT",
    `Model "${model}" did not finish within ${timeoutMs} ms (\`timeoutMs\`).`,
    {
      retryable: true,
      facts: { model, node: request.node, timeoutMs },
      timedOut: true,
      hint: "Raise `policy.timeoutMs`, or ask for a shorter answer.",
    },
  );
}

function fellSilent(model: string, request: ModelRequest, idleTimeoutMs: number): DagError {
  return new DagError(
    "MODEL_STALLED",
    `Model "${model}" fell silent in its reply for ${idleTimeoutMs} ms (\`idleTimeoutMs\`).`,
    { retryable: true, timedOut: true, facts: { model, node: request.node, idleTimeoutMs } },
  );
}
