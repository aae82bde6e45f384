import { DagError } from "../src/errors.js";
import type { NodeKind } from "../src/spec/shape.js";
import { runAgent } from "./agent.js";
import { runApproval } from "./approval.js";
import { runFunction } from "./function.js";
import { runGraph } from "./graph.js";
import type { Work, WorkResult } from "./work.js";

const notYet = async (work: Work): Promise<WorkResult> => {
  throw new DagError("KIND_NOT_RUNNABLE", `The node "${work.name}" is of a kind that cannot be run yet.`);
};

/** How each kind of node does its work. */
export const runKind: Readonly<Record<NodeKind, (work: Work) => Promise<WorkResult>>> = {
  agent: runAgent,
  function: runFunction,
  tool: notYet,
  graph: runGraph,
  approval: runApproval,
};
