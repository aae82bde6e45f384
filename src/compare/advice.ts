import type { Agreement } from "./agreement.js";
import type { TopologyFigures } from "./figures.js";

/** Walls within this share of the fastest count as equally fast; then the tokens decide. */
const closeShare = 0.05;

/** A topology that skipped work and answers less alike than this is not advised while another is there. */
const alikeEnough = 0.8;

/**
 * One sentence that says which topology suits and why, and one more where runs wait for an answer. A topology that skipped
 * work that another did, and answers otherwise, is advised only where nothing else is there, and is never called faster
 * without that word.
 */
export function adviceOf(
  topologies: readonly TopologyFigures[],
  agreement: readonly Agreement[] = [],
): string {
  const waiting = topologies.filter(({ runs }) => runs.some(({ state }) => state === "interrupted"));
  const ending =
    waiting.length === 0 ? "" : ` Runs of ${named(waiting)} wait for an answer, and their figures end there.`;
  return judgedBy(topologies, agreement) + ending;
}

function judgedBy(topologies: readonly TopologyFigures[], agreement: readonly Agreement[]): string {
  const [first, ...others] = topologies;
  if (first === undefined) return "Nothing was compared.";
  const fewest = Math.min(...topologies.map(({ failures }) => failures));
  const leastSkipped = Math.min(...topologies.map(({ nodesSkipped }) => nodesSkipped));
  const likeness = (figures: TopologyFigures) => likenessOf(figures, topologies, agreement, leastSkipped);
  const otherwise = (figures: TopologyFigures) =>
    likeness(figures) < 1
      ? ` but skipped ${figures.nodesSkipped} nodes and answers otherwise (similarity ${likeness(figures).toFixed(2)})`
      : "";
  const unfailing = topologies.filter(({ failures }) => failures === fewest);
  const alike = unfailing.filter((figures) => likeness(figures) >= alikeEnough);
  const sound = alike.length > 0 ? alike : unfailing;
  const fastest = Math.min(...sound.map(({ wallMs }) => wallMs.median));
  const close = sound.filter(({ wallMs }) => wallMs.median <= fastest * (1 + closeShare));
  const best = close.reduce((a, b) => (tokensOf(b) < tokensOf(a) ? b : a));
  if (others.length === 0) return `Only "${best.topology}" was run: ${describe(best)}.`;
  if (topologies.every(({ runs }) => runs.length > 0 && runs.every(({ state }) => state === "failed"))) {
    return `Every run failed, so nothing can be said: ${first.runs[0]?.error?.message ?? ""}`.trimEnd();
  }
  if (isTooShort(topologies)) {
    const frugal = sound.reduce((a, b) => (tokensOf(b) < tokensOf(a) ? b : a));
    return `The runs differ by milliseconds, too little to judge by: "${frugal.topology}" used the fewest tokens (${tokensOf(frugal)})${otherwise(frugal)}. Simulated latency (--simulate) shows what a model's pace makes of it.`;
  }

  const slowest = topologies.reduce((a, b) => (b.wallMs.median > a.wallMs.median ? b : a));
  const reasons = [describe(best)];
  if (slowest !== best) {
    reasons.push(
      `${times(slowest.wallMs.median / best.wallMs.median)} faster than "${slowest.topology}"${otherwise(best)}`,
    );
  }
  const frugal = topologies.reduce((a, b) => (tokensOf(b) < tokensOf(a) ? b : a));
  if (frugal !== best && tokensOf(frugal) < tokensOf(best)) {
    const saved = Math.round(100 * (1 - tokensOf(frugal) / tokensOf(best)));
    const skipped =
      frugal.nodesSkipped > best.nodesSkipped ? ` by skipping ${frugal.nodesSkipped} nodes` : "";
    const differs = likeness(frugal) < 1 ? " and answering otherwise" : "";
    reasons.push(`though "${frugal.topology}" uses ${saved} % fewer tokens${skipped}${differs}`);
  }
  if (fewest > 0) reasons.push(`though ${fewest} of its nodes failed`);
  else if (unfailing.length < topologies.length)
    reasons.push(`while nodes failed in ${named(topologies.filter((one) => !unfailing.includes(one)))}`);
  const unlike = unfailing.filter((figures) => !sound.includes(figures));
  if (unlike.length > 0) reasons.push(`while ${named(unlike)} skipped more and answered otherwise`);
  return `"${best.topology}" suits this input: ${reasons.join(", ")}.`;
}

/** How alike a topology that skipped work answers to one that did it, from 0 to 1; 1 where it skipped nothing more. */
function likenessOf(
  figures: TopologyFigures,
  all: readonly TopologyFigures[],
  agreement: readonly Agreement[],
  leastSkipped: number,
): number {
  if (figures.nodesSkipped <= leastSkipped) return 1;
  const full = all.find(({ nodesSkipped }) => nodesSkipped === leastSkipped);
  // Agreement is with the first topology: where that one skipped the work, the fuller one's figure tells.
  const told = figures === all[0] ? full : figures;
  const found = agreement.find(({ topology }) => topology === told?.topology);
  return found === undefined || found.exact === 1 ? 1 : Math.min(0.99, found.similarity);
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

function named(topologies: readonly TopologyFigures[]): string {
  const names = topologies.map(({ topology }) => `"${topology}"`);
  return [...(names.length > 1 ? [names.slice(0, -1).join(", ")] : []), names.at(-1)].join(" and ");
}

const times = (ratio: number) => `${ratio.toFixed(1)} times`;
