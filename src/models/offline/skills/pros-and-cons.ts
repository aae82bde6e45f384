import { fixed } from "../fixed-phrases.js";
import { type Remark, strongest } from "../remarks.js";
import { materialOf, type Task } from "../task.js";

/** Most entries of one list. */
const most = 10;

/** Praise and blame as two lists, each entry by aspect with the passage it rests on. */
export function listProsAndCons(task: Task): string {
  const { remarks } = materialOf(task);
  if (remarks.length === 0) return fixed.noOpinion;
  const list = (sign: 1 | -1, none: string) => {
    const lines = inTextOrder(strongest(remarks, sign, most)).map(renderRemark);
    return lines.length === 0 ? `- ${none}` : lines.join("\n");
  };
  return `${fixed.pros}\n${list(1, fixed.noPros)}\n\n${fixed.cons}\n${list(-1, fixed.noCons)}`;
}

/** A remark as a list entry. */
export function renderRemark(remark: Remark): string {
  return remark.aspect === null ? `- “${remark.quote}”` : `- ${remark.aspect}: “${remark.quote}”`;
}

const inTextOrder = (remarks: Remark[]) => remarks.sort((a, b) => a.sentence - b.sentence);
