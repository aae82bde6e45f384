import { isDeepStrictEqual } from "node:util";
import type { CallRecord } from "../records/events.js";

/** A tool call that is expected; arguments count only when they are given. */
export interface ToolExpectation {
  /** Name of the tool. */
  readonly name: string;
  /** What it has to be called with, compared deeply. @default any arguments */
  readonly args?: unknown;
}

type CalledTool = CallRecord["toolCalls"][number];

/** A name alone, or with arguments, in one form. */
export function expectedTool(tool: string | ToolExpectation): ToolExpectation {
  return typeof tool === "string" ? { name: tool } : tool;
}

/** Whether exactly the expected tools were called, in this order or in any. */
export function toolsFit(
  expected: readonly ToolExpectation[],
  called: readonly CalledTool[],
  order: "any" | "exact",
): boolean {
  if (expected.length !== called.length) return false;
  if (order === "exact") return expected.every((tool, i) => called[i] !== undefined && fits(tool, called[i]));
  const left = [...called];
  // Expectations with arguments choose first, so that a bare name does not take what they need.
  const pickiestFirst = [...expected].sort((a, b) => Number("args" in b) - Number("args" in a));
  return pickiestFirst.every((tool) => {
    const index = left.findIndex((call) => fits(tool, call));
    if (index === -1) return false;
    left.splice(index, 1);
    return true;
  });
}

/** A tool call as one line. */
export function toolText({ name, args }: CalledTool): string {
  return `${name}(${JSON.stringify(args)})`;
}

function fits(expected: ToolExpectation, { name, args }: CalledTool): boolean {
  if (expected.name !== name) return false;
  return !("args" in expected) || isDeepStrictEqual(args, expected.args);
}
