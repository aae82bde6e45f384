/**
 * The candidate that `name` was probably meant to be, `undefined` when none is near enough: the one with the fewest letters
 * changed, else the only one that begins with the name (`maxCost` for `maxCostUsd`).
 */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  const wanted = name.toLowerCase();
  let best: string | undefined;
  const known = [...candidates];
  let bestDistance = Math.max(1, Math.floor(name.length / 3)) + 1; // a third of the letters may differ
  if (name.length === 0 || name.length > longest) return undefined;
  for (const candidate of known) {
    if (Math.abs(candidate.length - name.length) >= bestDistance) continue;
    const distance = editDistance(wanted, candidate.toLowerCase());
    if (distance < bestDistance && distance < Math.max(name.length, candidate.length)) {
      best = candidate;
      bestDistance = distance;
    }
  }
  if (best !== undefined || name.length < shortestBeginning) return best;
  const begun = known.filter((candidate) => candidate.toLowerCase().startsWith(wanted));
  return begun.length === 1 ? begun[0] : undefined;
}

/** Fewer letters than these are the beginning of too much. */
const shortestBeginning = 4;

/** A hint for an unknown name: the one that was probably meant, else the names there are. */
export function didYouMean(name: string, candidates: Iterable<string>): string {
  const known = [...candidates];
  const meant = nearest(name, known);
  if (meant !== undefined) return `Did you mean "${meant}"?`;
  if (known.length === 0) return "There is none to choose from.";
  const shown = known.slice(0, 10).map((one) => `"${one}"`);
  return `Choose one of ${shown.join(", ")}${known.length > 10 ? ` and ${known.length - 10} more` : ""}.`;
}

const longest = 200;

/**
 * How many letters have to be inserted, deleted, replaced or swapped with their neighbour (optimal string alignment:
 * Damerau 1964, without editing a swapped pair again).
 */
export function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, (before[j - 2] ?? 0) + 1);
      row.push(cost);
    }
    before = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
