import { type CatalogueEntry, parseCatalogue } from "../models/catalogue.js";
import type { ModelRequest, ToolSpec } from "../models/port.js";
import { fillFields } from "./fields.js";
import { cannot, readInstructions } from "./instructions.js";
import { contentStems, titleOf } from "./lexicon.js";
import { answerInWords, asSaid } from "./skills.js";
import type { Task } from "./task.js";

/** A tool call to make. */
export interface PlannedCall {
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
}

/** Which nodes a goal asks for, and why these. */
export interface Choice {
  readonly nodes: readonly CatalogueEntry[];
  readonly why: string;
}

/**
 * 1. A node whose name the goal says, or whose skill it asks for, is chosen, unless the goal excludes it.
 * 2. A goal that merges, that asks for everything, or of which nothing or only a part was understood, runs every node.
 */
export function chooseNodes(goal: string, catalogue: readonly CatalogueEntry[]): Choice {
  const asked = readInstructions(goal);
  const every = (why: string): Choice => ({ nodes: needsFirst(catalogue), why });
  const skillsOf = ({ name, description }: CatalogueEntry) =>
    sides(readInstructions(`${titleOf(name)}. ${description}`).skills.slice(0, 1));
  const excluded = sides(asked.excluded);
  const left = catalogue.filter(
    (entry) =>
      !skillsOf(entry).some((skill) => excluded.includes(skill)) || named(entry, withoutDenials(goal)),
  );
  if (asked.beyond) return every("The goal asks for more than rules understand: every node is called.");
  if (
    asked.skills[0] === "merge" ||
    (asked.skills.length > 0 &&
      /\b(?:everything|every (?:aspect|node|specialist)|complete|comprehensive|thorough|full (?:report|analysis|picture|review))\b/i.test(
        goal,
      ))
  )
    return { nodes: needsFirst(left), why: "The goal asks for everything." };
  const wanted = sides(asked.skills);
  const said = withoutDenials(goal);
  const byName = left.filter((entry) => named(entry, said));
  const bySkill = left.filter((entry) => skillsOf(entry).some((skill) => wanted.includes(skill)));
  const chosen = left.filter((entry) => byName.includes(entry) || bySkill.includes(entry));
  const described =
    chosen.length > 0 || wanted.length > 0
      ? chosen
      : left.filter((entry) => describes(entry, said, catalogue));
  const met = wanted.every(
    (skill) => byName.length > 0 || described.some((entry) => skillsOf(entry).includes(skill)),
  );
  if (described.length === 0 || !met)
    return left.length < catalogue.length && wanted.length === 0 && excluded.length > 0
      ? { nodes: needsFirst(left), why: "Every node but those that the goal excludes." }
      : every("The goal was not understood as one of the nodes: every node is called.");
  return {
    nodes: needsFirst(described),
    why: `The goal asks for ${described.map(({ name }) => name).join(", ")}.`,
  };
}

/** One side of pros and cons is answered by a node that lists both. */
const sides = (skills: readonly string[]) =>
  skills.map((skill) => (skill === "pros" || skill === "cons" ? "prosCons" : skill));

const withoutDenials = (goal: string) =>
  goal.replace(
    /\b(?:do not|don['’]t|never|without|except(?: for)?|leave out|skip|ignore|exclud\w+|not|no|but not|instead of|rather than)\b(?! (?:only|just))(?:(?!\b(?:but|only|just)\b)[^.;:!?\n,])*/gi,
    " ",
  );

/** Whether a goal says a node's whole name, as one word or as its words. */
function named({ name }: CatalogueEntry, goal: string): boolean {
  const words = name.replaceAll(/([a-z\d])([A-Z])/g, "$1 $2").replaceAll(/[_-]+/g, " ");
  return new RegExp(
    `(?<![\\w])(?:${[name, words].map((one) => one.replaceAll(/[^\w ]/g, ".")).join("|")})(?![\\w])`,
    "i",
  ).test(goal);
}

/** Whether a goal and a node's description share two words that not every description has. */
function describes({ description }: CatalogueEntry, goal: string, all: readonly CatalogueEntry[]): boolean {
  const own = contentStems(goal);
  const shared = [...contentStems(description)].filter((stem) => own.has(stem));
  return (
    shared.filter((stem) => all.filter((other) => contentStems(other.description).has(stem)).length === 1)
      .length >= 2
  );
}

function needsFirst(entries: readonly CatalogueEntry[]): CatalogueEntry[] {
  const ordered: CatalogueEntry[] = [];
  const visit = (entry: CatalogueEntry, open: readonly string[]) => {
    if (ordered.includes(entry) || open.includes(entry.name)) return;
    for (const need of entry.needs) {
      const needed = entries.find(({ name }) => name === need);
      if (needed !== undefined) visit(needed, [...open, entry.name]);
    }
    ordered.push(entry);
  };
  for (const entry of entries) visit(entry, []);
  return ordered;
}

/** The one thing that the goal says to look at ("focus on the battery"), or `null`. */
function focusOf(goal: string): string | null {
  return (
    /\b(?:focus(?:ing|ed)?|concentrat(?:e|ing)) (?:only |mainly |especially )?on (?:the |its )?([\p{L}\d][\p{L}\d -]{1,40}?)(?=[.,;!?]|$| and (?:say|tell|write))/iu
      .exec(goal)?.[1]
      ?.trim() ?? null
  );
}

/** Plan lines for the nodes that the goal asks for, after a line that says why; the last is `join()`. */
export function planLines(goal: string, catalogue: readonly CatalogueEntry[]): string {
  const { nodes } = chooseNodes(goal, catalogue);
  const focus = focusOf(goal);
  const lines = nodes.map((node, i) => {
    const takesArgs = node.args.some((arg) => arg !== "focus");
    const references = (takesArgs ? [] : node.needs)
      .map((need) => nodes.findIndex(({ name }) => name === need))
      .filter((at) => at >= 0 && at < i)
      .map((at) => `$${at + 1}`);
    const args =
      node.args.includes("focus") && focus !== null
        ? [...references, `focus=${JSON.stringify(focus)}`]
        : references;
    return `${i + 1}. ${node.name}(${args.join(", ")})`;
  });
  return [...lines, `${lines.length + 1}. join()`].join("\n");
}

/** The calls still to make, with the reason for the first of them. */
export function callsToMake(task: Task, request: ModelRequest): { calls: PlannedCall[]; why: string } {
  const goal = task.plan?.goal ?? "";
  const called = new Set(
    request.messages.flatMap((message) =>
      message.role === "assistant" ? (message.toolCalls ?? []).map(({ name }) => name) : [],
    ),
  );
  const choice = chooseNodes(goal, parseCatalogue(task.plan?.catalogue ?? ""));
  const focus = focusOf(goal);
  const calls = choice.nodes.flatMap(({ name }): PlannedCall[] => {
    const tool = request.tools.find((candidate) => candidate.name === name);
    return tool === undefined || called.has(name)
      ? []
      : [{ name, args: argsOf(tool, task.material.text, focus) }];
  });
  return {
    calls: request.parallelToolCalls === false ? calls.slice(0, 1) : calls,
    why: called.size === 0 ? choice.why : "",
  };
}

function argsOf(tool: ToolSpec, input: string, focus: string | null): Record<string, unknown> {
  const properties = (tool.parameters.properties ?? {}) as Record<string, unknown>;
  return {
    ...("input" in properties ? { input } : {}),
    ...("focus" in properties && focus !== null ? { focus } : {}),
  };
}

/**
 * The answer to a goal from the results: merged where that is asked for, else the results of the nodes that it asks for.
 * @throws DagError `OFFLINE_CANNOT` where there is no result to answer from
 */
export function answerGoal(task: Task, schema: ModelRequest["schema"]): string {
  const { needs } = task;
  const goal = task.plan?.goal ?? "";
  const output = /follow its instructions:\n([\s\S]*)$/.exec(task.instructions)?.[1] ?? "";
  if (schema !== null) return JSON.stringify(fillFields(schema, task, `${goal}\n${output}`));
  const nodes = chooseNodes(
    goal,
    needs.map(({ label }) => ({ name: label, description: "", args: [], needs: [] })),
  ).nodes;
  const merges = (text: string) => readInstructions(text).skills[0] === "merge";
  if (
    needs.length > 0 &&
    (merges(goal) || (merges(output) && nodes.length === needs.length && needs.length > 1))
  )
    return answerInWords(task, "Write an executive summary.");
  const own = needs.filter(({ label }) => nodes.some(({ name }) => name === label));
  const used = own.length > 0 ? own : needs;
  if (used.length === 1) return used[0]?.text ?? "";
  if (used.length === 0 && task.missing.length === 0)
    throw cannot(`no result answers the goal ${asSaid(goal)}`);
  return [
    ...used.map(({ label, text }) => `${titleOf(label)}:\n${text}`),
    ...task.missing.map(({ label, reason }) => `${titleOf(label)}: missing (${reason})`),
  ].join("\n\n");
}
