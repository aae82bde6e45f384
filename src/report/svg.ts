import { criticalPath } from "../records/critical-path.js";
import type { DagProjection } from "../records/events.js";
import { type RunRecord, spansOf } from "../records/record.js";
import { cleanLine, counted, seconds } from "./plain-text.js";
import { stateMark } from "./state-mark.js";
import { escapeXml, renderSvgGraph } from "./svg-graph.js";
import { layOutGraph, type NodeOverlay } from "./svg-layout.js";

/** Space around the drawing, in pixels. */
const margin = 24;

/** How a declaration is drawn. */
export interface SvgOptions {
  /** A run whose states, times and critical path are drawn into it. @default none */
  readonly record?: RunRecord;
}

function overlayOf({ dag, outcomes, calls }: RunRecord): ReadonlyMap<string, NodeOverlay> {
  const critical = new Set(
    criticalPath(spansOf(dag, outcomes, calls)).names.map((name) => name.split(" ")[0]),
  );
  return new Map(
    Object.entries(outcomes).map(([name, outcome]): [string, NodeOverlay] => {
      const { state, startedAtMs, endedAtMs } = outcome;
      const took =
        startedAtMs === null || endedAtMs === null ? [] : [`${seconds(endedAtMs - startedAtMs)} s`];
      const code =
        "error" in outcome ? [outcome.error.code] : "reason" in outcome ? [outcome.reason.code] : [];
      const parts = outcome.items === undefined ? [] : [counted(outcome.items.length, "item")];
      const line = [`${stateMark(state).symbol} ${state}`, ...took, ...parts, ...code]
        .map(cleanLine)
        .join(" · ");
      const tone = state === "completed" ? "good" : "error" in outcome ? "bad" : "dim";
      return [name, { line, tone, critical: critical.has(name) }];
    }),
  );
}

const style = `
  .dag-paper { fill: #ffffff; }
  .dag-card { fill: #f6f8fa; stroke: #c4ccd4; }
  .dag-frame { fill: #ffffff; }
  .dag-end { fill: #ffffff; stroke: #59636e; }
  .dag-edge { fill: none; stroke: #8c959f; stroke-width: 1.4; }
  .dag-dashed { stroke-dasharray: 5 4; }
  .dag-arrow { fill: #8c959f; }
  .dag-name { font-size: 13px; font-weight: 600; fill: #1f2328; }
  .dag-kind, .dag-description { font-size: 11px; fill: #59636e; }
  .dag-join { font-size: 11px; font-weight: 600; fill: #9a6700; }
  .dag-agent { fill: #0969da; }
  .dag-function { fill: #1a7f37; }
  .dag-tool { fill: #bc4c00; }
  .dag-graph { fill: #8250df; }
  .dag-approval { fill: #bf3989; }
  .dag-critical { stroke: #bc4c00; stroke-width: 2.4; }
  .dag-run-good { font-size: 11px; font-weight: 600; fill: #1a7f37; }
  .dag-run-bad { font-size: 11px; font-weight: 600; fill: #cf222e; }
  .dag-run-dim { font-size: 11px; font-weight: 600; fill: #59636e; }
  @media (prefers-color-scheme: dark) {
    .dag-paper, .dag-frame, .dag-end { fill: #0d1117; }
    .dag-card { fill: #161b22; stroke: #3d444d; }
    .dag-frame { fill: #0d1117; }
    .dag-end { stroke: #9198a1; }
    .dag-name { fill: #e6edf3; }
    .dag-kind, .dag-description { fill: #9198a1; }
    .dag-join { fill: #d29922; }
    .dag-critical { stroke: #f0883e; }
    .dag-run-good { fill: #3fb950; }
    .dag-run-bad { fill: #ff7b72; }
    .dag-run-dim { fill: #9198a1; }
  }
`;

const fonts = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace";

/** The declaration as a self-contained SVG, readable on light and on dark pages: no script, no web font. */
export function renderSvg(dag: DagProjection, { record }: SvgOptions = {}): string {
  const layout = layOutGraph(dag, true, record === undefined ? undefined : overlayOf(record));
  const width = Math.ceil(layout.width + 2 * margin);
  const height = Math.ceil(layout.height + 2 * margin);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" font-family="${fonts}">
<title>${escapeXml(cleanLine(dag.name))}</title>
<style>${style}</style>
<defs><marker id="dag-arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path class="dag-arrow" d="M0 0L8 4L0 8z"/></marker></defs>
<rect class="dag-paper" width="${width}" height="${height}" rx="8"/>
<g transform="translate(${margin} ${margin})">
${renderSvgGraph(layout)}
</g>
</svg>
`;
}
