import { caught, DagError, errorMessage } from "../../src/errors.js";
import { checkAgainstAsync, isZodSchema } from "../../src/spec/schema.js";
import type { DagSpec } from "../../src/spec/shape.js";

/** What the nodes of a run's DAGs see as `context`. */
export type Contexts = (spec: DagSpec) => unknown;

/**
 * Holds the context that a run is given to what its DAG, and each one inside it, declares. A DAG that declares nothing sees
 * what the outermost one does.
 * @throws DagError `CONTEXT_MISSING`, `CONTEXT_INVALID`, naming the DAG; never with what was given.
 */
export async function readContexts(spec: DagSpec, given: unknown): Promise<Contexts> {
  const seen = new Map<DagSpec, unknown>();
  for (const dag of dagsIn(spec)) {
    if (dag.context !== undefined) seen.set(dag, await read(dag, dag.context, given));
  }
  return (dag) => (seen.has(dag) ? seen.get(dag) : seen.has(spec) ? seen.get(spec) : given);
}

async function read(
  { name }: DagSpec,
  declared: NonNullable<DagSpec["context"]>,
  given: unknown,
): Promise<unknown> {
  // JSON Schema cannot say that nothing will do as well.
  const checked =
    given === undefined && !isZodSchema(declared)
      ? null
      : await checkAgainstAsync(declared, given).catch((thrown: unknown) => ({
          ok: false as const,
          message: `its schema failed with "${errorMessage(caught(thrown))}"`,
        }));
  if (checked?.ok) return checked.value;
  if (given === undefined) {
    throw new DagError(
      "CONTEXT_MISSING",
      `The DAG "${name}" declares a context, and the run was given none.`,
      {
        facts: { dag: name },
        hint: "Pass it as the option `context` of run, resume, stream or compare, or of a compiled graph's invoke; on the command line there is none.",
      },
    );
  }
  const problem = checked?.message.replaceAll("\n", "; ") ?? "";
  throw new DagError("CONTEXT_INVALID", `The context does not fit what "${name}" declares: ${problem}.`, {
    facts: { dag: name },
    hint: "Give a context that fits the spec's `context`, or change the spec.",
  });
}

function dagsIn(spec: DagSpec, found = new Set<DagSpec>()): ReadonlySet<DagSpec> {
  if (found.has(spec)) return found;
  found.add(spec);
  for (const { dag } of Object.values(spec.nodes)) if (dag !== undefined) dagsIn(dag, found);
  return found;
}
