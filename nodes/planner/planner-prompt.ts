import { catalogueLabel, goalLabel, renderCatalogue } from "../../src/models/catalogue.js";
import type { Section } from "../../src/models/sections.js";
import type { Scope } from "../engine/scope.js";
import { type FirstMessages, inputContent, layOut, needSection, type PromptPart } from "../kinds/prompt.js";
import type { Front } from "../kinds/shared-prefix.js";
import { outcomeOfRuns } from "./planner-calls.js";
import { type Callable, writtenOutput } from "./planner-catalogue.js";
import type { PlannerOptions } from "./planner-options.js";
import { type PlannerSession, textOfInstructions } from "./planner-session.js";

/** The first messages of the planner of topology `planned`, whose tools are the nodes. */
export function plannedPrompt(session: PlannerSession, front: Front): Promise<FirstMessages> {
  const system = [...plannedRules(session.options), answerRule(session.scope, session.goal)];
  return promptOf(session, "$planner", system, { before: catalogueSections(session) }, front);
}

/** What the planner of topology `planned` is told whatever the DAG is. */
export function plannedRules({ toolInput, parallelToolCalls }: PlannerOptions = {}): string[] {
  return [
    `You decide which specialists to run to reach the goal. The section \`${catalogueLabel}\` lists them, one JSON object a line; each is a tool.`,
    toolInput === "argument"
      ? "Pass the whole text of the section `input` to each tool that has an argument `input`."
      : "Specialists read the input by themselves: never copy it into a call.",
    parallelToolCalls === false
      ? "Call one tool in a message."
      : "Call all the tools that do not wait for each other's results in one message.",
    "Call only what the goal asks for. What a specialist needs is run for it. Give a `focus` of a few words only where the goal asks about one thing in particular.",
    "When you have what the goal asks for, answer it from the results, without calling a tool. Say what is missing; never make it up.",
  ];
}

/** The messages of the planner of topology `planned-dag`: it writes a plan, from line `first` on. */
export function planPrompt(
  session: PlannerSession,
  { first, results, trouble }: { first: number; results: readonly Section[]; trouble: readonly Section[] },
): Promise<FirstMessages> {
  const system = planRules(first);
  if (results.length > 0) {
    system.push("Sections labelled `$N name` hold results of earlier calls, which need not be made again.");
  }
  if (trouble.length > 0) system.push("The last section says why a new plan is wanted.");
  const data = { before: catalogueSections(session), after: [...results, ...trouble] };
  return promptOf(session, "$planner", system, data, noFront);
}

/** What the planner of topology `planned-dag` is told whatever the DAG is; its plan goes on with line `first`. */
export function planRules(first: number): string[] {
  return [
    `You plan the work of specialists that reaches the goal. The section \`${catalogueLabel}\` lists them, one JSON object a line.`,
    `Write one call a line, as \`${first}. name()\`, counting up from ${first}; the last line is \`join()\`. Write nothing else.`,
    'Arguments are JSON literals, `name=value`, or `$2` for the result of line 2; refer only to lines above. A specialist takes at most a `focus` of a few words: `1. name("price")`.',
    "Specialists read the input by themselves, and what a specialist needs is run for it and reaches it: name neither. Call only what the goal asks for.",
  ];
}

/** The joiner's first messages: it answers from the results, or asks for another plan where it may. */
export function joinerPrompt(
  session: PlannerSession,
  mayReplan: boolean,
  schema: Front["schema"],
): Promise<FirstMessages> {
  const [answer = "", ...more] = joinerRules(mayReplan);
  const system = [answer, answerRule(session.scope, session.goal), ...more];
  const front = { tools: [], schema };
  return promptOf(session, "$joiner", system, { after: resultSections(session) }, front);
}

/** What the joiner is told whatever the DAG is. */
export function joinerRules(mayReplan: boolean): string[] {
  const answer =
    "Answer the goal from the results of the specialists: the sections that are labelled by their names. Say what is missing; never make it up.";
  if (!mayReplan) return [answer];
  return [
    answer,
    "If the results are not enough and other calls would help, write one line instead: `REPLAN: ` and the reason.",
  ];
}

/** The results so far by node name, in the spec's order. */
export function resultSections(session: PlannerSession): Section[] {
  const { scope, pendingCalls } = session;
  return Object.keys(scope.spec.nodes).flatMap((name) => {
    const runs = pendingCalls.runsOf(name).filter((run) => run.outcome !== undefined);
    if (runs.length <= 1) return runs.map((run) => needSection(name, run.outcome));
    const completed = runs.filter((run) => run.outcome?.state === "completed");
    if (completed.length === 0) return [needSection(name, outcomeOfRuns(runs))];
    return completed.map((run, i) => needSection(i === 0 ? name : `${name} ${i + 1}`, run.outcome));
  });
}

const noFront: Front = { tools: [], schema: null };

/** The goal, what stands `before` the input, the input, and what stands `after` it. */
function promptOf(
  { scope, goal }: PlannerSession,
  as: "$planner" | "$joiner",
  system: readonly string[],
  { before = [], after = [] }: { before?: readonly Section[]; after?: readonly Section[] },
  front: Front,
): Promise<FirstMessages> {
  const input = inputContent(scope.spec, scope.input);
  const parts: PromptPart[] = [
    { source: "own goal", sections: [{ label: goalLabel, content: goal }, ...before] },
    ...input.parts,
    { source: "own results", sections: after },
  ];
  const rules = input.conversation.length === 0 ? system : [...system, conversationRule];
  const instructions = rules.filter((line) => line !== "").join("\n");
  const asker = { scope, path: as, name: null, node: {} };
  return layOut(asker, instructions, parts, front, input.conversation);
}

const conversationRule =
  "The input is the conversation before the last message: specialists are given it too. Do as the last message says.";

function catalogueSections({ callables }: PlannerSession): Section[] {
  const entries = [...callables.values()].map((callable: Callable) => callable.entry);
  return [{ label: catalogueLabel, content: renderCatalogue(entries) }];
}

/** How the answer is written, where it takes the place of an output node with instructions of its own. */
function answerRule(scope: Scope, goal: string): string {
  const written = writtenOutput(scope.spec);
  if (written === undefined) return "";
  const instructions = textOfInstructions(scope, written);
  if (instructions === "" || instructions === goal) return "";
  return `Your answer takes the place of "${written}". As far as the goal asks for it, follow its instructions:\n${instructions}`;
}
