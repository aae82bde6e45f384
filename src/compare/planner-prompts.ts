import { dataSections, needSection } from "../../nodes/kinds/prompt.js";
import { callablesOf, writtenOutput as writtenIn } from "../../nodes/planner/planner-catalogue.js";
import { joinerRules, plannedRules, planRules } from "../../nodes/planner/planner-prompt.js";
import { catalogueLabel, goalLabel, renderCatalogue } from "../models/catalogue.js";
import type { Message } from "../models/port.js";
import { renderPrompt } from "../models/prompt-layout.js";
import type { Section } from "../models/sections.js";
import { requestTokens, type TokenCounter } from "../models/usage.js";
import type { DagProjection, NodeProjection } from "../records/events.js";
import type { RunRecord } from "../records/record.js";
import type { DagSpec, Node } from "../spec/shape.js";

/** Input tokens of the requests that a planner would make, and of the node that it would write: from what a record tells. */
export interface PlannerPrompts {
  /** The planner's first request. */
  plan(topology: "planned" | "planned-dag"): number;
  /** Its answer, or the joiner's, from the results of the nodes that it called. */
  answer(topology: "planned" | "planned-dag", called: readonly string[]): number;
  /** An agent's own request. */
  agent(name: string): number;
}

/** The prompts of a record's DAG. Texts that the record holds only in part are taken as far as it holds them. */
export function plannerPrompts(record: RunRecord, count: TokenCounter): PlannerPrompts {
  const spec = declaredIn(record.dag);
  const written = writtenIn(spec);
  const goal =
    (written === undefined ? "" : instructionsOf(record.dag.nodes[written])) || `Sum up ${spec.name}.`;
  const callables = [...callablesOf(spec).values()];
  const input = dataSections("input", record.input);
  const catalogue = {
    label: catalogueLabel,
    content: renderCatalogue(callables.map(({ entry }) => entry)),
  };
  const tools = callables.map(({ entry, parameters }) => ({
    name: entry.name,
    description: entry.description,
    parameters,
  }));
  const prompt = (rules: readonly string[], sections: readonly Section[]) =>
    renderPrompt({ instructions: rules.join("\n"), sections }, "instructions-first");
  const resultOf = (name: string) => needSection(name, record.outcomes[name]);
  const tokens = (messages: Message[], given: typeof tools = []) =>
    requestTokens({ messages, tools: given, schema: null }, count);
  const goalSection = { label: goalLabel, content: goal };
  const asked = (topology: "planned" | "planned-dag") =>
    prompt(topology === "planned" ? plannedRules() : planRules(1), [goalSection, catalogue, ...input]);

  return {
    plan: (topology) => tokens(asked(topology), topology === "planned" ? tools : []),
    answer(topology, called) {
      if (topology === "planned-dag")
        return tokens(prompt(joinerRules(true), [goalSection, ...input, ...called.map(resultOf)]));
      const calls = called.map((name) => ({ id: name, name, args: "{}" }));
      const results = called.map((name): Message => {
        const section = resultOf(name);
        const content = "content" in section ? section.content : section.missing;
        return { role: "tool", toolCallId: name, name, content };
      });
      const said: Message = { role: "assistant", content: "", toolCalls: calls };
      return tokens([...asked("planned"), said, ...results], tools);
    },
    agent(name) {
      const { needs = [] } = record.dag.nodes[name] ?? {};
      const sections = [...input, ...needs.map(resultOf)];
      return tokens(prompt([instructionsOf(record.dag.nodes[name])], sections));
    },
  };
}

/** A node's instructions as far as the record holds them: long ones are cut there. */
function instructionsOf(node: NodeProjection | undefined): string {
  const stated = node?.declared?.instructions ?? "";
  try {
    return String(JSON.parse(stated));
  } catch {
    return stated;
  }
}

/** What a record tells of the declaration, as a spec that is good for the planner's view of it, and not to be run. */
function declaredIn(dag: DagProjection): DagSpec {
  const nodeOf = (node: NodeProjection): Node => {
    const common = {
      needs: node.needs,
      ...(node.description !== null && { description: node.description }),
      ...(node.mapped && { forEach: "items" }),
    };
    if (node.kind === "agent") return { ...common, instructions: instructionsOf(node) };
    if (node.kind === "approval") return { ...common, approve: { message: "" } };
    return { ...common, run: () => null };
  };
  const nodes = Object.entries(dag.nodes).map(([name, node]) => [name, nodeOf(node)] as const);
  return { name: dag.name, nodes: Object.fromEntries(nodes) };
}
