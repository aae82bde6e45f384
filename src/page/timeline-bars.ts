import type { PageCall, PageRow } from "../report/page-model.js";
import type { RunIndex } from "./index-run.js";
import { tone } from "./text.js";
import { html } from "./view.js";

/** Most calls of a row that are drawn one by one; more are drawn as one path. */
const mostSingle = 40;

/** Window of time on the axis, in milliseconds. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

interface BarsProps {
  readonly row: PageRow;
  readonly index: RunIndex;
  readonly span: Span;
  readonly foldable: boolean;
}

/** What stands on the axis for a piece of work: its wait, its body, its tries, and its requests or those of its parts. */
export function Bars({ row, index, span, foldable }: BarsProps) {
  const { readyAtMs, startedAtMs } = row;
  if (startedAtMs === null || row.reused) return row.reused ? html`<em class="why">reused</em>` : null;
  const end = row.endedAtMs ?? (row.state === "running" ? index.endMs : startedAtMs);
  const parts = foldable ? (index.children.get(row.id) ?? []) : [];
  const own = index.callsOf.get(row.id) ?? [];
  const calls = own.length > 0 || !foldable ? own : (index.callsWithin.get(row.id) ?? []);
  const inside = (from: number, to: number) => to >= span.from && from <= span.to;
  if (!inside(readyAtMs ?? startedAtMs, end)) return null;
  return html`
    ${readyAtMs !== null && readyAtMs < startedAtMs && html`<i class="b wait" style=${placed(readyAtMs, startedAtMs, span)}></i>`}
    <i class=${`b body ${tone(row.state)}${row.critical ? " crit" : ""}`} style=${placed(startedAtMs, end, span)}></i>
    ${row.tries.slice(0, mostSingle).map((one) => html`<i class=${`b call ${one.error === null ? "" : "bad"}`} style=${placed(one.startedAtMs, one.endedAtMs, span)}></i>`)}
    ${
      parts.length > mostSingle || calls.length > mostSingle
        ? html`<${Many} parts=${parts.length > mostSingle ? parts : []} calls=${parts.length > mostSingle ? [] : calls} span=${span} />`
        : calls
            .filter((call) => inside(call.startedAtMs, callEnd(call, index)))
            .map((call) => {
              const token =
                call.firstTokenMs === null ? callEnd(call, index) : call.startedAtMs + call.firstTokenMs;
              return html`${waitsOf(call, index).map(({ why, fromMs, toMs }) => html`<i class=${`b ${why}`} title=${why === "limit" ? "waits for a limit" : "waits for a warm cache"} style=${placed(fromMs, toMs, span)}></i>`)}
                <i class=${`b ttft${call.error === null ? "" : " bad"}`} style=${placed(call.startedAtMs, token, span)}></i>
                <i class=${`b call${call.error === null ? "" : " bad"}${call.hedged ? " hedged" : ""}`} style=${placed(token, callEnd(call, index), span)}></i>`;
            })
    }
  `;
}

/** What a request waited for: first for a warm cache, then for the limits. */
function waitsOf({ startedAtMs, waited }: PageCall, index: RunIndex) {
  const { limitMs = 0, warmMs = 0 } = waited ?? {};
  const limitAtMs = startedAtMs - limitMs;
  return [
    { why: "warm", fromMs: limitAtMs - warmMs, toMs: limitAtMs },
    { why: "limit", fromMs: limitAtMs, toMs: startedAtMs },
  ].filter(({ fromMs, toMs }) => toMs - fromMs >= leastWait(index));
}

/** Whether any request of the run is seen to wait so. */
export function waitsFor(index: RunIndex, what: "limitMs" | "warmMs"): boolean {
  return index.run.calls.some(({ waited }) => (waited?.[what] ?? 0) >= leastWait(index));
}

/** Shorter waits are not seen. */
const leastWait = ({ endMs }: RunIndex) => endMs / 500;

/** Hundreds of items in one row: each a thin line, spread over its height. */
function Many({ parts, calls, span }: { parts: readonly PageRow[]; calls: readonly PageCall[]; span: Span }) {
  const width = span.to - span.from;
  const lines = [
    ...parts.flatMap((part) =>
      part.startedAtMs === null
        ? []
        : [
            {
              from: part.startedAtMs,
              to: part.endedAtMs ?? part.startedAtMs,
              bad: tone(part.state) === "bad",
            },
          ],
    ),
    ...calls.map((call) => ({
      from: call.startedAtMs,
      to: call.startedAtMs + (call.durationMs ?? 0),
      bad: call.error !== null,
    })),
  ];
  const lanes = lanesOf(lines);
  const used = lanes.reduce((most, lane) => Math.max(most, lane), 0) + 1;
  const drawn = (bad: boolean) =>
    lines
      .map((line, at) => ({ line, y: 1 + (((lanes[at] ?? 0) + 0.5) / used) * 18 }))
      .filter(({ line }) => line.bad === bad && line.to >= span.from && line.from <= span.to)
      .map(({ line, y }) => {
        const from = Math.max(0, ((line.from - span.from) / width) * 1000);
        const to = Math.min(1000, Math.max(from + 1, ((line.to - span.from) / width) * 1000));
        return `M${from.toFixed(1)} ${y.toFixed(1)}H${to.toFixed(1)}`;
      })
      .join("");
  const thick = Math.max(0.6, (16 / used) * 0.7);
  return html`<svg class="many" viewBox="0 0 1000 20" preserveAspectRatio="none" aria-hidden="true">
    <path class="line" d=${drawn(false)} stroke-width=${thick} />
    <path class="line bad" d=${drawn(true)} stroke-width=${Math.max(1, thick)} />
  </svg>`;
}

/** The lane of each stretch: the first one that is free when it begins; at most 16. */
function lanesOf(lines: readonly { readonly from: number; readonly to: number }[]): number[] {
  const free: number[] = [];
  return lines.map(({ from, to }) => {
    const found = free.findIndex((until) => until <= from);
    const lane = found >= 0 ? found : free.length % 16;
    free[lane] = to;
    return lane;
  });
}

function callEnd(call: PageCall, index: RunIndex): number {
  return call.durationMs === null ? index.endMs : call.startedAtMs + call.durationMs;
}

/** Where a stretch of time stands on the axis, in percent of its width. */
export function placed(from: number, to: number, span: Span): { left: string; width: string } {
  const width = span.to - span.from;
  const left = Math.max(-1, ((from - span.from) / width) * 100);
  const right = Math.min(101, ((to - span.from) / width) * 100);
  return { left: `${left}%`, width: `${Math.max(0, right - left)}%` };
}
