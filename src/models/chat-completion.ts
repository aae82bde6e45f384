import type { ModelChunk, ReplyUsage } from "./port.js";
import { toolCallSlots } from "./tool-call-slots.js";

/** Reads a chat completion of an OpenAI-compatible server: events of a stream, or the one body of a whole reply. */
export interface CompletionReader {
  /** Takes one event or body. @returns the chunks that it holds, text and thoughts as the server tells them apart. */
  read(event: unknown): ModelChunk[];
  /** What is known at the end: usage, and what has to go back of the thoughts. */
  end(): ModelChunk[];
  readonly finishReason: string | null;
  /** What the model says in place of an answer. */
  readonly refusal: string;
  readonly sawChoice: boolean;
  readonly sawContent: boolean;
  readonly sawUsage: boolean;
  /** The whole reply as a server that does not stream would send it, for LangChain and its observers. */
  completion(): Record<string, unknown>;
}

/** @param answerTool Name of a tool whose arguments are the answer's text; `null` when the text is. */
export function completionReader(answerTool: string | null): CompletionReader {
  const slots = toolCallSlots();
  const answerSlots = new Set<number>();
  const calls = new Map<number, { id: string; name: string; args: string }>();
  const beside: string[] = [];
  const fields: Record<string, string> = {};
  let content = "";
  let refusal = "";
  let head: Record<string, unknown> = {};
  let usage: ReplyUsage | null = null;
  let rawUsage: unknown;
  let finishReason: string | null = null;
  let sawChoice = false;
  let sawContent = false;

  function text(value: string): ModelChunk[] {
    if (value === "") return [];
    sawContent = true;
    content += value;
    if (answerTool === null) return [{ type: "text", text: value }];
    beside.push(value);
    return [];
  }

  function thought(name: string, value: string): ModelChunk[] {
    if (value === "") return [];
    sawContent = true;
    fields[name] = (fields[name] ?? "") + value;
    return [{ type: "thought", text: value }];
  }

  function toolCall(piece: unknown, position?: number): ModelChunk[] {
    const called = field(piece, "function") ?? piece;
    const args = field(called, "arguments");
    const placed = slots.place({
      index: numberOf(field(piece, "index")) ?? placeIn(field(piece, "index")) ?? position,
      id: textIn(field(piece, "id")),
      name: textIn(field(called, "name"))?.trim(),
      args: typeof args === "string" ? args : args === undefined || args === null ? "" : JSON.stringify(args),
    });
    sawContent = true;
    const call = calls.get(placed.index) ?? { id: "", name: "", args: "" };
    calls.set(placed.index, {
      id: placed.id ?? call.id,
      name: placed.name ?? call.name,
      args: call.args + placed.args,
    });
    if (answerTool !== null && placed.name === answerTool) answerSlots.add(placed.index);
    if (answerSlots.has(placed.index)) return placed.args === "" ? [] : [{ type: "text", text: placed.args }];
    return [{ type: "tool-call", ...placed }];
  }

  /** @param whole Whether the part is a whole message, whose calls are told apart by their places. */
  function message(part: unknown, whole: boolean): ModelChunk[] {
    const said = field(part, "content");
    const chunks: ModelChunk[] = [];
    for (const name of ["reasoning_content", "reasoning"] as const) {
      const value = field(part, name);
      if (typeof value === "string" && !(name === "reasoning" && field(part, "reasoning_content")))
        chunks.push(...thought(name, value));
    }
    if (typeof said === "string") chunks.push(...text(said));
    else {
      for (const block of list(said)) {
        const type = field(block, "type");
        if (type === "text" || type === "output_text")
          chunks.push(...text(textIn(field(block, "text")) ?? ""));
        else if (type === "refusal") refusal += textIn(field(block, "refusal")) ?? "";
        else if (type === "thinking" || type === "reasoning") {
          const inside = field(block, "thinking") ?? field(block, "text");
          const words =
            typeof inside === "string"
              ? inside
              : list(inside)
                  .map((one) => textIn(field(one, "text")) ?? "")
                  .join("");
          chunks.push(...thought("thinking", words));
        }
      }
    }
    refusal += textIn(field(part, "refusal")) ?? "";
    const pieces = list(field(part, "tool_calls"));
    pieces.forEach((piece, position) => {
      chunks.push(...toolCall(piece, whole || pieces.length > 1 ? position : undefined));
    });
    const legacy = field(part, "function_call");
    if (textIn(field(legacy, "name")) !== undefined || textIn(field(legacy, "arguments")) !== undefined)
      chunks.push(...toolCall(legacy));
    return chunks;
  }

  return {
    get finishReason() {
      return finishReason;
    },
    get refusal() {
      return refusal;
    },
    get sawChoice() {
      return sawChoice;
    },
    get sawContent() {
      return sawContent;
    },
    get sawUsage() {
      return usage !== null;
    },
    read(event) {
      if (head.id === undefined && typeof event === "object" && event !== null) {
        const { choices: _, usage: __, ...rest } = event as Record<string, unknown>;
        head = rest;
      }
      const choice = list(field(event, "choices")).find((one) => (field(one, "index") ?? 0) === 0);
      for (const told of [
        field(event, "usage"),
        field(choice, "usage"),
        field(field(event, "x_groq"), "usage"),
      ]) {
        const tokens = usageOf(told);
        if (tokens === null) continue;
        rawUsage = told;
        usage = usage === null ? tokens : larger(usage, tokens);
      }
      if (choice === undefined) return [];
      sawChoice = true;
      const delta = field(choice, "delta");
      const chunks = message(delta ?? field(choice, "message"), delta === undefined);
      const reason = textIn(field(choice, "finish_reason"));
      if (reason !== undefined) {
        finishReason = answerSlots.size > 0 && /tool|function/.test(reason) ? "stop" : reason;
        const model = textIn(field(event, "model"));
        chunks.push({ type: "finish", reason: finishReason, ...(model && { model }) });
      }
      return chunks;
    },
    end() {
      const late = answerSlots.size === 0 ? beside.join("") : "";
      const carry =
        fields.reasoning_content === undefined
          ? undefined
          : { fields: { reasoning_content: fields.reasoning_content } };
      return [
        ...(late === "" ? [] : [{ type: "text" as const, text: late }]),
        ...(carry === undefined ? [] : [{ type: "thought" as const, text: "", carry }]),
        ...(usage === null ? [] : [{ type: "usage" as const, ...usage }]),
      ];
    },
    completion() {
      const toolCalls = [...calls.values()].map(({ id, name, args }) => ({
        id: id || "call",
        type: "function",
        // Observers get arguments that they can read, whatever the model wrote.
        function: { name: name || "unnamed", arguments: readable(args) },
      }));
      return {
        ...head,
        object: "chat.completion",
        choices: [
          {
            index: 0,
            finish_reason: finishReason,
            message: {
              role: "assistant",
              content,
              ...(toolCalls.length > 0 && { tool_calls: toolCalls }),
              ...(refusal !== "" && { refusal }),
            },
          },
        ],
        ...(rawUsage !== undefined && { usage: rawUsage }),
      };
    },
  };
}

function readable(args: string): string {
  if (args.trim() === "") return "{}";
  try {
    JSON.parse(args);
    return args;
  } catch {
    return JSON.stringify({ invalid_json: args });
  }
}

/** Tokens as OpenAI-compatible servers count them; `null` where the server counts nothing. */
export function usageOf(usage: unknown): ReplyUsage | null {
  const prompt = numberOf(field(usage, "prompt_tokens")) ?? numberOf(field(usage, "input_tokens")) ?? 0;
  const completion =
    numberOf(field(usage, "completion_tokens")) ?? numberOf(field(usage, "output_tokens")) ?? 0;
  if (prompt <= 0 && completion <= 0) return null;
  const inputDetails = field(usage, "prompt_tokens_details") ?? field(usage, "input_tokens_details");
  const outputDetails = field(usage, "completion_tokens_details") ?? field(usage, "output_tokens_details");
  // Anthropic's own names, which gateways pass on, stand beside an input that leaves them out, or counts them in.
  const beside = {
    read: numberOf(field(usage, "cache_read_input_tokens")) ?? 0,
    written: numberOf(field(usage, "cache_creation_input_tokens")) ?? 0,
  };
  const cached =
    numberOf(field(inputDetails, "cached_tokens")) ??
    numberOf(field(usage, "prompt_cache_hit_tokens")) ??
    numberOf(field(usage, "cached_tokens")) ??
    beside.read;
  const written =
    numberOf(field(inputDetails, "cache_write_tokens")) ??
    numberOf(field(inputDetails, "cache_creation_tokens")) ??
    beside.written;
  const total = numberOf(field(usage, "total_tokens")) ?? 0;
  const all = prompt + beside.read + beside.written;
  const input = prompt < all - prompt || total === all + completion ? all : prompt;
  const reasoning =
    numberOf(field(outputDetails, "reasoning_tokens")) ?? numberOf(field(usage, "reasoning_tokens")) ?? 0;
  // xAI and Google count thoughts beside the answer: there the total is more than the two together.
  const thought = Math.max(0, total - input - completion);
  const output = prompt > 0 && (reasoning === 0 || thought === reasoning) ? completion + thought : completion;
  const thoughts = reasoning === 0 && prompt > 0 ? thought : reasoning;
  return {
    inputTokens: input,
    outputTokens: output,
    ...(cached > 0 && { cachedInputTokens: Math.min(cached, input) }),
    ...(written > 0 && { cacheWriteTokens: Math.min(written, input) }),
    ...(thoughts > 0 && { reasoningTokens: thoughts }),
  };
}

/** Servers that repeat their usage give running totals: the largest count. */
function larger(a: ReplyUsage, b: ReplyUsage): ReplyUsage {
  const max = (name: keyof ReplyUsage) => Math.max(a[name] ?? 0, b[name] ?? 0);
  const optional = (["cachedInputTokens", "cacheWriteTokens", "reasoningTokens"] as const).filter(
    (name) => max(name) > 0,
  );
  return {
    inputTokens: max("inputTokens"),
    outputTokens: max("outputTokens"),
    ...Object.fromEntries(optional.map((name) => [name, max(name)])),
  };
}

const field = (of: unknown, name: string): unknown =>
  typeof of === "object" && of !== null ? (of as Record<string, unknown>)[name] : undefined;

const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

const textIn = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined;

/** A place that a server writes as text. */
const placeIn = (index: unknown): number | undefined =>
  typeof index === "string" && /^\d{1,4}$/.test(index) ? Number(index) : undefined;

const numberOf = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isFinite(value) ? value : undefined;
