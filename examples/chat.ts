import { type ChatMessageInput, defineDag, messages, run } from "agent-dag";

/** A conversation about a product: specialists read what was said, and one agent answers the last message. */
export const chat = defineDag({
  name: "product-chat",
  description: "Answers a conversation about a product from what its specialists find in it.",
  input: messages(),
  nodes: {
    features: { instructions: "List the product features that the messages mention." },
    sentiment: { instructions: "Judge the overall sentiment of the messages." },
    answer: {
      needs: ["features", "sentiment"],
      include: "needs",
      instructions: "Merge the results into a short summary with a line for each.",
    },
  },
});

export const input: readonly ChatMessageInput[] = [
  { role: "user", content: "The phone is quick, and its screen is excellent." },
];

/** One more turn: what was said before, the answer, and what is said now. */
export async function nextTurn(
  before: readonly ChatMessageInput[],
  said: string,
): Promise<ChatMessageInput[]> {
  const now: ChatMessageInput[] = [...before, { role: "user", content: said }];
  const { output } = await run(chat, now, { model: "offline" });
  return [...now, { role: "assistant", content: output }];
}
