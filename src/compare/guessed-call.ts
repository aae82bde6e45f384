import { type LatencyProfile, latencyProfiles } from "../models/latency-profile.js";
import { drawTtftMs } from "../models/simulate-latency.js";
import type { CallRecord } from "../records/events.js";
import type { RunRecord } from "../records/record.js";
import { median } from "./figures.js";

/** Tokens of a request that was not made; what is left out is the median of others. */
export interface GuessedRequest {
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  /** Tokens that take time, where the record's latency was simulated, and those of them that come first, in one piece. */
  readonly paced?: { readonly tokens: number; readonly first: number };
}

/** Requests that the record does not hold, made up of what it does. */
export interface Guesses {
  call(
    of: Pick<CallRecord, "node"> & { readonly turn?: number; readonly like?: readonly CallRecord[] },
    tokens: GuessedRequest,
    why: string,
  ): CallRecord;
}

/** Guesses from a record; each leaves its reason in `notes`. */
export function guessesFrom(record: RunRecord, notes: Set<string>): Guesses {
  const { calls, simulated } = record;
  const done = calls.filter(({ error, firstTokenMs }) => error === null && firstTokenMs !== null);
  const firstMs = median(done.map(({ firstTokenMs }) => firstTokenMs ?? 0));
  const perTokenMs = median(
    done
      .filter(({ outputTokens }) => outputTokens > 1)
      .map((call) => (call.durationMs - (call.firstTokenMs ?? 0)) / (call.outputTokens - 1)),
  );
  const profile: LatencyProfile | undefined =
    simulated === null ? undefined : latencyProfiles[simulated.profile];
  return {
    call({ node, turn = 0, like = [] }, given, why) {
      notes.add(why);
      const others = like.length > 0 ? like : done;
      const outputTokens = Math.round(given.outputTokens ?? median(others.map((call) => call.outputTokens)));
      const drawn =
        profile === undefined || simulated === null
          ? null
          : drawTtftMs(profile, simulated.seed, { node, item: null, invocation: null, turn, attempt: 1 }) /
            simulated.speed;
      const perMs =
        profile === undefined ? perTokenMs : 1000 / profile.tokensPerSecond / (simulated?.speed ?? 1);
      const paced = (drawn === null ? undefined : given.paced) ?? { tokens: outputTokens, first: 1 };
      const beginMs = drawn ?? firstMs;
      const afterMs = (tokens: number) => beginMs + Math.max(0, tokens - 1) * perMs;
      // What says the same takes as long to write.
      const said = like.filter((call) => done.includes(call));
      const durationMs =
        given.outputTokens === undefined && said.length > 0
          ? beginMs + median(said.map((call) => call.durationMs - (call.firstTokenMs ?? 0)))
          : afterMs(paced.tokens);
      return {
        id: `guessed-${node}-${turn}`,
        node,
        item: null,
        invocation: null,
        attempt: 1,
        model: calls[0]?.model ?? "offline",
        startedAtMs: 0,
        firstTokenMs: afterMs(paced.first),
        durationMs,
        inputTokens: Math.round(given.inputTokens ?? median(others.map((call) => call.inputTokens))),
        outputTokens,
        estimated: true,
        costUsd: null,
        toolCalls: [],
        finishReason: "stop",
        hedged: false,
        error: null,
      };
    },
  };
}
