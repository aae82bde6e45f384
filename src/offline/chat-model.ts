import type { CallbackManagerForLLMRun } from "@langchain/core/callbacks/manager";
import { AIMessageChunk, type BaseMessage } from "@langchain/core/messages";
import { ChatGenerationChunk, type ChatResult } from "@langchain/core/outputs";
import { PortChatModel, questionOf, tellToken } from "../models/port-chat-model.js";
import { offlineModel } from "./offline-model.js";

/** The offline model as a LangChain chat model: `invoke`, `stream`, tool calls, structured output. It counts no tokens. */
export class OfflineChatModel extends PortChatModel {
  private readonly port = offlineModel();

  /** It has no options: it reads no environment and needs no key. */
  constructor() {
    super({});
  }

  /** Always `offline`. */
  override _llmType(): string {
    return "offline";
  }

  /** The whole reply. */
  override async _generate(
    messages: BaseMessage[],
    options: this["ParsedCallOptions"],
    manager?: CallbackManagerForLLMRun,
  ): Promise<ChatResult> {
    let whole: ChatGenerationChunk | undefined;
    for await (const chunk of this._streamResponseChunks(messages, options, manager))
      whole = whole === undefined ? chunk : whole.concat(chunk);
    return { generations: whole === undefined ? [] : [whole] };
  }

  /** The reply in pieces of a few words. */
  override async *_streamResponseChunks(
    messages: BaseMessage[],
    options: this["ParsedCallOptions"],
    manager?: CallbackManagerForLLMRun,
  ): AsyncGenerator<ChatGenerationChunk> {
    const { signal = new AbortController().signal } = options;
    const alone = { modelOptions: {}, node: "", item: null, invocation: null, turn: 0, attempt: 1, signal };
    for await (const chunk of this.port.call({ ...questionOf(messages, options), ...alone })) {
      if (chunk.type === "usage") continue;
      const text = chunk.type === "text" ? chunk.text : "";
      const message = new AIMessageChunk({
        content: text,
        ...(chunk.type === "tool-call" && {
          tool_call_chunks: [{ ...chunk, type: "tool_call_chunk" as const }],
        }),
        response_metadata: chunk.type === "finish" ? { finish_reason: chunk.reason } : {},
      });
      yield new ChatGenerationChunk({ message, text });
      await tellToken(manager, text);
    }
  }
}
