import { type Document, readDocument } from "./document.js";
import type { ReadTokens } from "./nlp.js";
import { type Judgement, judgeDocument } from "./opinions.js";
import { type Remark, remarksOf } from "./remarks.js";

/** A labelled text with what was read from it. */
export interface Source {
  readonly label: string;
  readonly text: string;
  readonly document: Document;
  readonly judgement: Judgement;
  readonly remarks: readonly Remark[];
}

/** Most texts kept read; several agents of a run read the same input. */
const kept = 16;
const cache = new Map<string, Omit<Source, "label">>();

/** Reads a text and judges it. The same text is read once while it is among the latest few. */
export function readSource(label: string, text: string, readTokens: ReadTokens): Source {
  const known = cache.get(text) ?? judgeText(text, readTokens);
  cache.delete(text);
  cache.set(text, known);
  for (const oldest of cache.keys()) {
    if (cache.size <= kept) break;
    cache.delete(oldest);
  }
  return { label, ...known };
}

function judgeText(text: string, readTokens: ReadTokens): Omit<Source, "label"> {
  const document = readDocument(text, readTokens);
  const judgement = judgeDocument(document);
  return { text, document, judgement, remarks: document.language === "english" ? remarksOf(judgement) : [] };
}
