import { GraphInterrupt, type Interrupt, isGraphBubbleUp, isGraphInterrupt } from "@langchain/langgraph";

/** One bubble-up that carries every question; anything else that was thrown comes first. */
export function mergedBubbles(bubbled: readonly unknown[]): unknown {
  const other = bubbled.find((error) => !isGraphBubbleUp(error));
  if (other !== undefined) return other;
  const questions = new Map<string, Interrupt>();
  for (const error of bubbled) {
    if (!isGraphInterrupt(error)) continue;
    for (const question of error.interrupts) questions.set(question.id ?? `${questions.size}`, question);
  }
  return new GraphInterrupt([...questions.values()]);
}
