import type { Command } from "commander";
import type { DagSpec } from "../spec/shape.js";
import type { OpenCheckpointer, OpenOptions } from "../stores/checkpointer.js";
import { addressOf } from "../stores/store-error.js";
import { UsageError } from "./usage-error.js";

/** Where a run is kept. */
export interface ThreadFlags {
  readonly checkpoint?: string;
  readonly thread?: string;
}

/** Adds `--checkpoint` and `--thread`. */
export function addThreadFlags(command: Command): Command {
  return command
    .option(
      "--checkpoint <store>",
      "keep finished work in sqlite:FILE, postgres://USER:PASSWORD@HOST/DB, redis://HOST or memory:, so that the run can be resumed",
    )
    .option("--thread <id>", "name of the run in the store");
}

/** Opens the store that the flags name; `null` when they name none. */
export async function openThread(
  { checkpoint, thread }: ThreadFlags,
  options: OpenOptions = {},
): Promise<OpenCheckpointer | null> {
  if (checkpoint === undefined) {
    if (thread === undefined) return null;
    throw new UsageError(
      "--thread names a run in a store, and no store was given.",
      "Add --checkpoint sqlite:FILE.",
    );
  }
  if (thread === undefined || thread.trim() === "") {
    throw new UsageError("--checkpoint keeps a run under a name, and none was given.", "Add --thread ID.");
  }
  const { openCheckpointer } = await import("../stores/checkpointer.js");
  return openCheckpointer(checkpoint, options);
}

/** What to type to answer a run that waits; of a database's address without the password. */
export function howToResume(file: string, { checkpoint = "memory:", thread }: ThreadFlags): string {
  if (checkpoint === "memory:") {
    return "It was not kept, so it cannot be resumed: run it again with --checkpoint sqlite:FILE --thread ID.";
  }
  const store = URL.canParse(checkpoint) && checkpoint.includes("://") ? addressOf(checkpoint) : checkpoint;
  return `Answer with: agent-dag resume ${file} --checkpoint ${store} --thread ${thread} --answer true`;
}

/** A store in memory: a person at the terminal or on a page can answer a question only when the run is kept. */
export async function storeInMemory(): Promise<OpenCheckpointer> {
  const { openCheckpointer } = await import("../stores/checkpointer.js");
  return openCheckpointer("memory:");
}

/** Whether the graph says that it asks for approval: a node, or a tool of one. */
export function asksForApproval(dag: DagSpec): boolean {
  return Object.values(dag.nodes).some(
    ({ approve, tools = [], dag: inner }) =>
      approve !== undefined ||
      tools.some((one) => typeof one === "object" && "approve" in one) ||
      (inner !== undefined && asksForApproval(inner)),
  );
}
