import { DagError } from "../../src/errors.js";
import { jsonCopy } from "../../src/spec/json-value.js";
import { fillTemplate } from "../../src/spec/reference.js";
import type { ToolLike } from "../../src/spec/shape.js";
import type { Work, WorkResult } from "../engine/scope.js";
import { asPartOf } from "../engine/surrounding.js";
import { ctxOf } from "../engine/work.js";
import { checkedValue } from "./function.js";
import { invokeTool } from "./invoke-tool.js";
import { asked } from "./tool-calls.js";

/**
 * Runs a tool node: any LangChain tool, with the node's own `args`, over which a planner's arguments are laid.
 * @throws DagError `ARGS_NOT_OBJECT` when the arguments are not an object, `VALUE_NOT_JSON` when they are not JSON,
 * `OUTPUT_INVALID` when what the tool gives does not fit the node's `output` schema, Suspension while a question of it has no
 * answer, and whatever the tool throws itself.
 */
export async function runTool(work: Work): Promise<WorkResult> {
  const { run } = work.scope;
  const tool = work.node.tool as ToolLike;
  const args = argsOf(work);
  const answers = run.questions.answersTo(work.key, "interrupt ");
  const running = asPartOf(work, () =>
    run.host(answers, () =>
      invokeTool(tool, args, work.name, {
        signal: work.canceller.signal,
        context: work.scope.run.contexts(work.scope.spec),
      }),
    ),
  );
  return checkedValue(work, asked(work, "interrupt ", answers.length, running));
}

function argsOf(work: Work): Record<string, unknown> {
  const ctx = ctxOf(work);
  const { args } = work.node;
  const asJson = (value: unknown) =>
    jsonCopy(value, "VALUE_NOT_JSON", `What \`args\` gives the tool "${work.node.tool?.name}"`);
  const own = asJson(typeof args === "function" ? args(ctx) : fillTemplate(args ?? {}, ctx));
  return { ...assertObject(own), ...assertObject(asJson(fillTemplate(work.args ?? {}, ctx))) };
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
