import type { ModelChunk, ToolCall } from "../../src/models/port.js";

/** A tool call whose arguments have finished streaming. */
export interface StreamedCall extends ToolCall {
  /** Position among the calls of the message. */
  readonly index: number;
}

/** Watches a planner's message for calls that are complete while the rest of it still streams. */
export interface CallWatcher {
  /** The calls that the chunk completed: at the closing brace of their arguments, or where the next call begins. */
  add(chunk: ModelChunk): StreamedCall[];
}

interface OpenCall {
  readonly index: number;
  id: string;
  name: string;
  args: string;
  depth: number;
  inString: boolean;
  escaped: boolean;
  complete: boolean;
}

export function createCallWatcher(): CallWatcher {
  const calls = new Map<number, OpenCall>();
  return {
    add(chunk) {
      if (chunk.type !== "tool-call") return [];
      const completed: StreamedCall[] = [];
      let call = calls.get(chunk.index);
      if (call === undefined) {
        for (const before of calls.values()) if (!before.complete) completed.push(finish(before));
        call = {
          index: chunk.index,
          id: "",
          name: "",
          args: "",
          depth: 0,
          inString: false,
          escaped: false,
          complete: false,
        };
        calls.set(chunk.index, call);
      }
      if (chunk.id) call.id = chunk.id;
      if (chunk.name) call.name = chunk.name;
      const wasComplete = call.complete;
      call.args += chunk.args;
      if (!wasComplete && closes(call, chunk.args)) completed.push(finish(call));
      return completed;
    },
  };
}

function finish(call: OpenCall): StreamedCall {
  call.complete = true;
  return { index: call.index, id: call.id, name: call.name, args: call.args };
}

/** Whether the piece ends the JSON object that the arguments are. */
function closes(call: OpenCall, piece: string): boolean {
  for (const char of piece.split("")) {
    if (call.inString) {
      if (call.escaped) call.escaped = false;
      else if (char === "\\") call.escaped = true;
      else if (char === '"') call.inString = false;
    } else if (char === '"') call.inString = true;
    else if (char === "{" || char === "[") call.depth++;
    else if (char === "}" || char === "]") {
      call.depth--;
      if (call.depth <= 0) return true;
    }
  }
  return false;
}
