import type { RunState } from "../records/events.js";
import type { OutcomeState } from "../records/outcome.js";

/** How a piece of text is meant to look; colour only repeats what symbols and words already say. */
export type Style = "plain" | "dim" | "bold" | "good" | "bad" | "warn";

/** A state's symbol, the same without Unicode, and its style. */
export interface StateMark {
  readonly symbol: string;
  readonly ascii: string;
  readonly style: Style;
}

const marks: Readonly<Record<OutcomeState | RunState, StateMark>> = {
  completed: { symbol: "✓", ascii: "+", style: "good" },
  partial: { symbol: "!", ascii: "!", style: "warn" },
  failed: { symbol: "✗", ascii: "x", style: "bad" },
  "timed-out": { symbol: "✗", ascii: "x", style: "bad" },
  skipped: { symbol: "○", ascii: "-", style: "dim" },
  cancelled: { symbol: "⊘", ascii: "/", style: "warn" },
  rejected: { symbol: "⊘", ascii: "/", style: "warn" },
  interrupted: { symbol: "‖", ascii: "?", style: "warn" },
};

/** The mark of a node's or a run's state. */
export function stateMark(state: OutcomeState | RunState): StateMark {
  // A record from elsewhere may hold a state that this release does not know.
  return Object.hasOwn(marks, state) ? marks[state] : { symbol: "·", ascii: ".", style: "dim" };
}
