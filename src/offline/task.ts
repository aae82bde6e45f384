import { catalogueLabel, goalLabel, repairOpening } from "../models/catalogue.js";
import { wordsOf } from "../models/media.js";
import type { Message } from "../models/port.js";
import { readPrompt } from "../models/prompt-layout.js";
import { findSections, type Section } from "../models/sections.js";
import { type Document, type ReadTokens, readDocument } from "./reading.js";
import { type Remark, remarksOf } from "./remarks.js";

/** A labelled text with what was read from it. */
export interface Source {
  readonly label: string;
  readonly text: string;
  readonly document: Document;
  readonly remarks: readonly Remark[];
}

/** What is asked, and the texts to answer from. Sections are told by their labels, wherever they stand. */
export interface Task {
  readonly instructions: string;
  /** The goal of a planner's prompt, and the nodes it may call; `null` for a node's own prompt. */
  readonly plan: { readonly goal: string; readonly catalogue: string } | null;
  /** The one thing that the work is to look at, or `null`. */
  readonly focus: string | null;
  /** The item under `forEach`, else the node's input, else what came from its needs. */
  readonly material: Source;
  /** Every section that has content: input fields, needs, and what tools returned. */
  readonly sections: readonly Source[];
  /** Results of other nodes and of tools. */
  readonly needs: readonly Source[];
  readonly missing: readonly { readonly label: string; readonly reason: string }[];
}

const isOwn = (label: string) => /^(input|item)(\.|$)/.test(label);

/** Reads a request: its prompt in either layout; else system messages instruct, and sections, or else the whole user message, are the material. */
export function readTask(messages: readonly Message[], readTokens: ReadTokens): Task {
  const results = messages.flatMap((message): Section[] =>
    message.role === "tool" ? [{ label: message.name, content: message.content }] : [],
  );
  const prompt = readPrompt(messages);
  if (prompt !== null) return taskOf(prompt.instructions, [...prompt.sections, ...results], readTokens);
  const systems = messages.flatMap((message) => (message.role === "system" ? [message.content] : []));
  const system = systems.join("\n").trim();
  const users = messages.flatMap((message) => (message.role === "user" ? [wordsOf(message)] : []));
  const at = users.findIndex((text) => findSections(text) !== null);
  // What a person says in a conversation is read together, the latest message too.
  const said = users
    .slice(0, at < 0 ? users.length : at)
    .filter((text) => text.trim() !== "" && !text.startsWith(repairOpening))
    .join("\n\n");
  const found = findSections(users[at] ?? "");
  if (found !== null) {
    const conversation = said === "" ? [] : [{ label: "input", content: said }];
    const instructions = [system, `${found.before}\n${found.after}`.trim()].join("\n").trim();
    return taskOf(instructions, [...conversation, ...found.sections, ...results], readTokens);
  }
  const parted = /^(.{3,300}?)(?::\s*\n+|\n\s*\n|:\s+(?=["“]))([\s\S]+)$/.exec(said.trim());
  const [, head = said, body = said] = system === "" ? (parted ?? []) : [];
  return taskOf(system || head, [{ label: "input", content: body }, ...results], readTokens);
}

function taskOf(instructions: string, given: readonly Section[], readTokens: ReadTokens): Task {
  const contents = given.flatMap((section) => ("content" in section ? [section] : []));
  const content = (label: string) => contents.find((section) => section.label === label)?.content;
  const aside = [goalLabel, catalogueLabel, "focus"];
  const material = contents.filter(({ label }) => !aside.includes(label));
  const sections = material.map(({ label, content }) => readSource(label, content, readTokens));
  const items = material.filter(({ label }) => /^item(\.|$)/.test(label));
  const own = items.length > 0 ? items : material.filter(({ label }) => isOwn(label));
  const notes = items.length > 0 ? [] : needsNamed(instructions, material, own);
  const looked = notes.length > 0 ? notes : notesOn(own, material);
  const asked = own.some((section) => section.content.trim() !== "") || own.length === material.length;
  const chosen = looked.length > 0 ? looked : asked ? own : material;
  const [goal, catalogue] = [content(goalLabel), content(catalogueLabel)];
  return {
    instructions,
    plan:
      goal === undefined && catalogue === undefined ? null : { goal: goal ?? "", catalogue: catalogue ?? "" },
    focus: content("focus") ?? null,
    material: readSource(
      "input",
      chosen.map((section) => plainText(section.content)).join("\n\n"),
      readTokens,
    ),
    sections,
    needs: sections.filter(({ label }) => !isOwn(label)),
    missing: given.flatMap((section) =>
      "missing" in section ? [{ label: section.label, reason: section.missing }] : [],
    ),
  };
}

type Content = { readonly label: string; readonly content: string };

/** Results that the instructions name by their label ("judge the tone of the draft"). */
function needsNamed(instructions: string, all: readonly Content[], own: readonly Content[]): Content[] {
  const said = (label: string) =>
    new RegExp(`\\b(?:the|from|in|of) (?:the )?${label.replace(/\W/g, ".")}\\b`, "i").test(instructions);
  if (own.some(({ label }) => said(label.replace(/^(input|item)\.?/, "") || "input"))) return [];
  return all.filter(({ label }) => !isOwn(label) && said(label));
}

/** What the other sections hold on an input that is only a name; nothing where it is a text of its own. */
function notesOn(own: readonly Content[], all: readonly Content[]): Content[] {
  const name = own.map(({ content }) => content.trim()).join(" ");
  if (!/^\p{Lu}[\p{L}\d&.'-]*(?: [\p{Lu}\d&][\p{L}\d&.'-]*){0,4}$/u.test(name) || /[.!?]$/.test(name))
    return [];
  return all.flatMap(({ label, content }) => {
    if (isOwn(label) || !content.includes(name)) return [];
    const parts = content
      .split(/\n\s*\n/)
      .filter((part) => part.includes(name) && part.trim().length > name.length + 12);
    return parts.length === 0 || /^\s*\[/.test(content) ? [] : [{ label, content: parts.join("\n\n") }];
  });
}

/** JSON as "key: text" lines, so that an object reads like notes; other text as it is. */
function plainText(content: string): string {
  if (!/^\s*[[{"]/.test(content)) return content;
  try {
    return leaves(JSON.parse(content)).join("\n\n");
  } catch {
    return content;
  }
}

function leaves(value: unknown, key = ""): string[] {
  if (Array.isArray(value)) return value.flatMap((part) => leaves(part, key));
  if (typeof value === "object" && value !== null)
    return Object.entries(value).flatMap(([name, part]) => leaves(part, name));
  if (value === null || value === undefined) return [];
  const text = String(value);
  return [key === "" || (typeof value === "string" && /\s\S+\s/.test(value)) ? text : `${key}: ${text}`];
}

/** Most texts kept read; several agents of a run read the same input. */
const kept = 16;
const cache = new Map<string, Omit<Source, "label">>();

function readSource(label: string, text: string, readTokens: ReadTokens): Source {
  let known = cache.get(text);
  if (known === undefined) {
    const document = readDocument(text, readTokens);
    known = { text, document, remarks: document.language === "english" ? remarksOf(document) : [] };
  }
  if (cache.size >= kept) cache.clear();
  cache.set(text, known);
  return { label, ...known };
}
