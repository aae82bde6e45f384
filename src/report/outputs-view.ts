import { isDeepStrictEqual } from "node:util";
import type { Outcome } from "../records/outcome.js";
import type { RunRecord } from "../records/record.js";
import { steady } from "./view-text.js";
import { yamlText } from "./yaml-text.js";

/** What the outputs are read from: a `RunRecord` fits. */
export type OutputsViewRecord = Pick<RunRecord, "dag" | "outcomes" | "output" | "error">;

/** What each node gave, as YAML in the spec's order, and the run's output; of what did not complete, why. */
export function renderOutputsView(record: OutputsViewRecord): string {
  return yamlText(outputsOf(record)).trimEnd();
}

/** The values of {@link renderOutputsView} by title. Titles with a state in them are no names of nodes. */
export function outputsOf({ dag, outcomes, output, error }: OutputsViewRecord): Record<string, unknown> {
  const nodes = Object.keys(dag.nodes).flatMap((name) => {
    const outcome = outcomes[name];
    return outcome === undefined ? [] : valuesOf(name, outcome);
  });
  return {
    ...Object.fromEntries(nodes),
    ...(isOfOutputNode(dag.outputs, outcomes, output) ? {} : { output: output ?? null }),
    ...(error !== null && { "(error)": { code: error.code, message: steady(error.message) } }),
  };
}

function valuesOf(name: string, outcome: Outcome): [string, unknown][] {
  if (outcome.state === "completed") {
    const lost = (outcome.items ?? []).flatMap((item, index) =>
      item.state === "completed" ? [] : valuesOf(`${name}[${index}]`, item),
    );
    const invocations = outcome.invocations ?? [];
    const earlier =
      invocations.length < 2
        ? []
        : invocations.flatMap((one, i) => valuesOf(`${name} (invocation ${i})`, one));
    return [[name, outcome.value], ...lost, ...earlier];
  }
  const why =
    "error" in outcome
      ? {
          code: outcome.error.code,
          message: steady(outcome.error.message),
          ...(outcome.error.text !== undefined && { text: outcome.error.text }),
        }
      : outcome.reason.code;
  return [[`${name} (${outcome.state})`, why]];
}

/** Whether the run's output is what its one output node gave, and so already shown. */
function isOfOutputNode(
  outputs: readonly string[],
  outcomes: RunRecord["outcomes"],
  output: unknown,
): boolean {
  const given = outputs.flatMap((name) => {
    const outcome = outcomes[name];
    return outcome?.state === "completed" ? [[name, outcome.value] as const] : [];
  });
  const whole = outputs.length === 1 ? given[0]?.[1] : Object.fromEntries(given);
  return isDeepStrictEqual(given.length === 0 ? null : whole, output ?? null);
}
