import type { DagIssue } from "../errors.js";
import { validateNumber } from "./bounds.js";
import { isObject, isPlainObject, issue, pathTo, showValue, unknownKeys } from "./issue.js";

/** Issues of a model: a name, or an instance of a chat model. */
export function validateModel(model: unknown, path: string): DagIssue[] {
  if (model === undefined || (isObject(model) && typeof model.invoke === "function")) return [];
  return validateModelName(model, path);
}

/** What a model's name looks like: `provider:name`, or `offline`. */
export const modelPattern = /^(?:offline|[\w@./-]+:\S.*)$/;

/** Issues of a model's name. */
export function validateModelName(model: unknown, path: string): DagIssue[] {
  if (typeof model === "string" && modelPattern.test(model)) return [];
  return [
    issue(
      "bad-model",
      path,
      `${showValue(model)} is not a model.`,
      'Write "provider:name" (for example "openai:gpt-4.1-mini") or "offline".',
    ),
  ];
}

const carriers = ["strict", "schema", "tool", "json", "instructions"];

/** Issues of an agent's `modelOptions`. */
export function validateModelOptions(options: unknown, path: string): DagIssue[] {
  if (options === undefined) return [];
  if (!isPlainObject(options)) {
    return [
      issue(
        "bad-value",
        path,
        `modelOptions has to be an object, but is ${showValue(options)}.`,
        "Write modelOptions: { temperature, maxTokens, … }.",
      ),
    ];
  }
  return [
    ...unknownKeys(
      options,
      ["temperature", "maxTokens", "structured", "acceptTruncated", "toolCallsInText"],
      path,
    ),
    ...validateNumber(options.temperature, pathTo(path, "temperature"), { min: 0 }),
    ...validateNumber(options.maxTokens, pathTo(path, "maxTokens"), { min: 1, integer: true }),
    ...(["acceptTruncated", "toolCallsInText"] as const).flatMap((key) =>
      options[key] === undefined || typeof options[key] === "boolean"
        ? []
        : [
            issue(
              "bad-value",
              pathTo(path, key),
              `It has to be true or false, but is ${showValue(options[key])}.`,
              "Write true or false.",
            ),
          ],
    ),
    ...(options.structured === undefined || carriers.includes(options.structured as string)
      ? []
      : [
          issue(
            "bad-value",
            pathTo(path, "structured"),
            `It has to be one of ${carriers.join(", ")}, but is ${showValue(options.structured)}.`,
            `Write one of ${carriers.map((name) => `"${name}"`).join(", ")}.`,
          ),
        ]),
  ];
}

/** Issues of an agent's `tools`. */
export function validateTools(tools: unknown, path: string): DagIssue[] {
  if (tools === undefined) return [];
  if (!Array.isArray(tools)) {
    return [
      issue(
        "bad-tool",
        path,
        `tools has to be a list, but is ${showValue(tools)}.`,
        "List LangChain tools (TypeScript only).",
      ),
    ];
  }
  const names = new Set<string>();
  return tools.flatMap((tool, i) => {
    const { inner, issues } = validateAgentTool(tool, pathTo(path, i));
    const name = issues.length === 0 ? (inner as { name: string }).name : undefined;
    if (name !== undefined && names.has(name)) {
      issues.push(
        issue(
          "duplicate-tool",
          pathTo(path, i),
          `Two tools are called "${name}".`,
          "Give each tool a name of its own; those of several MCP servers get one by `prefixToolNameWithServerName: true`.",
        ),
      );
    }
    if (name !== undefined) names.add(name);
    return issues;
  });
}

/** A tool as it is, or with what says whether a person is asked first. */
function validateAgentTool(tool: unknown, path: string): { inner: unknown; issues: DagIssue[] } {
  if (!isPlainObject(tool) || !("tool" in tool) || "invoke" in tool) {
    return { inner: tool, issues: validateTool(tool, path) };
  }
  const { approve } = tool;
  const issues = [
    ...unknownKeys(tool, ["tool", "approve"], path),
    ...validateTool(tool.tool, pathTo(path, "tool")),
  ];
  if (approve !== undefined && typeof approve !== "boolean" && typeof approve !== "function") {
    const message = `approve is ${showValue(approve)}.`;
    issues.push(
      issue("bad-tool", pathTo(path, "approve"), message, "Write true, or a function of the arguments."),
    );
  }
  return { inner: tool.tool, issues };
}

/** Issues of one tool. */
export function validateTool(tool: unknown, path: string): DagIssue[] {
  if (
    isObject(tool) &&
    typeof tool.name === "string" &&
    tool.name !== "" &&
    typeof tool.invoke === "function"
  )
    return [];
  return [
    issue(
      "bad-tool",
      path,
      `${showValue(tool)} is not a tool.`,
      "Give a LangChain tool, an object with name and invoke (TypeScript only).",
    ),
  ];
}
