import { defineDag } from "agent-dag";

/** Three agents analyse one text side by side: sentiment, topics, and a one-sentence summary. */
export const textAnalysis = defineDag({
  name: "text-analysis",
  description: "Sentiment, topics and a one-sentence summary of any text.",
  nodes: {
    sentiment: {
      description: "Judges the sentiment.",
      instructions: "Judge the overall sentiment of the text and say in one sentence why.",
    },
    topics: {
      description: "Lists the main topics.",
      instructions: "List the main topics of the text, the most important first, at most five.",
    },
    summary: {
      description: "Summarises in one sentence.",
      instructions: "Summarise the text in one sentence.",
    },
  },
});

/** Used when no other input is given. */
export const input = `The town library reopened on Monday after fourteen months of building work. The reading room on the first floor has been restored to its old height of six metres, and the collection of local maps, which had been kept in a cellar, now has a room of its own. Visitors praised the light and the quiet. The new lending machines were less popular: two of the four broke down on the first morning, and the queue reached the street. The library's director apologised and promised that staff would help at the desk until the machines work. The building work cost 3.2 million euros, about a tenth more than planned, most of which the county paid.`;
