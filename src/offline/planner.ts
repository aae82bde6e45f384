import { type CatalogueEntry, parseCatalogue } from "../models/catalogue.js";
import type { ModelRequest } from "../models/port.js";
import { fillFields } from "./fields.js";
import { cannot, readInstructions, withoutExclusions } from "./instructions.js";
import { contentStems, escaped, titleOf, wordsIn } from "./lexicon.js";
import { answerInWords, asSaid } from "./skills.js";
import type { Task } from "./task.js";
import { calledBefore, notYetMade, type PlannedCall } from "./tool-use.js";

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
  const said = withoutExclusions(goal).asked;
  const every = (why: string): Choice => ({ nodes: needsFirst(catalogue), why });
  const skillsOf = ({ name, description }: CatalogueEntry) =>
    sides(readInstructions(`${titleOf(name)}. ${description}`).skills.slice(0, 1));
  const excluded = sides(asked.excluded);
  const left = catalogue.filter(
    (entry) => !skillsOf(entry).some((skill) => excluded.includes(skill)) || named(entry, said),
  );
  if (asked.beyond) return every("The goal asks for more than rules understand: every node is called.");
  if (asked.skills[0] === "merge" || (asked.skills.length > 0 && everything.test(goal)))
    return { nodes: needsFirst(left), why: "The goal asks for everything." };
  const wanted = sides(asked.skills);
  const meets = (skill: string) => (entry: CatalogueEntry) => skillsOf(entry).includes(skill);
  const byName = left.filter((entry) => named(entry, said));
  const chosen = left.filter(
    (entry) => byName.includes(entry) || wanted.some((skill) => meets(skill)(entry)),
  );
  const unmet = byName.length === 0 && wanted.some((skill) => !chosen.some(meets(skill)));
  const nodes =
    wanted.length > 0 || chosen.length > 0
      ? chosen
      : left.filter((entry) => describes(entry, said, catalogue));
  if (nodes.length > 0 && !unmet)
    return {
      nodes: needsFirst(nodes),
      why: `The goal asks for ${nodes.map(({ name }) => name).join(", ")}.`,
    };
  return left.length < catalogue.length && wanted.length === 0
    ? { nodes: needsFirst(left), why: "Every node but those that the goal excludes." }
    : every("The goal was not understood as one of the nodes: every node is called.");
}

const everything =
  /\b(?:everything|every (?:aspect|node|specialist)|complete|comprehensive|thorough|full (?:report|analysis|picture|review))\b/i;

/** One side of pros and cons is answered by a node that lists both. */
const sides = (skills: readonly string[]) =>
  skills.map((skill) => (skill === "pros" || skill === "cons" ? "prosCons" : skill));

/** Whether a goal says a node's whole name, as one word or as its words. */
function named({ name }: CatalogueEntry, goal: string): boolean {
  return new RegExp(`(?<!\\w)(?:${escaped(name)}|${escaped(wordsIn(name))})(?!\\w)`, "i").test(goal);
}

/** Whether a goal and a node's description share two words that not every description has. */
function describes({ description }: CatalogueEntry, goal: string, all: readonly CatalogueEntry[]): boolean {
  const own = contentStems(goal);
  const shared = [...contentStems(description)].filter((stem) => own.has(stem));
  const alone = (stem: string) =>
    all.filter((other) => contentStems(other.description).has(stem)).length === 1;
  return shared.filter(alone).length >= 2;
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
    if (node.args.includes("focus") && focus !== null) references.push(`focus=${JSON.stringify(focus)}`);
    return `${i + 1}. ${node.name}(${references.join(", ")})`;
  });
  return [...lines, `${lines.length + 1}. join()`].join("\n");
}

/** The calls still to make, with the reason for the first of them. */
export function callsToMake(task: Task, request: ModelRequest): { calls: PlannedCall[]; why: string } {
  const goal = task.plan?.goal ?? "";
  const choice = chooseNodes(goal, parseCatalogue(task.plan?.catalogue ?? ""));
  const focus = focusOf(goal);
  const calls = choice.nodes.flatMap(({ name }): PlannedCall[] => {
    const tool = request.tools.find((candidate) => candidate.name === name);
    if (tool === undefined) return [];
    const takes = (arg: string) => arg in ((tool.parameters.properties ?? {}) as object);
    const input = takes("input") ? { input: task.material.text } : {};
    return [{ name, args: { ...input, ...(takes("focus") && focus !== null && { focus }) } }];
  });
  return { calls: notYetMade(calls, request), why: calledBefore(request).size === 0 ? choice.why : "" };
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
