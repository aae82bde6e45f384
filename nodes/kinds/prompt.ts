import type { Message, SharedPrefix } from "../../src/models/port.js";
import { prefixCacheOf, shareableTokens } from "../../src/models/prefix-cache.js";
import { type Prompt, renderPrompt, sectionChars } from "../../src/models/prompt-layout.js";
import type { Section } from "../../src/models/sections.js";
import { loadTextCounter, requestTokens } from "../../src/models/usage.js";
import { type Outcome, whyMissing } from "../../src/records/outcome.js";
import { hashOf } from "../../src/spec/canonical.js";
import type { Work } from "../engine/scope.js";
import { ctxOf } from "../engine/work.js";
import { type Asker, type Front, type PartSource, partOrder, sharedParts } from "./shared-prefix.js";

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

/** An agent's first messages: its instructions and the data it works on, in the layout that the run's options ask for. */
export function promptOf(work: Work, front: Front): Promise<FirstMessages> {
  const { scope, key, name, node } = work;
  return layOut({ scope, path: key.node, name, node }, instructionsOf(work), partsOf(work), front);
}

/**
 * Lays a prompt out. `auto` puts data first where another request of the run begins with the same data, and that beginning
 * (tools and schema included, which providers put in front) is long enough for the cache that the model's provider has.
 */
export async function layOut(
  asker: Asker,
  instructions: string,
  parts: readonly PromptPart[],
  front: Front,
): Promise<FirstMessages> {
  const { run, spec } = asker.scope;
  const { layout = "auto" } = run.options;
  const classic = (): FirstMessages => {
    const sections = parts.flatMap((part) => part.sections);
    return { messages: renderPrompt({ instructions, sections }, "instructions-first") };
  };
  if (layout === "instructions-first") return classic();
  const cache = prefixCacheOf(run.models.idFor(asker.node, asker.path, spec));
  if (layout === "auto" && cache === null) return classic();

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
  const prompt: Prompt = { instructions, sections: ordered.flatMap((part) => part.sections) };
  const messages = renderPrompt(prompt, "data-first");
  if (cache === null || shared === 0) return { messages };
  const prefix = await prefixOf(
    messages,
    front,
    sectionChars(prompt, ordered.slice(0, shared).flatMap((part) => part.sections).length),
  );
  if (prefix.tokens >= Math.max(shareableTokens, cache.minTokens)) return { messages, prefix };
  return layout === "auto" && prefix.tokens < shareableTokens ? classic() : { messages };
}

/** The beginning of a request up to a place in its first user message. */
async function prefixOf(messages: readonly Message[], front: Front, chars: number): Promise<SharedPrefix> {
  const begun = messages.map((message) =>
    message.role === "user" ? { ...message, content: message.content.slice(0, chars) } : message,
  );
  const key = hashOf([begun, front.tools, front.schema]);
  // A token is a byte at least: most prompts are told short without a tokenizer.
  const bytes = requestTokens({ ...front, messages: begun }, (text) => Buffer.byteLength(text));
  if (bytes < shareableTokens) return { key, chars, tokens: 0 };
  return { key, chars, tokens: requestTokens({ ...front, messages: begun }, await loadTextCounter()) };
}

/** The instructions as text. */
export function instructionsOf(work: Work): string {
  const { instructions = "" } = work.node;
  return typeof instructions === "function" ? instructions(ctxOf(work)) : instructions;
}

/** What the agent works on: the input (under `forEach` the item), a planner's focus, then each need by name. */
function partsOf(work: Work): PromptPart[] {
  const { include = "both" } = work.node;
  const parts: PromptPart[] = [];
  if (include !== "needs") {
    parts.push(
      work.text !== undefined
        ? { source: "input", sections: dataSections("input", work.text) }
        : work.key.item === null
          ? { source: "input", sections: dataSections("input", work.scope.input) }
          : { source: "item", sections: dataSections("item", work.item) },
    );
  }
  if (work.focus !== undefined)
    parts.push({ source: "focus", sections: [{ label: "focus", content: work.focus }] });
  if (include !== "input") {
    for (const [name, outcome] of Object.entries(work.needs))
      parts.push({ source: `need ${name}`, sections: [needSection(name, outcome)] });
  }
  return parts;
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
