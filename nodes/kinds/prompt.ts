import { DagError, unawaited } from "../../src/errors.js";
import { messageOf } from "../../src/models/media.js";
import type { Message, SharedPrefix } from "../../src/models/port.js";
import { prefixCacheOf, shareableTokens } from "../../src/models/prefix-cache.js";
import { type Prompt, renderPrompt, sectionChars } from "../../src/models/prompt-layout.js";
import { mostSectionBytes, renderSections, type Section } from "../../src/models/sections.js";
import { loadTextCounter, requestTokens, roughTokens, type TokenCounter } from "../../src/models/usage.js";
import { type Outcome, whyMissing } from "../../src/records/outcome.js";
import { hashOf } from "../../src/spec/canonical.js";
import { type ChatMessage, isMessagesSchema, messageFields } from "../../src/spec/messages.js";
import { asJsonSchema } from "../../src/spec/schema-rules.js";
import type { DagSpec } from "../../src/spec/shape.js";
import type { Work } from "../engine/scope.js";
import { ctxOf } from "../engine/work.js";
import { type Asker, type Front, inFront, type PartSource, partOrder, sharedParts } from "./shared-prefix.js";

/** The first messages of a request, and what of them others begin with too. */
export interface FirstMessages {
  readonly messages: Message[];
  /** Where a provider can have it in its cache. */
  readonly prefix?: SharedPrefix;
}

/** A part of a prompt's data: the sections of one source. */
export interface PromptPart {
  readonly source: PartSource;
  readonly sections: readonly Section[];
}

/**
 * An agent's first messages: its instructions and the data it works on, in the layout that the run's options ask for. A
 * conversation stands between the two.
 */
export function promptOf(work: Work, front: Front): Promise<FirstMessages> {
  const { scope, key, name, node } = work;
  const { conversation, parts } = contentOf(work);
  const asker = { scope, path: key.node, name, node };
  return layOut(asker, instructionsOf(work), parts, front, conversation);
}

/**
 * Lays a prompt out. `auto` puts data first where another request of the run begins with the same data, and that beginning
 * (tools and schema included, which providers put in front) is long enough for the cache that the model's provider has. With a
 * conversation, instructions are the system message in any layout.
 */
export async function layOut(
  asker: Asker,
  instructions: string,
  parts: readonly PromptPart[],
  toolsAndSchema: Front,
  conversation: readonly Message[] = [],
): Promise<FirstMessages> {
  if (conversation.length > 0) return { messages: withConversation(instructions, conversation, parts) };
  const { run, spec } = asker.scope;
  const { layout = "auto" } = run.options;
  const classic = (): FirstMessages => ({
    messages: renderPrompt({ instructions, sections: sectionsOf(parts) }, "instructions-first"),
  });
  if (layout === "instructions-first") return classic();
  const cache = prefixCacheOf(run.models.idFor(asker.node, asker.path, spec));
  if (layout === "auto" && cache === null) return classic();

  const front = inFront(toolsAndSchema, asker.node.modelOptions);
  const areShort = (some: readonly PromptPart[]) =>
    mostBytes(sectionsOf(some), front) < shareableTokens * fewestBytesPerToken;
  if (layout === "auto" && areShort(parts)) return classic();

  const order = (part: PromptPart) => partOrder(spec, part.source);
  const ordered = parts.toSorted((a, b) => {
    const [[groupA, placeA], [groupB, placeB]] = [order(a), order(b)];
    return groupA - groupB || placeA - placeB;
  });
  const shared = sharedParts(
    asker,
    ordered.map(({ source }) => source),
    front,
  );
  if (layout === "auto" && shared === 0) return classic();
  const isShort = areShort(ordered.slice(0, shared));
  if (layout === "auto" && isShort) return classic();
  const prompt: Prompt = { instructions, sections: sectionsOf(ordered) };
  const messages = renderPrompt(prompt, "data-first");
  if (cache === null || shared === 0 || isShort) return { messages };
  const prefix = await prefixOf(
    messages,
    front,
    sectionChars(prompt, sectionsOf(ordered.slice(0, shared)).length),
  );
  if (prefix.tokens >= Math.max(shareableTokens, cache.minTokens)) return { messages, prefix };
  return layout === "auto" && prefix.tokens < shareableTokens ? classic() : { messages };
}

const sectionsOf = (parts: readonly PromptPart[]) => parts.flatMap((part) => part.sections);

/** Bytes of a token, from the densest texts to the loosest. */
const fewestBytesPerToken = 3;
const mostBytesPerToken = 8;

const byteLength: TokenCounter = (text) => Buffer.byteLength(text);

/** No fewer bytes than sections take where data comes first: most prompts are told short by it, before they are laid out. */
function mostBytes(sections: readonly Section[], front: Front): number {
  const messages = renderPrompt({ instructions: "", sections: [] }, "data-first");
  const before = requestTokens({ ...front, messages }, byteLength);
  return sections.reduce((sum, section) => sum + mostSectionBytes(section), before);
}

/** The beginning of a request up to a place in its first user message. */
async function prefixOf(messages: readonly Message[], front: Front, chars: number): Promise<SharedPrefix> {
  const begun = messages.map((message) =>
    message.role === "user" ? { ...message, content: message.content.slice(0, chars) } : message,
  );
  const tokensBy = (count: TokenCounter) => requestTokens({ ...front, messages: begun }, count);
  const key = hashOf([begun, front.tools, front.schema]);
  const isLong = tokensBy(byteLength) >= shareableTokens * mostBytesPerToken;
  return { key, chars, tokens: tokensBy(isLong ? roughTokens : await loadTextCounter()) };
}

/**
 * Messages around a conversation. What it says as the system follows the instructions, or is what is answered where it says nothing
 * else: most providers want a message of the user. Empty answers are left out: most refuse them.
 */
function withConversation(
  instructions: string,
  conversation: readonly Message[],
  parts: readonly PromptPart[],
): Message[] {
  const sections = sectionsOf(parts);
  const rest = conversation.filter((message) => message.role !== "system" && !isSilent(message));
  const data = sections.length === 0 ? [] : [{ role: "user" as const, content: renderSections(sections) }];
  const said = conversation.flatMap(({ role, content }) => (role === "system" ? [content] : [])).join("\n\n");
  const isAnswered = rest.length + data.length === 0;
  const system = [instructions, isAnswered ? "" : said].filter((text) => text !== "").join("\n\n");
  return [
    ...(system === "" ? [] : [{ role: "system" as const, content: system }]),
    ...(isAnswered && said !== "" ? [{ role: "user" as const, content: said }] : rest),
    ...data,
  ];
}

const isSilent = ({ role, content }: Message) => role === "assistant" && content.trim() === "";

/** The instructions as text. @throws DagError `INSTRUCTIONS_NOT_TEXT` when a function form returns something else, and whatever it throws itself. */
export function instructionsOf(work: Work): string {
  const { instructions = "" } = work.node;
  if (typeof instructions === "string") return instructions;
  const text: unknown = instructions(ctxOf(work));
  if (typeof text === "string") return text;
  unawaited(text);
  throw new DagError(
    "INSTRUCTIONS_NOT_TEXT",
    `The node's \`instructions\` returned ${text === null ? "null" : typeof text} instead of a text.`,
    { hint: "Return a string; `instructions` cannot be asynchronous." },
  );
}

/** What a model is given of a DAG's input: messages as they are, all else as data. */
export interface PromptContent {
  readonly conversation: readonly Message[];
  readonly parts: PromptPart[];
}

/** What the agent works on: the input (under `forEach` the item), a planner's focus, then each need by name. */
function contentOf(work: Work): PromptContent {
  const { include = "both" } = work.node;
  const { conversation, parts } = include === "needs" ? { conversation: [], parts: [] } : ownContent(work);
  if (work.focus !== undefined)
    parts.push({ source: "focus", sections: [{ label: "focus", content: work.focus }] });
  if (include !== "input") {
    for (const [name, outcome] of Object.entries(work.needs))
      parts.push({ source: `need ${name}`, sections: needSections(name, outcome) });
  }
  return { conversation, parts };
}

function ownContent(work: Work): PromptContent {
  const { scope, key, item, text } = work;
  if (text !== undefined) return data("input", dataSections("input", text));
  if (key.item === null) return inputContent(scope.spec, scope.input);
  return mapsMessages(work)
    ? { conversation: [messageOf(item as ChatMessage)], parts: [] }
    : data("item", dataSections("item", item));
}

const data = (source: PartSource, sections: readonly Section[]): PromptContent => ({
  conversation: [],
  parts: sections.length === 0 ? [] : [{ source, sections }],
});

/** The input of a DAG: a list of messages, or its fields that are such, as a conversation. */
export function inputContent(spec: DagSpec, input: unknown): PromptContent {
  const schema = spec.input === undefined ? {} : asJsonSchema(spec.input);
  if (isMessagesSchema(schema)) {
    return { conversation: (input as readonly ChatMessage[]).map(messageOf), parts: [] };
  }
  const fields = messageFields(schema).filter((name) =>
    Array.isArray((input as Record<string, unknown> | null)?.[name]),
  );
  if (fields.length === 0) return data("input", dataSections("input", input));
  const { ...rest } = input as Record<string, unknown>;
  const conversation = fields.flatMap((name) => rest[name] as readonly ChatMessage[]).map(messageOf);
  for (const name of fields) delete rest[name];
  const isAll = Object.keys(rest).length === 0;
  return { ...data("input", isAll ? [] : dataSections("input", rest)), conversation };
}

/** Whether a DAG's input is, or holds, a conversation. */
export function takesConversation({ input }: DagSpec): boolean {
  if (input === undefined) return false;
  const schema = asJsonSchema(input);
  return isMessagesSchema(schema) || messageFields(schema).length > 0;
}

/** Whether the items of a map are the messages of the input. */
function mapsMessages({ node, scope }: Work): boolean {
  const { input: schema } = scope.spec;
  if (schema === undefined) return false;
  const json = asJsonSchema(schema);
  const { forEach } = node;
  const over = typeof forEach === "object" && "items" in forEach ? forEach.items : forEach;
  if (typeof over === "string") return messageFields(json).includes(over);
  if (over?.input !== true) return false;
  return over.path === undefined ? isMessagesSchema(json) : messageFields(json).includes(over.path);
}

/** Most failed items of one map that a prompt tells of one by one. */
const mostLostItems = 20;

/** A need as sections: its value, then what became of each item of a map that did not complete. */
function needSections(label: string, outcome: Outcome | undefined): Section[] {
  const whole = needSection(label, outcome);
  if (outcome?.state !== "completed" || outcome.items === undefined) return [whole];
  const lost = [...outcome.items.entries()].filter(([, { state }]) => state !== "completed");
  const told = lost.slice(0, mostLostItems).map(([index, item]) => needSection(`${label}[${index}]`, item));
  const others = lost.length - told.length;
  const more = {
    label: `${label}[…]`,
    missing: `Nothing came from ${others} more items of ${label} either.`,
  };
  return [whole, ...told, ...(others > 0 ? [more] : [])];
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
      fields.every(([name, field]) => typeof field === "string" && /^[\p{L}\p{M}\p{Nd}_-]+$/u.test(name))
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
