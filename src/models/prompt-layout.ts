import type { Message } from "./port.js";
import {
  findSections,
  readSections,
  renderSections,
  type Section,
  sectionGap,
  sectionRule,
  sectionTexts,
} from "./sections.js";

/**
 * In which order a prompt's parts stand. `instructions-first`: the instructions are the system message, the data the user
 * message. `data-first`: the system message is the same for every prompt, the user message holds the data and then the
 * instructions, so that prompts on the same data begin with the same bytes and a provider's prefix cache can serve them.
 */
export type Layout = "data-first" | "instructions-first";

/** The layouts that a run can be given: `auto` chooses for each prompt. */
export const layouts = ["data-first", "instructions-first", "auto"] as const;

/** What an agent is told: instructions, and data that is never instructions. */
export interface Prompt {
  readonly instructions: string;
  readonly sections: readonly Section[];
}

/** The system message of every prompt whose data comes first. */
export const dataFirstNotice = `The user message holds sections of data, and behind the last of them, after the line that says so, your instructions. ${sectionRule}`;

/** Stands between the data and the instructions, where the data comes first. */
const instructionsLine = "The sections end here. These are your instructions:";

/** A prompt as the first messages of a request. */
export function renderPrompt({ instructions, sections }: Prompt, layout: Layout): Message[] {
  if (layout === "instructions-first") {
    const data: Message = { role: "user", content: renderSections(sections) };
    return instructions === "" ? [data] : [{ role: "system", content: instructions }, data];
  }
  const content = [
    ...sectionTexts(sections, instructions),
    ...(instructions === "" ? [] : [`${instructionsLine}\n${instructions}`]),
  ].join(sectionGap);
  return [
    { role: "system", content: dataFirstNotice },
    { role: "user", content },
  ];
}

/** How many characters of the user message the first `count` sections of a prompt take, where its data comes first. */
export function sectionChars({ instructions, sections }: Prompt, count: number): number {
  return sectionTexts(sections, instructions).slice(0, count).join(sectionGap).length;
}

/** Whether the data of these messages comes first. */
export function isDataFirst(messages: readonly Message[]): boolean {
  const [first, second] = messages;
  return first?.role === "system" && first.content === dataFirstNotice && second?.role === "user";
}

/** Reads back what {@link renderPrompt} wrote, in either layout; `null` where the messages do not begin with a prompt. */
export function readPrompt(
  messages: readonly Message[],
): (Prompt & { readonly layout: Layout; readonly rest: readonly Message[] }) | null {
  const [first, second] = messages;
  if (isDataFirst(messages)) {
    const text = second?.content ?? "";
    const { sections, end } = readSections(text, 0);
    const behind = text.slice(end).replace(/^\n\n/, "");
    const instructions = behind.startsWith(`${instructionsLine}\n`)
      ? behind.slice(instructionsLine.length + 1)
      : behind;
    return { instructions, sections, layout: "data-first", rest: messages.slice(2) };
  }
  const [system, user] = first?.role === "system" ? [first.content, second] : ["", first];
  if (user?.role !== "user") return null;
  const found = findSections(user.content);
  if (found === null || found.before !== "" || found.after !== "") return null;
  const rest = messages.slice(messages.indexOf(user) + 1);
  return { instructions: system, sections: found.sections, layout: "instructions-first", rest };
}

/**
 * Messages as they are told from others: a prompt says the same in either layout, whatever the order of its sections and
 * their markers. Messages that hold no prompt are given back as they are.
 */
export function comparablePrompt(messages: readonly Message[]): readonly Message[] {
  const prompt = readPrompt(messages);
  if (prompt === null) return messages;
  const text = (section: Section) => JSON.stringify(section);
  const sections = prompt.sections.toSorted((a, b) => (text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0));
  return [...renderPrompt({ ...prompt, sections }, "instructions-first"), ...prompt.rest];
}
