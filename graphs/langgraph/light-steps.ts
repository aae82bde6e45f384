import { inContext } from "./light-context.js";
import {
  type CallConfig,
  type GraphNode,
  type PrivateGraph,
  type PrivateStateGraph,
  privateNames,
  type Step,
} from "./private-names.js";

/**
 * Has the nodes of a `StateGraph` run without what LangGraph puts around each of their steps: a sequence of runnables, each
 * with merged configs, an asynchronous context and a LangSmith run of its own, which together take more processor time than
 * all else that LangGraph does for a node. The graph's state, edges, tasks and checkpoints stay LangGraph's. So does the whole
 * step where somebody listens with callbacks, where conditional edges follow, and where the parts of a node are not those that
 * were read in the version that {@link privateNames} names.
 */
export function lightSteps(graph: PrivateStateGraph): PrivateGraph {
  for (const [name, node] of Object.entries(graph.nodes)) {
    if (Object.keys(graph.builder.branches[name] ?? {}).length > 0) continue;
    const whole = node.getNode.bind(node);
    let light: Step | null | undefined;
    node.getNode = () => {
      if (light === undefined) light = lightStep(node, whole);
      return light ?? whole();
    };
  }
  return graph;
}

/** What a node writes once it has run: edges as they are, its update by what splits it into channels. */
type Write = readonly [channel: string, value: unknown] | ((update: unknown, config: CallConfig) => unknown);

function lightStep(node: GraphNode, whole: () => Step): Step | null {
  const { func } = node.bound;
  const writes = writesOf(node);
  if (writes === null) return null;
  return {
    async invoke(input: unknown, config: CallConfig) {
      const send: unknown = config.configurable?.[privateNames.send];
      if (config.callbacks !== undefined || typeof send !== "function") return whole().invoke(input, config);
      const update = func === undefined ? input : await inContext(config, () => func(input, config));
      const entries: unknown[] = [];
      for (const write of writes) {
        if (typeof write !== "function") entries.push(write);
        else entries.push(...(((await write(update, config)) ?? []) as unknown[]));
      }
      send(entries);
      return update;
    },
  };
}

/** `null` where a writer is none of those that edges and a node's update have. */
function writesOf(node: GraphNode): Write[] | null {
  const writes: Write[] = [];
  for (const writer of node.getWriters()) {
    // How a `Command` chooses the next node; here no other branch is, and no node returns one.
    if (writer.writes === undefined && writer.name === privateNames.branch) continue;
    if (writer.writes === undefined) return null;
    for (const { channel, value, mapper } of writer.writes) {
      if (mapper?.func !== undefined && channel === undefined) writes.push(mapper.func);
      else if (mapper === undefined && typeof channel === "string" && !isPassthrough(value))
        writes.push([channel, value]);
      else return null;
    }
  }
  return writes;
}

const isPassthrough = (value: unknown) =>
  typeof value === "object" && value !== null && privateNames.passthrough in value;
