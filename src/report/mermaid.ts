import type { DagProjection, NodeProjection } from "../records/events.js";
import { graphEdges, joinLabel, kindLabel } from "./graph-label.js";
import { cleanLine, shorten } from "./plain-text.js";

/** Brackets of each kind's shape. */
const shapes: Readonly<Record<NodeProjection["kind"], readonly [string, string]>> = {
  agent: ["[", "]"],
  function: ["(", ")"],
  tool: ["[[", "]]"],
  graph: ["[", "]"],
  approval: ["{{", "}}"],
  runnable: ["[", "]"],
};

/** The declaration as a Mermaid flowchart: START to END, with kinds, joins, conditions and nested graphs. */
export function renderMermaid(dag: DagProjection): string {
  const idOf = createIds();
  return [
    "flowchart TD",
    "  START([START])",
    ...nodeLines(dag, "", idOf, "  "),
    "  END_([END])",
    ...graphEdges(dag).map(({ from, to }) => edgeLine(dag, from, to, "", idOf, "  ")),
    "",
  ].join("\n");
}

type IdOf = (path: string) => string;

/** Identifiers that no Mermaid keyword and no other node shares: `n_` and the path, with what is special replaced. */
function createIds(): IdOf {
  const ids = new Map<string, string>();
  const taken = new Set<string>();
  return (path) => {
    let id = ids.get(path);
    if (id === undefined) {
      const base = `n_${path.replace(/[^A-Za-z0-9]/g, "_")}`;
      id = base;
      for (let count = 2; taken.has(id); count += 1) id = `${base}_${count}`;
      taken.add(id);
      ids.set(path, id);
    }
    return id;
  };
}

function nodeLines(dag: DagProjection, prefix: string, idOf: IdOf, indent: string): string[] {
  return Object.entries(dag.nodes).flatMap(([name, node]) => {
    const path = prefix + name;
    const label = `"${labelOf(name, node)}"`;
    if (node.dag !== undefined && Object.keys(node.dag.nodes).length > 0) {
      const inner = node.dag;
      return [
        `${indent}subgraph ${idOf(path)}[${label}]`,
        ...nodeLines(inner, `${path}/`, idOf, `${indent}  `),
        ...graphEdges(inner)
          .filter(({ from, to }) => from !== null && to !== null)
          .map(({ from, to }) => edgeLine(inner, from, to, `${path}/`, idOf, `${indent}  `)),
        `${indent}end`,
      ];
    }
    const [open, close] = shapes[node.kind];
    return [`${indent}${idOf(path)}${open}${label}${close}`];
  });
}

function edgeLine(
  dag: DagProjection,
  from: string | null,
  to: string | null,
  prefix: string,
  idOf: IdOf,
  indent: string,
): string {
  const tail = from === null ? "START" : idOf(prefix + from);
  const head = to === null ? "END_" : idOf(prefix + to);
  const conditional = to !== null && dag.nodes[to]?.conditional === true;
  return `${indent}${tail} ${conditional ? "-.->" : "-->"} ${head}`;
}

function labelOf(name: string, node: NodeProjection): string {
  const description = node.description === null ? "" : shorten(cleanLine(node.description), 60);
  const lines = [cleanLine(name), kindLabel(node), joinLabel(node.join) ?? "", description];
  return lines
    .filter((line) => line !== "")
    .map(escapeLabel)
    .join("<br/>");
}

/** Text for a quoted Mermaid label: whatever Markdown, HTML or Mermaid could read as its own becomes a character code. */
function escapeLabel(text: string): string {
  return text.replace(/[^\p{L}\p{M}\p{N}\p{Emoji_Presentation} ,()/…·:_-]|^[-:]/gu, (character) =>
    [...character].map((each) => `#${each.codePointAt(0)};`).join(""),
  );
}
