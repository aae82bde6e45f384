import { type CatalogueEntry, catalogueLabel, goalLabel, parseCatalogue } from "../models/catalogue.js";
import type { Message, ModelRequest, ToolSpec } from "../models/port.js";
import { parseSections, type Section } from "../models/sections.js";
import { skillsAsked } from "./skill-choice.js";
import { contentStems } from "./words.js";

/** What a planner's prompt asks for. */
export interface PlannerPrompt {
  readonly goal: string;
  readonly catalogue: readonly CatalogueEntry[];
  /** The sections that are material: the input and results so far. */
  readonly material: readonly Section[];
}

/** The planner's or joiner's prompt in a conversation, or `null` where there is neither goal nor catalogue. */
export function readPlannerPrompt(messages: readonly Message[]): PlannerPrompt | null {
  for (const message of messages) {
    if (message.role !== "user") continue;
    const sections = parseSections(message.content);
    if (sections === null) continue;
    const content = (label: string) =>
      sections.flatMap((section) =>
        section.label === label && "content" in section ? [section.content] : [],
      )[0];
    const [goal, catalogue] = [content(goalLabel), content(catalogueLabel)];
    if (goal === undefined && catalogue === undefined) continue;
    const material = sections.filter(({ label }) => label !== goalLabel && label !== catalogueLabel);
    return { goal: goal ?? "", catalogue: parseCatalogue(catalogue ?? ""), material };
  }
  return null;
}

const everything = /\b(every|all|each|everything|complete|full|whole|thorough|comprehensive|detailed)\b/i;
const onlyOne = /\b(only|just|solely|nothing (?:but|else)|single)\b/i;

/** The nodes that the goal asks for, needs before what uses them. Chosen by meaning: what a node's description says it does. */
export function nodesAsked(goal: string, catalogue: readonly CatalogueEntry[]): CatalogueEntry[] {
  const wanted = new Set(skillsAsked(goal));
  const merging =
    wanted.has("merge") || (wanted.has("summary") && everything.test(goal) && !onlyOne.test(goal));
  const scored = catalogue.map((entry, i) => ({ entry, i, score: scoreOf(goal, entry, catalogue) }));
  let chosen = scored.filter(({ score }) => score > 0);
  if (merging && !onlyOne.test(goal)) chosen = scored;
  else if (chosen.length === 0 && everything.test(goal) && wanted.size > 0) chosen = scored;
  else if (onlyOne.test(goal) || chosen.length > 1) chosen = narrow(chosen, onlyOne.test(goal), wanted.size);
  return needsFirst(chosen.sort((a, b) => a.i - b.i).map(({ entry }) => entry));
}

type Scored = { entry: CatalogueEntry; i: number; score: number };

/** Keeps the best where one is asked for, else those not far behind the best. */
function narrow(chosen: Scored[], one: boolean, skills: number): Scored[] {
  const best = Math.max(...chosen.map(({ score }) => score));
  if (one && skills <= 1) return chosen.filter(({ score }) => score === best).slice(0, 1);
  return chosen.filter(({ score }) => score >= best / 3);
}

/** How much an entry does what the goal asks for: shared skills first, then shared words that not every entry has. */
function scoreOf(goal: string, entry: CatalogueEntry, catalogue: readonly CatalogueEntry[]): number {
  const own = skillsAsked(`${entry.name}. ${entry.description}`);
  const asked = skillsAsked(goal);
  const skill = asked.includes(own[0] ?? "passages") ? 6 : 0;
  const goalStems = contentStems(goal);
  const common = (stem: string) =>
    catalogue.length > 1 &&
    catalogue.every((other) => contentStems(`${other.name} ${other.description}`).has(stem));
  const named = [...contentStems(entry.name)].filter((stem) => goalStems.has(stem)).length;
  const described = [...contentStems(entry.description)].filter(
    (stem) => goalStems.has(stem) && !common(stem) && !generic.has(stem),
  ).length;
  return skill + named * 4 + (asked.length === 0 || skill > 0 ? described : described * 0.5);
}

const generic = contentStems(
  "review product text overall whether would one sentence short give list write tell find main input answer question show",
);

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
export function focusOf(goal: string): string | null {
  return (
    /\b(?:focus(?:ing|ed)?|concentrat(?:e|ing)) (?:only |mainly |especially )?on (?:the |its )?([\p{L}\d][\p{L}\d -]{1,40}?)(?=[.,;!?]|$| and (?:say|tell|write))/iu
      .exec(goal)?.[1]
      ?.trim() ?? null
  );
}

/** Plan lines for the nodes that the goal asks for; the last is `join()`. */
export function planLines(prompt: PlannerPrompt): string {
  const nodes = nodesAsked(prompt.goal, prompt.catalogue);
  const focus = focusOf(prompt.goal);
  const lines = nodes.map((node, i) => {
    // A positional reference is an argument of a tool; what a node needs reaches it all the same.
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

/** A tool call to make. */
export interface PlannedCall {
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
}

/** The calls still to make: nodes that the goal asks for and that were not called yet. */
export function callsToMake(prompt: PlannerPrompt, request: ModelRequest): PlannedCall[] {
  const called = new Set(
    request.messages.flatMap((message) =>
      message.role === "assistant" ? (message.toolCalls ?? []).map(({ name }) => name) : [],
    ),
  );
  const focus = focusOf(prompt.goal);
  const input = prompt.material
    .flatMap((section) => ("content" in section ? [section.content] : []))
    .join("\n\n");
  const calls = nodesAsked(prompt.goal, prompt.catalogue).flatMap(({ name }): PlannedCall[] => {
    const tool = request.tools.find((candidate) => candidate.name === name);
    return tool === undefined || called.has(name) ? [] : [{ name, args: argsOf(tool, input, focus) }];
  });
  return request.parallelToolCalls === false ? calls.slice(0, 1) : calls;
}

function argsOf(tool: ToolSpec, input: string, focus: string | null): Record<string, unknown> {
  const properties = (tool.parameters.properties ?? {}) as Record<string, unknown>;
  return {
    ...("input" in properties ? { input } : {}),
    ...("focus" in properties && focus !== null ? { focus } : {}),
  };
}
