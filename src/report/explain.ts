import type { RunRecord } from "../records/record.js";
import { orderOf } from "../spec/order.js";
import type { DagSpec } from "../spec/shape.js";
import { kindOf } from "../spec/shape.js";
import { counted, seconds } from "./plain-text.js";

/** How long each node takes, and where that is known from. */
export interface NodeDurations {
  readonly source: "record" | "estimate";
  /** Milliseconds by node name; a node that did not run has none. */
  readonly durationMs: Readonly<Record<string, number>>;
  /** Most rounds of the loops that are reckoned with, by node name. */
  readonly rounds?: Readonly<Record<string, number>>;
  /** Of graph nodes that are neither maps nor loops: how long their nodes take, which a topology changes too. */
  readonly inner?: Readonly<Record<string, NodeDurations>>;
}

/** What supersteps cost a DAG, told from how long its nodes take. */
export interface Explanation {
  readonly layers: readonly (readonly string[])[];
  readonly criticalPath: { readonly names: readonly string[]; readonly durationMs: number };
  /** Wall time with a barrier after each layer. */
  readonly superstepsMs: number;
  /** Nodes whose needs have settled and which wait for the rest of a layer all the same. */
  readonly waits: readonly { readonly node: string; readonly forNode: string; readonly waitMs: number }[];
  /** Loops whose time is that of all their rounds: the worst case. */
  readonly loops: readonly { readonly node: string; readonly rounds: number; readonly durationMs: number }[];
}

/** Output tokens that are reckoned with for an agent without `modelOptions.maxTokens`. */
const guessedOutputTokens = 200;
/** Median time to first token and output speed of gpt-4.1-mini, as `simulateLatency` has them. */
const firstTokenMs = 661;
const tokensPerSecond = 70;

/** How long each node took in a record; nodes that did not run count as nothing. */
export function recordedDurations({ outcomes }: Pick<RunRecord, "outcomes">): NodeDurations {
  const durationMs: Record<string, number> = {};
  const inner: Record<string, NodeDurations> = {};
  for (const [name, outcome] of Object.entries(outcomes)) {
    const { startedAtMs, endedAtMs } = outcome;
    if (startedAtMs !== null && endedAtMs !== null) durationMs[name] = endedAtMs - startedAtMs;
    if (outcome.outcomes !== undefined) inner[name] = recordedDurations({ outcomes: outcome.outcomes });
  }
  return { source: "record", durationMs, inner };
}

/** A guess from the declaration alone: agents at the pace of a small model, functions as nothing, loops with all their rounds. */
export function estimatedDurations(spec: DagSpec): NodeDurations {
  const durationMs: Record<string, number> = {};
  const inner: Record<string, NodeDurations> = {};
  const rounds: Record<string, number> = {};
  for (const [name, node] of Object.entries(spec.nodes)) {
    const tokens = node.modelOptions?.maxTokens ?? guessedOutputTokens;
    durationMs[name] = kindOf(node) === "agent" ? firstTokenMs + (tokens / tokensPerSecond) * 1000 : 0;
    if (node.dag === undefined) continue;
    inner[name] = estimatedDurations(node.dag);
    const { maxRounds = 1 } = node.repeat ?? {};
    durationMs[name] = maxRounds * explain(node.dag, inner[name]).criticalPath.durationMs;
    if (node.repeat !== undefined) rounds[name] = maxRounds;
  }
  return { source: "estimate", durationMs, inner, rounds };
}

/** Works out layers, critical path, the time that supersteps take, and who waits for whom in them. */
export function explain(spec: DagSpec, { durationMs, inner = {}, rounds = {} }: NodeDurations): Explanation {
  const { topological, layers, needs } = orderOf(spec);
  const within = new Map<string, Explanation>();
  for (const [name, durations] of Object.entries(inner)) {
    const { dag, forEach, repeat } = spec.nodes[name] ?? {};
    if (dag !== undefined && forEach === undefined && repeat === undefined)
      within.set(name, explain(dag, durations));
  }
  const own = (name: string) => within.get(name)?.criticalPath.durationMs ?? durationMs[name] ?? 0;
  const inSupersteps = (name: string) => within.get(name)?.superstepsMs ?? durationMs[name] ?? 0;

  const chain = new Map<string, { readonly endMs: number; readonly via: string | null }>();
  for (const name of topological) {
    const before = (needs.get(name) ?? []).map((need) => ({ need, endMs: chain.get(need)?.endMs ?? 0 }));
    const last = before.reduce((a, b) => (b.endMs > a.endMs ? b : a), {
      need: null as string | null,
      endMs: 0,
    });
    chain.set(name, { endMs: last.endMs + own(name), via: last.need });
  }
  const end = topological.reduce<string | null>(
    (latest, name) =>
      (chain.get(name)?.endMs ?? 0) > (chain.get(latest ?? "")?.endMs ?? -1) ? name : latest,
    null,
  );
  const names: string[] = [];
  for (let name = end; name !== null; name = chain.get(name)?.via ?? null) names.unshift(name);

  const waits: { node: string; forNode: string; waitMs: number }[] = [];
  const endedAt = new Map<string, number>();
  let barrierMs = 0;
  let slowest = "";
  for (const layer of layers) {
    const startMs = barrierMs;
    for (const name of layer) {
      const ready = Math.max(0, ...(needs.get(name) ?? []).map((need) => endedAt.get(need) ?? 0));
      if (startMs > ready && durationMs[name] !== undefined) {
        waits.push({ node: name, forNode: slowest, waitMs: startMs - ready });
      }
      endedAt.set(name, startMs + inSupersteps(name));
    }
    for (const name of layer) {
      if ((endedAt.get(name) ?? 0) <= barrierMs && slowest !== "") continue;
      barrierMs = endedAt.get(name) ?? 0;
      slowest = name;
    }
  }
  for (const [name, { waits: inside }] of within) {
    for (const { node, forNode, waitMs } of inside) {
      waits.push({ node: `${name}/${node}`, forNode: `${name}/${forNode}`, waitMs });
    }
  }
  return {
    layers,
    criticalPath: { names, durationMs: chain.get(end ?? "")?.endMs ?? 0 },
    superstepsMs: barrierMs,
    waits,
    loops: [
      ...Object.entries(rounds).map(([node, most]) => ({
        node,
        rounds: most,
        durationMs: durationMs[node] ?? 0,
      })),
      ...[...within].flatMap(([name, { loops }]) =>
        loops.map((loop) => ({ ...loop, node: `${name}/${loop.node}` })),
      ),
    ],
  };
}

/** The explanation as text. */
export function renderExplanation(explanation: Explanation, source: NodeDurations["source"]): string {
  const { layers, criticalPath, superstepsMs, waits, loops } = explanation;
  const saved = superstepsMs - criticalPath.durationMs;
  const share = superstepsMs > 0 ? Math.round((saved / superstepsMs) * 100) : 0;
  const basis =
    source === "record"
      ? "Times are those of the record."
      : `Times are estimates: ${firstTokenMs} ms to the first token, then ${tokensPerSecond} tokens/s; ${guessedOutputTokens} tokens where no maxTokens is set. --times RUN.json takes real ones.`;
  const longest = [...waits].sort((a, b) => b.waitMs - a.waitMs);
  return [
    `Layers (${counted(layers.length, "superstep")})`,
    ...layers.map((layer, index) => `  ${index + 1}  ${layer.join(", ")}`),
    "",
    `Critical path  ${criticalPath.names.join(" → ")}: ${seconds(criticalPath.durationMs)} s`,
    `Supersteps     ${seconds(superstepsMs)} s`,
    saved > 0.5
      ? `Dataflow       ${seconds(criticalPath.durationMs)} s: saves ${seconds(saved)} s (${share} %)`
      : waits.length === 0
        ? "Dataflow       saves nothing: no node waits for another layer"
        : "Dataflow       saves nothing: no node of the critical path waits",
    ...(longest.length === 0 ? [] : ["", "Under supersteps these wait although their needs have settled"]),
    ...longest.map(({ node, forNode, waitMs }) => `  ${node} waits ${seconds(waitMs)} s for ${forNode}`),
    ...(loops.length === 0 ? [] : ["", "Loops, reckoned with all their rounds (the worst case)"]),
    ...loops.map(
      ({ node, rounds, durationMs }) => `  ${node} ${counted(rounds, "round")}, ${seconds(durationMs)} s`,
    ),
    "",
    basis,
  ].join("\n");
}
