import type { ModelChunk, ReplyUsage, ThoughtCarry } from "./port.js";
import { type ToolCallPiece, toolCallSlots } from "./tool-call-slots.js";

/** Turns the messages of a LangChain stream into chunks of the port. */
export interface ChunkReader {
  read(message: unknown): ModelChunk[];
  /** What is known only at the stream's end: the usage, and an answer that came as text where a tool call was asked for. */
  end(): ModelChunk[];
  /** Whether any text or tool call came. */
  readonly sawContent: boolean;
  readonly finishReason: string | null;
  /** Whether the reply is known to be whole by other means: Anthropic's last event gives the usage a second time. */
  readonly ended: boolean;
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
  const thoughts = thoughtFold();
  let sawContent = false;
  let finishReason: string | null = null;
  let model: string | undefined;

  function text(value: string): ModelChunk[] {
    if (value === "") return [];
    sawContent = true;
    if (answerTool === null) return [{ type: "text", text: value }];
    textBeside.push(value);
    return [];
  }

  function toolCall(piece: ToolCallPiece): ModelChunk[] {
    sawContent = true;
    const placed = slots.place(piece);
    if (answerTool !== null && placed.name === answerTool) answerSlots.add(placed.index);
    if (answerSlots.has(placed.index)) return placed.args === "" ? [] : [{ type: "text", text: placed.args }];
    return [{ type: "tool-call", ...placed }];
  }

  return {
    get sawContent() {
      return sawContent;
    },
    get finishReason() {
      return finishReason;
    },
    get ended() {
      return outputs === "totals" && usage.reports() > 1;
    },
    read(message) {
      usage.add(field(message, "usage_metadata"));
      const thought = thoughts.add(message);
      if (thought !== "") sawContent = true;
      const chunks: ModelChunk[] = [
        ...(thought === "" ? [] : [{ type: "thought" as const, text: thought }]),
        ...text(textOf(field(message, "content"))),
        ...toolCallPieces(message).flatMap(toolCall),
      ];
      model = modelOf(message) ?? model;
      const reason = finishReasonOf(message);
      if (reason !== null) {
        finishReason = answerSlots.size > 0 && /tool|function/i.test(reason) ? "stop" : reason;
        chunks.push({ type: "finish", reason: finishReason, ...(model !== undefined && { model }) });
      }
      return chunks;
    },
    end() {
      const late = answerSlots.size === 0 ? textBeside.join("") : "";
      const tokens = usage.value();
      const carry = thoughts.carry();
      return [
        ...(late === "" ? [] : [{ type: "text" as const, text: late }]),
        ...(carry === undefined ? [] : [{ type: "thought" as const, text: "", carry }]),
        ...(tokens === null ? [] : [{ type: "usage" as const, ...tokens }]),
      ];
    },
  };
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

/** Fields beside the content in which providers keep what has to come back with their thoughts. */
const carriedFields = ["reasoning_content", "__gemini_function_call_thought_signatures__", "signatures"];

/** Collects thoughts that stand in blocks of the content or in a field beside it. */
function thoughtFold() {
  const blocks: Record<string, unknown>[] = [];
  const fields: Record<string, unknown> = {};
  /** Streamed pieces of one block share an index; Anthropic's signature comes as a piece of its own. */
  const addBlock = (block: Record<string, unknown>) => {
    const { index, ...piece } = block;
    const known = blocks.find((one) => index !== undefined && one.index === index && one.type === block.type);
    if (known === undefined) blocks.push({ ...block });
    else {
      for (const [key, value] of Object.entries(piece)) {
        if (key === "type") continue;
        known[key] =
          typeof value === "string" && typeof known[key] === "string" ? `${known[key]}${value}` : value;
      }
    }
  };
  return {
    /** @returns the words that a message adds. */
    add(message: unknown): string {
      const words: string[] = [];
      for (const block of list(field(message, "content"))) {
        const type = field(block, "type");
        if (type !== "thinking" && type !== "redacted_thinking" && type !== "reasoning") continue;
        addBlock(block as Record<string, unknown>);
        const inside = field(block, "thinking") ?? field(block, "reasoning") ?? field(block, "text");
        words.push(
          typeof inside === "string"
            ? inside
            : list(inside)
                .map((one) => text(field(one, "text")) ?? "")
                .join(""),
        );
      }
      const extra = field(message, "additional_kwargs");
      for (const name of carriedFields) {
        const value = field(extra, name);
        if (value === undefined || value === null || value === "") continue;
        if (typeof value === "string") {
          fields[name] = `${fields[name] ?? ""}${value}`;
          words.push(value);
        } else if (Array.isArray(value)) fields[name] = [...list(fields[name]), ...value];
        else fields[name] = { ...(fields[name] as object | undefined), ...(value as object) };
      }
      return words.join("");
    },
    carry(): ThoughtCarry | undefined {
      const signed = blocks
        .filter((block) => block.type === "redacted_thinking" || text(block.signature) !== undefined)
        .map(({ index: _, ...block }) => block);
      if (signed.length === 0 && Object.keys(fields).length === 0) return undefined;
      return {
        ...(signed.length > 0 && { blocks: signed }),
        ...(Object.keys(fields).length > 0 && { fields }),
      };
    },
  };
}

/**
 * LangChain's rule is that the usage of a reply is the sum over its chunks (a provider that reports in two parts
 * gives the input with the first and the output with the last). A provider that repeats its running totals shows
 * by giving the input more than once: then the largest counts.
 */
function usageFold(outputs: "added" | "totals") {
  const seen: (Required<ReplyUsage> & { readonly toolInputTokens: number })[] = [];
  const count = (value: unknown) => (typeof value === "number" && Number.isFinite(value) ? value : 0);
  return {
    add(usage: unknown) {
      const inputs = field(usage, "input_token_details");
      const details = field(usage, "output_token_details");
      const input = count(field(usage, "input_tokens"));
      const output = count(field(usage, "output_tokens"));
      const reasoning = count(field(details, "reasoning"));
      const total = count(field(usage, "total_tokens"));
      // Google's total is the sum of prompt, candidates, thoughts, and what its own tools gave the model to read (js-genai,
      // `UsageMetadata`). Where a package tells what was thought, be it 0, only the last can be missing.
      const missing = Math.max(0, total - input - output);
      const isThought = field(details, "reasoning") === undefined || (input > 0 && missing === reasoning);
      const thought = isThought ? missing : 0;
      const toolInputTokens = missing - thought;
      const tokens = {
        inputTokens: input,
        toolInputTokens,
        outputTokens: output + thought,
        cachedInputTokens: count(field(inputs, "cache_read")),
        cacheWriteTokens: count(field(inputs, "cache_creation")),
        reasoningTokens: reasoning === 0 ? thought : reasoning,
      };
      if (input + tokens.outputTokens + toolInputTokens > 0) seen.push(tokens);
    },
    reports: () => seen.length,
    value(): ReplyUsage | null {
      if (seen.length === 0) return null;
      const repeats = seen.filter((tokens) => tokens.inputTokens > 0).length > 1;
      const total = (largest: boolean, a: number, b: number) => (largest ? Math.max(a, b) : a + b);
      const {
        inputTokens,
        toolInputTokens,
        cachedInputTokens,
        cacheWriteTokens,
        reasoningTokens,
        ...tokens
      } = seen.reduce((a, b) => ({
        toolInputTokens: total(repeats, a.toolInputTokens, b.toolInputTokens),
        inputTokens: total(repeats, a.inputTokens, b.inputTokens),
        outputTokens: total(repeats || outputs === "totals", a.outputTokens, b.outputTokens),
        // What is cached is told whole, also by packages that tell the input once.
        cachedInputTokens: Math.max(a.cachedInputTokens, b.cachedInputTokens),
        cacheWriteTokens: Math.max(a.cacheWriteTokens, b.cacheWriteTokens),
        reasoningTokens: total(repeats, a.reasoningTokens, b.reasoningTokens),
      }));
      return {
        inputTokens: inputTokens + toolInputTokens,
        ...tokens,
        ...(cachedInputTokens > 0 && { cachedInputTokens }),
        ...(cacheWriteTokens > 0 && { cacheWriteTokens }),
        ...(reasoningTokens > 0 && { reasoningTokens }),
      };
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

/** The model that answered, as the provider names it. */
function modelOf(message: unknown): string | undefined {
  const metadata = field(message, "response_metadata");
  for (const name of ["model_name", "model", "modelName"]) {
    const named = text(field(metadata, name));
    if (named) return named;
  }
  return undefined;
}

/** The reason as the provider gave it; OpenAI's Responses API gives a status instead. */
function finishReasonOf(message: unknown): string | null {
  const metadata = field(message, "response_metadata");
  const extra = field(message, "additional_kwargs");
  for (const name of [
    "finish_reason",
    "stop_reason",
    "done_reason",
    "finishReason",
    "stopReason",
    "finishMessage",
  ]) {
    const reason = text(field(metadata, name)) ?? text(field(extra, name));
    if (reason !== undefined) return reason;
  }
  // Ollama's servers of old end a reply without a reason.
  if (field(metadata, "done") === true) return "stop";
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
