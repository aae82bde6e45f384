/** Rows that were run, and those of them that failed. */
export interface Ran {
  readonly failed: number;
  readonly ran: number;
}

/** Whether more rows failed than may; of a share, while rows are still to come, once one failure could be within it. */
export function tooManyFailed(
  most: number | `${number}%` | undefined,
  { failed, ran }: Ran,
  when: "so far" | "now",
): boolean {
  if (most === undefined) return false;
  if (typeof most === "number") return failed > most;
  const share = (ran * Number(most.slice(0, -1))) / 100;
  return (when === "now" || share >= 1) && failed > share;
}
