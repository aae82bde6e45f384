import { Graph, layout as placeGraph } from "@dagrejs/dagre";
import type { DagProjection, NodeProjection } from "../records/events.js";
import { graphEdges, joinLabel, kindLabel } from "./graph-label.js";
import { cleanLine, displayWidth, shorten } from "./plain-text.js";

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A line of text in a box: the name large, what follows small. */
export interface BoxLine {
  readonly text: string;
  readonly style: "name" | "kind" | "join" | "description";
}

/** A drawn node; `x` and `y` are its upper left corner, in pixels. */
export interface PlacedBox extends Point {
  readonly width: number;
  readonly height: number;
  readonly lines: readonly BoxLine[];
  /** `null` for START and END. */
  readonly node: NodeProjection | null;
  /** Of a graph node: what it holds. */
  readonly inner: GraphLayout | null;
}

/** A drawn edge. */
export interface PlacedEdge {
  readonly points: readonly Point[];
  /** Whether the node that it leads to has a condition. */
  readonly conditional: boolean;
}

/** A graph with places in pixels. */
export interface GraphLayout {
  readonly width: number;
  readonly height: number;
  readonly boxes: readonly PlacedBox[];
  readonly edges: readonly PlacedEdge[];
}

/** Height of a line of each style, and width of one column of a monospaced font of that size, in pixels. */
export const lineSizes = {
  name: { height: 19, column: 7.85 },
  kind: { height: 16, column: 6.65 },
  join: { height: 16, column: 6.65 },
  description: { height: 16, column: 6.65 },
} as const;

/** Space between a box's border and its text, in pixels. */
export const boxPadding = 12;

/** Identifiers of START and END; no node's name starts with a space. */
const start = " start";
const end = " end";

type Box = Omit<PlacedBox, "x" | "y">;

/** Places a graph's nodes and edges top-down; a nested graph is placed by itself and then stands as one box. */
export function layOutGraph(dag: DagProjection, terminals: boolean): GraphLayout {
  const boxes = new Map<string, Box>(
    Object.entries(dag.nodes).map(([name, node]) => [name, nodeBox(name, node)]),
  );
  const edges = graphEdges(dag).filter(({ from, to }) => terminals || (from !== null && to !== null));
  if (terminals) {
    boxes.set(start, terminalBox("START"));
    boxes.set(end, terminalBox("END"));
  }
  const graph = new Graph();
  graph.setGraph({ rankdir: "TB", nodesep: 28, ranksep: 44, edgesep: 14 });
  for (const [id, { width, height }] of boxes) graph.setNode(id, { width, height });
  for (const { from, to } of edges) graph.setEdge(from ?? start, to ?? end, {});
  placeGraph(graph);
  const size = graph.graph();
  return {
    width: Math.max(0, size.width ?? 0),
    height: Math.max(0, size.height ?? 0),
    boxes: [...boxes].map(([id, box]) => {
      const { x = 0, y = 0 } = graph.node(id);
      return { ...box, x: x - box.width / 2, y: y - box.height / 2 };
    }),
    edges: edges.map(({ from, to }) => ({
      points: graph.edge(from ?? start, to ?? end).points ?? [],
      conditional: to !== null && dag.nodes[to]?.conditional === true,
    })),
  };
}

function terminalBox(text: string): Box {
  return { width: 76, height: 30, lines: [{ text, style: "kind" }], node: null, inner: null };
}

function nodeBox(name: string, node: NodeProjection): Box {
  const inner = node.dag === undefined ? null : layOutGraph(node.dag, false);
  const join = joinLabel(node.join);
  const lines: BoxLine[] = [
    { text: shorten(cleanLine(name), 40), style: "name" },
    { text: kindLabel(node), style: "kind" },
    ...(join === null ? [] : [{ text: join, style: "join" } as const]),
    ...(node.description === null
      ? []
      : [{ text: shorten(cleanLine(node.description), 36), style: "description" } as const]),
  ];
  const textWidth = Math.max(...lines.map((line) => displayWidth(line.text) * lineSizes[line.style].column));
  const textHeight = lines.reduce((sum, line) => sum + lineSizes[line.style].height, 0);
  return {
    width: Math.ceil(Math.max(110, textWidth + 8, inner?.width ?? 0) + 2 * boxPadding),
    height: Math.ceil(textHeight + 2 * boxPadding - 4 + (inner === null ? 0 : inner.height + boxPadding)),
    lines,
    node,
    inner,
  };
}
