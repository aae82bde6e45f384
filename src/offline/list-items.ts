import { featuresOf } from "./aspects.js";
import { type Field, wordsOf } from "./field.js";
import { figuresOf } from "./figures.js";
import { properNames } from "./proper-names.js";
import { centralSentences, relevantSentences } from "./relevance.js";
import { type Remark, strongest } from "./remarks.js";
import { skillsAsked } from "./skill-choice.js";
import { topicsOf } from "./skills/topics.js";
import { materialOf, plainText, type Task, taskOf } from "./task.js";
import { contentStems } from "./words.js";

const praise =
  /\b(pros?|strengths?|positives?|likes?|advantages?|praises?|upsides?|highlights?|benefits?|good)\b/i;
const blame =
  /\b(cons?|weakness(es)?|negatives?|dislikes?|disadvantages?|criticisms?|complaints?|downsides?|problems?|issues?|risks?|pain ?points?|bad|drawbacks?)\b/i;

const money = /[$€£¥]|\b(dollars?|euros?|pounds?|cents?|usd|eur|gbp)\b/;

const month =
  "(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\\b\\.?";
/** Dates as people write them: "14 March 2026", "March 14th", "2026-03-14", "14/03/2026", "Friday". */
const dates = new RegExp(
  `\\b(?:\\d{1,2}(?:st|nd|rd|th)? (?:of )?${month}(?: \\d{4})?|${month} \\d{1,2}(?:st|nd|rd|th)?(?:,? \\d{4})?|\\d{4}-\\d{2}-\\d{2}|\\d{1,2}[./]\\d{1,2}[./]\\d{2,4}|(?:mon|tues|wednes|thurs|fri|satur|sun)day)\\b`,
  "gi",
);

/** What a list field asks for: texts or numbers, or a task of its own for each object to fill. */
export function listItems(field: Field, items: Field["schema"], task: Task): (string | number | Task)[] {
  const words = wordsOf(field);
  const source = materialOf(task);
  const { document, remarks } = source;
  const objects = items.type === "object" || "properties" in items || "$ref" in items || "anyOf" in items;
  const texts = (list: readonly string[]) => (objects ? list.map((text) => part(task, text)) : [...list]);
  const quotes = (list: readonly Remark[]) => texts(list.map((remark) => remark.quote));
  if (items.type === "number" || items.type === "integer")
    return document.sentences.flatMap((sentence) => figuresOf(sentence).map(({ value }) => value));
  if (praise.test(field.name) !== blame.test(field.name))
    return quotes(strongest(remarks, praise.test(field.name) ? 1 : -1, 8));
  const asks = skillsAsked(words)[0];
  if (asks === "features")
    return objects
      ? featuresOf(source, 10).map((feature) => ({
          ...part(task, document.sentences[feature.sentences[0] ?? 0]?.text ?? ""),
          named: feature.name,
        }))
      : featuresOf(source, 10).map(({ name }) => name);
  if (asks === "topics" || /\b(tags?|labels?|categories)\b/i.test(field.name))
    return texts(topicsOf(source, 6).map(({ name }) => name));
  if (/\b(amounts?|prices?|costs?|fees?|charges|totals?)\b/i.test(words))
    return texts(
      document.sentences.flatMap((sentence) =>
        figuresOf(sentence)
          .filter(({ unit }) => money.test(unit))
          .map(({ text }) => text),
      ),
    );
  if (/\b(dates?|days)\b/i.test(field.name)) return texts(document.text.match(dates) ?? []);
  if (asks === "figures")
    return texts(document.sentences.flatMap((sentence) => figuresOf(sentence).map(({ text }) => text)));
  if (
    /\b(compan(y|ies)|competitors?|vendors?|people|persons?|names?|organi[sz]ations?|brands?|products?|entities)\b/i.test(
      words,
    )
  )
    return objects ? namedParts(task, properNames(task)) : properNames(task);
  if (/\bquestions?\b/i.test(words))
    return texts(document.sentences.filter(({ text }) => text.endsWith("?")).map(({ text }) => text));
  if (/\b(actions?|steps?|tasks?|todos?|to dos?|next)\b/i.test(words))
    return texts(
      document.sentences
        .filter(({ text }) =>
          /\b(should|must|need(s)? to|will|please|have to|has to|todo|by (monday|tuesday|wednesday|thursday|friday|next))\b/i.test(
            text,
          ),
        )
        .map(({ text }) => text),
    );
  const found = relevantSentences(document, contentStems(`${words} ${task.instructions}`), 6).map(
    ({ sentence }) => sentence,
  );
  const chosen = (found.length > 0 ? found : centralSentences(document, 5)).filter(
    ({ text }) => !/^\w+: \S+$/.test(text),
  );
  return texts(chosen.sort((a, b) => a.index - b.index).map(({ text }) => text));
}

function part(task: Task, text: string): Task {
  const own = taskOf(task.instructions, [{ label: "input", content: text }], task.readTokens);
  const origin = originOf(task, text);
  return origin === null ? own : { ...own, origin };
}

/** The id or title that stands over a passage in its notes, else the upstream section that holds it. */
function originOf(task: Task, passage: string): string | null {
  for (const source of [...task.fields, ...task.needs]) {
    const text = plainText(source.text);
    const at = text.indexOf(passage);
    if (at < 0) continue;
    const heads = [
      ...text
        .slice(0, at)
        .matchAll(/^(?:id|source|url|title|ref|reference|note|file|document|author):\s*(\S.*)$/gim),
    ];
    return heads.at(-1)?.[1]?.trim() ?? (task.needs.includes(source) ? source.label : null);
  }
  return null;
}

/** A part for each name: the paragraphs that mention it. */
function namedParts(task: Task, names: readonly string[]): Task[] {
  const paragraphs = materialOf(task).text.split(/\n\s*\n/);
  return names.map((name) => ({
    ...part(task, paragraphs.filter((paragraph) => paragraph.includes(name)).join("\n\n") || name),
    named: name,
  }));
}
