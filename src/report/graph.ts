import { DagValidationError } from "../errors.js";
import { projectDag } from "../records/projection.js";
import type { RunRecord } from "../records/record.js";
import { assertValid } from "../spec/assert-valid.js";
import { validateChoice } from "../spec/bounds.js";
import { assertOptions, isObject } from "../spec/issue.js";
import type { DagSpec } from "../spec/shape.js";
import { renderMermaid } from "./mermaid.js";
import { renderSvg } from "./svg.js";

/** What {@link renderGraph} writes. */
export interface GraphOptions {
  /** A Mermaid flowchart, or an SVG that needs nothing besides itself. @default "mermaid" */
  readonly format?: "mermaid" | "svg";
  /** A run whose states, times and critical path are drawn into the SVG. @default the record that is drawn, if one is */
  readonly record?: RunRecord;
}

/**
 * Draws a declared DAG, or the DAG of a record: nodes with kind, join and condition, and the DAGs of graph nodes within. It is
 * drawn from the declaration, so that it looks the same in every topology.
 * @throws DagValidationError when the spec is not valid, or `format` is none of those there are.
 */
export function renderGraph(subject: DagSpec | RunRecord, options: GraphOptions = {}): string {
  assertOptions("renderGraph", options);
  const issues = validateChoice(options.format, "format", ["mermaid", "svg"]);
  if (issues.length > 0) throw new DagValidationError("The options", issues);
  const { format = "mermaid", record = isRecord(subject) ? subject : undefined } = options;
  if (!isRecord(subject)) assertValid(subject);
  const projection = isRecord(subject) ? subject.dag : projectDag(subject);
  return format === "svg" ? renderSvg(projection, record && { record }) : renderMermaid(projection);
}

function isRecord(subject: DagSpec | RunRecord): subject is RunRecord {
  return isObject(subject) && "outcomes" in subject && "dag" in subject;
}
