import type { DagProjection, RunEvent } from "../records/events.js";

/** A piece of the output's text: where a text begins, goes on, ends. */
export type TextStep =
  | { readonly step: "start"; readonly id: string }
  | { readonly step: "delta"; readonly id: string; readonly text: string }
  | { readonly step: "end"; readonly id: string };

/**
 * The text of a run's output while it is written:
 *
 * 1. where one agent without an output schema gives the output, what its model says as it says it, each request's text by itself;
 * 2. of requests that are under way together (a hedged pair) the one that spoke first;
 * 3. at the end the output as a whole, where it is a text that was not told so.
 */
export class OutputText {
  #node: string | null = null;
  #open: string | null = null;
  #said = "";

  /** What an event adds to the text. */
  *of(event: RunEvent): Generator<TextStep> {
    if (event.type === "run-started") this.#node = speakerIn(event.dag);
    else if (event.type === "call-delta" && event.text !== "" && this.#isSpoken(event)) {
      if (this.#open === null) {
        this.#open = event.call;
        this.#said = "";
        yield { step: "start", id: event.call };
      }
      if (this.#open !== event.call) return;
      this.#said += event.text;
      yield { step: "delta", id: event.call, text: event.text };
    } else if (event.type === "call-ended" && event.call.id === this.#open) yield* this.#end();
    else if (event.type === "run-ended") {
      yield* this.#end();
      const { output } = event;
      if (typeof output !== "string" || output === "" || this.#said.trim() === output.trim()) return;
      yield { step: "start", id: "output" };
      yield { step: "delta", id: "output", text: output };
      yield { step: "end", id: "output" };
    }
  }

  #isSpoken({ node, item }: { readonly node: string; readonly item: number | null }): boolean {
    return node === this.#node && item === null;
  }

  *#end(): Generator<TextStep> {
    if (this.#open === null) return;
    yield { step: "end", id: this.#open };
    this.#open = null;
  }
}

/** The agent whose words are the output; `null` where there is none. */
function speakerIn({ outputs, nodes }: DagProjection): string | null {
  const [name, ...others] = outputs;
  if (name === undefined || others.length > 0) return null;
  const node = nodes[name];
  return node?.kind === "agent" && !node.mapped && node.declared?.output === undefined ? name : null;
}
