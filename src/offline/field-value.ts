import { chooseOption } from "./categories.js";
import { type Field, notStated, wordsOf } from "./field.js";
import { figureFor } from "./field-figure.js";
import { listItems } from "./list-items.js";
import { isNegator } from "./negation.js";
import { properNames } from "./proper-names.js";
import { centralSentences, relevantSentences } from "./relevance.js";
import { balanceOf, strongest } from "./remarks.js";
import { skillsAsked } from "./skill-choice.js";
import { areasOf, starsOf } from "./skills/merged-summary.js";
import { verdictOf } from "./skills/recommendation.js";
import { sentimentOf } from "./skills/sentiment.js";
import { summarise } from "./skills/summary.js";
import { topicsOf } from "./skills/topics.js";
import { materialOf, type Task } from "./task.js";
import { contentStems } from "./words.js";

/** Fills an inner field from a task of its own. */
export type FillPart = (field: Field, task: Task) => unknown;

/** The value of a field that is no object, from the text; {@link notStated} where the text does not say. */
export function fieldValue(field: Field, task: Task, fillPart: FillPart): unknown {
  const { schema } = field;
  if (Array.isArray(schema.enum)) return chooseOption(schema.enum, task);
  switch (schema.type) {
    case "array":
      return arrayValue(field, task, fillPart);
    case "number":
    case "integer":
      return numberValue(field, task);
    case "boolean":
      return booleanValue(field, task);
    case "string":
    case undefined:
      return stringValue(field, task);
    default:
      return notStated;
  }
}

function arrayValue(field: Field, task: Task, fillPart: FillPart): unknown {
  const items = (field.schema.items ?? { type: "string" }) as Field["schema"];
  const [least, most] = [Number(field.schema.minItems ?? 0), Number(field.schema.maxItems ?? 8)];
  const values: unknown[] = [];
  const seen = new Set<string>();
  for (const item of listItems(field, items, task)) {
    if (values.length >= most) break;
    const value =
      typeof item === "string" || typeof item === "number"
        ? fitted(item, items)
        : fillPart(
            {
              name: field.name,
              description: field.description,
              schema: items,
              context: field.context,
              path: `${field.path}[]`,
            },
            item,
          );
    const key = JSON.stringify(value);
    if (value === notStated || seen.has(key)) continue;
    seen.add(key);
    values.push(value);
  }
  return values.length < least ? notStated : values;
}

function fitted(item: string | number, schema: Field["schema"]): unknown {
  if (schema.type === "number" || schema.type === "integer")
    return typeof item === "number" && (schema.type === "number" || Number.isInteger(item))
      ? item
      : notStated;
  if (Array.isArray(schema.enum)) return schema.enum.includes(item) ? item : notStated;
  return fitString(String(item), schema);
}

function numberValue(field: Field, task: Task): unknown {
  const { schema } = field;
  const words = wordsOf(field);
  const low = Number(schema.minimum ?? schema.exclusiveMinimum ?? Number.NaN);
  const high = Number(schema.maximum ?? schema.exclusiveMaximum ?? Number.NaN);
  const whole = schema.type === "integer";
  const within = (value: number) =>
    value < low || value > high || (whole && !Number.isInteger(value)) ? notStated : value;
  const area = areasOf(task).find(
    ({ title, stars }) =>
      stars !== null && [...contentStems(title)].some((stem) => contentStems(field.name).has(stem)),
  );
  if (area?.stars != null && task.needs.length > 0) return within(area.stars);
  const remarks = materialOf(task).remarks;
  if (/\b(rating|stars?|grade)\b/i.test(words) || (/\bscore\b/i.test(words) && high >= 3)) {
    if (remarks.length === 0) return notStated;
    const stars = starsOf(balanceOf(remarks), remarks.length);
    const [from, to] = [Number.isNaN(low) ? 1 : low, Number.isNaN(high) ? 5 : high];
    const value = from + ((stars - 1) / 4) * (to - from);
    return within(whole ? Math.round(value) : Math.round(value * 10) / 10);
  }
  if (/\b(sentiment|polarity|score|valence|positivity)\b/i.test(words)) {
    const { score } = sentimentOf(remarks);
    const value =
      low >= 0 ? (high === 100 ? Math.round((score + 1) * 50) : Math.round((score + 1) * 50) / 100) : score;
    return within(whole ? Math.round(value) : value);
  }
  if (/\bconfidence|certainty\b/i.test(words)) {
    if (remarks.length === 0) return within(0);
    return within(Math.round((0.5 + Math.abs(balanceOf(remarks)) / 2) * 100) / 100);
  }
  return figureFor(field, task, within);
}

function booleanValue(field: Field, task: Task): unknown {
  const words = wordsOf(field);
  const { document, remarks } = materialOf(task);
  const asks = skillsAsked(words)[0];
  if (asks === "recommend" || /\bbuy\b/i.test(words))
    return remarks.length === 0 ? notStated : balanceOf(remarks) > 0.1;
  if (/\b(positive|satisfied|happy)\b/i.test(words))
    return remarks.length === 0 ? notStated : balanceOf(remarks) > 0;
  if (/\b(negative|unhappy|dissatisfied|complaint)\b/i.test(words))
    return remarks.length === 0 ? notStated : balanceOf(remarks) < 0;
  const asked = new Set([
    ...contentStems(field.name.replace(/^(is|has|mentions?|contains?|includes?)(?=[A-Z_])/, "")),
  ]);
  const found = relevantSentences(document, asked, 1)[0];
  if (found === undefined)
    return /^(mentions?|contains?|includes?|has)/i.test(field.name) && document.sentences.length > 0
      ? false
      : notStated;
  if (/^(mentions?|contains?|includes?)/i.test(field.name)) return true;
  return !found.sentence.tokens.some((_, i) => isNegator(found.sentence.tokens, i));
}

const patterns: readonly (readonly [RegExp, RegExp])[] = [
  [/e-?mail/i, /[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}/],
  [/\b(url|uri|link|website)\b/i, /https?:\/\/[^\s)>"”]+/],
  [
    /\b(date|deadline|due|when)\b/i,
    /\b(\d{4}-\d{2}-\d{2}|\d{1,2}[./]\d{1,2}[./]\d{2,4}|(?:\d{1,2}(?:st|nd|rd|th)? )?(?:January|February|March|April|May|June|July|August|September|October|November|December)(?: \d{1,2}(?:st|nd|rd|th)?,?)?(?: \d{4})?)\b/,
  ],
  [/\b(phone|telephone)\b/i, /\+?\d[\d ()-]{6,18}\d/],
  [/\border (id|number|no)\b/i, /#?\b[A-Z]{0,4}-?\d{3,20}\b/],
];

const whole =
  /^(summary|headline|title|text|content|answer|result|report|overview|conclusion|tl ?dr|gist|abstract|description|one ?liner|synopsis|takeaway|key ?takeaway|finding|claim|statement|fact|insight|observation|point|key ?point)$/i;

function stringValue(field: Field, task: Task): unknown {
  const { schema } = field;
  const words = wordsOf(field);
  const source = materialOf(task);
  const name = wordsOf({ ...field, description: "" }).trim();
  if (source.document.sentences.length === 0) return notStated;
  const pattern = patterns.find(([asked]) => asked.test(words) || asked.test(String(schema.format ?? "")));
  if (pattern !== undefined) {
    const match = pattern[1].exec(source.text)?.[0];
    return match === undefined ? notStated : fitString(match, schema);
  }
  if (
    task.named !== undefined &&
    /^((?:company |product |competitor |vendor )?name|company|competitor|vendor|feature|aspect|title|topic|item|attribute)s?$/i.test(
      name,
    )
  )
    return fitString(task.named, schema);
  if (
    task.origin !== undefined &&
    /\b(source|origin|reference|citation|note|document|from)s?( id)?\b/i.test(name)
  )
    return fitString(task.origin, schema);
  const stated = statedField(name, source.text);
  if (stated !== null) return fitString(stated, schema);
  const asks = skillsAsked(words)[0];
  if (asks === "sentiment") return fitString(sentimentOf(source.remarks).label, schema);
  if (asks === "recommend")
    return source.remarks.length === 0
      ? notStated
      : fitString(
          verdictOf(balanceOf(source.remarks), source.remarks.filter((remark) => remark.score < 0).length),
          schema,
        );
  if (asks === "topics") return fitString(topicsOf(source, 1)[0]?.name ?? "", schema);
  if (
    /\b(company|organi[sz]ation|competitor|vendor|person|author|customer name|product name|product|brand|name)\b/i.test(
      name,
    )
  ) {
    const names = properNames(task);
    const proper = /person|author|customer|contact/i.test(name)
      ? (names.find((candidate) => candidate.includes(" ")) ?? names[0])
      : names[0];
    return proper === undefined ? notStated : fitString(proper, schema);
  }
  if (
    /\b(quote|evidence|excerpt|passage|rationale|reason|reasoning|explanation|justification|why)\b/i.test(
      name,
    )
  ) {
    const sign = balanceOf(source.remarks) < 0 ? -1 : 1;
    const remark = strongest(source.remarks, sign, 1)[0];
    return fitString(remark?.brief ?? centralSentences(source.document, 1)[0]?.text ?? "", schema);
  }
  if (whole.test(name))
    return fitString(
      asks === "summary" || source.document.sentences.length > 1
        ? summarise({ ...task, instructions: words })
        : (source.document.sentences[0]?.text ?? ""),
      schema,
    );
  const found = relevantSentences(source.document, contentStems(words), 1)[0];
  return found === undefined ? notStated : fitString(found.sentence.text, schema);
}

/** "Name: value" lines. */
function statedField(name: string, text: string): string | null {
  const wanted = contentStems(name);
  if (wanted.size === 0) return null;
  for (const line of text.split("\n")) {
    const [, key = "", value = ""] =
      /^\s*[-*]?\s*\**([\w /-]{2,40}?)\**\s*[:=]\s*\**\s*(\S.*)$/.exec(line) ?? [];
    const stems = contentStems(key);
    if (stems.size > 0 && stems.size <= wanted.size + 1 && [...wanted].every((stem) => stems.has(stem)))
      return value.trim();
  }
  return null;
}

function fitString(text: string, schema: Field["schema"]): unknown {
  const [least, most] = [Number(schema.minLength ?? 1), Number(schema.maxLength ?? Number.POSITIVE_INFINITY)];
  const short = text.length <= most ? text : text.slice(0, most).replace(/\s+\S*$/, "");
  if (short.length < least) return notStated;
  return typeof schema.pattern === "string" && !new RegExp(schema.pattern, "u").test(short)
    ? notStated
    : short;
}
