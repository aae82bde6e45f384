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
  opinion.clauses.forEach((clause, index) => {
    if (Math.abs(clause.score) < leaning) return;
    const add = (name: string, head: string) => {
      if (!targets.has(head)) targets.set(head, { name, head, score: clause.score, clause: index });
    };
    const candidates = phrases.filter((phrase) => around.known(phrase.head));
    const hits = clause.hits.filter((hit) => hit.score * clause.score > 0);
    for (const hit of hits) {
      const implied = impliedBy(tokens, hit);
      const found = targetsOf(tokens, clause, hit, candidates);
      const specific = found.filter((phrase) => phrase.head !== around.subject);
      if (implied !== null && specific.length === 0) add(implied, implied);
      else for (const phrase of specific.length > 0 ? specific : found) add(phrase.name, phrase.head);
      if (found.length === 0 && implied === null && around.subject !== null && refersBack(tokens, clause))
        add(around.subject, around.subject);
    }
    if (hits.length === 0) {
      const first = candidates.find(
        (phrase) => phrase.from >= clause.from && phrase.from < clause.to && phrase.head !== around.subject,
      );
      if (first !== undefined) add(first.name, first.head);
    }
  });
  return [...targets.values()];
}

const linking = new Set(["with", "of", "about", "for", "is", "was", "are", "were", "in", "on", "to"]);

/** Noun phrases that one opinion word is about, lists ("the screen, keys and speaker") taken whole. */
function targetsOf(
  tokens: readonly Token[],
  clause: ClauseOpinion,
  hit: Hit,
  phrases: readonly NounPhrase[],
): NounPhrase[] {
  const word = tokens[hit.to - 1];
  const within = phrases.find((phrase) => phrase.from < hit.to && phrase.to > hit.from);
  const described = phrases.find(
    (phrase) => phrase.from >= hit.to && onlyModifiers(tokens, hit.to, phrase.from),
  );
  if (described !== undefined && word?.pos !== "VERB") return withList(tokens, described, phrases);
  const subject = phrases.find((phrase) => phrase.from >= clause.from && phrase.to <= hit.from);
  const object = phrases.find(
    (phrase) => phrase.from >= hit.to && phrase.from < clause.to && phrase.from - hit.to <= 5,
  );
  if (word?.pos === "VERB" || word?.pos === "NOUN") {
    const linked = object !== undefined && (word.pos === "VERB" || linking.has(tokens[hit.to]?.lower ?? ""));
    if (linked && object !== undefined) return withList(tokens, object, phrases);
  }
  const chosen = subject ?? within ?? object;
  return chosen === undefined ? [] : withList(tokens, chosen, phrases);
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

/** Whether a clause speaks of the thing itself: "it is great", "I love it". */
function refersBack(tokens: readonly Token[], clause: ClauseOpinion): boolean {
  return tokens
    .slice(clause.from, clause.to)
    .some((token) => ["it", "this", "recommend", "purchase", "product", "one"].includes(token.lower));
}
