import { BaseCallbackHandler } from "@langchain/core/callbacks/base";
import { errorCode, errorMessage } from "../errors.js";
import type { CallRecord, RunEvent } from "../records/events.js";
import { loadPriceTable } from "../records/price.js";
import type { WorkKey } from "../records/work-id.js";
import { redact, redactKeys } from "./redact.js";
import { roughTokens } from "./usage.js";

/** What models of ours say is their provider: their requests go through the port, which records them. */
export const ownProvider = "agent-dag";

/** Where the requests of a runnable go. */
export interface CallbackCallsOptions {
  readonly emit: (event: RunEvent) => void;
  /** Milliseconds since the run's start. */
  readonly nowMs: () => number;
  readonly nextId: () => string;
  /**
   * Called before a request of about so many tokens is sent; what it rejects with keeps the request from being sent.
   */
  readonly before: (
    model: string,
    inputTokens: number,
  ) => Promise<{ settle(input: number, output: number): void }>;
}

interface OpenCall {
  readonly id: string;
  readonly model: string;
  readonly startedAtMs: number;
  readonly lease: { settle(input: number, output: number): void };
  firstTokenMs: number | null;
}

/** A LangChain callback handler that records the model requests of a runnable as calls of a piece of work. */
export function callbackCalls(key: WorkKey, options: CallbackCallsOptions): BaseCallbackHandler {
  return new CallbackCalls(key, options);
}

class CallbackCalls extends BaseCallbackHandler {
  name = "agent-dag-calls";
  // LangChain waits for the handler, and a budget that is spent ends the request.
  override awaitHandlers = true;
  override raiseError = true;
  readonly #key: WorkKey;
  readonly #options: CallbackCallsOptions;
  readonly #open = new Map<string, OpenCall>();

  constructor(key: WorkKey, options: CallbackCallsOptions) {
    super();
    this.#key = key;
    this.#options = options;
  }

  override async handleChatModelStart(llm: any, messages: any[][], runId: string, ...rest: any[]) {
    await this.#started(
      llm,
      runId,
      messages.flat().map((one) => String(one?.text ?? "")),
      rest,
    );
  }

  override async handleLLMStart(llm: any, prompts: string[], runId: string, ...rest: any[]) {
    await this.#started(llm, runId, prompts, rest);
  }

  override async handleLLMNewToken(token: string, _index: unknown, runId: string) {
    const call = this.#open.get(runId);
    if (call === undefined) return;
    const atMs = this.#options.nowMs();
    call.firstTokenMs ??= atMs - call.startedAtMs;
    this.#options.emit({ type: "call-delta", ...this.#key, call: call.id, text: token, atMs });
  }

  override async handleLLMEnd(output: any, runId: string) {
    const message = output?.generations?.[0]?.[0]?.message;
    const usage = message?.usage_metadata ?? {};
    const tokens = output?.llmOutput?.tokenUsage ?? output?.llmOutput?.estimatedTokenUsage ?? {};
    await this.#ended(runId, {
      inputTokens: usage.input_tokens ?? tokens.promptTokens ?? 0,
      outputTokens: usage.output_tokens ?? tokens.completionTokens ?? 0,
      toolCalls: (message?.tool_calls ?? []).map(({ id = "", name, args }: any) => ({ id, name, args })),
      finishReason:
        message?.response_metadata?.finish_reason ?? message?.response_metadata?.stop_reason ?? null,
      error: null,
    });
  }

  override async handleLLMError(error: unknown, runId: string) {
    const told = { code: redactKeys(errorCode(error)), message: redact(errorMessage(error)) };
    const none = { inputTokens: 0, outputTokens: 0, toolCalls: [], finishReason: null };
    await this.#ended(runId, { ...none, error: told });
  }

  async #started(llm: any, runId: string, texts: readonly string[], rest: readonly any[]): Promise<void> {
    const { emit, nowMs, nextId, before } = this.#options;
    const metadata = rest.find(
      (one) => typeof one === "object" && one !== null && ("ls_model_name" in one || "ls_provider" in one),
    );
    if (metadata?.ls_provider === ownProvider) return;
    const name = metadata?.ls_model_name ?? llm?.kwargs?.model ?? llm?.id?.at(-1) ?? "model";
    const model = metadata?.ls_provider === undefined ? String(name) : `${metadata.ls_provider}:${name}`;
    const lease = await before(
      model,
      texts.reduce((sum, text) => sum + roughTokens(text), 0),
    );
    const call = nextId();
    const atMs = nowMs();
    this.#open.set(runId, { id: call, model, startedAtMs: atMs, lease, firstTokenMs: null });
    emit({ type: "call-started", ...this.#key, call, attempt: 1, model, atMs });
  }

  async #ended(
    runId: string,
    told: Pick<CallRecord, "inputTokens" | "outputTokens" | "toolCalls" | "finishReason" | "error">,
  ): Promise<void> {
    const call = this.#open.get(runId);
    if (call === undefined) return;
    this.#open.delete(runId);
    const { inputTokens, outputTokens } = told;
    call.lease.settle(inputTokens, outputTokens);
    const prices = await loadPriceTable();
    const { emit, nowMs } = this.#options;
    const atMs = nowMs();
    const record: CallRecord = {
      id: call.id,
      ...this.#key,
      attempt: 1,
      model: call.model,
      startedAtMs: call.startedAtMs,
      firstTokenMs: call.firstTokenMs,
      durationMs: atMs - call.startedAtMs,
      estimated: false,
      costUsd: inputTokens + outputTokens === 0 ? 0 : prices(call.model, { inputTokens, outputTokens }),
      hedged: false,
      ...told,
    };
    emit({ type: "call-ended", atMs, call: record });
  }
}
