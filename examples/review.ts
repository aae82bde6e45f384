import { defineDag } from "agent-dag";
import { z } from "zod";

/** Four specialists read the same product review side by side; a meta agent merges what they found. */
export const review = defineDag({
  name: "product-review",
  description: "A product review, read by four specialists and merged into an executive summary.",
  input: z.object({ review: z.string().min(1) }),
  nodes: {
    features: {
      description: "Lists the product features that the review mentions.",
      instructions:
        "List the product features that the review mentions, one a line, each with the figures that the review gives for it and in a few words what is said about it.",
    },
    prosCons: {
      description: "Lists the pros and cons by aspect.",
      instructions:
        "List the pros and the cons that the review names, by aspect of the product. Use two lists, and leave out what is neither.",
    },
    sentiment: {
      description: "Judges the overall sentiment.",
      instructions:
        "Judge the overall sentiment of the review: a label, a score from -1 (very negative) to 1 (very positive), and the reason in one sentence.",
      output: z.object({
        label: z.enum(["positive", "mixed", "negative"]),
        score: z.number().min(-1).max(1),
        reason: z.string(),
      }),
    },
    recommend: {
      description: "Says whether, and to whom, the product can be recommended.",
      instructions:
        "Say whether you would recommend the product to a buyer, and to whom, with the reasons that the review gives.",
    },
    meta: {
      description: "Merges the four into an executive summary with star ratings.",
      needs: ["features", "prosCons", "sentiment", "recommend"],
      join: "settled",
      instructions:
        "Write an executive summary of the review from the specialists' findings: first one paragraph, then a line for each of the four areas (features, pros and cons, sentiment, recommendation) with a rating of 1 to 5 stars and the reason. Say so where a section is missing.",
    },
  },
});

/** Used when no other input is given: `agent-dag run examples/review.ts --text "…"` takes yours. */
export const input = {
  review: `I have carried the Halden Trail 40 for eleven weeks now: three long weekends in the hills, a rainy fortnight along the coast, and every working day in between. At 189 euros it is not a cheap backpack, so I wanted to live with it for a while before writing anything.

The good things first. The frame is excellent. With 12 kilograms inside, the load sits close to the spine and the hip belt takes the weight off my shoulders, and after eight hours of walking I had no sore spots at all. The mesh back panel keeps a finger's width of air behind it, which made a real difference in August. The roll-top opens wide, and the second zip down the side means that I can reach the bottom without unpacking everything. The fabric feels tough: it has been dragged over granite and through brambles, and there is not a single hole in it. I also love the little things, such as the whistle on the chest strap and the bright orange lining, which makes it easy to find a dark glove.

That said, it isn't perfect. The rain cover is a disappointment. It is thin, it flaps in any wind, and on the second day of steady rain the laptop sleeve was damp. The side pockets are too shallow for a one-litre bottle; mine fell out twice, once down a slope. The zip of the top pocket jammed in the first week and has been stiff ever since. And the pack weighs 1.9 kilograms empty, which is heavy for its size.

I wrote to customer service about the zip. They answered within a day, were friendly and sent a new slider free of charge, though it took three weeks to arrive.

So would I buy it again? For walking with a heavy load, yes, without hesitation: nothing I have owned in this price range carries better. If you mostly commute by bicycle in the rain, or count every gram, look elsewhere. On the whole I am happy with it, in spite of the rain cover.`,
};
