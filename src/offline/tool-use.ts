import type { ModelRequest, ToolSpec } from "../models/port.js";
import type { PlannedCall } from "./planner.js";
import type { Task } from "./task.js";

/** Every part is bounded, so that no text makes the search slow. */
const arithmetic =
  /(?:\({0,3}\s?-?\d[\d.,]{0,20}\s?\){0,3}\s?(?:[-+*/×÷^%]|plus|minus|times|divided by)\s?){1,20}\({0,3}\s?-?\d[\d.]{0,20}\s?\){0,3}/i;

/**
 * Calls of an agent's own tools whose arguments the material states literally: arithmetic for a tool that calculates, an
 * input field of the argument's name for any other. Never one that was made before.
 */
export function toolCallsFor(request: ModelRequest, task: Task): PlannedCall[] {
  const made = new Set(
    request.messages.flatMap((message) =>
      message.role === "assistant" ? (message.toolCalls ?? []).map(({ name }) => name) : [],
    ),
  );
  const calls = request.tools.flatMap((tool) => {
    const args = made.has(tool.name) ? null : argumentsFrom(tool, task);
    return args === null ? [] : [{ name: tool.name, args }];
  });
  return request.parallelToolCalls === false ? calls.slice(0, 1) : calls;
}

function argumentsFrom(tool: ToolSpec, task: Task): Record<string, unknown> | null {
  const properties = (tool.parameters.properties ?? {}) as Record<string, { type?: string }>;
  const required = (tool.parameters.required ?? Object.keys(properties)) as string[];
  if (/calculat|arithmetic|expression|math|evaluate/i.test(`${tool.name} ${tool.description}`)) {
    const expression = arithmetic.exec(task.material.text.slice(0, 10_000))?.[0]?.trim();
    const [name] = required;
    if (
      expression === undefined ||
      name === undefined ||
      required.length > 1 ||
      properties[name]?.type !== "string"
    )
      return null;
    const signs = expression
      .replaceAll(/plus/gi, "+")
      .replaceAll(/minus/gi, "-")
      .replaceAll(/times|×/gi, "*");
    return { [name]: signs.replaceAll(/divided by|÷/gi, "/").replaceAll(",", "") };
  }
  const args = required.map((name) => {
    const text = task.sections
      .find(({ label }) => label === `input.${name}` || label === `item.${name}`)
      ?.text.trim();
    const { type } = properties[name] ?? {};
    if (text === undefined || type === "string") return [name, text] as const;
    return [
      name,
      type === "number" || type === "integer"
        ? text !== "" && Number.isFinite(Number(text))
          ? Number(text)
          : undefined
        : undefined,
    ] as const;
  });
  return args.length === 0 || args.some(([, value]) => value === undefined) ? null : Object.fromEntries(args);
}
