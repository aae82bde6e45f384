import { wordList } from "./lexicon.js";
import { judgeSentence, leaning, type SentenceOpinion } from "./polarity.js";
import { type Document, isWord, type Sentence, textOf } from "./reading.js";

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

/** A sentence with what it says. */
export interface JudgedSentence {
  readonly sentence: Sentence;
  readonly opinion: SentenceOpinion;
}

/** Passages of one sign each: a sentence that praises and blames gives two; one whose sign is unsure gives none. */
export function remarksOf(document: Document): Remark[] {
  const seen = new Set<string>();
  const judged = document.sentences.map((sentence) => ({
    sentence,
    opinion: judgeSentence(sentence.tokens),
  }));
  const remarks = judged
    .flatMap((one) => ratedRemark(one) ?? markedRemark(one) ?? sentenceRemarks(one))
    .filter(({ quote }) => !seen.has(quote.toLowerCase()) && seen.add(quote.toLowerCase()));
  if (isOffer(document.text)) return [];
  return document.sentences.some(({ text }) => sarcasm.test(text))
    ? remarks.filter((remark) => remark.score < 0 || remark.quote.split(/\s+/).length > 3)
    : remarks;
}

/** Whether a text advertises or announces: it speaks to "you" of what will be, and nobody tells what was. */
function isOffer(text: string): boolean {
  if (/\b(I|my|me|I'm|I've|was|were|bought|broke|stopped)\b/.test(text)) return false;
  const offers =
    /\b(you will|you'll|we offer|we provide|we are (?:looking|hiring|seeking)|our (?:team|company|mission|customers|clients)|apply|applicants?|join us|responsib\w+|requirements?|candidates?|order now|sign up|contact us)\b/gi;
  return (text.match(offers) ?? []).length >= 2;
}

/** A short sentence that states a rating is a remark of its own; a middling one of a part is none. */
function ratedRemark({ sentence }: JudgedSentence): Remark[] | null {
  const quote = sentence.text.replace(/[\s.,;:]+$/, "");
  const rating = quote.length <= longQuote ? statedRating(quote) : null;
  if (rating === null) return null;
  const { score, aspect } = rating;
  const remark = { score, aspect, quote, brief: quote, sentence: sentence.index };
  if (aspect === null) return [{ ...remark, rating: score / 2 }];
  return Math.abs(score) < 0.5 ? [] : [remark];
}

/** A line that its author marked with `+` or `-`, or put under "Pros" or "Cons", has the sign of the mark. */
function markedRemark({ sentence }: JudgedSentence): Remark[] | null {
  if (sentence.mark === 0) return null;
  const quote = sentence.text.replace(/[\s.,;:]+$/, "");
  return [
    { score: 2 * sentence.mark, aspect: aspectIn(quote), quote, brief: quote, sentence: sentence.index },
  ];
}

/** The one known part or property that a passage begins with, or `null`. */
function aspectIn(quote: string): string | null {
  const known = (quote.toLowerCase().match(/[\p{L}\d'-]+/gu) ?? [])
    .slice(0, 6)
    .filter((word) => wordList("aspect").has(word));
  return known.length === 1 ? (known[0] ?? null) : null;
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

function sentenceRemarks(judged: JudgedSentence): Remark[] {
  const { sentence, opinion } = judged;
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
    if (
      (quote.split(/\s+/).length < 2 && stretches.length > 1) ||
      announcement.test(quote) ||
      exception.test(quote)
    )
      return [];
    const brief = quote.length <= longQuote ? quote : quoteOf(judged, tellingPart(judged, stretch));
    return [{ score: stretch.score, aspect: aspectIn(brief), quote, brief, sentence: sentence.index }];
  });
}

/** A passage longer than this is cut down to the part that tells, in characters. */
const longQuote = 80;

/** Clauses that cannot stand without the one before them, and conditions that the one after them must not lose. */
const leansBack = new Set("which who whom whose that where because since than as".split(" "));
const conditions = new Set("if unless when while until except although though despite".split(" "));

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

/** What a statement sets aside is none of its own. */
const exception = /^(?:in spite of|despite|apart from|aside from|except for)\b/i;

/** Words that announce opinions and give none: "The good things first". */
const announcement =
  /^(?:(?:and|now|first|the|some|a few|on to) )*(?:good|bad|best|worst|great|nice|positive|negative)s? (?:things?|points?|news|parts?|bits?|sides?)(?: first| next| now)?$/i;

/** Whether nothing in the stretch says the opposite with nearly the same force. */
function isPure(judged: JudgedSentence, stretch: Stretch): boolean {
  const hits = judged.opinion.clauses.slice(stretch.first, stretch.last + 1).flatMap((clause) => clause.hits);
  const against = hits
    .filter((hit) => hit.score * stretch.score < 0)
    .reduce((sum, hit) => sum + Math.abs(hit.score), 0);
  return against < Math.abs(stretch.score) * 0.75;
}

const leading = new Set(
  "but and however although though while yet so plus or whereas nevertheless nonetheless that said".split(
    " ",
  ),
);

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

/** A rating that a text states in figures. */
export interface StatedRating {
  /** From -2 (lowest) to 2 (highest). */
  readonly score: number;
  /** What is rated, lower case; `null` for the thing as a whole. */
  readonly aspect: string | null;
}

const outOf =
  /(?<![\d.,/])(\d{1,2}(?:[.,]\d)?)\s*(?:\/|out of)\s*(5|10)\b(?!\s*[/\d])(?! (?!stars\b|points\b)\p{L}+s\b)/iu;
const inWords = new Map(["one", "two", "three", "four", "five"].map((word, i) => [word, i + 1]));
const spelled =
  /\b(one|two|three|four|five)(?: (?:out of (?:five|5) )?)?[ -]?stars?\b(?! (?:hotel|general))/i;
const stars = /(?<![\d.,/])([1-5](?:[.,]5)?)[\s-]stars?\b(?! (?:hotel|general))/i;
const whole =
  /^(?:(?:my|our|the) )?(?:overall|rating|score|total|verdict|conclusion|stars?|final|in short)\b/i;

/** The rating in "Overall 4/5", "2 out of 5 stars" or "Keyboard: 9/10"; `null` where a sentence states none. */
export function statedRating(sentence: string): StatedRating | null {
  const [, given, most] = outOf.exec(sentence) ?? [];
  const [, starred] = given === undefined ? (stars.exec(sentence) ?? []) : [];
  const word = inWords.get((spelled.exec(sentence)?.[1] ?? "").toLowerCase());
  const value =
    given === undefined && starred === undefined
      ? (word ?? Number.NaN)
      : Number((given ?? starred ?? "").replace(",", "."));
  const top = most === undefined ? 5 : Number(most);
  if (!Number.isFinite(value) || value > top) return null;
  const [, label = ""] = /^([\p{L}][\p{L} -]{1,30}?)\s*[:=–-]\s*(?=\d)/u.exec(sentence) ?? [];
  const least = top === 5 ? 1 : 0;
  const share = Math.max(0, (value - least) / (top - least));
  const aspect = label === "" || whole.test(label) ? null : label.toLowerCase();
  return { score: (share * 2 - 1) * 2, aspect };
}
