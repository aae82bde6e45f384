import { defineDag } from "agent-dag";
import { z } from "zod";

/** Split a text into its topics, look into each by itself, and combine what was found: a map whose length a node decides. */
export const topics = defineDag({
  name: "topics",
  description: "Splits a text into topics, researches each in the text, and combines the findings.",
  nodes: {
    split: {
      description: "Names the topics.",
      instructions: "List the main topics of the text, the most important first, at most four.",
      output: z.object({ topics: z.array(z.string()).max(4).describe("main topics of the text") }),
    },
    research: {
      description: "Collects what the text says about one topic.",
      needs: ["split"],
      output: z.object({ topic: z.string(), passages: z.array(z.string()) }),
      forEach: { node: "split", path: "topics" },
      run: ({ input, item }) => {
        const topic = String(item);
        const words = topic.toLowerCase().split(/\s+/);
        const sentences = input.match(/[^.!?]+[.!?]+/g) ?? [input];
        const about = sentences.filter((sentence) =>
          words.every((word) => sentence.toLowerCase().includes(word)),
        );
        return { topic, passages: about.map((sentence) => sentence.trim()) };
      },
    },
    mood: {
      description: "Judges how the text speaks of each topic.",
      needs: ["research"],
      include: "input",
      forEach: { node: "research" },
      instructions:
        "Judge the sentiment of the passages: positive, mixed or negative; neutral when there is no opinion.",
      output: z.object({ label: z.enum(["positive", "mixed", "negative", "neutral"]) }),
    },
    combine: {
      description: "Writes one section a topic.",
      needs: ["research", "mood"],
      run: ({ needs }) =>
        needs.research
          .flatMap((found, index) =>
            found === null
              ? []
              : [
                  `## ${found.topic} (${needs.mood[index]?.label ?? "not judged"})\n${found.passages.join(" ")}`,
                ],
          )
          .join("\n\n"),
    },
  },
});

/** Used when no other input is given. */
export const input =
  "The new swimming pool opened in June. The pool is bright and the water is pleasantly warm. The changing rooms are a disappointment: " +
  "the lockers jam and the changing rooms were dirty on both visits. Tickets cost six euros. The tickets can be bought online, which is convenient. " +
  "The café beside the pool serves excellent cake, but the café closes at four.";
