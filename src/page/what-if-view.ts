import type { PageRun } from "../report/page-model.js";
import type { Chosen, PredictedRun } from "../report/page-record.js";
import { cost, count, shown, time } from "./text.js";
import { html } from "./view.js";

interface WhatIfProps {
  readonly run: PageRun;
  readonly chosen: Chosen;
  /** What came of it; `null` where nothing is chosen, a text where nothing can be predicted. */
  readonly predicted: PredictedRun | string | null;
  readonly onChoose: (chosen: Chosen) => void;
}

/** Whether something is chosen. */
export function isChosen({ topology, model, limits, warm }: Chosen): boolean {
  return topology !== undefined || model !== undefined || limits !== undefined || warm !== undefined;
}

/** Another topology, model or limit: what the run would have taken and cost with it. */
export function WhatIfView({ run, chosen, predicted, onChoose }: WhatIfProps) {
  const { whatIf } = run;
  if (whatIf === undefined) return null;
  const { limits } = chosen;
  const choose = (name: "topology" | "model" | "warm", value: string) => {
    const { [name]: _before, ...others } = chosen;
    onChoose(value === "" ? others : { ...others, [name]: value });
  };
  const limit = (name: "maxConcurrency" | "requestsPerMinute" | "tokensPerMinute", text: string) => {
    const { [name]: _before, ...others } = limits ?? {};
    const value = Math.floor(Number(text));
    const next = value >= 1 ? { ...others, [name]: value } : others;
    const { limits: _limits, ...rest } = chosen;
    onChoose(Object.keys(next).length === 0 ? rest : { ...rest, limits: next });
  };
  const select = (
    name: "topology" | "model",
    label: string,
    options: readonly string[],
  ) => html`<label>${label}
    <select value=${chosen[name] ?? ""} data-what-if=${name} onChange=${(event: Event) => choose(name, (event.currentTarget as HTMLSelectElement).value)}>
      <option value="">as recorded</option>
      ${options.map((one) => html`<option value=${one} selected=${one === chosen[name]}>${shown(one)}</option>`)}
    </select></label>`;
  const number = (
    name: "maxConcurrency" | "requestsPerMinute" | "tokensPerMinute",
    label: string,
  ) => html`<label>${label}
    <input type="number" min="1" step="1" placeholder="no limit" data-what-if=${name} value=${limits?.[name] ?? ""} onInput=${(event: Event) => limit(name, (event.currentTarget as HTMLInputElement).value)} /></label>`;
  return html`<section data-view="what-if" id="what-if" aria-labelledby="what-if-title">
    <div class="bar">
      <h2 id="what-if-title">What if</h2>
      <span class="quiet">Nothing is asked of a model: the scheduler is simulated on what was recorded.</span>
      <span class="tools">${isChosen(chosen) && html`<button onClick=${() => onChoose({})}>As recorded</button>`}</span>
    </div>
    <div class="choices">
      ${select("topology", "Topology", Object.keys(whatIf.topologies))}
      ${select("model", "Model", whatIf.models)}
      ${number("maxConcurrency", "Requests at once")}${number("requestsPerMinute", "Requests a minute")}${number("tokensPerMinute", "Tokens a minute")}
      <label class="tick-box"><input type="checkbox" data-what-if="warm" checked=${chosen.warm !== undefined} onChange=${(event: Event) => choose("warm", (event.currentTarget as HTMLInputElement).checked ? "first-token" : "")} /> Warm start</label>
    </div>
    <div role="status">
      ${typeof predicted === "string" && html`<p class="bad-text">${shown(predicted)}</p>`}
      ${predicted !== null && typeof predicted !== "string" && html`<${Figures} recorded=${run} predicted=${predicted} />`}
    </div>
  </section>`;
}

function Figures({ recorded, predicted }: { recorded: PageRun; predicted: PredictedRun }) {
  const { run, notes } = predicted;
  const rows = [
    figure(
      "wall",
      recorded,
      run,
      (one) => one.durationMs,
      (value) => time(value ?? 0),
    ),
    figure(
      "critical path",
      recorded,
      run,
      (one) => one.criticalPathMs,
      (value) => time(value ?? 0),
    ),
    figure(
      "model calls",
      recorded,
      run,
      (one) => one.usage.modelCalls,
      (value) => count(value ?? 0),
    ),
    figure(
      "tokens",
      recorded,
      run,
      (one) => one.usage.inputTokens + one.usage.outputTokens,
      (value) => count(value ?? 0),
    ),
    figure("cost", recorded, run, (one) => one.usage.costUsd, cost),
  ];
  return html`<div class="scroll" tabindex="0" role="group" aria-label="Recorded and predicted figures">
      <table>
        <thead><tr><th scope="col">figure</th><th scope="col" class="num">recorded</th><th scope="col" class="num">predicted</th><th scope="col" class="num">change</th></tr></thead>
        <tbody>${rows}</tbody>
      </table>
    </div>
    ${notes.length > 0 && html`<p class="quiet">Estimated: ${notes.map((note) => shown(note)).join("; ")}.</p>`}`;
}

function figure(
  name: string,
  recorded: PageRun,
  predicted: PageRun,
  of: (run: PageRun) => number | null,
  show: (value: number | null) => string,
) {
  const [before, after] = [of(recorded), of(predicted)];
  const change =
    before === null || after === null || before === 0
      ? ""
      : `${after < before ? "−" : "+"}${Math.abs(Math.round((after / before - 1) * 100))} %`;
  const tone =
    before === null || after === null || before === after ? "" : after < before ? "best" : "changed";
  return html`<tr>
    <th scope="row">${name}</th><td class="num">${show(before)}</td>
    <td class=${`num ${tone}`} data-predicted=${name} data-value=${after === null ? "unknown" : String(after)}>${show(after)}</td>
    <td class="num">${change === "+0 %" ? "" : change}</td>
  </tr>`;
}
