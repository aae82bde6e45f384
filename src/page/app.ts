import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { PageData, PageRun } from "../report/page-model.js";
import { type Chosen, type PredictedRun, predictOnPage } from "../report/page-record.js";
import { BatchView } from "./batch-view.js";
import { CallsView } from "./calls-view.js";
import { CompareView } from "./compare-view.js";
import { DiffView } from "./diff-view.js";
import { GraphView } from "./graph-view.js";
import { indexRun } from "./index-run.js";
import { NodePane, Problem } from "./node-pane.js";
import { QuestionsView, type SendAnswer } from "./questions-view.js";
import { besidePage, cost, count, mark, shown, time, tone, valueText } from "./text.js";
import { TimelineView } from "./timeline-view.js";
import { html } from "./view.js";
import { isChosen, WhatIfView } from "./what-if-view.js";

export interface AppProps {
  readonly data: PageData;
  /** Text that calls under way have answered so far. */
  readonly live: ReadonlyMap<string, string>;
  /** Sends answers to a run; `null` where the page is a file. */
  readonly answer: SendAnswer | null;
  /** What the connection is like where the page is live; empty where it is a file. */
  readonly connection: string;
}

/** The whole page. Where it stands is in its address: `#run=1&node=meta`. */
export function App({ data, live, answer, connection }: AppProps) {
  const [place, setPlace] = useState(readPlace);
  useEffect(() => {
    const follow = () => {
      looked.current = null;
      setPlace(readPlace());
    };
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  // On a live page runs come and go: the one that was looked at stays in sight.
  const looked = useRef<string | null>(null);
  const known = looked.current === null ? -1 : data.runs.findIndex(({ id }) => id === looked.current);
  const at = Math.min(Math.max(0, known < 0 ? place.run : known), Math.max(0, data.runs.length - 1));
  const run = data.runs[at];
  const index = useMemo(() => (run === undefined ? null : indexRun(run)), [run]);
  const row = useRef<HTMLElement>(null);
  const [chosen, setChosen] = useState<Chosen>({});
  const predicted = useMemo(() => predictedBy(data, run, chosen), [run, chosen]);
  const otherwise = useMemo(
    () => (predicted === null || typeof predicted === "string" ? null : indexRun(predicted.run)),
    [predicted],
  );
  const go = (next: { run?: number; node?: string | null }) => {
    const to = { run: at, node: place.node, ...next };
    const parts = [
      ...(to.run > 0 ? [`run=${to.run}`] : []),
      ...(to.node === null ? [] : [`node=${encodeURIComponent(to.node)}`]),
    ];
    history.replaceState(null, "", `#${parts.join("&")}`);
    looked.current = connection === "" ? null : (data.runs[to.run]?.id ?? null);
    setPlace(to);
    if (to.run !== at) setChosen({});
  };
  useEffect(() => {
    const close = (event: KeyboardEvent) => {
      if (event.key === "Escape") go({ node: null });
    };
    addEventListener("keydown", close);
    return () => removeEventListener("keydown", close);
  });
  if ((run === undefined || index === null) && data.batch !== undefined)
    return html`<main><${BatchHeader} data=${data} connection=${connection} /><${BatchView} data=${data} answer=${answer} onRun=${() => {}} /></main>`;
  if (run === undefined || index === null)
    return html`<main><h1>${shown(data.title)}</h1><p role="status">${connection || "There is no run yet."}</p></main>`;
  const select = (node: string) => go({ node });
  const toRun = (number: number) => go({ run: number, node: null });
  const picker = html`<select aria-label=${data.batch === undefined ? "Run" : "Row"} value=${String(at)} onChange=${(event: Event) => toRun(Number((event.currentTarget as HTMLSelectElement).value))}>
    ${data.runs.map((one, number) => html`<option value=${String(number)} selected=${number === at}>${shown(one.label)} · ${one.state}</option>`)}
  </select>`;
  const asking = data.compare === null || answer === null ? [run] : data.runs;
  const isMany = data.batch === undefined && data.compare === null && data.runs.length > 2;
  return html`<div class=${place.node === null ? "page" : "page with-pane"}>
    <main data-run-state=${run.state}>
      ${
        data.batch === undefined
          ? html`<${Header} data=${data} run=${run} connection=${connection} />
              ${data.runs.length > 1 && html`<label class="pick">Run ${picker}</label>`}`
          : html`<${BatchHeader} data=${data} connection=${connection} />
              <${BatchView}
                data=${data}
                answer=${answer}
                onRun=${(number: number) => {
                  toRun(number);
                  row.current?.scrollIntoView();
                }}
              />
              <section ref=${row} id="row" aria-labelledby="row-title">
                <div class="bar"><h2 id="row-title">Row</h2>${picker}<${StateChip} run=${run} /><span class="quiet">${shown(run.topology)}</span></div>
                <${Facts} data=${data} run=${run} />
              </section>`
      }
      ${asking.map((one) => html`<${QuestionsView} key=${`${one.id} ${one.durationMs}`} label=${data.runs.length > 1 ? one.label : ""} run=${one.id} questions=${one.questions} answer=${data.batch === undefined ? answer : null} />`)}
      ${data.compare !== null && html`<${CompareView} data=${data} onRun=${toRun} />`}
      ${data.diff !== null && html`<${DiffView} diff=${data.diff} runs=${data.runs} noTexts=${data.noTexts} onSelect=${select} />`}
      ${isMany && html`<${BatchView} data=${data} answer=${answer} onRun=${toRun} />`}
      <${GraphView} key=${`graph ${at}`} data=${data} index=${index} selected=${place.node} onSelect=${select} />
      <${WhatIfView} run=${run} chosen=${chosen} predicted=${predicted} onChoose=${setChosen} />
      <${TimelineView} key=${`timeline ${at} ${run.rows.length > 0}`} index=${otherwise ?? index} recorded=${otherwise === null ? null : index} selected=${place.node} onSelect=${select} />
      <${CallsView} key=${`calls ${at}`} index=${index} onSelect=${select} />
      ${"output" in run && run.output !== null && run.output !== undefined && html`<section id="output" aria-labelledby="output-title"><div class="bar"><h2 id="output-title">Output</h2></div><pre class="text" tabindex="0">${valueText(run.output)}</pre></section>`}
      ${"input" in run && html`<section id="input" aria-labelledby="input-title"><details><summary><h2 id="input-title">Input</h2></summary><pre class="text" tabindex="0">${valueText(run.input)}</pre></details></section>`}
      ${run.notices.length > 0 && html`<section aria-labelledby="notices-title"><h2 id="notices-title">Notices</h2><ul>${run.notices.map((one) => html`<li>${shown(one)}</li>`)}</ul></section>`}
    </main>
    ${place.node !== null && html`<${NodePane} data=${data} index=${index} selected=${place.node} live=${live} onSelect=${select} onClose=${() => go({ node: null })} />`}
  </div>`;
}

/** What the chosen changes come to; `null` where nothing is changed. */
function predictedBy(data: PageData, run: PageRun | undefined, chosen: Chosen): PredictedRun | string | null {
  if (run?.whatIf === undefined || !isChosen(chosen)) return null;
  try {
    return predictOnPage(data, run, chosen);
  } catch (error) {
    return `It cannot be predicted from this record: ${error instanceof Error ? error.message : String(error)}`;
  }
}

interface RunProps {
  readonly data: PageData;
  readonly run: PageRun;
}

function Header({ data, run, connection }: RunProps & { connection: string }) {
  return html`<header>
    <div class="title">
      <h1>${shown(run.dag)} <small>${shown(run.topology)}</small></h1>
      <${StateChip} run=${run} />
      <${Tools} connection=${connection} command=${run.command} />
    </div>
    <${Facts} data=${data} run=${run} />
  </header>`;
}

/** A batch is headed by its name: what is known of one row stands beside that row. */
function BatchHeader({ data, connection }: { data: PageData; connection: string }) {
  return html`<header>
    <div class="title"><h1>${shown(data.title)}</h1><${Tools} connection=${connection} command=${null} /></div>
  </header>`;
}

function StateChip({ run }: { run: PageRun }) {
  return html`<span class=${`chip state ${tone(run.state)}`} role="status">${mark(run.state)} ${shown(run.state)}</span>`;
}

function Facts({ data, run }: RunProps) {
  const { usage } = run;
  const about = usage.estimated ? "≈" : "";
  const fact = (name: string, value: string) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`;
  return html`<dl class="figures">
      ${fact("wall", time(run.durationMs))}${fact("critical path", time(run.criticalPathMs))}
      ${fact("model calls", count(usage.modelCalls))}${fact("tokens", `${about}${count(usage.inputTokens + usage.outputTokens)}`)}
      ${fact("cost", cost(usage.costUsd))}
    </dl>
    <p class="quiet">
      ${shown(run.startedAt)} · ${shown(run.id)}${run.simulated !== null && ` · simulated latency: ${shown(run.simulated)}`}${data.noTexts && " · texts left out"}
    </p>
    ${run.error !== null && html`<${Problem} problem=${run.error} />`}`;
}

/** What can be done with the page. */
function Tools({ connection, command }: { connection: string; command: string | null }) {
  const [copied, setCopied] = useState(false);
  const [theme, setTheme] = useState("");
  const next =
    theme === "dark" || (theme === "" && matchMedia("(prefers-color-scheme: dark)").matches)
      ? "light"
      : "dark";
  return html`<span class="tools">
    ${connection !== "" && html`<span class="quiet">${connection}</span><a class="button" href=${besidePage(location.pathname, "report.html")} download="report.html">Save as a file</a>`}
    ${
      command !== null &&
      html`<button
        title=${shown(command)}
        onClick=${() => {
          void copy(command).then(setCopied);
        }}
      >
        ${copied ? "Copied" : "Copy command"}
      </button>`
    }
    <button
      aria-label=${`Show it ${next}`}
      onClick=${() => {
        document.documentElement.dataset.theme = next;
        setTheme(next);
      }}
    >
      ${next === "dark" ? "☾" : "☀"}
    </button>
  </span>`;
}

async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Where there is no clipboard (a file in some browsers), the text is selected in a field of its own and copied.
    const field = document.createElement("textarea");
    field.value = text;
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  }
}

interface Place {
  readonly run: number;
  readonly node: string | null;
}

function readPlace(): Place {
  const parts = new URLSearchParams(location.hash.slice(1));
  const run = Number(parts.get("run") ?? 0);
  return { run: Number.isInteger(run) ? run : 0, node: parts.get("node") };
}
