import type { JsonSchema } from "../spec/shape.js";
import { cannot, readInstructions, type Skill } from "./instructions.js";
import { contentStems, escaped, wordsIn } from "./lexicon.js";
import { statedRating, strongest } from "./remarks.js";
import { answerInWords, featuresOf, noOpinion, otherLanguage, summaryOf, topicsOf } from "./skills.js";
import type { Task } from "./task.js";
import { verdictOf } from "./verdict.js";

type Json = unknown;
/** Where a text states nothing of a field. */
const unstated = Symbol("unstated");

interface Reading {
  readonly task: Task;
  readonly skills: readonly Skill[];
  readonly root: JsonSchema;
  /** Paths of fields that the schema demands and the text does not state. */
  readonly lacking: string[];
}

/**
 * A value that fits the schema, each field from a literal statement or from a skill that it names: else `null`, `[]` or left out.
 * @throws DagError `OFFLINE_CANNOT` naming the fields that the schema demands and the text does not state
 */
export function fillFields(schema: JsonSchema, task: Task, instructions = task.instructions): Json {
  if (task.material.document.language === "other") throw cannot(otherLanguage);
  const asked = readInstructions(instructions);
  const reading: Reading = { task, skills: asked.beyond ? [] : asked.skills, root: schema, lacking: [] };
  const inner = plainSchema(schema, schema).schema;
  const lead = asked.skills[0] ?? "";
  const value =
    inner.type === "string" && inner.enum === undefined
      ? answerInWords(task, instructions)
      : valueFor(inner.type === "array" && lead !== "" ? lead : "", schema, reading, "the answer", true);
  if (reading.lacking.length > 0)
    throw cannot(
      `the text does not state ${reading.lacking.map((path) => `"${path}"`).join(", ")}, which the schema demands.`,
      { fields: reading.lacking },
    );
  return value === unstated ? null : value;
}

/** A schema without `$ref` and without the `null` that it may allow. */
function plainSchema(given: JsonSchema, root: JsonSchema): { schema: JsonSchema; nullable: boolean } {
  let schema = given;
  for (let depth = 0; typeof schema.$ref === "string" && depth < 8; depth++)
    schema = schema.$ref
      .split("/")
      .slice(1)
      .reduce<JsonSchema>((at, key) => (at[key] ?? {}) as JsonSchema, root);
  const choices = (schema.anyOf ?? schema.oneOf) as JsonSchema[] | undefined;
  if (choices !== undefined) {
    const rest = choices.filter(({ type }) => type !== "null");
    return {
      schema: rest[0] === undefined ? {} : plainSchema(rest[0], root).schema,
      nullable: rest.length < choices.length,
    };
  }
  if (!Array.isArray(schema.type))
    return {
      schema,
      nullable: schema.nullable === true || (Array.isArray(schema.enum) && schema.enum.includes(null)),
    };
  const type = schema.type.filter((one) => one !== "null")[0];
  return { schema: { ...schema, type }, nullable: schema.type.includes("null") };
}

function valueFor(name: string, given: JsonSchema, reading: Reading, path: string, required: boolean): Json {
  const { schema, nullable } = plainSchema(given, reading.root);
  if (schema.const !== undefined) return schema.const;
  if (schema.type === "object" || schema.properties !== undefined) {
    const demanded = Array.isArray(schema.required) ? schema.required : [];
    const entries: [string, Json][] = [];
    for (const [key, property] of Object.entries((schema.properties ?? {}) as Record<string, JsonSchema>)) {
      const at = path === "the answer" ? key : `${path}.${key}`;
      const value = valueFor(key, property, reading, at, demanded.includes(key));
      if (value !== unstated) entries.push([key, value]);
    }
    return Object.fromEntries(entries);
  }
  const value = literal(name, schema, reading) ?? bySkill(name, schema, reading);
  if (value !== undefined && value !== null) return value;
  if (nullable) return null;
  if (schema.type === "array" && !(Number(schema.minItems ?? 0) > 0)) return [];
  if (required) reading.lacking.push(path);
  return unstated;
}

const nothing =
  /^(?:n\/?a|n\.a\.?|nil|none(?: (?:yet|so far|given|stated|known|available|provided))?|unknown|unassigned|undecided|missing|not (?:stated|known|set|given|yet|available|applicable|specified|assigned|decided|provided|confirmed|disclosed).*|(?:yet )?to (?:be|follow)\b.*|(?:see|as) (?:above|below|attach\w*).*|tbd|tba|tbc|open|pending|[-–—?.…_*]+|null|undefined)?$/i;
const month =
  "(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\\.?";
const date = `(?:\\d{1,2}(?:st|nd|rd|th)? (?:of )?${month}(?:,? \\d{4})?|${month} \\d{1,2}(?:st|nd|rd|th)?(?:,? \\d{4})?|\\d{4}-\\d{2}-\\d{2}|\\d{1,2}[./]\\d{1,2}[./]\\d{2,4})(?![\\w/])`;
const money =
  "(?:[$€£¥] ?\\d[\\d.,]*\\d|[$€£¥] ?\\d|\\b\\d[\\d.,]* ?(?:dollars?|euros?|pounds?|cents?|usd|eur|gbp|[€£])(?!\\w))";

/** What sections state under a field's own name; `undefined` where none does, or where they state different things. */
function literal(name: string, schema: JsonSchema, { task }: Reading): Json {
  const label = wordsIn(name);
  if (label === "") return undefined;
  const known = task.sections.flatMap((section) => jsonField(section.text, name));
  if (known.length === 1 && known[0] !== null) return known[0];
  const { text } = task.material;
  const alike = escaped(label)
    .replaceAll(" ", "[ _-]?")
    .replace(/number$/, "(?:number|no\\.?|nr\\.?|num|#)");
  if (schema.type === "array") return listUnder(alike, label, schema, text);
  const found = new Map(stated(text, alike, label, schema).map((raw) => [raw.toLowerCase(), raw]));
  const values = [...found.values()].flatMap((raw) => converted(raw, schema) ?? []);
  if (values.length === 1) return values[0];
  return Array.isArray(schema.enum) && values.length === 0 ? namedOption(schema.enum, text) : undefined;
}

function jsonField(text: string, name: string): Json[] {
  if (!/^\s*\{/.test(text)) return [];
  try {
    const value = JSON.parse(text) as Record<string, unknown>;
    return Object.hasOwn(value, name) ? [value[name]] : [];
  } catch {
    return [];
  }
}

/** The texts after a field's label: "Label: value", "label is 4711", "due 1 June"; for numbers "12 seats" and "costs $35". */
function stated(text: string, alike: string, label: string, schema: JsonSchema): string[] {
  const after = [
    ...text.matchAll(
      new RegExp(
        `(?:^|[\\n,;|(]|[.!?] )[ \\t>*•-]*\\**${alike}\\**(?: ?\\([^)\\n]*\\))?[ \\t]*[:=][ \\t*]*([^\\n|;]*)`,
        "gi",
      ),
    ),
  ].map(
    ([, value = ""]) =>
      value.split(/, (?=[\p{L} ]{2,30}:\s)|\. (?=\p{Lu})/u)[0]?.replace(/[\s.,)*]+$/, "") ?? "",
  );
  if (after.length > 0) return after.filter((value) => !nothing.test(value));
  const plain = (pattern: string) =>
    [
      ...text.matchAll(
        new RegExp(
          `(?<!\\b(?:old|previous|former|other|wrong|not|no|sub|than|about|nearly|almost|over|under|last|next)[ -])${pattern}`,
          "gi",
        ),
      ),
    ].map(([, value = ""]) => value);
  const core = label.replace(/ ?\b(?:date|day|deadline)$/, "");
  if (/\b(?:date|day|deadline)$/.test(label) && core !== "")
    return plain(`\\b${escaped(core)}(?: date)?(?: is| was)?(?: on| by|:)? (${date})`);
  if (schema.type === "number" || schema.type === "integer") {
    const noun = escaped(label.replace(/s$/, ""));
    return [
      ...plain(`\\b(?<![\\d.,$€£-])(\\d[\\d.,]*\\d|\\d) ${noun}s?\\b`),
      ...(/^(?:price|cost)$/.test(label)
        ? plain(`\\b(?:costs?|cost me|priced at|price (?:is|was|of)|paid) (${money})`)
        : plain(`\\b${alike}(?: is| was| of)? (${money}|\\d[\\d.,]*\\d|\\d)(?![\\w-])`)),
    ];
  }
  return /\b(?:number|id|code|no|reference|ref)$/.test(label)
    ? plain(`\\b${alike}(?: is| was)? [#]?((?=[\\w/-]*\\d)[\\w][\\w/-]*)`)
    : [];
}

/** A stated text as the schema wants it; `undefined` where it is no such thing. */
function converted(raw: string, schema: JsonSchema): Json {
  const value = raw.trim().replace(/^["“](.*)["”]$/, "$1");
  if (Array.isArray(schema.enum))
    return schema.enum.find(
      (option) => typeof option !== "object" && wordsIn(String(option)) === wordsIn(value),
    );
  if (schema.type === "boolean")
    return /^(?:yes|true|y)$/i.test(value) ? true : /^(?:no|false)$/i.test(value) ? false : undefined;
  if (schema.type === "number" || schema.type === "integer") {
    const figures = value.match(/-?\d[\d.,]*/g) ?? [];
    if (figures.length !== 1 || /\d[-/:]\d/.test(value)) return undefined;
    const figure = (figures[0] ?? "").replace(/[.,]+$/, "");
    const number = Number(
      /,\d{1,2}$/.test(figure) ? figure.replaceAll(".", "").replace(",", ".") : figure.replaceAll(",", ""),
    );
    return Number.isFinite(number) && (schema.type === "number" || Number.isInteger(number))
      ? number
      : undefined;
  }
  if (schema.type !== "string" && schema.type !== undefined) return undefined;
  if (schema.format === "date") return isoDate(value);
  if (
    value.split(/\s+/).length > 12 ||
    /^(?:I|we|he|she|they|it|that|this|there|the \w+ (?:is|was)|are|is|was|not)\b/i.test(value)
  )
    return undefined;
  return value;
}

function isoDate(value: string): string | undefined {
  if (/^\d{4}-\d{2}-\d{2}$/.test(value)) return value;
  const plain = value.replace(/(\d)(?:st|nd|rd|th)\b/, "$1").replace(" of ", " ");
  const at = /[a-z]{3}.*\b\d{4}$/i.test(plain) ? Date.parse(`${plain} UTC`) : Number.NaN;
  return Number.isNaN(at) ? undefined : new Date(at).toISOString().slice(0, 10);
}

/** The one option whose word stands in the text and is not denied there; none where several do, nor one that judges. */
function namedOption(options: readonly unknown[], text: string): string | undefined {
  const judging = /^(?:other|unknown|none|misc|general|low|medium|high|good|bad)$/i;
  if (options.some((option) => /^(?:positive|negative|yes|no)$/i.test(String(option)))) return undefined;
  const denial = "\\b(?:not|no|never|n't|isn't|without|neither|nor)(?: \\w+){0,3} ";
  const named = options.filter((option): option is string => {
    if (typeof option !== "string" || judging.test(option)) return false;
    const found = new RegExp(`(${denial})?\\b${escaped(wordsIn(option))}\\b`, "i").exec(text);
    return found !== null && found[1] === undefined;
  });
  return named.length === 1 ? named[0] : undefined;
}

/** A list that stands under its label, or every date or amount of the text where the field is named for them. */
function listUnder(alike: string, label: string, { items }: JsonSchema, text: string): Json {
  const item = (items ?? {}) as JsonSchema;
  if (item.type === "object" || item.properties !== undefined || item.$ref !== undefined) return undefined;
  const block = new RegExp(
    `^[ \\t>*•#-]*\\**${alike}\\**[ \\t]*:?\\**[ \\t]*((?:\\n[ \\t]*(?:[-*•]|\\d{1,2}[.)])[ \\t]+[^\\n]+)+)`,
    "im",
  ).exec(text)?.[1];
  const line = new RegExp(`(?:^|\\n|[.!?] )[ \\t>*•-]*\\**${alike}\\**[ \\t]*:[ \\t*]*([^\\n]+)`, "i").exec(
    text,
  )?.[1];
  const parts =
    block?.split("\n").map((one) => one.replace(/^[ \t]*(?:[-*•]|\d{1,2}[.)])[ \t]+/, "")) ??
    line?.split(/. (?=\p{Lu}\w+ \w)/u)[0]?.split(/\s*[,;]\s*(?:and )?|\s+and\s+/);
  const all = /^(?:dates?)$/.test(label)
    ? text.match(new RegExp(date, "gi"))
    : /^(?:amounts?|prices?|charges?|fees?|costs?|sums?)$/.test(label)
      ? text.match(new RegExp(money, "gi"))
      : null;
  const found = (parts ?? all ?? [])
    .map((one) => one.trim().replace(/\.$/, ""))
    .filter((one) => !nothing.test(one));
  return found.length === 0 ? undefined : [...new Set(found)].flatMap((one) => converted(one, item) ?? []);
}

/** How an enum's options word a verdict. */
const wordsFor = {
  positive: /^(?:positive|pos|favou?rable)$/i,
  negative: /^(?:negative|neg|unfavou?rable)$/i,
  mixed: /^mixed$/i,
  neutral: /^(?:neutral|none)$/i,
  yes: /^(?:yes|buy|recommend(?:ed)?)$/i,
  no: /^(?:no|skip|avoid|not[ _-]recommended)$/i,
  reservations: /reserv|maybe|depends|mixed/i,
} as const;

/** What a skill says of a field that is named for it, where the instructions ask for that skill or for none. */
function bySkill(name: string, schema: JsonSchema, { task, skills }: Reading): Json {
  const { material } = task;
  const label = wordsIn(name);
  const verdict = verdictOf(material.remarks);
  const own = readInstructions(label).skills[0];
  const judges =
    skills.some((skill) => /^(?:sentiment|recommend|merge|prosCons)$/.test(skill)) || own === "sentiment";
  const { enum: options, type } = schema;
  if (Array.isArray(options)) {
    const option = (word: keyof typeof wordsFor): Json =>
      options.find((one) => wordsFor[word].test(String(one)));
    if (option("positive") !== undefined && option("negative") !== undefined)
      return option(verdict.label) ?? (verdict.label === "mixed" ? option("neutral") : undefined);
    const asked = skills.includes("recommend") || own === "recommend";
    return asked && verdict.recommendation !== null ? option(verdict.recommendation) : undefined;
  }
  if (type === "array") return listBySkill(label, own, schema, task);
  if (type === "boolean" && own === "recommend" && verdict.recommendation !== null)
    return verdict.recommendation !== "no";
  if (type === "number" || type === "integer") {
    if (/^(?:overall )?(?:stars?|(?:star )?rating)$/.test(label)) {
      const ratings = material.document.sentences.map(({ text }) => statedRating(text));
      const rated = ratings.find((rating) => rating?.aspect === null);
      if (rated !== undefined && rated !== null)
        return type === "integer" ? Math.round(3 + rated.score) : 3 + rated.score;
      return judges ? (verdict.stars ?? undefined) : undefined;
    }
    const signed =
      Number(schema.minimum ?? -1) === -1 && Number(schema.maximum ?? 1) === 1 && type === "number";
    const scored = judges && signed && verdict.stars !== null;
    return scored && /^(?:score|polarity|sentiment(?: score)?)$/.test(label) ? verdict.score : undefined;
  }
  if (type !== "string") return undefined;
  if (/^(?:summary|tldr|gist)$/.test(label) && material.text.trim() !== "")
    return summaryOf(material, readInstructions(task.instructions).sentences ?? 2);
  if (/^(?:reason|reasons|why|because|explanation|rationale|evidence|quote)$/.test(label) && judges) {
    const [reason] = strongest(material.remarks, verdict.score < 0 ? -1 : 1, 1);
    return reason?.quote ?? (/^(?:quote|evidence)$/.test(label) ? undefined : noOpinion);
  }
  return /^(?:sentiment|label|sentiment label)$/.test(label) && judges ? verdict.label : undefined;
}

function listBySkill(label: string, own: Skill | undefined, schema: JsonSchema, task: Task): Json {
  const item = plainSchema((schema.items ?? {}) as JsonSchema, schema).schema;
  const most = Math.min(readInstructions(task.instructions).most ?? 8, Number(schema.maxItems ?? 8));
  const sided = own === "pros" || own === "cons" || /^risks?$/.test(label);
  if (sided || own === "features") {
    const entries = sided
      ? strongest(task.material.remarks, own === "pros" ? 1 : -1, most).map(({ aspect: name, quote }) => ({
          name,
          quote,
        }))
      : featuresOf(task.material, most);
    if (item.type === "string") return entries.map(({ name, quote }) => (sided ? quote : (name ?? quote)));
    const demanded = Array.isArray(item.required) ? item.required : [];
    const told = ({ name, quote }: (typeof entries)[number], key: string) => {
      if (/^(?:quote|text|evidence|passage|statement|comment|detail)$/.test(key)) return quote;
      return /^(?:name|aspect|feature|topic)$/.test(key) ? name : null;
    };
    return entries
      .filter((entry) => demanded.every((key) => told(entry, String(key)) !== null))
      .map((entry) =>
        Object.fromEntries(
          Object.keys((item.properties ?? {}) as object).map((key) => [key, told(entry, key)]),
        ),
      );
  }
  const topical = own === "topics" || contentStems(label).has("tag");
  return topical && item.type === "string" ? topicsOf(task.material, Math.min(most, 5)) : undefined;
}
