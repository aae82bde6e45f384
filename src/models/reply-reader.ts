import { DagError } from "../errors.js";
import { type AnswerTags, answerTags } from "./answer-tags.js";
import { assertNotFailed, refused } from "./finish-reason.js";
import { isContent, type ModelChunk, type ModelRequest } from "./port.js";
import { replyTooLarge } from "./reply-body.js";
import type { Adapted } from "./request-plan.js";
import { type ThoughtPiece, thoughtFilter } from "./thoughts.js";
import { unwrapper } from "./wrapped-answer.js";

/** Most characters of one reply's text and tool arguments: more than any model writes (128k tokens are about 0.5 MB). */
const maxReplyChars = 8 * 1024 * 1024;

type AnsweringModel = Pick<Adapted, "id" | "type" | "openAiClient">;

/** What is known of a reply besides its chunks, once they have ended. */
export interface ReplyEnding {
  /** The words of a refusal. */
  refusal(): string;
  /** Whether the reply is known to be whole though it gave no finish reason. */
  ended(): boolean;
}

/** Reads one reply: thoughts told apart, what was put around the answer taken off, held to what a reply has to be. @param wrappedIn The key of the object that the answer was asked for in; `null` for none. */
export function replyReader(
  model: AnsweringModel,
  request: Pick<ModelRequest, "messages" | "tools" | "schema">,
  wrappedIn: string | null,
) {
  const filter = thoughtFilter();
  const wrapper = wrappedIn === null ? null : unwrapper(wrappedIn);
  const said: string[] = [];
  let tags: AnswerTags | null = null;
  let sawThoughts = false;
  let finishReason: string | null = null;
  let sawContent = false;
  let chars = 0;
  const untagged = (piece: ThoughtPiece): readonly ThoughtPiece[] => {
    if (piece.type === "restart") tags = null;
    if (piece.type !== "text" || !sawThoughts || (tags === null && said.length > 0)) return [piece];
    tags ??= answerTags(request);
    return tags.add(piece.text);
  };
  const bare = (piece: ThoughtPiece): readonly ThoughtPiece[] => {
    if (piece.type === "restart") wrapper?.restart();
    return piece.type === "text" && wrapper !== null ? wrapper.add(piece.text) : [piece];
  };
  const kept = (pieces: readonly ThoughtPiece[]): readonly ThoughtPiece[] => {
    for (const piece of pieces) {
      if (piece.type === "restart") said.length = 0;
      else if (piece.type === "text") said.push(piece.text);
    }
    return pieces;
  };
  const noted = (given: readonly ThoughtPiece[]): readonly ModelChunk[] => {
    sawThoughts ||= filter.sawThoughts;
    if (!sawThoughts && wrapper === null) return kept(given);
    return given.flatMap((piece) => kept(untagged(piece).flatMap(bare)));
  };
  const rest = (): readonly ModelChunk[] => {
    const chunks = noted(filter.end());
    const held = [...(tags?.end() ?? []).flatMap(bare), ...(wrapper?.end() ?? [])];
    return held.length === 0 ? chunks : [...chunks, ...kept(held)];
  };
  return {
    read(chunk: ModelChunk): readonly ModelChunk[] {
      if (chunk.type === "text" || chunk.type === "thought") chars += chunk.text.length;
      else if (chunk.type === "tool-call") chars += chunk.args.length;
      if (chars > maxReplyChars) throw replyTooLarge(`more than ${maxReplyChars} characters`);
      sawContent ||= isContent(chunk) || chunk.type === "thought";
      sawThoughts ||= chunk.type === "thought" && chunk.text !== "";
      if (chunk.type === "text") return noted(filter.add(chunk.text));
      if (chunk.type !== "finish") return [chunk];
      finishReason = chunk.reason;
      return [...rest(), chunk];
    },
    end: rest,
    /** The answer as far as it came. */
    said: () => said.join(""),
    /** @throws DagError for a reply that failed, was refused, or was cut. */
    assertWhole(ending: ReplyEnding): void {
      const refusal = ending.refusal();
      if (refusal !== "") throw refused(model.id, refusal, finishReason);
      assertNotFailed(model.id, { finishReason, text: said.join("") });
      if (finishReason === null && !ending.ended()) assertEnded(model, sawContent, said.join(""));
    },
  };
}

/** LangChain's names of providers whose replies always say how they ended. */
const alwaysSaysHow =
  /openai|anthropic|google|gemini|vertex|mistral|ollama|bedrock|groq|deepseek|xai|cohere|cerebras/i;

function assertEnded(model: AnsweringModel, sawContent: boolean, text: string): void {
  if (!model.openAiClient && !alwaysSaysHow.test(model.type)) return;
  const facts = { model: model.id, finishReason: null };
  if (sawContent) {
    throw new DagError(
      "MODEL_STREAM_CUT",
      `The reply of model "${model.id}" ended without a finish reason: it was cut.`,
      { facts, retryable: true, ...(text === "" ? {} : { text }) },
    );
  }
  throw new DagError("MODEL_BAD_RESPONSE", `Model "${model.id}" sent a reply without choices.`, {
    facts,
    retryable: true,
    hint: model.openAiClient
      ? "Check that the base URL is that of an OpenAI-compatible server (it usually ends in /v1)."
      : "Check its base URL, and what stands between.",
  });
}
