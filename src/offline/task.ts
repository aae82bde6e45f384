import { catalogueLabel, goalLabel } from "../models/catalogue.js";
import type { Message } from "../models/port.js";
import { parseSections, type Section } from "../models/sections.js";
import type { ReadTokens } from "./nlp.js";
import { readSource, type Source } from "./source.js";

/** What an agent is asked to do, and the texts to do it with. */
export interface Task {
  readonly instructions: string;
  /** The run's input or, under `forEach`, the item: all its fields as one text. */
  readonly input: Source;
  /** The fields of the input by their labels, as they were given. */
  readonly fields: readonly Source[];
  /** Upstream results by node name. */
  readonly needs: readonly Source[];
  /** What is missing, with the reason. */
  readonly missing: readonly { readonly label: string; readonly reason: string }[];
  /** What the agent's own tools returned, in call order. */
  readonly results: readonly string[];
  /** What a part of a list is about: the feature's name. */
  readonly named?: string;
  /** Where a part of a list comes from: its note's id or title, or the section that holds it. */
  readonly origin?: string;
  readonly readTokens: ReadTokens;
}

/** Reads a request's messages: the system message instructs, sections (or else the whole text) are the material. */
export function readTask(messages: readonly Message[], readTokens: ReadTokens): Task {
  const instructions = messages
    .filter((message) => message.role === "system")
    .map((message) => message.content)
    .join("\n");
  const users = messages.filter((message) => message.role === "user").map((message) => message.content);
  const read = users.map(parseSections);
  const at = read.findLastIndex((sections) => sections !== null);
  if (at >= 0) return taskOf(instructions, read[at] ?? [], readTokens);
  const text = users[0] ?? "";
  return instructions.trim() !== ""
    ? taskOf(instructions, [{ label: "input", content: text }], readTokens)
    : bareTask(text, readTokens);
}

/** A lone user message: its first line or paragraph instructs when more text follows, else it is both. */
function bareTask(text: string, readTokens: ReadTokens): Task {
  const [, head, body] = /^(.{3,300}?)(?::\s*\n+|\n\s*\n|:\s+(?=["“]))([\s\S]+)$/.exec(text.trim()) ?? [];
  if (head !== undefined && body !== undefined)
    return taskOf(head, [{ label: "input", content: body }], readTokens);
  return taskOf(text, [{ label: "input", content: text }], readTokens);
}

/** A task of instructions and sections; the sections `goal` and `catalogue` are no material. */
export function taskOf(instructions: string, sections: readonly Section[], readTokens: ReadTokens): Task {
  const present = sections.filter(
    (section): section is { label: string; content: string } =>
      "content" in section && section.label !== goalLabel && section.label !== catalogueLabel,
  );
  const isInput = ({ label }: Section) => label === "input" || label === "item" || label.startsWith("input.");
  const fields = present.filter(isInput);
  const source = (label: string, text: string) => readSource(label, text, readTokens);
  return {
    instructions,
    input: source("input", fields.map((field) => plainText(field.content)).join("\n\n")),
    fields: fields.map((field) => source(field.label, plainText(field.content))),
    needs: present
      .filter((section) => !isInput(section))
      .map((section) => source(section.label, section.content)),
    missing: sections.flatMap((section) =>
      "missing" in section ? [{ label: section.label, reason: section.missing }] : [],
    ),
    results: [],
    readTokens,
  };
}

/** JSON as "key: text" lines, so that an object input reads like notes; other text as it is. */
export function plainText(content: string): string {
  const trimmed = content.trim();
  if (!/^[[{"]/.test(trimmed)) return content;
  try {
    return leaves(JSON.parse(trimmed)).join("\n\n");
  } catch {
    return content;
  }
}

function leaves(value: unknown, key = ""): string[] {
  if (Array.isArray(value)) return value.flatMap((part) => leaves(part, key));
  if (typeof value === "object" && value !== null)
    return Object.entries(value).flatMap(([name, part]) => leaves(part, name));
  if (value === null || value === undefined) return [];
  return [
    typeof value === "string" && (key === "" || /\s\S+\s/.test(value))
      ? value
      : key === ""
        ? String(value)
        : `${key}: ${String(value)}`,
  ];
}

/** Fewest words of an input that is a text of its own and not only the name of what to look up. */
const shortInput = 12;

/** Whether the input only names what the upstream texts are to be read for. */
export function inputNames(task: Task): boolean {
  return task.needs.length > 0 && task.input.text.trim().split(/\s+/).length < shortInput;
}

/** The text that a task is about: its input, or what came from upstream where there is next to no input. */
export function materialOf(task: Task): Source {
  if (!inputNames(task)) return task.input;
  return readSource("needs", task.needs.map((need) => plainText(need.text)).join("\n\n"), task.readTokens);
}
