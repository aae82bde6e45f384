import type { ModelRequest, ToolSpec } from "../models/port.js";
import type { Task } from "./task.js";

/** A tool call to make. */
export interface PlannedCall {
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
}

/** Every part is bounded, so that no text makes the search slow. */
const arithmetic =
  /(?:\({0,3}\s?-?\d[\d.,]{0,20}\s?\){0,3}\s?(?:[-+*/×÷^%]|plus|minus|times|divided by)\s?){1,20}\({0,3}\s?-?\d[\d.]{0,20}\s?\){0,3}/i;

/**
 * Calls of an agent's own tools whose arguments the material states literally: arithmetic for a tool that calculates, an
 * input field of the argument's name for any other. Never one that was made before.
 */
export function toolCallsFor(request: ModelRequest, task: Task): PlannedCall[] {
  const calls = request.tools.flatMap((tool) => {
    const args = argumentsFrom(tool, task);
    return args === null ? [] : [{ name: tool.name, args }];
  });
  return notYetMade(calls, request);
}

/** The names of the tools that the conversation has called. */
export function calledBefore({ messages }: ModelRequest): ReadonlySet<string> {
  return new Set(
    messages.flatMap((message) =>
      message.role === "assistant" ? (message.toolCalls ?? []).map(({ name }) => name) : [],
    ),
  );
}

/** Calls that were not made before: one where the request wants one at a time. */
export function notYetMade(calls: readonly PlannedCall[], request: ModelRequest): PlannedCall[] {
  const made = calledBefore(request);
  return calls
    .filter(({ name }) => !made.has(name))
    .slice(0, request.parallelToolCalls === false ? 1 : undefined);
}

function argumentsFrom(tool: ToolSpec, task: Task): Record<string, unknown> | null {
  const properties = (tool.parameters.properties ?? {}) as Record<string, { type?: string }>;
  const required = (tool.parameters.required ?? Object.keys(properties)) as string[];
  if (/calculat|arithmetic|expression|math|evaluate/i.test(`${tool.name} ${tool.description}`)) {
    const expression = arithmetic.exec(task.material.text.slice(0, 10_000))?.[0]?.trim();
    const [name] = required;
    if (expression === undefined || name === undefined || required.length > 1) return null;
    if (properties[name]?.type !== "string") return null;
    const signs = expression
      .replaceAll(/plus/gi, "+")
      .replaceAll(/minus/gi, "-")
      .replaceAll(/times|×/gi, "*");
    return { [name]: signs.replaceAll(/divided by|÷/gi, "/").replaceAll(",", "") };
  }
  const args = required.map((name) => {
    const given = task.sections.find(({ label }) => label === `input.${name}` || label === `item.${name}`);
    const text = given?.text.trim();
    if (text === undefined || properties[name]?.type === "string") return [name, text] as const;
    const isNumber = /^(?:number|integer)$/.test(properties[name]?.type ?? "") && text !== "";
    return [name, isNumber && Number.isFinite(Number(text)) ? Number(text) : undefined] as const;
  });
  return args.length === 0 || args.some(([, value]) => value === undefined) ? null : Object.fromEntries(args);
}
