import type { PageData, PageFigures, PageRow, PageRun } from "../report/page-model.js";
import { cost, count, percent, shown, time, tone } from "./text.js";
import { html } from "./view.js";

interface CompareProps {
  readonly data: PageData;
  readonly onRun: (run: number) => void;
}

/** Topologies side by side: figures, agreement, advice, and their typical runs on one axis. */
export function CompareView({ data, onRun }: CompareProps) {
  const { compare } = data;
  if (compare === null) return null;
  const topologies = compare.topologies.map((one) => soFar(one, data.runs[one.run]));
  const longest = topologies.reduce(
    (most, { run, maxMs }) => Math.max(most, data.runs[run]?.durationMs ?? 0, maxMs),
    1,
  );
  const best = (pick: (one: PageFigures) => number | null) =>
    topologies
      .filter(({ open }) => open !== true)
      .reduce(
        (least, one) => Math.min(least, pick(one) ?? Number.POSITIVE_INFINITY),
        Number.POSITIVE_INFINITY,
      );
  const cell = (
    one: PageFigures,
    pick: (figures: PageFigures) => number | null,
    show: (value: number | null) => string,
  ) => html`<td class=${pick(one) === best(pick) ? "num best" : "num"}>${show(pick(one))}</td>`;
  const agreed = new Map(compare.agreement.map((one) => [one.topology, one]));
  return html`<section data-view="compare" id="compare" aria-labelledby="compare-title">
    <div class="bar"><h2 id="compare-title">Comparison</h2></div>
    <p class="advice"><b>Advice</b> ${shown(compare.advice === "" ? "None yet: no run has ended." : compare.advice)}</p>
    <div class="scroll" tabindex="0" role="group" aria-label="Figures of the topologies">
      <table>
        <thead><tr><th scope="col">topology</th><th scope="col" class="num">wall</th><th scope="col" class="num">min – max</th><th scope="col" class="num">critical path</th><th scope="col" class="num">calls</th><th scope="col" class="num">tokens</th><th scope="col" class="num">cost</th><th scope="col" class="num">failures</th><th scope="col" class="num">agreement</th></tr></thead>
        <tbody>
          ${topologies.map((one) => {
            const same = agreed.get(one.topology);
            return html`<tr>
              <th scope="row">${one.run < 0 ? shown(one.topology) : html`<button class="link" onClick=${() => onRun(one.run)}>${shown(one.topology)}</button>`}${one.open === true && html` <small>${shown(data.runs[one.run]?.state ?? "")}</small>`}</th>
              ${cell(
                one,
                (f) => f.wallMs,
                (v) => time(v ?? 0),
              )}
              <td class="num">${time(one.minMs)} – ${time(one.maxMs)}</td>
              ${cell(
                one,
                (f) => f.criticalPathMs,
                (v) => time(v ?? 0),
              )}
              ${cell(
                one,
                (f) => f.modelCalls,
                (v) => count(v ?? 0),
              )}
              ${cell(
                one,
                (f) => f.inputTokens + f.outputTokens,
                (v) => count(v ?? 0),
              )}
              ${cell(one, (f) => f.costUsd, cost)}
              <td class=${one.failures > 0 ? "num bad-text" : "num"}>${count(one.failures)}</td>
              <td class="num" title=${
                same === undefined
                  ? ""
                  : shown(
                      Object.entries(same.fields)
                        .map(([name, share]) => `${name} ${percent(share)}`)
                        .join(", "),
                    )
              }>${same === undefined ? "–" : `${percent(same.exact)} equal, ${same.similarity.toFixed(2)} alike`}</td>
            </tr>`;
          })}
        </tbody>
      </table>
    </div>
    <div class="mini" aria-label="Typical runs on one axis" role="group">
      ${topologies.map((one) => {
        const run = data.runs[one.run];
        if (run === undefined) return null;
        const rows = run.rows.filter(({ parent }) => parent === null);
        const end = (row: PageRow) =>
          row.endedAtMs ?? (row.state === "running" ? run.durationMs : (row.startedAtMs ?? 0));
        return html`<div class="mini-run">
          <h3>${shown(one.topology)} <small>${time(run.durationMs)}${run.state !== "completed" && ` · ${run.state}`}</small></h3>
          ${rows.slice(0, 60).map(
            (row) => html`<div class="mini-row"><span>${shown(row.name)}</span><span class="mini-bars">
              ${row.startedAtMs !== null && html`<i class=${`b call ${tone(row.state) === "bad" ? "bad" : ""} ${row.critical ? "crit" : ""}`} style=${{ left: `${(row.startedAtMs / longest) * 100}%`, width: `${((end(row) - row.startedAtMs) / longest) * 100}%` }}></i>`}
            </span></div>`,
          )}
        </div>`;
      })}
    </div>
  </section>`;
}

/** The figures of a topology; of one of which no run has ended, those of the run under way. */
function soFar(one: PageFigures, run: PageRun | undefined): PageFigures {
  if (one.open !== true || run === undefined) return one;
  const { modelCalls, inputTokens, outputTokens, costUsd } = run.usage;
  const { durationMs, criticalPathMs } = run;
  const walls = { wallMs: durationMs, minMs: durationMs, maxMs: durationMs };
  return { ...one, ...walls, criticalPathMs, modelCalls, inputTokens, outputTokens, costUsd };
}
