import { DagError } from "../errors.js";
import { defaultExtraShare, type HedgeStatistics } from "../limits/hedge-statistics.js";
import type { HedgePolicy } from "../spec/policy.js";
import { followSignal } from "./abortable.js";
import type { LimitedModel } from "./limit-calls.js";
import { isContent, type Model, type ModelChunk, type ModelRequest } from "./port.js";

/**
 * Sends a second request when the first has brought no token by `hedge.after` and the statistics allow it: the first
 * token wins, the loser is aborted. The clock starts when the first request is sent, not while it waits for a slot; the
 * second one passes the same limits ("hedged requests": Dean and Barroso, "The Tail at Scale", CACM 56(2), 2013).
 */
export function hedgeCalls(model: LimitedModel, hedge: HedgePolicy, statistics: HedgeStatistics): Model {
  return {
    id: model.id,
    async *call(request) {
      const race = startRace(model, request, hedge, statistics);
      try {
        const winner = await race.winner;
        yield* winner.early;
        if (!winner.ended) yield* winner.rest();
      } finally {
        await race.close();
      }
    },
  };
}

/** One of the two requests. */
interface Leg {
  /** What came up to the first token, that included. */
  readonly early: ModelChunk[];
  ended: boolean;
  rest(): AsyncIterable<ModelChunk>;
  /** Aborts the request, where it still runs, and waits until it has ended. */
  close(reason?: DagError): Promise<void>;
}

interface Race {
  readonly winner: Promise<Leg>;
  close(): Promise<void>;
}

function startRace(
  model: LimitedModel,
  request: ModelRequest,
  hedge: HedgePolicy,
  statistics: HedgeStatistics,
): Race {
  const legs: Leg[] = [];
  const failures = new Map<Leg, unknown>();
  let timer: NodeJS.Timeout | undefined;
  let giveUpExtra: (() => void) | undefined;
  let decided = false;
  let onWon: (leg: Leg) => void = () => {};
  let onLost: (error: unknown) => void = () => {};
  const winner = new Promise<Leg>((resolve, reject) => {
    onWon = resolve;
    onLost = reject;
  });
  const decide = () => {
    decided = true;
    clearTimeout(timer);
    giveUpExtra?.();
  };

  const enter = (legRequest: ModelRequest, on: { sent?: () => void; timed?: () => void }) => {
    const leg = startLeg(model, legRequest, on.sent);
    legs.push(leg);
    leg.reached.then(
      () => {
        if (decided) return;
        on.timed?.();
        decide();
        onWon(leg);
        for (const other of legs) if (other !== leg) void other.close(lostRace);
      },
      (error) => {
        failures.set(leg, error);
        if (decided) on.timed?.(); // For so long at least it would have taken.
        if (decided || failures.size < legs.length) return;
        decide();
        onLost(failures.get(legs[0] ?? leg));
      },
    );
  };
  const enterExtra = () => enter({ ...request, hedged: true }, {});

  let timed = () => {};
  const sent = () => {
    const followed = statistics.request(model.id);
    const sentAtMs = performance.now();
    timed = () => followed.waited(performance.now() - sentAtMs);
    const afterMs = hedge.after === "p95" ? statistics.p95Ms(model.id) : hedge.after;
    if (afterMs === null) return;
    timer = setTimeout(() => {
      followed.slow();
      giveUpExtra = statistics.whenExtraAllowed(
        model.id,
        hedge.maxExtraShare ?? defaultExtraShare,
        enterExtra,
      );
    }, afterMs);
  };
  enter(request, { sent, timed: () => timed() });

  return {
    winner,
    async close() {
      decide();
      await Promise.all(legs.map((leg) => leg.close()));
    },
  };
}

function startLeg(
  model: LimitedModel,
  request: ModelRequest,
  onSent: (() => void) | undefined,
): Leg & { readonly reached: Promise<void> } {
  const following = followSignal(request.signal);
  const iterator = model.call({ ...request, signal: following.signal }, onSent)[Symbol.asyncIterator]();
  const early: ModelChunk[] = [];
  const readToFirstToken = async () => {
    for (;;) {
      const next = await iterator.next();
      if (next.done) {
        leg.ended = true;
        return;
      }
      early.push(next.value);
      if (isContent(next.value)) return;
    }
  };
  const leg = {
    early,
    ended: false,
    reached: Promise.resolve(),
    async *rest() {
      for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value;
      leg.ended = true;
    },
    async close(reason?: DagError) {
      if (reason !== undefined) following.abort(reason);
      following.close();
      await leg.reached.catch(() => undefined);
      await iterator.return?.();
    },
  };
  leg.reached = readToFirstToken();
  return leg;
}

const lostRace = new DagError("HEDGE_LOST", "The other request of the pair brought the first token.");
