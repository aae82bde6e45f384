import type { Sentence } from "../document.js";
import { figuresOf } from "../figures.js";
import { fixed } from "../fixed-phrases.js";
import { isNegator } from "../negation.js";
import { relevantSentences } from "../relevance.js";
import type { Source } from "../source.js";
import { readSource } from "../source.js";
import { plainText, type Task } from "../task.js";
import { contentStems } from "../words.js";

/** Share of a statement's content words that one sentence of the reference must carry to support it. */
const enough = 0.5;

/** What one text states, held against another: supported, unsupported, or contradicted by a figure or a negation. */
export function checkStatements(task: Task): string {
  const { draft, reference } = draftAndReference(task);
  if (draft === undefined || reference.document.sentences.length === 0) return fixed.checkNothing;
  const findings = draft.document.sentences.flatMap((sentence) => findingOf(sentence, reference));
  const passed = !findings.some((finding) => !finding.startsWith(`- ${fixed.supported}`));
  return [passed ? fixed.checkPassed : fixed.checkFailed, ...findings].join("\n");
}

/** The draft is the section that the instructions name first, else the last upstream text; all else is the reference. */
function draftAndReference(task: Task): { draft: Source | undefined; reference: Source } {
  const sources = [...task.fields, ...task.needs].filter(({ text }) => text.trim() !== "");
  const asked = [...contentStems(task.instructions)];
  const place = (source: Source) => {
    const places = [...contentStems(source.label.replace(/^input\./, ""))]
      .map((stem) => asked.indexOf(stem))
      .filter((at) => at >= 0);
    return places.length === 0 ? Number.POSITIVE_INFINITY : Math.min(...places);
  };
  const named = [...sources].sort((a, b) => place(a) - place(b))[0];
  const draft =
    named !== undefined && Number.isFinite(place(named)) ? named : (task.needs.at(-1) ?? sources[0]);
  const rest = sources.filter((source) => source !== draft).map(({ text }) => plainText(text));
  return { draft, reference: readSource("reference", rest.join("\n\n"), task.readTokens) };
}

function findingOf(sentence: Sentence, reference: Source): string[] {
  const stems = contentStems(sentence.text);
  if (stems.size < 2 || /\?$/.test(sentence.text)) return [];
  const [found] = relevantSentences(reference.document, stems, 1);
  const shared =
    found === undefined
      ? 0
      : [...contentStems(found.sentence.text)].filter((stem) => stems.has(stem)).length / stems.size;
  if (found === undefined || shared < enough) return [`- ${fixed.unsupported}: “${sentence.text}”`];
  if (disagree(sentence, found.sentence))
    return [`- ${fixed.contradicts}: “${sentence.text}” / “${found.sentence.text}”`];
  return [`- ${fixed.supported}: “${found.sentence.text}”`];
}

function disagree(a: Sentence, b: Sentence): boolean {
  const negated = (sentence: Sentence) => sentence.tokens.some((_, i) => isNegator(sentence.tokens, i));
  const [left, right] = [figuresOf(a), figuresOf(b)];
  const figures = left.some(
    (figure) =>
      right.some(({ unit }) => unit === figure.unit) && !right.some(({ value }) => value === figure.value),
  );
  return negated(a) !== negated(b) || figures;
}
