import { Graph, layout as placeGraph } from "@dagrejs/dagre";
import { specOf } from "../compare/simulated-run.js";
import type { DagProjection, NodeProjection } from "../records/events.js";
import { orderOf } from "../spec/order.js";
import { type GraphEdge, graphEdges, joinLabel, kindLabel } from "./graph-label.js";
import { cleanLine, displayWidth, shorten } from "./plain-text.js";

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A line of text in a box: the name large, what follows small. */
export interface BoxLine {
  readonly text: string;
  readonly style: "name" | "kind" | "join" | "description" | "run-good" | "run-bad" | "run-dim";
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
  /** Whether a run's critical path leads through it. */
  readonly critical: boolean;
}

/** What a run adds to a node's box: a line of text, and classes for its frame. */
export interface NodeOverlay {
  readonly line: string;
  readonly tone: "good" | "bad" | "dim";
  readonly critical: boolean;
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
  "run-good": { height: 16, column: 6.65 },
  "run-bad": { height: 16, column: 6.65 },
  "run-dim": { height: 16, column: 6.65 },
} as const;

/** Space between a box's border and its text, in pixels. */
export const boxPadding = 12;

/** Above so many nodes the ranks are not minimised: that takes nine tenths of the time that 1,000 nodes need. */
const manyNodes = 200;

/** Graphs of more layers are placed in rows: the layout calls itself once a layer, and runs out of stack between 2,000 and 3,000. */
const manyLayers = 1_000;

/** Space between boxes side by side, and between rows, in pixels. */
const [columnGap, rowGap] = [28, 52];

/** Identifiers of START and END; no node's name starts with a space. */
const start = " start";
const end = " end";

/** What a box is called in the layout, which keeps boxes in plain objects: a name such as `__proto__` would not be one of them. */
const boxId = (name: string) => `= ${name}`;

type Box = Omit<PlacedBox, "x" | "y">;

/** Places a graph's nodes and edges top-down; a nested graph is placed by itself and then stands as one box. */
export function layOutGraph(
  dag: DagProjection,
  terminals: boolean,
  run: ReadonlyMap<string, NodeOverlay> = new Map(),
): GraphLayout {
  const boxes = new Map<string, Box>(terminals ? [[start, terminalBox("START")]] : []);
  for (const [name, node] of Object.entries(dag.nodes)) boxes.set(name, nodeBox(name, node, run.get(name)));
  if (terminals) boxes.set(end, terminalBox("END"));
  const edges = graphEdges(dag).filter(({ from, to }) => terminals || (from !== null && to !== null));
  const { layers } = orderOf(specOf(dag));
  const places = layers.length > manyLayers ? inRows(boxes, layers) : byLayout(boxes, edges);
  const ends = edges.flatMap(({ from, to }) => [`${from} out`, `${to} in`]);
  const counts = new Map<string, number>();
  for (const one of ends) counts.set(one, (counts.get(one) ?? 0) + 1);
  const isShared = (one: string) => (counts.get(one) ?? 0) > 1;
  const placed = new Map(
    [...boxes].map(([id, box]): [string, PlacedBox] => {
      const { x, y } = places.centreOf(id);
      return [id, { ...box, x: x - box.width / 2, y: y - box.height / 2 }];
    }),
  );
  return {
    width: places.width,
    height: places.height,
    boxes: [...placed.values()],
    edges: edges.map(({ from, to }) => {
      const bends = places.bendsOf(from ?? start, to ?? end);
      return {
        points: edgePoints(placed.get(from ?? start), bends, placed.get(to ?? end), {
          out: isShared(`${from} out`),
          into: isShared(`${to} in`),
        }),
        conditional: to !== null && dag.nodes[to]?.conditional === true,
      };
    }),
  };
}

/** Where boxes and edges go. */
interface Places {
  readonly width: number;
  readonly height: number;
  centreOf(box: string): Point;
  bendsOf(from: string, to: string): readonly Point[];
}

function byLayout(boxes: ReadonlyMap<string, Box>, edges: readonly GraphEdge[]): Places {
  const graph = new Graph();
  const ranker = boxes.size > manyNodes ? { ranker: "tight-tree" as const } : {};
  graph.setGraph({ rankdir: "TB", nodesep: columnGap, ranksep: rowGap, edgesep: 14, ...ranker });
  for (const [id, { width, height }] of boxes) graph.setNode(boxId(id), { width, height });
  // The layout puts the last edge of a node leftmost; reversed, the first declared node is.
  for (const { from, to } of [...edges].reverse()) {
    graph.setEdge(boxId(from ?? start), boxId(to ?? end), {});
  }
  placeGraph(graph);
  const { width = 0, height = 0 } = graph.graph();
  return {
    width: Math.max(0, width),
    height: Math.max(0, height),
    centreOf(box) {
      const { x = 0, y = 0 } = graph.node(boxId(box));
      return { x, y };
    },
    bendsOf: (from, to) => graph.edge(boxId(from), boxId(to)).points?.slice(1, -1) ?? [],
  };
}

/** A row a layer, each in the middle; edges go straight. */
function inRows(boxes: ReadonlyMap<string, Box>, layers: readonly (readonly string[])[]): Places {
  const rows = [[start], ...layers, [end]]
    .map((row) => row.flatMap((id) => (boxes.has(id) ? [{ id, ...(boxes.get(id) as Box) }] : [])))
    .filter((row) => row.length > 0);
  const widths = rows.map((row) => row.reduce((sum, box) => sum + box.width + columnGap, -columnGap));
  const width = Math.max(...widths);
  const centres = new Map<string, Point>();
  let y = 0;
  for (const [index, row] of rows.entries()) {
    const height = Math.max(...row.map((box) => box.height));
    let x = (width - (widths[index] ?? 0)) / 2;
    for (const box of row) {
      centres.set(box.id, { x: x + box.width / 2, y: y + height / 2 });
      x += box.width + columnGap;
    }
    y += height + rowGap;
  }
  return {
    width,
    height: y - rowGap,
    centreOf: (box) => centres.get(box) ?? { x: 0, y: 0 },
    bendsOf: () => [],
  };
}

/** An edge's points: out of the lower side of one box, past its bends, into the upper side of another. */
function edgePoints(
  from: PlacedBox | undefined,
  bends: readonly Point[],
  to: PlacedBox | undefined,
  shared: { readonly out: boolean; readonly into: boolean },
): Point[] {
  if (from === undefined || to === undefined) return [];
  // A single bend lies between neighbouring ranks, where a straight way is free.
  const inner = bends.length > 1 ? bends : [];
  const out = {
    x: shared.out ? port(from, inner[0]?.x ?? centre(to)) : centre(from),
    y: from.y + from.height,
  };
  const into = { x: shared.into ? port(to, inner.at(-1)?.x ?? centre(from)) : centre(to), y: to.y };
  return [out, ...inner.filter(({ y }) => y > out.y && y < into.y), into];
}

const centre = (box: PlacedBox) => box.x + box.width / 2;

/** Where one of several edges meets a box's side: off its centre towards where the edge comes from, so that edges do not pile up. */
function port(box: PlacedBox, towardsX: number): number {
  const most = box.width / 2 - 18;
  return centre(box) + Math.min(most, Math.max(-most, (towardsX - centre(box)) / 5));
}

function terminalBox(text: string): Box {
  return {
    width: 76,
    height: 30,
    lines: [{ text, style: "kind" }],
    node: null,
    inner: null,
    critical: false,
  };
}

function nodeBox(name: string, node: NodeProjection, run: NodeOverlay | undefined): Box {
  const inner = node.dag === undefined ? null : layOutGraph(node.dag, false);
  const join = joinLabel(node.join);
  const lines: BoxLine[] = [
    { text: shorten(cleanLine(name), 40), style: "name" },
    { text: kindLabel(node), style: "kind" },
    ...(join === null ? [] : [{ text: join, style: "join" } as const]),
    ...(node.description === null
      ? []
      : [{ text: shorten(cleanLine(node.description), 36), style: "description" } as const]),
    ...(run === undefined ? [] : [{ text: shorten(run.line, 44), style: `run-${run.tone}` } as const]),
  ];
  const textWidth = Math.max(...lines.map((line) => displayWidth(line.text) * lineSizes[line.style].column));
  const textHeight = lines.reduce((sum, line) => sum + lineSizes[line.style].height, 0);
  return {
    width: Math.ceil(Math.max(110, textWidth + 8, inner?.width ?? 0) + 2 * boxPadding),
    height: Math.ceil(textHeight + 2 * boxPadding - 4 + (inner === null ? 0 : inner.height + boxPadding)),
    lines,
    node,
    inner,
    critical: run?.critical ?? false,
  };
}
