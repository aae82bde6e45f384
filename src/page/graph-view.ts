import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { PageData, PageGraph, PageNode } from "../report/page-model.js";
import { type RunIndex, stateOf } from "./index-run.js";
import { clip, counted, mark, shown, time, tokens, tone } from "./text.js";
import { html, onEnter } from "./view.js";

interface GraphProps {
  readonly data: PageData;
  readonly index: RunIndex;
  readonly selected: string | null;
  readonly onSelect: (row: string) => void;
}

/** Of a large graph so many nodes are drawn at once, the rest after the page was painted. */
const firstNodes = 150;

/** The declared DAG with the run's states; inner graphs open in its place. */
export function GraphView({ data, index, selected, onSelect }: GraphProps) {
  const [path, setPath] = useState<readonly string[]>([]);
  const [scale, setScale] = useState<number | null>(null);
  const [hint, setHint] = useState("");
  const [painted, setPainted] = useState(false);
  useEffect(() => {
    const frame = requestAnimationFrame(() => setTimeout(() => setPainted(true)));
    return () => cancelAnimationFrame(frame);
  }, []);
  const frame = useRef<HTMLDivElement>(null);
  const name = [index.run.graph, ...path].join("/");
  const graph = data.graphs[name] ?? data.graphs[index.run.graph];
  const nodes = painted ? graph?.nodes : graph?.nodes.slice(0, firstNodes);
  const critical = (graph?.edges ?? []).map(
    ({ from, to }) =>
      isCritical(index, [...path, from].join("/")) && isCritical(index, [...path, to].join("/")),
  );
  const edges = useMemo(() => {
    const drawn = new Set(nodes?.map((node) => node.name));
    return (graph?.edges ?? []).map(
      (edge, at) =>
        drawn.has(edge.to) && html`<${GraphEdge} edge=${edge} critical=${critical[at] === true} />`,
    );
  }, [graph, painted, critical.join()]);
  if (graph === undefined || nodes === undefined) return null;
  const prefix = path.map((step) => `${step}/`).join("");
  const width = graph.width + 16;
  const height = graph.height + 16;
  const shownScale = scale ?? 1;
  const zoom = (factor: number) => setScale(Math.min(3, Math.max(0.1, shownScale * factor)));
  const fit = () => {
    const box = frame.current;
    if (box !== null) setScale(Math.min(1.5, (box.clientWidth - 4) / width, 720 / height));
  };
  return html`<section data-view="graph" id="graph" aria-labelledby="graph-title">
    <div class="bar">
      <h2 id="graph-title">Graph</h2>
      ${
        path.length > 0 &&
        html`<nav aria-label="Inner graphs" class="crumbs">
          <button onClick=${() => setPath([])}>${shown(data.graphs[index.run.graph]?.name ?? "")}</button>
          ${path.map(
            (step, at) =>
              html`<button aria-current=${at === path.length - 1 ? "page" : undefined} onClick=${() => setPath(path.slice(0, at + 1))}>
                  › ${shown(step)}
                </button>`,
          )}
        </nav>`
      }
      <span class="tools">
        <button aria-label="Make the graph smaller" onClick=${() => zoom(0.8)}>−</button>
        <button aria-label="Make the graph larger" onClick=${() => zoom(1.25)}>+</button>
        <button onClick=${fit}>Fit</button>
      </span>
    </div>
    <div class="graph" ref=${frame} tabindex="0" role="group" aria-label="The declared graph">
      <svg
        class=${scale === null ? "fitted" : ""}
        width=${width * shownScale}
        height=${height * shownScale}
        viewBox=${`-4 -4 ${width} ${height}`}
      >
        <defs>
          ${["edge", "edge-critical"].map(
            (
              id,
            ) => html`<marker id=${id} viewBox="0 0 8 8" refX="7" refY="4" markerUnits="userSpaceOnUse" markerWidth="9" markerHeight="9" orient="auto">
              <path class=${id} d="M0 0L8 4L0 8z" />
            </marker>`,
          )}
        </defs>
        ${edges}
        ${nodes.map((node) => {
          const rows = index.byNode.get(prefix + node.name) ?? [];
          return html`<${GraphNode}
            key=${node.name}
            node=${node}
            path=${prefix + node.name}
            index=${index}
            rows=${rows}
            selected=${rows.some((row) => row.id === selected)}
            onHint=${setHint}
            onSelect=${() => onSelect(rows[0]?.id ?? prefix + node.name)}
            onOpen=${() => setPath([...path, node.name])}
          />`;
        })}
      </svg>
    </div>
    <p class="hint" aria-live="polite">
      ${hint === "" ? "The heavy line is the critical path. Hover or focus a node to read why it is as it is." : hint}
    </p>
  </section>`;
}

function GraphEdge({ edge, critical }: { edge: PageGraph["edges"][number]; critical: boolean }) {
  return html`<path
    class=${`edge${edge.conditional ? " dashed" : ""}${critical ? " critical" : ""}`}
    marker-end=${`url(#${critical ? "edge-critical" : "edge"})`}
    d=${curve(edge.points)}
  />`;
}

interface NodeProps {
  readonly node: PageNode;
  readonly path: string;
  readonly index: RunIndex;
  readonly rows: readonly { readonly id: string }[];
  readonly selected: boolean;
  readonly onHint: (text: string) => void;
  readonly onSelect: () => void;
  readonly onOpen: () => void;
}

function GraphNode({ node, path, index, selected, onHint, onSelect, onOpen }: NodeProps) {
  const rows = index.byNode.get(path) ?? [];
  const main = rows[0];
  const state = stateOf(rows);
  const critical = isCritical(index, path);
  const { x, y, width, height } = node;
  const counts = main?.counts;
  const parts =
    counts != null ? counted(counts.total, counts.noun) : rows.length > 1 ? `${rows.length} times` : "";
  const took = main?.startedAtMs == null ? "" : time((main.endedAtMs ?? index.endMs) - main.startedAtMs);
  const used = tokens(index.callsWithin.get(path) ?? []);
  const lost = counts == null ? [] : Object.entries(counts.states).filter(([one]) => one !== "completed");
  const facts = [state === "completed" ? "" : state, took, used === "" ? "" : `${used} tok`].filter(
    (fact) => fact !== "",
  );
  const extra = [parts, ...lost.map(([one, number]) => `${number} ${one}`)].filter((fact) => fact !== "");
  const why = main?.problem == null ? "" : `${main.problem.code}: ${main.problem.message}`;
  const when = node.when === null ? "" : `when ${node.when}`;
  const tell = () =>
    onHint(
      shown(
        [node.name, ...facts, ...extra, when, why, node.description ?? ""]
          .filter((one) => one !== "")
          .join(" · "),
      ),
    );
  const kind = [node.kind, node.mapped ? "for each" : "", node.repeated ? "repeat" : "", node.join ?? ""]
    .filter((one) => one !== "")
    .join(" · ");
  const told = [kind, state, critical, selected, when, why, ...facts, "", ...extra].join("\n");
  // A live page draws every frame: a node is drawn anew only when something on it has changed.
  return useMemo(draw, [node, path, main?.id, told]);

  function draw() {
    return html`<g
    class=${`node ${tone(state)}${critical ? " critical" : ""}${selected ? " selected" : ""}`}
    data-node=${path}
    data-state=${state}
    data-critical=${critical ? "true" : undefined}
  ><g
    role="button"
    tabindex="0"
    aria-label=${shown([node.name, kind, state === "completed" ? state : "", ...facts, ...extra, when, why].filter((one) => one !== "").join(", "))}
    onClick=${onSelect}
    onKeyDown=${onEnter(onSelect)}
    onFocus=${tell}
    onMouseEnter=${tell}
  >
    ${(node.mapped || node.repeated) && html`<rect class="card" x=${x + 5} y=${y + 5} width=${width} height=${height} rx="7" />`}
    <rect class=${`card${node.when !== null ? " dashed" : ""}`} x=${x} y=${y} width=${width} height=${height} rx="7" />
    <rect class="tone" x=${x} y=${y + 8} width="4" height=${height - 16} rx="2" />
    </g>
    <text aria-hidden="true" class="name" x=${x + 16} y=${y + 25}>${clip(node.name, (width - 52) / 7.9)}</text>
    <text aria-hidden="true" class="sign" x=${x + width - 22} y=${y + 25}>${mark(state)}</text>
    <text aria-hidden="true" class="small" x=${x + 16} y=${y + 42}>${clip([...extra, kind].join(" · "), (width - 30) / 6.6)}</text>
    <text aria-hidden="true" class="small facts" x=${x + 16} y=${y + 58}>${clip(facts.join(" · "), (width - 30) / 6.6)}</text>
    ${when !== "" && html`<text aria-hidden="true" class="small when" x=${x + width / 2} y=${y - 14}>${clip(`if ${node.when}`, width / 6.6)}</text>`}
    
    ${
      node.inner !== null &&
      html`<g
        class="open"
        role="button"
        tabindex="0"
        aria-label=${`Open the graph in ${shown(node.name)}`}
        onClick=${onOpen}
        onKeyDown=${onEnter(onOpen)}
      >
        <rect x=${x + width - 62} y=${y + height - 26} width="54" height="20" rx="5" />
        <text aria-hidden="true" class="small" x=${x + width - 54} y=${y + height - 12}>open ▸</text>
      </g>`
    }
  </g>`;
  }
}

function isCritical(index: RunIndex, path: string): boolean {
  return (index.byNode.get(path) ?? []).some((row) => row.critical);
}

function curve(points: readonly (readonly [number, number])[]): string {
  return points
    .map(([x, y], at) => {
      const before = points[at - 1];
      if (before === undefined) return `M${x} ${y}`;
      const middle = (before[1] + y) / 2;
      return `C${before[0]} ${middle} ${x} ${middle} ${x} ${y}`;
    })
    .join("");
}
