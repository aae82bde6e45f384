import { defineDag } from "agent-dag";
import { z } from "zod";

/**
 * Classify a ticket, let the specialist for its kind look into it, draft a reply, check it against the policy, answer. The
 * arms are uneven: the customer's record is fetched while the ticket is still being classified.
 */
export const supportTriage = defineDag({
  name: "support-triage",
  description: "Sorts a support ticket, asks the specialist for its kind, and answers within the policy.",
  input: z.object({ ticket: z.string().min(1) }),
  nodes: {
    classify: {
      description: "Says what kind of ticket it is.",
      instructions: "Classify the support ticket as billing, technical or other.",
      output: z.object({ kind: z.enum(["billing", "technical", "other"]) }),
    },
    customer: {
      description: "Fetches what is known of the customer.",
      output: z.object({ plan: z.enum(["business", "personal"]) }),
      run: ({ input }) => ({
        plan: /\b(business|team|company)\b/i.test(input.ticket) ? "business" : "personal",
      }),
    },
    billing: {
      description: "Looks into money matters.",
      needs: ["classify"],
      when: { node: "classify", path: "kind", equals: "billing" },
      include: "input",
      instructions: "Extract the amounts and dates that the ticket names.",
      output: z.object({ amounts: z.array(z.string()), dates: z.array(z.string()) }),
    },
    technical: {
      description: "Looks into faults.",
      needs: ["classify"],
      when: { node: "classify", path: "kind", equals: "technical" },
      include: "input",
      instructions: "List the problems that the ticket describes.",
      output: z.object({ problems: z.array(z.string()) }),
    },
    draft: {
      description: "Drafts the reply.",
      output: z.string(),
      needs: ["customer", "billing", "technical"],
      join: "settled",
      run: ({ needs }) => {
        const { amounts = [], dates = [] } = needs.billing ?? {};
        const { problems = [] } = needs.technical ?? {};
        const noted = [
          dates.length > 0 ? `you name the date ${dates.join(", ")}` : "",
          amounts.length > 0 ? `you name the amount ${amounts.join(", ")}` : "",
          problems.length > 0 ? `you write: “${problems.join("”, “")}”` : "",
        ].filter((part) => part !== "");
        const opening =
          needs.customer?.plan === "business" ? "Dear customer of our business plan," : "Dear customer,";
        const body =
          noted.length === 0
            ? "thank you for writing to us. A colleague will read your message and answer you."
            : `thank you for writing to us. We have noted that ${noted.join(" and ")}. We are looking into it.`;
        return `${opening}\n\n${body}`;
      },
    },
    policy: {
      description: "Checks that the draft promises nothing that is not ours to promise.",
      output: z.object({ ok: z.boolean(), because: z.string() }),
      needs: ["draft"],
      run: ({ needs }) => {
        const promises = /\b(we (will )?refund|guarantee[ds]?|free of charge)\b/i.exec(needs.draft);
        return { ok: promises === null, because: promises === null ? "" : `it says "${promises[0]}"` };
      },
    },
    reply: {
      description: "Sends the draft, or hands the ticket to a person.",
      needs: ["draft", "policy"],
      run: ({ needs }) =>
        needs.policy.ok
          ? `${needs.draft}\n\nYour support team`
          : `For a person to answer, because ${needs.policy.because}:\n\n${needs.draft}`,
    },
  },
});

/** Used when no other input is given. */
export const input = {
  ticket:
    "Hello, I have a question on billing. On 3 October our team was charged 240 euros twice for the same invoice. The second charge has not been paid back yet. Please correct the invoice.",
};
