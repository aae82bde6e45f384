import type { Performers } from "../engine/scope.js";
import { runAgent } from "./agent.js";
import { runApproval } from "./approval.js";
import { runFunction } from "./function.js";
import { runGraph } from "./graph.js";
import { runRunnable } from "./runnable.js";
import { runTool } from "./tool.js";

/** How each kind of node does its work. */
export const performers: Performers = {
  agent: runAgent,
  function: runFunction,
  tool: runTool,
  graph: runGraph,
  approval: runApproval,
  runnable: runRunnable,
};
