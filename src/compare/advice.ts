import type { TopologyFigures } from "./figures.js";

/** Walls within this share of the fastest count as equally fast; then the tokens decide. */
const closeShare = 0.05;

/** One sentence that says which topology suits and why, from the figures alone. */
export function adviceOf(topologies: readonly TopologyFigures[]): string {
  const [first, ...others] = topologies;
  if (first === undefined) return "Nothing was compared.";
  const fewest = Math.min(...topologies.map(({ failures }) => failures));
  const sound = topologies.filter(({ failures }) => failures === fewest);
  const fastest = Math.min(...sound.map(({ wallMs }) => wallMs.median));
  const close = sound.filter(({ wallMs }) => wallMs.median <= fastest * (1 + closeShare));
  const best = close.reduce((a, b) => (tokensOf(b) < tokensOf(a) ? b : a));
  if (others.length === 0) return `Only "${best.topology}" was run: ${describe(best)}.`;
  if (topologies.every(({ runs }) => runs.length > 0 && runs.every(({ state }) => state === "failed"))) {
    return `Every run failed, so nothing can be said: ${first.runs[0]?.error?.message ?? ""}`.trimEnd();
  }
  if (isTooShort(topologies)) {
    const frugal = sound.reduce((a, b) => (tokensOf(b) < tokensOf(a) ? b : a));
    return `The runs differ by milliseconds, too little to judge by: "${frugal.topology}" used the fewest tokens (${tokensOf(frugal)}). Simulated latency (--simulate) shows what a model's pace makes of it.`;
  }

  const slowest = topologies.reduce((a, b) => (b.wallMs.median > a.wallMs.median ? b : a));
  const reasons = [describe(best)];
  if (slowest !== best) {
    reasons.push(`${times(slowest.wallMs.median / best.wallMs.median)} faster than "${slowest.topology}"`);
  }
  const frugal = topologies.reduce((a, b) => (tokensOf(b) < tokensOf(a) ? b : a));
  if (frugal !== best && tokensOf(frugal) < tokensOf(best)) {
    const saved = Math.round(100 * (1 - tokensOf(frugal) / tokensOf(best)));
    const skipped =
      frugal.nodesSkipped > best.nodesSkipped ? ` by skipping ${frugal.nodesSkipped} nodes` : "";
    reasons.push(`though "${frugal.topology}" uses ${saved} % fewer tokens${skipped}`);
  }
  if (fewest > 0) reasons.push(`though ${fewest} of its nodes failed`);
  else if (sound.length < topologies.length) {
    const failing = topologies.filter(({ failures }) => failures > 0).map(({ topology }) => `"${topology}"`);
    reasons.push(`while nodes failed in ${failing.join(" and ")}`);
  }
  return `"${best.topology}" suits this input: ${reasons.join(", ")}.`;
}

/** Walls of real time that lie less apart than this, in milliseconds, say more of the machine than of the topology. */
const tellingMs = 250;

function isTooShort(topologies: readonly TopologyFigures[]): boolean {
  const walls = topologies.map(({ wallMs }) => wallMs.median);
  const simulated = topologies.some(({ runs }) => runs.some((run) => run.simulated !== null));
  return !simulated && Math.max(...walls) - Math.min(...walls) < tellingMs;
}

const tokensOf = ({ inputTokens, outputTokens }: TopologyFigures) => inputTokens + outputTokens;

function describe(figures: TopologyFigures): string {
  const seconds = figures.wallMs.median / 1000;
  return `${seconds.toFixed(seconds < 1 ? 3 : 1)} s, ${figures.modelCalls} model calls and ${tokensOf(figures)} tokens`;
}

const times = (ratio: number) => `${ratio.toFixed(1)} times`;
