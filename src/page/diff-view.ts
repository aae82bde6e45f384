import { useState } from "preact/hooks";
import type { PageDiff, PageDifference, PageRun, PageWord } from "../report/page-model.js";
import { shown } from "./text.js";
import { html } from "./view.js";

interface DiffProps {
  readonly diff: PageDiff;
  /** The two runs. */
  readonly runs: readonly PageRun[];
  readonly noTexts: boolean;
  readonly onSelect: (row: string) => void;
}

const kinds: Readonly<Record<PageDifference["kind"], string>> = {
  first: "first divergence",
  own: "differs though its needs are equal",
  follows: "follows",
};

/** Two runs: where they part first, what followed from it, and the words that differ. */
export function DiffView({ diff, runs, noTexts, onSelect }: DiffProps) {
  const [before = "", after = ""] = runs.map(({ dag }) => dag);
  const first = diff.nodes.find(({ kind }) => kind === "first");
  const isLone = [first?.before, first?.after].includes("not there");
  const why =
    diff.input !== null
      ? "the runs had different inputs, and this is the first node that differs"
      : isLone
        ? "it stands in one of the two graphs only"
        : "all that it needs is equal in both runs, and it is not";
  const [all, setAll] = useState(false);
  const nodes = all ? diff.nodes : diff.nodes.slice(0, 20);
  return html`<section data-view="diff" id="diff" aria-labelledby="diff-title">
    <div class="bar"><h2 id="diff-title">Difference</h2></div>
    <p class="advice">
      ${before !== after && html`The runs are of two graphs, ${shown(before)} and ${shown(after)}. `}
      ${
        diff.first === null
          ? "No node differs between the two runs."
          : html`<b>First divergence</b> <button class="link" onClick=${() => onSelect(diff.first ?? "")}>${shown(diff.first)}</button>: ${why}. ${diff.nodes.length > 1 ? `${diff.nodes.length - 1} more ${diff.nodes.length === 2 ? "node differs" : "nodes differ"}.` : "Nothing else differs."}`
      }
    </p>
    <table>
      <thead><tr><th scope="col">figure</th><th scope="col" class="num">before</th><th scope="col" class="num">after</th></tr></thead>
      <tbody>${diff.figures.map((one) => html`<tr><th scope="row">${one.name}</th><td class="num">${shown(one.before)}</td><td class=${one.before === one.after ? "num" : "num changed"}>${shown(one.after)}</td></tr>`)}</tbody>
    </table>
    ${diff.input !== null && html`<h3>Input</h3><${Words} words=${diff.input} />`}
    ${nodes.map(
      (node) => html`<div class=${`difference ${node.kind}`} data-divergence=${node.kind}>
        <h3>
          <button class="link" onClick=${() => onSelect(node.node)}>${shown(node.node)}</button>
          <span class=${node.kind === "first" ? "chip crit" : "chip"}>${node.kind === "own" && diff.input !== null ? "differs, as the inputs do" : kinds[node.kind]}</span>
          ${node.declarationChanged && html`<span class="chip warn">its declaration was changed</span>`}
          ${node.before !== node.after && html`<span class="chip">${shown(node.before)} → ${shown(node.after)}</span>`}
        </h3>
        ${noTexts ? html`<p class="quiet">Texts were left out.</p>` : html`<${Words} words=${node.words} />`}
      </div>`,
    )}
    ${!all && diff.nodes.length > nodes.length && html`<button onClick=${() => setAll(true)}>Show all ${diff.nodes.length}</button>`}
    ${diff.output !== null && !noTexts && html`<h3>Output</h3><${Words} words=${diff.output} />`}
  </section>`;
}

function Words({ words }: { words: readonly PageWord[] }) {
  return html`<pre class="text words" tabindex="0">${words.map(([sign, text]) => (sign === "=" ? shown(text) : sign === "-" ? html`<del>${shown(text)}</del>` : html`<ins>${shown(text)}</ins>`))}</pre>`;
}
