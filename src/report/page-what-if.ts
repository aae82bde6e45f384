import { createRequire } from "node:module";
import { type Topology, topologyNames } from "../../graphs/topology.js";
import { groundsFor } from "../compare/predict.js";
import { plansOf, type WorkPlan } from "../compare/work-plan.js";
import { latencyProfiles } from "../models/latency-profile.js";
import { type TokenCounter, tokenCounter } from "../models/usage.js";
import type { CallRecord } from "../records/events.js";
import { type Price, type Prices, type PriceTable, priceTable } from "../records/price.js";
import type { RunRecord } from "../records/record.js";
import type { PageGrounds, PageWhatIf } from "./page-model.js";
import { shortPrefix } from "./page-rows.js";

/** Models whose pace is known, as a person would name them for a run. */
const offered: readonly string[] = Object.keys(latencyProfiles).map((profile) =>
  profile.startsWith("gpt-") ? `openai:${profile}` : `anthropic:claude-${profile.replaceAll(".", "-")}`,
);

/**
 * What the page needs, besides what it shows, to predict the run otherwise: what nodes and planners would do in each topology,
 * and prices. `null` where nothing can be predicted: nothing has run, or the run still waits.
 */
export function pageWhatIf(record: RunRecord, prices: Prices = {}): PageWhatIf | null {
  const ran = Object.values(record.outcomes).some(({ startedAtMs }) => startedAtMs !== null);
  if (!ran || record.state === "interrupted") return null;
  const own = plansOf(record);
  const { calcPrice, countTokens } = loaded();
  const count = tokenCounter(countTokens);
  const topologies: Record<string, PageGrounds> = {};
  for (const topology of topologyNames) {
    try {
      topologies[topology] = grounds(record, topology, count, own);
    } catch {
      // A record of which a part is missing is shown, and predicted as far as it goes.
    }
  }
  const models = [...new Set([...record.calls.map(({ model }) => model), ...offered])];
  const table = priceTable(calcPrice, prices);
  const most = record.calls.reduce((sum, call) => Math.max(sum, call.inputTokens), 1000);
  return {
    simulated: record.simulated,
    topologies,
    models: offered,
    prices: Object.fromEntries(
      models.flatMap((model) => {
        const price = priceIn(table, model, most);
        return price === null ? [] : [[model, price] as const];
      }),
    ),
  };
}

/** What a topology changes of the nodes' own plans. */
function grounds(
  record: RunRecord,
  topology: Topology,
  count: TokenCounter,
  own: Readonly<Record<string, WorkPlan>>,
): PageGrounds {
  const notes = new Set<string>();
  const { plans, planner } = groundsFor(record, topology, count, notes, own);
  const replaced = Object.entries(plans).filter(([name, plan]) => plan !== own[name]);
  return {
    notes: [...notes],
    left: Object.keys(own).filter((name) => plans[name] === undefined),
    replaced: Object.fromEntries(replaced.map(([name, plan]) => [name, callsIn(plan).map(slim)])),
    planner: planner?.map((step) => ({ ...step, call: slim(step.call) })) ?? null,
  };
}

function callsIn(plan: WorkPlan): CallRecord[] {
  const steps = plan.kind === "steps" ? plan.steps : [];
  return steps.flatMap((step) => (step.kind === "calls" ? step.calls.map(({ call }) => call) : []));
}

/** A request without what was said in it. */
function slim({
  reply: _reply,
  thoughts: _thoughts,
  toolCalls,
  error,
  prefix,
  ...call
}: CallRecord): CallRecord {
  return {
    ...call,
    toolCalls: toolCalls.map(({ id, name }) => ({ id, name, args: {} })),
    error: error === null ? null : { code: error.code, message: "" },
    ...(prefix !== undefined && { prefix: shortPrefix(prefix) }),
  };
}

/** The price table's and the tokenizer's functions, at once: a report is made without waiting. */
function loaded() {
  const require = createRequire(import.meta.url);
  const { calcPrice } = require("@pydantic/genai-prices") as typeof import("@pydantic/genai-prices");
  const { countTokens } =
    require("gpt-tokenizer/encoding/o200k_base") as typeof import("gpt-tokenizer/encoding/o200k_base");
  return { calcPrice, countTokens };
}

/** A model's price for requests of up to so many tokens; `null` where it has none, or one that changes with their size. */
function priceIn(table: PriceTable, model: string, most: number): Price | null {
  const whole = table(model, { inputTokens: 1e6, outputTokens: 0 });
  const at = (tokens: number) => {
    const of = (usage: Parameters<PriceTable>[1]) => ((table(model, usage) ?? 0) * 1e6) / tokens;
    return {
      inputPerMillion: of({ inputTokens: tokens, outputTokens: 0 }),
      outputPerMillion: of({ inputTokens: 0, outputTokens: tokens }),
      cachedInputPerMillion: of({ inputTokens: tokens, cachedInputTokens: tokens, outputTokens: 0 }),
      cacheWritePerMillion: of({ inputTokens: tokens, cacheWriteTokens: tokens, outputTokens: 0 }),
    };
  };
  if (whole === null) return null;
  const [small, large] = [at(1000), at(most)];
  const isFlat = Object.entries(small).every(
    ([kind, price]) => Math.abs(price - large[kind as keyof Price]) <= 1e-6 * Math.max(1, price),
  );
  return isFlat ? small : null;
}
