import type { Message } from "../../src/models/port.js";
import { renderSections, type Section } from "../../src/models/sections.js";
import { type Outcome, whyMissing } from "../../src/records/outcome.js";
import type { Work } from "../engine/scope.js";
import { ctxOf } from "../engine/work.js";

/** An agent's first messages: its instructions as the system message, the data it works on as the user message. */
export function promptOf(work: Work): Message[] {
  const instructions = instructionsOf(work);
  const messages: Message[] = instructions === "" ? [] : [{ role: "system", content: instructions }];
  messages.push({ role: "user", content: renderSections(sectionsOf(work)) });
  return messages;
}

/** The instructions as text. */
export function instructionsOf(work: Work): string {
  const { instructions = "" } = work.node;
  return typeof instructions === "function" ? instructions(ctxOf(work)) : instructions;
}

/** What the agent works on: the input (under `forEach` the item), then each need by name. */
export function sectionsOf(work: Work): Section[] {
  const { include = "both" } = work.node;
  const sections: Section[] = [];
  if (include !== "needs") {
    sections.push(
      ...(work.text !== undefined
        ? dataSections("input", work.text)
        : work.key.item === null
          ? dataSections("input", work.scope.input)
          : dataSections("item", work.item)),
    );
  }
  if (work.focus !== undefined) sections.push({ label: "focus", content: work.focus });
  if (include !== "input") {
    for (const [name, outcome] of Object.entries(work.needs)) sections.push(needSection(name, outcome));
  }
  return sections;
}

/** A need as a section: its value, or that it is missing and why. */
export function needSection(label: string, outcome: Outcome | undefined): Section {
  if (outcome?.state === "completed") return { label, content: textOf(outcome.value) };
  return { label, missing: `Nothing came from ${label}: ${whyMissing(outcome)}` };
}

/** Data as sections: a string as it is, an object of strings as one section a field, anything else as JSON. */
export function dataSections(label: string, value: unknown): Section[] {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    const fields = Object.entries(value);
    if (
      fields.length > 0 &&
      fields.every(([name, field]) => typeof field === "string" && /^[\w-]+$/.test(name))
    ) {
      return fields.map(([name, field]) => ({ label: `${label}.${name}`, content: field as string }));
    }
  }
  return [{ label, content: textOf(value) }];
}

/** A value as text for a prompt. */
export function textOf(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value, null, 2) ?? "null");
}
