/**
 * The catalogue of callable nodes that a planner's prompt carries, as the section labelled `catalogue` (see
 * sections.ts), one JSON object a line. Beside it stand the sections `goal`, `input`, and one for each result so far.
 */
export interface CatalogueEntry {
  readonly name: string;
  readonly description: string;
  /** Argument names in positional order; an agent takes at most one, `focus`, and may be called without it. */
  readonly args: readonly string[];
  /** Nodes whose results it needs; they are run first when the planner does not ask for them itself. */
  readonly needs: readonly string[];
}

export const catalogueLabel = "catalogue";
export const goalLabel = "goal";

/** The content of the `catalogue` section. */
export function renderCatalogue(entries: readonly CatalogueEntry[]): string {
  return entries.map((entry) => JSON.stringify(entry)).join("\n");
}

/** Reads back what {@link renderCatalogue} wrote; lines that are not JSON are left out. */
export function parseCatalogue(content: string): CatalogueEntry[] {
  return content.split("\n").flatMap((line) => {
    try {
      return [JSON.parse(line) as CatalogueEntry];
    } catch {
      return [];
    }
  });
}

/** How a message begins that tells a model what is wrong with its answer. */
export const repairOpening = "That does not fit the schema:";
