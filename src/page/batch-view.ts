import type { PageBatchProgress, PageData, PageRun, PageSpread } from "../report/page-model.js";
import { QuestionsView, type SendAnswer } from "./questions-view.js";
import { cost, count, counted, shown, time, tone } from "./text.js";
import { html } from "./view.js";

interface BatchProps {
  readonly data: PageData;
  readonly answer: SendAnswer | null;
  readonly onRun: (run: number) => void;
}

/** Many runs: how far they are, how time and cost are spread, what failed, and the slowest and dearest. */
export function BatchView({ data, answer, onRun }: BatchProps) {
  const { runs, batch } = data;
  const total = batch?.total ?? runs.length;
  const states = batch?.states ?? tally(runs.map(({ state }) => state));
  const codes =
    batch?.codes ??
    tally(
      runs.flatMap((run) => [
        ...(run.error === null ? [] : [run.error.code]),
        ...run.rows.flatMap((row) =>
          tone(row.state) === "bad" && row.problem !== null ? [row.problem.code] : [],
        ),
      ]),
    );
  const times = batch === undefined ? spreadOf(runs.map((run) => run.durationMs)) : batch.time;
  const costs =
    batch === undefined
      ? spreadOf(runs.flatMap((run) => (run.usage.costUsd === null ? [] : [run.usage.costUsd])))
      : batch.cost;
  const isFree = costs?.most === 0;
  const top = (of: (run: PageRun) => number) =>
    runs
      .map((run, at) => ({ run, at }))
      .sort((a, b) => of(b.run) - of(a.run))
      .slice(0, 5);
  const ranked = (title: string, of: (run: PageRun) => number, show: (run: PageRun) => string) => html`<div>
    <h3>${title}</h3>
    <ol>${top(of).map(({ run, at }) => html`<li><button class="link" onClick=${() => onRun(at)}>${shown(run.label)}</button> ${show(run)}</li>`)}</ol>
  </div>`;
  const failed = runs.map((run, at) => ({ run, at })).filter(({ run }) => tone(run.state) === "bad");
  return html`<section data-view="batch" id="batch" aria-labelledby="batch-title">
    <div class="bar"><h2 id="batch-title">${batch?.progress === undefined ? counted(total, batch === undefined ? "run" : "row") : "Under way"}</h2>${batch?.progress === undefined && batch?.costUsd !== undefined && html`<span class="quiet">${cost(batch.costUsd)}</span>`}</div>
    ${batch?.progress !== undefined && html`<${Progress} done=${total} progress=${batch.progress} answer=${answer} />`}
    <p class="chips">${states.map(([state, number]) => html`<span class=${`chip ${tone(state)}`}>${count(number)} ${shown(state)}</span>`)}</p>
    ${batch !== undefined && runs.length > 0 && html`<p class="quiet">${count(runs.length)} of them can be looked into: the slowest, the dearest, the first and those that failed first.</p>`}
    <div class="columns">
      <${Histogram} title="Time" spread=${times} show=${time} />
      ${!isFree && html`<${Histogram} title="Cost" spread=${costs} show=${cost} />`}
      ${ranked(
        "Slowest",
        (run) => run.durationMs,
        (run) => time(run.durationMs),
      )}
      ${
        !isFree &&
        ranked(
          "Dearest",
          (run) => run.usage.costUsd ?? -1,
          (run) => cost(run.usage.costUsd),
        )
      }
      ${codes.length > 0 && html`<div><h3>Failures by code</h3><ol>${codes.map(([code, number]) => html`<li><code>${shown(code)}</code> ${count(number)}</li>`)}</ol></div>`}
      ${batch !== undefined && failed.length > 0 && html`<div><h3>Failed</h3><ol>${failed.slice(0, 20).map(({ run, at }) => html`<li><button class="link" onClick=${() => onRun(at)}>${shown(run.label)}</button> <code>${shown(run.error?.code ?? run.state)}</code></li>`)}</ol></div>`}
    </div>
  </section>`;
}

interface ProgressProps {
  readonly done: number;
  readonly progress: PageBatchProgress;
  readonly answer: SendAnswer | null;
}

/** How far a batch is, and what it is at. */
function Progress({ done, progress, answer }: ProgressProps) {
  const { rows, perSecond, costUsd, running, waiting, underWay } = progress;
  const left = rows === null || perSecond <= 0 ? null : ((rows - done) / perSecond) * 1000;
  const asking = underWay.filter(({ questions }) => questions.length > 0);
  const fact = (name: string, value: string) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`;
  return html`<div data-batch-progress=${String(done)}>
    <dl class="figures">
      ${fact("rows", rows === null ? count(done) : `${count(done)} of ${count(rows)}`)}
      ${fact("a second", perSecond >= 10 ? String(Math.round(perSecond)) : perSecond.toFixed(1))}
      ${left !== null && left > 0 && fact("left", time(left))}
      ${fact("cost so far", cost(costUsd))}${fact("under way", count(running))}
      ${waiting > 0 && fact("wait for an answer", count(waiting))}
    </dl>
    ${rows !== null && html`<progress class="whole" max=${Math.max(1, rows)} value=${done} aria-label=${`${count(done)} of ${count(rows)} rows are done`}></progress>`}
    ${asking.map(({ key, run, questions, asked }) => html`<${QuestionsView} key=${`${run} ${asked}`} label=${key} run=${run} questions=${questions} answer=${answer} />`)}
    ${
      underWay.length > asking.length &&
      html`<h3>Rows under way</h3><div class="scroll" tabindex="0" role="group" aria-label="Rows under way"><table>
        <thead><tr><th scope="col">row</th><th scope="col" class="num">since</th><th scope="col" class="num">nodes</th><th scope="col">at</th></tr></thead>
        <tbody>${underWay
          .filter(({ questions }) => questions.length === 0)
          .map(
            (row) =>
              html`<tr key=${row.run} data-row=${row.key}><th scope="row">${shown(row.key)}</th><td class="num">${time(row.tookMs)}</td><td class="num">${row.settled} of ${row.nodes}</td><td>${shown(row.now.join(", "))}</td></tr>`,
          )}</tbody>
      </table></div>`
    }
  </div>`;
}

function Histogram({
  title,
  spread,
  show,
}: {
  title: string;
  spread: PageSpread | null;
  show: (value: number) => string;
}) {
  if (spread === null) return html`<div><h3>${title}</h3><p class="quiet">unknown</p></div>`;
  const { least, most, p50, p95, bins } = spread;
  const highest = bins.reduce((a, b) => Math.max(a, b), 1);
  const label = `${title}: from ${show(least)} to ${show(most)}, half of the runs at most ${show(p50)}, 95 % at most ${show(p95)}`;
  return html`<div>
    <h3>${title}</h3>
    <svg class="histogram" viewBox="0 0 240 60" role="img" aria-label=${label}>
      ${bins.map((number, bin) => html`<rect x=${bin * 10 + 1} y=${58 - (number / highest) * 54} width="8" height=${(number / highest) * 54} rx="1.5" />`)}
      <path d="M0 59H240" />
    </svg>
    <p class="quiet">${show(least)} – ${show(most)} · p50 ${show(p50)} · p95 ${show(p95)}</p>
  </div>`;
}

function spreadOf(values: readonly number[]): PageSpread | null {
  const sorted = [...values].sort((a, b) => a - b);
  const [least, most] = [sorted[0], sorted.at(-1)];
  if (least === undefined || most === undefined) return null;
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  const bins = Array.from({ length: 24 }, () => 0);
  for (const value of sorted) {
    const bin = most === least ? 0 : Math.min(23, Math.floor(((value - least) / (most - least)) * 24));
    bins[bin] = (bins[bin] ?? 0) + 1;
  }
  return { least, most, p50: at(0.5), p95: at(0.95), bins };
}

function tally(names: readonly string[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]);
}
