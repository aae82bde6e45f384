import { useMemo, useState } from "preact/hooks";
import type { PageCall } from "../report/page-model.js";
import type { RunIndex } from "./index-run.js";
import { cost, count, shown, time } from "./text.js";
import { html } from "./view.js";

const rowHeight = 28;
const inSight = 12;

type Order = "startedAtMs" | "durationMs" | "tokens" | "costUsd";

/** Every model call of the run in one table; only the rows in sight are in the document. */
export function CallsView({ index, onSelect }: { index: RunIndex; onSelect: (row: string) => void }) {
  const [top, setTop] = useState(0);
  const [order, setOrder] = useState<Order>("startedAtMs");
  const calls = useMemo(() => sorted(index.run.calls, order), [index, order]);
  if (calls.length === 0) return null;
  const height = Math.min(inSight, calls.length) * rowHeight;
  const first = Math.max(0, Math.floor(top / rowHeight) - 4);
  const last = Math.min(calls.length, Math.ceil((top + height) / rowHeight) + 4);
  const head = (name: Order, title: string, more = "") =>
    html`<span role="columnheader" class=${`num ${more}`} aria-sort=${order === name ? (name === "startedAtMs" ? "ascending" : "descending") : undefined}>
      <button class="sort" onClick=${() => setOrder(name)}>${title}${order === name ? (name === "startedAtMs" ? " ↑" : " ↓") : ""}</button>
    </span>`;
  return html`<section data-view="calls" id="calls" aria-labelledby="calls-title">
    <div class="bar"><h2 id="calls-title">Calls</h2><span class="quiet">${count(calls.length)} model ${calls.length === 1 ? "call" : "calls"}</span></div>
    <div class="calls" role="table" aria-label="Model calls" aria-rowcount=${calls.length + 1}>
      <div class="call-row call-head" role="row">
        <span role="columnheader">node</span><span role="columnheader" class="wide">model</span>
        ${head("startedAtMs", "start")}${head("durationMs", "took")}
        <span role="columnheader" class="num wide">first token</span>
        ${head("tokens", "tokens")}${head("costUsd", "cost")}
        <span role="columnheader" class="wide">end</span>
      </div>
      <div class="call-body" role="rowgroup" tabindex="0" aria-label="Model calls, scrollable" style=${{ height: `${height + 2}px` }} onScroll=${(event: Event) => setTop((event.currentTarget as HTMLElement).scrollTop)}>
        <div role="presentation" style=${{ height: `${calls.length * rowHeight}px`, position: "relative" }}>
          ${calls.slice(first, last).map(
            (
              call,
              at,
            ) => html`<div key=${call.id} role="row" class="call-row" aria-rowindex=${first + at + 2} style=${{ top: `${(first + at) * rowHeight}px` }} data-call=${call.id}>
              <span role="cell"><button class="link" onClick=${() => onSelect(call.row)}>${shown(call.row)}</button></span>
              <span role="cell" class="wide">${shown(call.model)}${call.attempt > 1 ? ` · attempt ${call.attempt}` : ""}</span>
              <span role="cell" class="num">${time(call.startedAtMs)}</span>
              <span role="cell" class="num">${call.durationMs === null ? "…" : time(call.durationMs)}</span>
              <span role="cell" class="num wide">${call.firstTokenMs === null ? "–" : time(call.firstTokenMs)}</span>
              <span role="cell" class="num">${call.estimated ? "≈" : ""}${count(call.inputTokens + call.outputTokens)}</span>
              <span role="cell" class="num">${cost(call.costUsd)}</span>
              <span role="cell" class=${`wide ${call.error === null ? "" : "bad-text"}`}>${shown(call.error?.code ?? call.finishReason ?? "–")}</span>
            </div>`,
          )}
        </div>
      </div>
    </div>
  </section>`;
}

function sorted(calls: readonly PageCall[], order: Order): readonly PageCall[] {
  if (order === "startedAtMs") return calls;
  const of = (call: PageCall) =>
    order === "tokens" ? call.inputTokens + call.outputTokens : (call[order] ?? -1);
  return [...calls].sort((a, b) => of(b) - of(a));
}
