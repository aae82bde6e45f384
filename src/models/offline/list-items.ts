import { featuresOf } from "./aspects.js";
import { type Field, wordsOf } from "./field.js";
import { figuresOf } from "./figures.js";
import { properNames } from "./proper-names.js";
import { centralSentences, relevantSentences } from "./relevance.js";
import { type Remark, strongest } from "./remarks.js";
import { skillsAsked } from "./skill-choice.js";
import { topicsOf } from "./skills/topics.js";
import { materialOf, type Task, taskOf } from "./task.js";
import { contentStems } from "./words.js";

const praise =
  /\b(pros?|strengths?|positives?|likes?|advantages?|praises?|upsides?|highlights?|benefits?|good)\b/i;
const blame =
  /\b(cons?|weakness(es)?|negatives?|dislikes?|disadvantages?|criticisms?|complaints?|downsides?|problems?|issues?|risks?|pain ?points?|bad|drawbacks?)\b/i;

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
  if (asks === "figures")
    return texts(document.sentences.flatMap((sentence) => figuresOf(sentence).map(({ text }) => text)));
  if (
    /\b(compan(y|ies)|competitors?|vendors?|people|persons?|names?|organi[sz]ations?|brands?|products?|entities)\b/i.test(
      words,
    )
  )
    return texts(properNames(task));
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
  const chosen = found.length > 0 ? found : centralSentences(document, 5);
  return texts(chosen.sort((a, b) => a.index - b.index).map(({ text }) => text));
}

function part(task: Task, text: string): Task {
  return { ...taskOf(task.instructions, [{ label: "input", content: text }], task.readTokens), needs: [] };
}
