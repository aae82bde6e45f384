import type { ModelRequest, ToolSpec } from "../models/port.js";
import type { PlannedCall } from "./planner.js";
import type { Task } from "./task.js";
import { contentStems } from "./words.js";

/**
 * Calls of an agent's own tools that the input clearly asks for and whose arguments it states: arithmetic for a tool
 * that calculates, a named thing for a tool that looks things up. Never one that was made before.
 */
export function toolCallsFor(request: ModelRequest, task: Task): PlannedCall[] {
  if (request.tools.length === 0) return [];
  const made = new Set(
    request.messages.flatMap((message) =>
      message.role === "assistant"
        ? (message.toolCalls ?? []).map((call) => `${call.name} ${canonical(call.args)}`)
        : [],
    ),
  );
  const calls = request.tools.flatMap((tool) => {
    const args = argumentsFrom(tool, task);
    return args === null || made.has(`${tool.name} ${JSON.stringify(args)}`)
      ? []
      : [{ name: tool.name, args }];
  });
  return request.parallelToolCalls === false ? calls.slice(0, 1) : calls;
}

function canonical(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json));
  } catch {
    return json;
  }
}

/** Most characters that are searched for something to calculate. */
const mostText = 10_000;

/** Every part is bounded, so that no text makes the search slow. */
const arithmetic =
  /(?:\({0,3}\s?-?\d[\d.,]{0,20}\s?\){0,3}\s?(?:[-+*/×÷^%]|plus|minus|times|divided by)\s?){1,20}\({0,3}\s?-?\d[\d.]{0,20}\s?\){0,3}/i;

function argumentsFrom(tool: ToolSpec, task: Task): Record<string, unknown> | null {
  const properties = (tool.parameters.properties ?? {}) as Record<
    string,
    { type?: string; enum?: unknown[] }
  >;
  const required = (tool.parameters.required ?? Object.keys(properties)) as string[];
  const text = [task.input.text, ...task.needs.map((need) => need.text)].join("\n").slice(0, mostText);
  const expression = arithmetic.exec(text)?.[0]?.trim();
  if (/calculat|arithmetic|expression|math|evaluate/i.test(`${tool.name} ${tool.description}`)) {
    const name = required.find((key) => properties[key]?.type === "string");
    return expression === undefined || name === undefined || required.length > 1
      ? null
      : { [name]: plainArithmetic(expression) };
  }
  const asked = contentStems(`${task.instructions} ${task.input.text}`);
  const own = [...contentStems(`${tool.name} ${tool.description}`)];
  if (!own.some((stem) => asked.has(stem))) return null;
  const args: Record<string, unknown> = {};
  for (const name of required) {
    const value = statedArgument(name, properties[name] ?? {}, task);
    if (value === null) return null;
    args[name] = value;
  }
  return args;
}

function plainArithmetic(expression: string): string {
  return expression
    .replaceAll(/plus/gi, "+")
    .replaceAll(/minus/gi, "-")
    .replaceAll(/times|×/gi, "*")
    .replaceAll(/divided by|÷/gi, "/")
    .replaceAll(",", "");
}

/** A value that the input states for an argument: one of its options, a quoted or capitalised name, or a number. */
function statedArgument(name: string, schema: { type?: string; enum?: unknown[] }, task: Task): unknown {
  const { text } = task.input;
  if (Array.isArray(schema.enum))
    return schema.enum.find((option) => text.toLowerCase().includes(String(option).toLowerCase())) ?? null;
  const field = task.fields.find(({ label }) => label === `input.${name}`);
  if (field !== undefined)
    return schema.type === "number" || schema.type === "integer" ? Number(field.text) : field.text.trim();
  if (schema.type === "number" || schema.type === "integer") {
    const numbers = text.match(/-?\d+(?:\.\d+)?/g) ?? [];
    return numbers.length === 1 ? Number(numbers[0]) : null;
  }
  if (schema.type !== "string") return null;
  const quoted = /["“]([^"”]{1,80})["”]/.exec(text)?.[1];
  if (quoted !== undefined) return quoted;
  const names = [...text.matchAll(/(?<=[a-z,] )\p{Lu}[\p{L}\d-]+(?: \p{Lu}[\p{L}\d-]+)*/gu)].map(
    ([match]) => match,
  );
  if (names[0] !== undefined) return names[0];
  return text.trim().split(/\s+/).length <= 3 && text.trim() !== "" ? text.trim() : null;
}
