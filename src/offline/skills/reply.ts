import { fixed } from "../fixed-phrases.js";
import { centralSentences, relevantSentences } from "../relevance.js";
import { strongest } from "../remarks.js";
import { readSource } from "../source.js";
import { plainText, type Task } from "../task.js";
import { contentStems } from "../words.js";

/** A draft reply: what was written, what is wrong or praised, and what upstream texts say to it. Promises nothing. */
export function draftReply(task: Task): string {
  const { input } = task;
  const [blame] = strongest(input.remarks, -1, 1);
  const [praise] = strongest(input.remarks, 1, 1);
  const question = input.document.sentences.find(({ text }) => text.endsWith("?"));
  const main = question ?? centralSentences(input.document, 1)[0];
  const lines: string[] = [fixed.draftThanks];
  if (main !== undefined && main.text !== blame?.quote && main.text !== blame?.brief)
    lines.push(`${fixed.draftNoted} “${main.text}”`);
  if (blame !== undefined) lines.push(`${fixed.draftSorry} “${blame.brief}”`);
  else if (praise !== undefined) lines.push(`${fixed.draftGlad} “${praise.brief}”`);
  const asked = contentStems(input.text);
  for (const need of task.needs) {
    const { document } = readSource(need.label, plainText(need.text), task.readTokens);
    const [found] = relevantSentences(document, asked, 1);
    if (found !== undefined && document.sentences.length > 1)
      lines.push(`${fixed.draftPolicy} “${found.sentence.text}”`);
  }
  return [...lines, fixed.draftClose].join("\n");
}
