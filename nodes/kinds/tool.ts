import { DagError } from "../../src/errors.js";
import { fillTemplate } from "../../src/spec/reference.js";
import { ctxOf, type Work, type WorkResult } from "../engine/work.js";
import { checkedValue } from "./function.js";

/**
 * Runs a tool node: any LangChain tool, with the node's own `args`, over which a planner's arguments are laid.
 * @throws DagError `ARGS_NOT_OBJECT` when the arguments are not an object, `OUTPUT_INVALID` when the value does not fit
 * the node's `output` schema, and whatever the tool throws itself.
 */
export async function runTool(work: Work): Promise<WorkResult> {
  return checkedValue(work, work.node.tool?.invoke(argsOf(work), { signal: work.stopper.signal }));
}

function argsOf(work: Work): Record<string, unknown> {
  const ctx = ctxOf(work);
  const { args } = work.node;
  const own: unknown = typeof args === "function" ? args(ctx) : fillTemplate(args ?? {}, ctx);
  return { ...assertObject(own), ...assertObject(fillTemplate(work.args ?? {}, ctx)) };
}

function assertObject(args: unknown): Record<string, unknown> {
  if (typeof args === "object" && args !== null && !Array.isArray(args))
    return args as Record<string, unknown>;
  throw new DagError(
    "ARGS_NOT_OBJECT",
    `A tool's arguments are an object; ${JSON.stringify(args)} was given.`,
    {
      hint: "Name each argument: `args: { city: { $ref: { input: true } } }`.",
    },
  );
}
