import { cleanText } from "./plain-text.js";
import {
  type BoxLine,
  boxPadding,
  type GraphLayout,
  lineSizes,
  type PlacedBox,
  type PlacedEdge,
  type Point,
} from "./svg-layout.js";

/** Text for XML content and attribute values. */
export function escapeXml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}

/** A placed graph as SVG elements: edges below, boxes above, nested graphs inside their boxes. */
export function renderSvgGraph(layout: GraphLayout): string {
  return [...layout.edges.map(renderEdge), ...layout.boxes.map(renderBox)].join("\n");
}

function renderBox(box: PlacedBox): string {
  const { x, y, width, height, node } = box;
  if (node === null) {
    const text = box.lines[0]?.text ?? "";
    return (
      `<g><rect class="dag-end" x="${px(x)}" y="${px(y)}" width="${px(width)}" height="${px(height)}" rx="${px(height / 2)}"/>` +
      `<text class="dag-kind" text-anchor="middle" x="${px(x + width / 2)}" y="${px(y + height / 2 + 4)}">${escapeXml(text)}</text></g>`
    );
  }
  const outline = `width="${px(width)}" height="${px(height)}" rx="6"`;
  const dashed = node.conditional ? " dag-dashed" : "";
  const parts = [
    node.description === null ? "" : `<title>${escapeXml(cleanText(node.description))}</title>`,
    node.mapped ? `<rect class="dag-card" x="${px(x + 5)}" y="${px(y + 5)}" ${outline}/>` : "",
    `<rect class="dag-card${node.dag === undefined ? "" : " dag-frame"}${dashed}${box.critical ? " dag-critical" : ""}" x="${px(x)}" y="${px(y)}" ${outline}/>`,
    `<rect class="dag-${node.kind}" x="${px(x)}" y="${px(y + 6)}" width="4" height="${px(height - 12)}" rx="2"/>`,
    ...renderLines(box),
    renderInner(box),
  ];
  return `<g>${parts.join("")}</g>`;
}

function renderLines({ x, y, lines }: PlacedBox): string[] {
  let baseline = y + boxPadding - 6;
  return lines.map((line: BoxLine) => {
    baseline += lineSizes[line.style].height;
    return `<text class="dag-${line.style}" x="${px(x + boxPadding + 4)}" y="${px(baseline)}">${escapeXml(line.text)}</text>`;
  });
}

function renderInner({ x, y, width, height, inner }: PlacedBox): string {
  if (inner === null || inner.boxes.length === 0) return "";
  const left = x + (width - inner.width) / 2;
  const top = y + height - boxPadding - inner.height;
  return `<g transform="translate(${px(left)} ${px(top)})">\n${renderSvgGraph(inner)}\n</g>`;
}

function renderEdge({ points, conditional }: PlacedEdge): string {
  const dashed = conditional ? " dag-dashed" : "";
  return `<path class="dag-edge${dashed}" d="${curve(points)}" marker-end="url(#dag-arrow)"/>`;
}

/** A smooth path through the points that leaves and enters each of them vertically. */
function curve(points: readonly Point[]): string {
  return points
    .map((point, index) => {
      const before = points[index - 1];
      if (before === undefined) return `M${at(point)}`;
      const y = (before.y + point.y) / 2;
      return `C${at({ x: before.x, y })} ${at({ x: point.x, y })} ${at(point)}`;
    })
    .join("");
}

const at = ({ x, y }: Point) => `${px(x)} ${px(y)}`;

/** Pixels with at most one decimal. */
function px(value: number): string {
  return `${Math.round(value * 10) / 10}`;
}
