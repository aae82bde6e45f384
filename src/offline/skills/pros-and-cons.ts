import { fixed } from "../fixed-phrases.js";
import { aspectNouns } from "../lexicon/nouns.js";
import { isVague, type Remark, strongest } from "../remarks.js";
import { materialOf, type Task } from "../task.js";

/** Most entries of one list. */
const most = 10;

/** Praise and blame as two lists, each entry by aspect with the passage it rests on. */
export function listProsAndCons(task: Task): string {
  const { remarks } = materialOf(task);
  if (remarks.length === 0) return fixed.noOpinion;
  const list = (sign: 1 | -1, none: string) => {
    const all = strongest(remarks, sign, remarks.length);
    const specific = all.filter((remark) => !isVague(remark));
    const lines = inTextOrder((specific.length > 1 ? specific : all).slice(0, most)).map(renderRemark);
    return lines.length === 0 ? `- ${none}` : lines.join("\n");
  };
  return `${fixed.pros}\n${list(1, fixed.noPros)}\n\n${fixed.cons}\n${list(-1, fixed.noCons)}`;
}

/** A remark as a list entry, under its aspect where that is sure. */
export function renderRemark(remark: Remark): string {
  const { aspect, brief } = remark;
  return aspect === null || !isSure(aspect, brief) ? `- “${brief}”` : `- ${aspect}: “${brief}”`;
}

/** A known aspect, one that no word of the passage names ("expensive" is the price), or what the passage begins with. */
function isSure(aspect: string, passage: string): boolean {
  const head = aspect.split(" ").at(-1) ?? "";
  if (aspectNouns.has(head) || aspectNouns.has(aspect)) return true;
  const words = (passage.toLowerCase().match(/[\p{L}\d'-]+/gu) ?? []).map((word) => word.replace(/e?s$/, ""));
  const at = words.indexOf(head.replace(/e?s$/, ""));
  return at < 0 || (at < 5 && !words.slice(0, at).some((word) => word === "no" || word === "without"));
}

const inTextOrder = (remarks: Remark[]) => remarks.sort((a, b) => a.sentence - b.sentence);
