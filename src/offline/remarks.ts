import { wordList } from "./lexicon.js";
import { judgeSentence } from "./polarity.js";
import { type Document, isWord, type Sentence, type Token, textOf } from "./reading.js";

/** A passage that praises or blames, quoted from one sentence. */
export interface Remark {
  /** Above 0 praise, below 0 blame. */
  readonly score: number;
  /** What it is about, lower case, or `null` for the thing as a whole. */
  readonly aspect: string | null;
  /** The passage as written. */
  readonly quote: string;
  /** Position of its sentence in the text. */
  readonly sentence: number;
  /** The rating of the whole thing that it states in figures, from -1 to 1. */
  readonly rating?: number;
}

/** Passages of one sign each: a sentence that praises and blames gives two; one whose sign is unsure gives none. */
export function remarksOf(document: Document): Remark[] {
  if (isOffer(document.text)) return [];
  const ironic = sarcasm.test(document.text);
  const seen = new Set<string>();
  const remarks = document.sentences
    .flatMap((one) => ratedRemark(one) ?? markedRemark(one) ?? sentenceRemarks(one))
    .filter(({ quote }) => !seen.has(quote.toLowerCase()) && seen.add(quote.toLowerCase()))
    .filter(
      ({ quote, score }) =>
        !empty.test(quote) &&
        !courtesy.test(quote) &&
        !(score > 0 && request.test(quote)) &&
        !(ironic && score > 0 && (sarcasm.test(quote) || quote.split(/\s+/).length < 4)),
    );
  // One plain statement in a text in which nobody speaks is news or notes, not a review.
  const [only] = remarks;
  const impersonal = document.sentences.length > 2 && !/\b(?:I|we|my|our|you|your)\b/i.test(document.text);
  return impersonal && remarks.length === 1 && Math.abs(only?.score ?? 0) <= 2 ? [] : remarks;
}

/** What only someone sarcastic writes; short praise beside it ("Brilliant.") is not taken at its word. */
const sarcasm =
  /\b(?:oh,? (?:great|good|joy|wonderful|nice|lovely|fantastic|brilliant)|yeah,? right|paperweight|doorstop|thanks for nothing|just what (?:i|we) (?:needed|wanted)[:,]|how (?:lovely|nice|thoughtful) of|i love how it (?:forgets|crashes|breaks|stops|loses|drops|freezes))\b/i;

/** Passages that announce opinions ("The good things first"), name none, set something aside, or say only that there is something. */
const empty =
  /^(?:none|nothing|n\/a)\b.{0,12}$|^strongest (?:praise|criticism)$|^(?:(?:and|now|first|the|some|a few|on to) )*(?:good|bad|best|worst|great|nice|positive|negative)s? (?:things?|points?|news|parts?|bits?|sides?)(?: first| next| now)?$|^(?:in spite of|despite|apart from|aside from|except for)\b|^(?:it|this|that|they|these)(?:'s|'re| is| was| are| were| isn't| wasn't| aren't)(?: \S+){0,2}$/i;
/** What people write out of politeness says nothing of what they write about. */
const courtesy =
  /^(?:(?:many )?thanks(?: (?:a lot|so much|very much|again|in advance))?(?:[,!.]* \p{Lu}\w*)*|thank you(?: (?:very much|so much|again|in advance))?(?:[,!.]* \p{Lu}\w*)*|(?:thanks|thank you)(?: \w+)? for (?:your|the) (?:(?:quick|prompt|kind|fast) )*(?:reply|response|answer|message|e-?mail|time|patience|understanding|help|support)|(?:with )?(?:kind(?:est)?|best|warm(?:est)?|friendly) (?:regards|wishes|greetings)\b.*|(?:have|wish(?:ing)? you|enjoy) (?:a|an|the|your) (?:\w+ ){0,2}(?:day|week|weekend|evening|morning|afternoon|holidays?|time|trip)|(?:I |we )?hope (?:this|you|all)\b.*|congratulations\b.*|(?:I am |we are |I'm |we're )?sorry (?:for|about) (?:the|my|our|any)\b.*|(?:I am |we are |I'm |we're )?looking forward\b.*)[\s!.]*$/iu;
/** A request praises nothing. */
const request = /^(?:please|can you|could you|would you|will you)\b/i;

/** Whether a text advertises or announces: it speaks to "you" of what will be, and nobody tells what was. */
function isOffer(text: string): boolean {
  if (/\b(I|my|me|I'm|I've|was|were|bought|broke|stopped)\b/.test(text)) return false;
  const offers =
    /\b(you will|you'll|we offer|we provide|we are (?:looking|hiring|seeking)|our (?:team|company|mission|customers|clients)|apply|applicants?|join us|responsib\w+|requirements?|candidates?|order now|sign up|contact us)\b/gi;
  return (text.match(offers) ?? []).length >= 2;
}

/** A short sentence that states a rating is a remark of its own; a middling one of a part is none. */
function ratedRemark(sentence: Sentence): Remark[] | null {
  const quote = sentence.text.replace(/[\s.,;:]+$/, "");
  const rating = quote.length <= 80 ? statedRating(quote) : null;
  if (rating === null) return null;
  const { score, aspect } = rating;
  const remark = { score, aspect, quote, sentence: sentence.index };
  if (aspect === null) return [{ ...remark, rating: score / 2 }];
  return Math.abs(score) < 0.5 ? [] : [remark];
}

/** A line that its author marked with `+` or `-`, or put under "Pros" or "Cons", has the sign of the mark. */
function markedRemark(sentence: Sentence): Remark[] | null {
  if (sentence.mark === 0) return null;
  const quote = sentence.text.replace(/[\s.,;:]+$/, "");
  return [{ score: 2 * sentence.mark, aspect: aspectIn(quote), quote, sentence: sentence.index }];
}

/** The one known part or property that a passage begins with, or `null`. */
function aspectIn(quote: string): string | null {
  const known = (quote.toLowerCase().match(/[\p{L}\d'-]+/gu) ?? [])
    .slice(0, 6)
    .filter((word) => wordList("aspect").has(word));
  return known.length === 1 ? (known[0] ?? null) : null;
}

interface Stretch {
  from: number;
  to: number;
  score: number;
}

/** Clauses of one sign are one passage, unless the later says something strong of its own; one whose sign is unsure is none. */
function sentenceRemarks(sentence: Sentence): Remark[] {
  if (sentence.tokens.at(-1)?.text === "?") return [];
  const stretches: Stretch[] = [];
  for (const { from, to, score } of judgeSentence(sentence.tokens).clauses) {
    const last = stretches.at(-1);
    const strong = Math.min(Math.abs(last?.score ?? 0), Math.abs(score)) >= 1;
    const opposed = (last?.score ?? 0) * score < 0;
    if (last === undefined || opposed || (strong && standsAlone(sentence.tokens.slice(from, to))))
      stretches.push({ from, to, score });
    else Object.assign(last, { to, score: last.score + score });
  }
  return stretches.flatMap(({ from, to, score }): Remark[] => {
    if (Math.abs(score) <= 1) return [];
    const quote = quoteOf(sentence.tokens.slice(from, to));
    return [{ score, aspect: aspectIn(quote), quote, sentence: sentence.index }];
  });
}

/** Whether a clause can be read without the one before it: it says something of its own. */
export function standsAlone(clause: readonly Token[]): boolean {
  const words = clause.filter(isWord);
  const opener = words.find(({ lower }) => !wordList("leading").has(lower))?.lower ?? "";
  const says = words.length >= 4 && words.some(({ pos }) => pos === "VERB" || pos === "AUX");
  return says && !/^(?:which|who|whom|whose|that|where|because|since|than|as)$/.test(opener);
}

/** Tokens as a quotation: no conjunction or sign at its ends, no quotation mark without its other. */
export function quoteOf(tokens: readonly Token[]): string {
  const tells = ({ text, lower }: Token) =>
    /\d/.test(text) || (/\p{L}/u.test(text) && !wordList("leading").has(lower));
  const ends = (token: Token) => tells(token) || /[)%”"!]/.test(token.text);
  const quote = textOf(
    tokens.slice(Math.max(0, tokens.findIndex(tells)), tokens.findLastIndex(ends) + 1),
  ).replace(/^(?:pros?|cons?|likes|dislikes|plus|minus|good|bad): (?=\S)/i, "");
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

function telling({ score, aspect, quote }: Remark): number {
  const words = quote.split(/\s+/).length;
  return Math.abs(score) * (words > 25 ? 0.6 : 1) * (aspect === null ? 0.9 : 1);
}

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
