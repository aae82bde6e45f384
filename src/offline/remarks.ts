import { isWord, textOf } from "./document.js";
import type { JudgedSentence, Judgement } from "./opinions.js";
import { leaning } from "./polarity.js";
import { statedRating } from "./stated-rating.js";

/** A passage that praises or blames, quoted from one sentence. */
export interface Remark {
  /** Above 0 praise, below 0 blame. */
  readonly score: number;
  /** What it is about, lower case, or `null` for the thing as a whole. */
  readonly aspect: string | null;
  /** The passage as written. */
  readonly quote: string;
  /** The part of a long passage that holds the opinion, where that stands by itself; else the passage. */
  readonly brief: string;
  /** Position of its sentence in the text. */
  readonly sentence: number;
  /** The rating of the whole thing that it states in figures, from -1 to 1. */
  readonly rating?: number;
}

/** Passages of one sign each: a sentence that praises and blames gives two. */
export function remarksOf(judgement: Judgement): Remark[] {
  const seen = new Set<string>();
  const remarks = judgement.sentences
    .flatMap((judged) => ratedRemark(judged) ?? sentenceRemarks(judged, judgement.subject))
    .filter(({ quote }) => !seen.has(quote.toLowerCase()) && seen.add(quote.toLowerCase()));
  const sarcastic = judgement.sentences.some(({ sentence }) => sarcasm.test(sentence.text));
  return sarcastic
    ? remarks.filter((remark) => remark.score < 0 || remark.quote.split(/\s+/).length > 3)
    : remarks;
}

/** A short sentence that states a rating in figures is a remark of its own; a middling one is none. */
function ratedRemark({ sentence }: JudgedSentence): Remark[] | null {
  const quote = sentence.text.replace(/[\s.,;:]+$/, "");
  const rating = quote.length <= longQuote ? statedRating(quote) : null;
  if (rating === null) return null;
  const { score, aspect } = rating;
  const remark = { score, aspect, quote, brief: quote, sentence: sentence.index };
  if (Math.abs(score) < 0.5) return [];
  return [aspect === null ? { ...remark, rating: score / 2 } : remark];
}

/** What only someone sarcastic writes; short praise beside it ("Brilliant.") is not taken at its word. */
const sarcasm =
  /\b(oh,? (great|good|joy|wonderful|nice|lovely|fantastic|brilliant)|yeah,? right|paperweight|doorstop|thanks for nothing|just what (i|we) (needed|wanted)[:,]|how (lovely|nice|thoughtful) of|i love how it (forgets|crashes|breaks|stops|loses|drops|freezes))\b/i;

interface Stretch {
  from: number;
  to: number;
  score: number;
  first: number;
  last: number;
}

function sentenceRemarks(judged: JudgedSentence, subject: string | null): Remark[] {
  const { sentence, opinion, targets } = judged;
  if (
    sentence.tokens.at(-1)?.text === "?" ||
    !opinion.clauses.some((clause) => Math.abs(clause.score) >= leaning)
  )
    return [];
  const stretches: Stretch[] = [];
  opinion.clauses.forEach((clause, i) => {
    const last = stretches.at(-1);
    const opposed = last !== undefined && last.score * clause.score < 0;
    const ownThing =
      last !== undefined &&
      Math.min(Math.abs(last.score), Math.abs(clause.score)) >= 1 &&
      targets.some((target) => target.clause === i && !target.implied) &&
      standsAlone(judged, i);
    if (
      last === undefined ||
      clause.after === ";" ||
      (opposed && Math.abs(clause.score) >= 0.4) ||
      (!opposed && ownThing)
    ) {
      stretches.push({ from: clause.from, to: clause.to, score: clause.score, first: i, last: i });
    } else Object.assign(last, { to: clause.to, score: last.score + clause.score, last: i });
  });
  return stretches.flatMap((stretch): Remark[] => {
    if (Math.abs(stretch.score) < 1 || !isPure(judged, stretch)) return [];
    const quote = quoteOf(judged, stretch);
    if ((quote.split(/\s+/).length < 2 && stretches.length > 1) || announcement.test(quote)) return [];
    const own = targets.filter((target) => target.clause >= stretch.first && target.clause <= stretch.last);
    const named = own.find((target) => target.name !== subject && !target.implied);
    const earlier = startsBare(judged, stretch)
      ? targets.find((target) => target.clause < stretch.first && target.name !== subject && !target.implied)
      : undefined;
    const aspect = (named ?? earlier ?? own.find((target) => target.name !== subject))?.name ?? null;
    const brief = quote.length <= longQuote ? quote : quoteOf(judged, tellingPart(judged, stretch));
    return [{ score: stretch.score, aspect, quote, brief, sentence: sentence.index }];
  });
}

/** A passage longer than this is cut down to the part that tells, in characters. */
const longQuote = 80;

/** Clauses that cannot stand without the one before them, and conditions that the one after them must not lose. */
const leansBack = new Set([
  "which",
  "who",
  "whom",
  "whose",
  "that",
  "where",
  "because",
  "since",
  "than",
  "as",
]);
const conditions = new Set([
  "if",
  "unless",
  "when",
  "while",
  "until",
  "except",
  "although",
  "though",
  "despite",
]);

/** The clauses of a stretch from the first opinion of its sign to the last, with what they cannot stand without. */
function tellingPart(judged: JudgedSentence, stretch: Stretch): Stretch {
  const { clauses } = judged.opinion;
  const telling = clauses.map(({ score }) => score * stretch.score > 0);
  let first = telling.indexOf(true, stretch.first);
  let last = telling.lastIndexOf(true, stretch.last);
  if (first < 0 || last < first) return stretch;
  while (
    first > stretch.first &&
    (!standsAlone(judged, first) || conditions.has(openerOf(judged, first - 1)))
  )
    first--;
  while (last < stretch.last && conditions.has(openerOf(judged, last + 1))) last++;
  const from = clauses[first]?.from ?? stretch.from;
  return { ...stretch, from, to: clauses[last]?.to ?? stretch.to };
}

function wordsOfClause({ sentence, opinion }: JudgedSentence, index: number) {
  const clause = opinion.clauses[index];
  return clause === undefined ? [] : sentence.tokens.slice(clause.from, clause.to).filter(isWord);
}

/** The first word of a clause that is no conjunction. */
function openerOf(judged: JudgedSentence, index: number): string {
  const words = wordsOfClause(judged, index);
  return (leading.has(words[0]?.lower ?? "") ? words[1] : words[0])?.lower ?? "";
}

/** Whether a clause can be read without the one before it: it says something of its own. */
function standsAlone(judged: JudgedSentence, index: number): boolean {
  const words = wordsOfClause(judged, index);
  return (
    !leansBack.has(openerOf(judged, index)) &&
    words.length >= 4 &&
    words.some(({ pos }) => pos === "VERB" || pos === "AUX")
  );
}

/** Words that announce opinions and give none: "The good things first". */
const announcement =
  /^(?:(?:and|now|first|the|some|a few|on to) )*(?:good|bad|best|worst|great|nice|positive|negative)s? (?:things?|points?|news|parts?|bits?|sides?)(?: first| next| now)?$/i;

/** Whether a stretch has no subject of its own: "but painfully loud". */
function startsBare(judged: JudgedSentence, stretch: Stretch): boolean {
  const words = judged.sentence.tokens.slice(stretch.from, stretch.from + 3);
  return (
    stretch.first > 0 &&
    !words.some(({ pos }) => pos === "PRON" || pos === "DET" || pos === "NOUN" || pos === "PROPN")
  );
}

/** Whether nothing in the stretch says the opposite with nearly the same force. */
function isPure(judged: JudgedSentence, stretch: Stretch): boolean {
  const hits = judged.opinion.clauses.slice(stretch.first, stretch.last + 1).flatMap((clause) => clause.hits);
  const against = hits
    .filter((hit) => hit.score * stretch.score < 0)
    .reduce((sum, hit) => sum + Math.abs(hit.score), 0);
  return against < Math.abs(stretch.score) * 0.75;
}

const leading = new Set([
  "but",
  "and",
  "however",
  "although",
  "though",
  "while",
  "yet",
  "so",
  "plus",
  "or",
  "whereas",
  "nevertheless",
  "nonetheless",
  "that",
  "said",
]);

function quoteOf(judged: JudgedSentence, stretch: Stretch): string {
  const tokens = judged.sentence.tokens.slice(stretch.from, stretch.to);
  let from = 0;
  while (from < tokens.length - 1) {
    const token = tokens[from];
    if (token === undefined || (isWord(token) && !leading.has(token.lower)) || /\d/.test(token.text)) break;
    from++;
  }
  let to = tokens.length;
  while (
    to > from + 1 &&
    (/^[^\p{L}\d)%”"!]+$/u.test(tokens[to - 1]?.text ?? "") || leading.has(tokens[to - 1]?.lower ?? ""))
  )
    to--;
  const quote = textOf(tokens.slice(from, to))
    .replace(/[\s,;:–—-]+$/, "")
    .replace(/^(?:pros?|cons?|likes|dislikes|plus|minus|good|bad): (?=\S)/i, "");
  return (quote.match(/["“”]/g) ?? []).length % 2 === 1
    ? quote.replaceAll(/["“”]/g, "")
    : quote.replace(/^["“]([^"“”]*)["”]$/, "$1");
}

/** How favourable remarks are, from -1 to 1; 0 where there are none. Passages that sum up weigh three times as much,
 * and a rating that the text states in figures more than everything else together. */
export function balanceOf(remarks: readonly Remark[]): number {
  let [praise, blame] = [0, 0];
  for (const remark of remarks) {
    const weight = Math.min(4, Math.abs(remark.score)) * (summing.test(remark.quote) ? 3 : 1);
    if (remark.score > 0) praise += weight;
    else blame += weight;
  }
  const said = praise + blame === 0 ? 0 : (praise - blame) / (praise + blame + 1);
  const ratings = remarks.flatMap(({ rating = [] }) => rating);
  if (ratings.length === 0) return said;
  return 0.3 * said + (0.7 * ratings.reduce((sum, rating) => sum + rating, 0)) / ratings.length;
}

const summing =
  /\b(overall|on the whole|all in all|would i buy|one of (my|the) (favou?rite|best|worst)|in short|in summary|bottom line|recommend|in the end|to sum up|worth|would buy|again|love it|return(ed|ing)? it|conclusion)\b/i;

/** The strongest remarks of one sign, most telling first, in a stable order; of equal ones the short and specific. */
export function strongest(remarks: readonly Remark[], sign: 1 | -1, most: number): Remark[] {
  return remarks
    .filter((remark) => remark.score * sign > 0)
    .sort((a, b) => telling(b) - telling(a) || a.sentence - b.sentence)
    .slice(0, most);
}

function telling({ score, aspect, brief }: Remark): number {
  const words = brief.split(/\s+/).length;
  return Math.abs(score) * (words > 25 ? 0.6 : 1) * (aspect === null ? 0.9 : 1);
}

/** Whether a remark says only that there is something: "it isn't perfect". */
export function isVague({ aspect, brief }: Remark): boolean {
  return aspect === null && vague.test(brief) && brief.split(/\s+/).length <= 4;
}

const vague = /^(?:it|this|that|they|these)(?:'s|'re| is| was| are| were| isn't| wasn't| aren't)\b/i;
