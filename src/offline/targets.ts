import { impliedAspects } from "./lexicon/nouns.js";
import type { Token } from "./nlp.js";
import type { NounPhrase } from "./noun-phrases.js";
import type { Hit } from "./phrase-matcher.js";
import { type ClauseOpinion, leaning, type SentenceOpinion } from "./polarity.js";

/** Something that is praised or blamed. */
export interface Target {
  /** Lower case, head noun in the singular. */
  readonly name: string;
  readonly head: string;
  /** Score of its clause. */
  readonly score: number;
  /** Position of its clause in the sentence. */
  readonly clause: number;
  /** Whether only an adjective ("expensive") names it. */
  readonly implied: boolean;
}

/** What is known of the whole text. */
export interface Surroundings {
  /** Whether a head noun is a likely feature. */
  readonly known: (head: string) => boolean;
  /** The thing the text is about, or `null`. */
  readonly subject: string | null;
}

/** What the opinions of a sentence are about: the noun an opinion word describes, else its subject, else its object. */
export function findTargets(
  tokens: readonly Token[],
  opinion: SentenceOpinion,
  phrases: readonly NounPhrase[],
  around: Surroundings,
): Target[] {
  const targets = new Map<string, Target>();
  let back: [score: number, clause: number] | undefined;
  opinion.clauses.forEach((clause, index) => {
    if (Math.abs(clause.score) < leaning) return;
    const add = (name: string, head: string, implied = false) => {
      if (!targets.has(head)) targets.set(head, { name, head, score: clause.score, clause: index, implied });
    };
    const hits = clause.hits.filter((hit) => hit.score * clause.score > 0);
    for (const hit of hits) {
      const implied = impliedBy(tokens, hit);
      const found = targetsOf(tokens, clause, hit, phrases, around);
      const specific = found.filter((phrase) => phrase.head !== around.subject);
      if (implied !== null && specific.length === 0) add(implied, implied, true);
      else
        for (const phrase of specific.length > 0 ? specific : found) {
          if (/\d/.test(phrase.head) && around.subject !== null) add(around.subject, around.subject);
          else add(phrase.name, phrase.head);
        }
      if (found.length === 0 && implied === null && refersBack(tokens, clause))
        back ??= [clause.score, index];
    }
    if (hits.length === 0) {
      const first = phrases.find(
        (phrase) =>
          phrase.from >= clause.from &&
          phrase.from < clause.to &&
          phrase.head !== around.subject &&
          around.known(phrase.head),
      );
      if (first !== undefined) add(first.name, first.head);
    }
  });
  const { subject } = around;
  if (targets.size === 0 && back !== undefined && subject !== null) {
    return [{ name: subject, head: subject, score: back[0], clause: back[1], implied: false }];
  }
  return [...targets.values()];
}

const linking = new Set("with of about for is was are were in on to by at".split(" "));
const persons = new Set(["i", "we", "you", "he", "she", "my", "am", "'m"]);

/** Noun phrases that one opinion word is about, lists ("the screen, keys and speaker") taken whole. */
function targetsOf(
  tokens: readonly Token[],
  clause: ClauseOpinion,
  hit: Hit,
  all: readonly NounPhrase[],
  around: Surroundings,
): NounPhrase[] {
  const word = tokens[hit.to - 1];
  const likely = all.filter((phrase) => around.known(phrase.head));
  const described = all.find((phrase) => phrase.from >= hit.to && onlyModifiers(tokens, hit.to, phrase.from));
  if (described !== undefined && word?.pos !== "VERB") return withList(tokens, described, all);
  const object = likely.find(
    (phrase) => phrase.from >= hit.to && phrase.from < clause.to && phrase.from - hit.to <= 5,
  );
  const personal = tokens.slice(clause.from, hit.from).some((token) => persons.has(token.lower));
  const linked = linking.has(tokens[hit.to]?.lower ?? "");
  if (object !== undefined && (word?.pos === "VERB" || ((word?.pos === "NOUN" || personal) && linked))) {
    return withList(tokens, object, all);
  }
  const before = (phrase: NounPhrase) => phrase.from >= clause.from && phrase.to <= hit.from;
  const subject = likely.find(before) ?? all.find(before);
  const within = likely.find((phrase) => phrase.from < hit.to && phrase.to > hit.from);
  const chosen = subject ?? within ?? object;
  return chosen === undefined ? [] : withList(tokens, chosen, all);
}

function onlyModifiers(tokens: readonly Token[], from: number, to: number): boolean {
  return (
    to - from <= 4 &&
    tokens
      .slice(from, to)
      .every(
        (token) => ["ADJ", "ADV", "NUM", "CCONJ", "NOUN", "PROPN"].includes(token.pos) || token.lower === ",",
      )
  );
}

/** A phrase with those that a list joins to it on its right. */
function withList(tokens: readonly Token[], first: NounPhrase, phrases: readonly NounPhrase[]): NounPhrase[] {
  const list = [first];
  for (let last = first; ; ) {
    const next = phrases.find((phrase) => phrase.from > last.to);
    const between = next === undefined ? [] : tokens.slice(last.to, next.from);
    const joined =
      between.length > 0 &&
      between.length <= 4 &&
      between.every(
        (token) =>
          [",", "and", "or", "&"].includes(token.lower) || token.pos === "DET" || token.pos === "ADJ",
      ) &&
      between.some((token) => [",", "and", "or", "&"].includes(token.lower));
    if (next === undefined || !joined) return list;
    list.push(next);
    last = next;
  }
}

function impliedBy(tokens: readonly Token[], hit: Hit): string | null {
  const words = tokens.slice(hit.from, hit.to + 2).map((token) => token.lower);
  if (
    words.includes("easy") ||
    words.includes("ease") ||
    words.includes("hard") ||
    words.includes("simple") ||
    words.includes("difficult")
  )
    return words.includes("use") || words.includes("operate") ? "use" : null;
  for (const token of tokens.slice(hit.from, hit.to))
    if (Object.hasOwn(impliedAspects, token.lower)) return impliedAspects[token.lower] ?? null;
  return null;
}

/** Whether a clause speaks of the thing itself: "it is great", "I love it", "am very pleased". */
function refersBack(tokens: readonly Token[], clause: ClauseOpinion): boolean {
  return tokens
    .slice(clause.from, clause.to)
    .some((token) => ["it", "this", "recommend", "purchase", "product", "one"].includes(token.lower));
}
