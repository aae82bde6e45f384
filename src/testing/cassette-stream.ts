import { DagError, errorCode, errorMessage } from "../errors.js";
import { waitMs } from "../limits/wait.js";
import { type ModelChunk, replyFold } from "../models/port.js";
import type { RecordedReply } from "./cassette-entry.js";

/** Takes down a stream, piece by piece. */
export interface StreamTape {
  add(chunk: ModelChunk): void;
  /** The reply so far, `end` telling how it ended; `redact` is applied before anything leaves here. */
  reply(end: StreamEnd, redact: <T>(value: T) => T): RecordedReply;
}

/** How a stream ended. */
export type StreamEnd =
  | { readonly how: "complete" | "aborted" }
  | { readonly how: "error"; readonly error: unknown };

/** A tape that starts now. */
export function streamTape(nowMs: () => number = () => performance.now()): StreamTape {
  const fold = replyFold();
  const pieces: { kind: string; length: number; waitMs: number }[] = [];
  let last = nowMs();
  const note = (kind: string, length = 0) => {
    const now = nowMs();
    pieces.push({ kind, length, waitMs: Math.round(now - last) });
    last = now;
  };
  return {
    add(chunk) {
      if (chunk.type === "rate-limit") return;
      fold.add(chunk);
      if (chunk.type === "text") note("text", chunk.text.length);
      else if (chunk.type === "tool-call") note(`call${chunk.index}`, chunk.args.length);
      else note(chunk.type);
    },
    reply(end, redact) {
      if (end.how !== "complete") note("end");
      const whole = fold.reply();
      const { text, toolCalls } = redact({ text: whole.text, toolCalls: whole.toolCalls });
      return {
        ...(text !== "" && { text }),
        ...(toolCalls.length > 0 && { toolCalls: toolCalls.map((call) => ({ ...call })) }),
        ...(whole.usage !== null && { usage: whole.usage }),
        ...(whole.finishReason !== null && { finish: whole.finishReason }),
        ...(whole.model !== undefined && { model: whole.model }),
        ...(end.how === "error" && { error: redact(recordedError(end.error)) }),
        ...(end.how === "aborted" && { aborted: true as const }),
        stream: wrapped(pieces.map(pieceText)),
      };
    },
  };
}

function pieceText({ kind, length, waitMs }: { kind: string; length: number; waitMs: number }): string {
  return `${kind}${kind === "text" || kind.startsWith("call") ? `:${length}` : ""}@${waitMs}`;
}

/** Words in lines of about 100 characters. */
function wrapped(words: readonly string[]): string {
  const lines: string[] = [];
  for (const word of words) {
    const line = lines.at(-1);
    if (line === undefined || line.length + word.length >= 100) lines.push(word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines.join("\n");
}

function recordedError(error: unknown): NonNullable<RecordedReply["error"]> {
  const facts = error instanceof DagError ? plainFacts(error.facts) : {};
  return {
    code: errorCode(error),
    message: errorMessage(error),
    retryable: error instanceof DagError && error.retryable,
    ...(Object.keys(facts).length > 0 && { facts }),
  };
}

/** Facts that JSON can hold; the rest, causes and the like, stay behind. */
function plainFacts(facts: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(facts).filter(([, fact]) => {
      try {
        return JSON.stringify(fact) !== undefined;
      } catch {
        return false;
      }
    }),
  );
}

/** How long an aborted call waits in a replay for its abort, beyond what it took when it was recorded. */
const abortGraceMs = 1000;

/**
 * Streams a recorded reply again: in the recorded pieces, at once, or with the recorded waits divided by `speed`.
 * @throws DagError the recorded error; `CASSETTE_ABORTED` when the recorded call was aborted and this one is not.
 */
export async function* playReply(
  reply: RecordedReply,
  speed: number | undefined,
  signal: AbortSignal,
): AsyncGenerator<ModelChunk> {
  const pieces = piecesOf(reply);
  for (const piece of pieces) {
    if (speed !== undefined) await waitMs(piece.waitMs / speed, signal);
    else signal.throwIfAborted();
    if (piece.chunk !== null) yield piece.chunk;
  }
  if (reply.error !== undefined) {
    const { code, message, retryable, facts = {} } = reply.error;
    throw new DagError(code, message, { retryable, facts });
  }
  if (reply.aborted !== true) return;
  await waitMs(pieces.reduce((sum, piece) => sum + piece.waitMs, 0) + abortGraceMs, signal);
  throw new DagError(
    "CASSETTE_ABORTED",
    "The recorded call was aborted before its reply was complete, and this one was not.",
    { hint: "Record again, with a run in which the call completes." },
  );
}

/** The chunks with their waits. A reply that was edited by hand, so that lengths do not add up, comes in one piece. */
function piecesOf(reply: RecordedReply): { chunk: ModelChunk | null; waitMs: number }[] {
  const { text = "", toolCalls = [], usage } = reply;
  const parsed = [...reply.stream.matchAll(/([a-z]+)(\d*)(?::(\d+))?@(\d+)/g)].map(
    ([, kind = "", index = "", length = "0", waitMs = "0"]) => ({
      kind,
      index: Number(index),
      length: Number(length),
      waitMs: Number(waitMs),
    }),
  );
  const lengthOf = (kind: string, index = 0) =>
    parsed.reduce((sum, piece) => sum + (piece.kind === kind && piece.index === index ? piece.length : 0), 0);
  const fits =
    lengthOf("text") === text.length &&
    toolCalls.every((call, i) => lengthOf("call", i) === call.args.length);
  if (!fits)
    return wholePieces(
      reply,
      parsed.reduce((sum, piece) => sum + piece.waitMs, 0),
    );

  let read = 0;
  const argsRead = toolCalls.map(() => 0);
  return parsed.map(({ kind, index, length, waitMs }) => {
    if (kind === "text") {
      const from = read;
      read += length;
      return { waitMs, chunk: { type: "text", text: text.slice(from, read) } };
    }
    if (kind === "call") {
      const call = toolCalls[index];
      const from = argsRead[index] ?? 0;
      argsRead[index] = from + length;
      if (call === undefined) return { waitMs, chunk: null };
      return { waitMs, chunk: callChunk(call, index, from, from + length, from === 0) };
    }
    if (kind === "usage" && usage !== undefined) return { waitMs, chunk: { type: "usage", ...usage } };
    return { waitMs, chunk: kind === "finish" ? finishOf(reply) : null };
  });
}

function finishOf({ finish, model }: RecordedReply): ModelChunk | null {
  if (finish === undefined) return null;
  return { type: "finish", reason: finish, ...(model !== undefined && { model }) };
}

function callChunk(
  call: { id: string; name: string; args: string },
  index: number,
  from: number,
  to: number,
  named: boolean,
): ModelChunk {
  const args = call.args.slice(from, to);
  return { type: "tool-call", index, ...(named && { id: call.id, name: call.name }), args };
}

function wholePieces(reply: RecordedReply, waitMs: number): { chunk: ModelChunk; waitMs: number }[] {
  const { text = "", toolCalls = [], usage } = reply;
  const finish = finishOf(reply);
  const chunks: ModelChunk[] = [
    ...(text === "" ? [] : [{ type: "text" as const, text }]),
    ...toolCalls.map((call, index) => callChunk(call, index, 0, call.args.length, true)),
    ...(usage === undefined ? [] : [{ type: "usage" as const, ...usage }]),
    ...(finish === null ? [] : [finish]),
  ];
  return chunks.map((chunk, i) => ({ chunk, waitMs: i === 0 ? waitMs : 0 }));
}
