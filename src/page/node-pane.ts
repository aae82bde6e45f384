import { useEffect, useRef } from "preact/hooks";
import type { PageCall, PageData, PageNode, PageProblem, PageRow } from "../report/page-model.js";
import type { RunIndex } from "./index-run.js";
import {
  cost,
  costOf,
  count,
  mark,
  partsText,
  progressOf,
  shown,
  time,
  tokens,
  tone,
  valueText,
} from "./text.js";
import { html } from "./view.js";

interface PaneProps {
  readonly data: PageData;
  readonly index: RunIndex;
  readonly selected: string;
  readonly live: ReadonlyMap<string, string>;
  readonly onSelect: (row: string) => void;
  readonly onClose: () => void;
}

/** Everything about one piece of work: what it was asked, what it answered, what it took. */
export function NodePane({ data, index, selected, live, onSelect, onClose }: PaneProps) {
  const row = index.rows.get(selected);
  const pane = useRef<HTMLElement>(null);
  useEffect(() => {
    if (pane.current !== null) pane.current.scrollTop = 0;
  }, [selected]);
  const path = row?.declared ?? selected;
  const node = declaredNode(data, index, path);
  const calls = index.callsOf.get(selected) ?? [];
  const within = index.callsWithin.get(selected) ?? [];
  const outer = path.includes("/") ? path.slice(0, path.lastIndexOf("/") + 1) : "";
  const fed = siblings(data, index, path)
    .filter((one) => one.needs.includes(node?.name ?? ""))
    .map((one) => one.name);
  const rowFor = (name: string) =>
    row?.id.includes("/") ? row.id.slice(0, row.id.lastIndexOf("/") + 1) + name : outer + name;
  const links = (names: readonly string[]) =>
    names.length === 0
      ? html`<span class="quiet">nothing</span>`
      : names.map(
          (name) =>
            html`<button class="link" onClick=${() => onSelect(rowFor(name))}>${shown(name)}</button>`,
        );
  return html`<aside class="pane" ref=${pane} aria-label=${`Node ${shown(selected)}`} tabindex="-1" id="pane">
    <div class="pane-head">
      <h2>${shown(row?.id ?? selected)}</h2>
      <button class="close" aria-label="Close" onClick=${onClose}>✕</button>
    </div>
    ${node?.description != null && html`<p class="quiet">${shown(node.description)}</p>`}
    <p class="chips">
      <span class=${`chip ${tone(row?.state ?? "")}`}>${mark(row?.state ?? "")} ${row?.state ?? "not settled"}</span>
      <span class="chip">${row?.kind ?? node?.kind ?? ""}</span>
      ${row?.critical && html`<span class="chip crit">critical path</span>`}
      ${row?.reused && html`<span class="chip">reused</span>`}
      ${row?.exhausted && html`<span class="chip warn">ended by maxRounds</span>`}
    </p>
    ${row !== undefined && html`<${Facts} row=${row} calls=${within} />`}
    <dl class="facts">
      <dt>needs</dt>
      <dd>${links(node?.needs ?? [])}</dd>
      <dt>feeds</dt>
      <dd>${links(fed)}</dd>
      ${node?.when != null && html`<dt>when</dt><dd><code>${shown(node.when)}</code></dd>`}
      ${node?.join != null && html`<dt>join</dt><dd>${shown(node.join.replace(/^join: /, ""))}</dd>`}
    </dl>
    ${row?.problem != null && html`<${Problem} problem=${row.problem} />`}
    ${row !== undefined && "value" in row && html`<h3>Value</h3><pre class="text" tabindex="0">${valueText(row.value)}</pre>`}
    ${row !== undefined && "progress" in row && html`<h3>Progress</h3><${Progress} value=${row.progress} />`}
    ${(row?.tries ?? []).length > 0 && html`<h3>Attempts</h3>${row?.tries.map((one) => html`<p class="try">${one.attempt}. ${time(one.startedAtMs)} – ${time(one.endedAtMs)} ${one.error === null ? "done" : ""}</p>${one.error !== null && html`<${Problem} problem=${one.error} />`}`)}`}
    ${calls.length > 0 && html`<h3>${count(calls.length)} model ${calls.length === 1 ? "call" : "calls"}</h3>`}
    ${calls.slice(0, 50).map((call, at) => html`<${Call} key=${call.id} call=${call} index=${index} noTexts=${data.noTexts} open=${at === calls.length - 1} live=${live.get(call.id)} />`)}
    ${calls.length > 50 && html`<p class="quiet">The first 50 of them are shown.</p>`}
    ${node !== undefined && Object.keys(node.declared).length > 0 && html`<details><summary>Declared</summary><dl class="facts">${Object.entries(node.declared).map(([field, text]) => html`<dt>${shown(field)}</dt><dd><code>${shown(text)}</code></dd>`)}</dl></details>`}
  </aside>`;
}

/** The last thing that a function told of its progress. */
function Progress({ value }: { value: unknown }) {
  const { share, text } = progressOf(value);
  return html`${share !== null && html`<progress class="whole" max="1" value=${share} aria-label=${`Progress: ${text}`}></progress>`}
    <pre class="text" tabindex="0">${valueText(value)}</pre>`;
}

function Facts({ row, calls }: { row: PageRow; calls: readonly PageCall[] }) {
  const { readyAtMs, startedAtMs, endedAtMs } = row;
  return html`<dl class="facts">
    ${startedAtMs !== null && html`<dt>time</dt><dd>${endedAtMs === null ? "since" : `${time(endedAtMs - startedAtMs)}, from`} ${time(startedAtMs)}${endedAtMs !== null && ` to ${time(endedAtMs)}`}</dd>`}
    ${readyAtMs !== null && startedAtMs !== null && startedAtMs - readyAtMs >= 1 && html`<dt>waited</dt><dd>${time(startedAtMs - readyAtMs)}</dd>`}
    ${row.attempts > 1 && html`<dt>attempts</dt><dd>${row.attempts}</dd>`}
    ${calls.length > 0 && html`<dt>tokens</dt><dd>${tokens(calls)} in ${count(calls.length)} ${calls.length === 1 ? "call" : "calls"}</dd><dt>cost</dt><dd>${cost(costOf(calls))}</dd>`}
    ${
      row.counts !== null &&
      html`<dt>${row.counts.noun}s</dt><dd>${count(row.counts.total)}${Object.entries(row.counts.states)
        .map(([state, number]) => `, ${number} ${state}`)
        .join("")}</dd>`
    }
  </dl>`;
}

interface CallProps {
  readonly call: PageCall;
  readonly index: RunIndex;
  readonly noTexts: boolean;
  readonly open: boolean;
  readonly live: string | undefined;
}

function Call({ call, index, noTexts, open, live }: CallProps) {
  const more = [
    !call.cachedInputTokens ? "" : `${count(call.cachedInputTokens)} cached`,
    !call.cacheWriteTokens ? "" : `${count(call.cacheWriteTokens)} written to the cache`,
    !call.reasoningTokens ? "" : `${count(call.reasoningTokens)} reasoning`,
  ].filter((one) => one !== "");
  const about = call.estimated ? "≈" : "";
  const reply =
    call.reply !== null ? partsText(call.reply, index.run) : live !== undefined ? shown(live) : null;
  return html`<details class="call" open=${open}>
    <summary>
      <span class=${call.error === null ? "sign good" : "sign bad"}>${call.durationMs === null ? "●" : call.error === null ? "✓" : "✕"}</span>
      ${shown(call.model)}${call.attempt > 1 && ` · attempt ${call.attempt}`}${call.hedged && " · hedged"} ·${" "}
      ${call.durationMs === null ? "under way" : time(call.durationMs)}
    </summary>
    <dl class="facts">
      <dt>first token</dt><dd>${call.firstTokenMs === null ? "none" : `after ${time(call.firstTokenMs)}`}</dd>
      ${(call.waited?.limitMs ?? 0) >= 1 && html`<dt>waited</dt><dd>${time(call.waited?.limitMs ?? 0)} for a limit</dd>`}
      ${(call.waited?.warmMs ?? 0) >= 1 && html`<dt>waited</dt><dd>${time(call.waited?.warmMs ?? 0)} for a warm cache</dd>`}
      <dt>tokens</dt><dd>${about}${count(call.inputTokens)} in, ${about}${count(call.outputTokens)} out${more.length > 0 && ` (${more.join(", ")})`}</dd>
      <dt>cost</dt><dd>${cost(call.costUsd)}</dd>
      ${call.finishReason !== null && html`<dt>finished</dt><dd>${shown(call.finishReason)}</dd>`}
    </dl>
    ${call.error !== null && html`<${Problem} problem=${call.error} />`}
    ${
      call.messages !== null
        ? html`<h4>Prompt as sent</h4>${call.messages.map((one) => html`<div class="message"><b>${shown(one.role)}</b><pre class="text" tabindex="0">${partsText(one.parts, index.run)}</pre></div>`)}`
        : !noTexts &&
          html`<p class="quiet">The prompt was not kept: run with <code>--texts</code>, <code>--report</code> or <code>--web</code>.</p>`
    }
    ${reply !== null && html`<h4>Answer</h4><pre class="text" tabindex="0">${reply}</pre>`}
    ${call.toolCalls.length > 0 && html`<h4>Tool calls</h4>${call.toolCalls.map((tool) => html`<div class="message"><b>${shown(tool.name)}</b><pre class="text" tabindex="0">${tool.args === null ? "(left out)" : valueText(tool.args)}</pre></div>`)}`}
  </details>`;
}

export function Problem({ problem }: { problem: PageProblem }) {
  return html`<div class="problem">
    <b>${shown(problem.code)}</b>
    <p>${shown(problem.message)}</p>
    ${problem.text !== undefined && problem.text !== "" && html`<pre class="text" tabindex="0">${shown(problem.text)}</pre>`}
  </div>`;
}

function siblings(data: PageData, index: RunIndex, path: string): readonly PageNode[] {
  const at = path.lastIndexOf("/");
  return data.graphs[index.run.graph + (at < 0 ? "" : `/${path.slice(0, at)}`)]?.nodes ?? [];
}

function declaredNode(data: PageData, index: RunIndex, path: string): PageNode | undefined {
  const name = path.slice(path.lastIndexOf("/") + 1);
  return siblings(data, index, path).find((node) => node.name === name);
}
