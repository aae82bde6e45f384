import type { ModelChunk } from "./port.js";

/** Turns the messages of a LangChain stream into chunks of the port. */
export interface ChunkReader {
  read(message: unknown): ModelChunk[];
  /** What is known only at the stream's end: the usage, and an answer that came as text where a tool call was asked for. */
  end(): ModelChunk[];
  /** Whether any text or tool call came. */
  readonly sawContent: boolean;
  readonly finishReason: string | null;
}

/**
 * A reader for one reply.
 * @param answerTool Name of a tool whose arguments are the answer's text; `null` when the text is.
 * @param outputs Whether the output tokens of a reply's chunks add up, or each chunk gives the total so far.
 */
export function readChunks(answerTool: string | null, outputs: "added" | "totals" = "added"): ChunkReader {
  const slots = toolCallSlots();
  const answerSlots = new Set<number>();
  const textBeside: string[] = [];
  const usage = usageFold(outputs);
  let sawContent = false;
  let finishReason: string | null = null;

  function text(value: string): ModelChunk[] {
    if (value === "") return [];
    sawContent = true;
    if (answerTool === null) return [{ type: "text", text: value }];
    textBeside.push(value);
    return [];
  }

  function toolCall(piece: ToolCallPiece): ModelChunk[] {
    sawContent = true;
    const index = slots.slotOf(piece);
    if (answerTool !== null && piece.name === answerTool) answerSlots.add(index);
    if (answerSlots.has(index)) return piece.args === "" ? [] : [{ type: "text", text: piece.args }];
    const { id, name, args } = piece;
    return [{ type: "tool-call", index, ...(id ? { id } : {}), ...(name ? { name } : {}), args }];
  }

  return {
    get sawContent() {
      return sawContent;
    },
    get finishReason() {
      return finishReason;
    },
    read(message) {
      usage.add(field(message, "usage_metadata"));
      const chunks = [
        ...text(textOf(field(message, "content"))),
        ...toolCallPieces(message).flatMap(toolCall),
      ];
      const reason = finishReasonOf(message);
      if (reason !== null) {
        finishReason = answerSlots.size > 0 && reason !== "length" ? "stop" : reason;
        chunks.push({ type: "finish", reason: finishReason });
      }
      return chunks;
    },
    end() {
      const late = answerSlots.size === 0 ? textBeside.join("") : "";
      const tokens = usage.value();
      return [
        ...(late === "" ? [] : [{ type: "text" as const, text: late }]),
        ...(tokens === null ? [] : [{ type: "usage" as const, ...tokens }]),
      ];
    },
  };
}

interface ToolCallPiece {
  readonly index: number | undefined;
  readonly id: string | undefined;
  readonly name: string | undefined;
  readonly args: string;
}

/** Pieces as they stream, else whole tool calls, also those whose arguments are not JSON. */
function toolCallPieces(message: unknown): ToolCallPiece[] {
  const pieces = list(field(message, "tool_call_chunks"));
  const whole = [...list(field(message, "tool_calls")), ...list(field(message, "invalid_tool_calls"))];
  return (pieces.length > 0 ? pieces : whole).map((piece) => {
    const args = field(piece, "args");
    const index = field(piece, "index");
    return {
      index: typeof index === "number" ? index : undefined,
      id: text(field(piece, "id")),
      name: text(field(piece, "name")),
      args: typeof args === "string" ? args : args === undefined || args === null ? "" : JSON.stringify(args),
    };
  });
}

/**
 * Which call a piece belongs to. Most providers number them; some send whole calls without a number, and some
 * number every call 0: there a new id together with a name begins a new call.
 */
function toolCallSlots() {
  const slots: { index: number | undefined; id: string | undefined }[] = [];
  return {
    slotOf({ index, id, name }: ToolCallPiece): number {
      const last = slots.findLastIndex((slot) => index === undefined || slot.index === index);
      const begins = name !== undefined && id !== undefined && slots[last]?.id !== id;
      if (last !== -1 && !begins) return last;
      return slots.push({ index, id }) - 1;
    },
  };
}

/**
 * LangChain's rule is that the usage of a reply is the sum over its chunks (a provider that reports in two parts
 * gives the input with the first and the output with the last). A provider that repeats its running totals shows
 * by giving the input more than once: then the largest counts.
 */
function usageFold(outputs: "added" | "totals") {
  const seen: { inputTokens: number; outputTokens: number }[] = [];
  const count = (value: unknown) => (typeof value === "number" && Number.isFinite(value) ? value : 0);
  return {
    add(usage: unknown) {
      const tokens = {
        inputTokens: count(field(usage, "input_tokens")),
        outputTokens: count(field(usage, "output_tokens")),
      };
      if (tokens.inputTokens > 0 || tokens.outputTokens > 0) seen.push(tokens);
    },
    value() {
      if (seen.length === 0) return null;
      const repeats = seen.filter((tokens) => tokens.inputTokens > 0).length > 1;
      const total = (largest: boolean, a: number, b: number) => (largest ? Math.max(a, b) : a + b);
      return seen.reduce((a, b) => ({
        inputTokens: total(repeats, a.inputTokens, b.inputTokens),
        outputTokens: total(repeats || outputs === "totals", a.outputTokens, b.outputTokens),
      }));
    },
  };
}

/** The text of a message; of content in blocks, the text blocks. */
function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  return list(content)
    .map((block) => (field(block, "type") === "text" ? (text(field(block, "text")) ?? "") : ""))
    .join("");
}

/** The reason as the provider gave it; OpenAI's Responses API gives a status instead. */
function finishReasonOf(message: unknown): string | null {
  const metadata = field(message, "response_metadata");
  const extra = field(message, "additional_kwargs");
  for (const name of ["finish_reason", "stop_reason", "done_reason", "finishReason", "stopReason"]) {
    const reason = text(field(metadata, name)) ?? text(field(extra, name));
    if (reason !== undefined) return reason;
  }
  const status = field(metadata, "status");
  if (status === "completed") return "stop";
  if (status !== "incomplete") return null;
  const why = text(field(field(metadata, "incomplete_details"), "reason"));
  return why === "max_output_tokens" ? "length" : (why ?? "incomplete");
}

const field = (of: unknown, name: string): unknown =>
  typeof of === "object" && of !== null ? (of as Record<string, unknown>)[name] : undefined;

const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

const text = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined;
