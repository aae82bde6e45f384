import { DagError } from "../../src/errors.js";
import { type ModelReply, saidBy } from "../../src/models/port.js";
import { answerReader, type Ending, endingOf } from "./planner-ending.js";
import { defaultMaxReplans, type PlanTalk } from "./planner-plan.js";
import { joinerPrompt } from "./planner-prompt.js";
import { askPlanner, type PlannerSession } from "./planner-session.js";

/** How often a joiner is told that its message has no answer. */
const maxReminders = 1;

/**
 * Answers from the results, or asks for another plan with a first line `REPLAN: reason`. A model that is held to the
 * schema of a structured answer cannot ask.
 */
export async function joinResults(
  session: PlannerSession,
  talk: PlanTalk,
): Promise<{ readonly talk: PlanTalk } | { readonly ending: Ending }> {
  const { maxReplans = defaultMaxReplans } = session.options;
  const { run: context } = session.scope;
  const answers = answerReader(session);
  const mayReplan = talk.plans <= maxReplans;
  const { messages, ...first } = await joinerPrompt(session, mayReplan, answers.schema);
  let { joins } = talk;
  let reminders = 0;
  let startedAtMs = context.events.nowMs();
  try {
    for (;;) {
      startedAtMs = context.events.nowMs();
      const request = { ...first, messages, schema: answers.schema, turn: joins++ };
      const reply = await askPlanner(session, { as: "$joiner", ...request });
      const reason = /^\s*REPLAN:[ \t]*([^\n]*)/.exec(reply.text)?.[1];
      if (reason !== undefined && mayReplan) {
        const trouble = { label: "replan", content: reason.trim() || "The results are not enough." };
        return { talk: { ...talk, next: "planner", joins, trouble } };
      }
      messages.push(saidBy(reply));
      if (reason !== undefined || reply.text.trim() === "") {
        if (reminders++ >= maxReminders)
          throw reason === undefined ? emptyAnswer(reply) : tooManyPlans(talk.plans, reply);
        messages.push({
          role: "user",
          content: "No further plan can be made: answer the goal now from the results that there are.",
        });
        continue;
      }
      const read = await answers.read(reply);
      if ("answer" in read) return { ending: { answer: read.answer, startedAtMs } };
      messages.push(read.repair);
    }
  } catch (error) {
    return { ending: endingOf(error, startedAtMs) };
  }
}

function tooManyPlans(plans: number, reply: ModelReply): DagError {
  return new DagError(
    "REPLANS_EXCEEDED",
    `The joiner asked for another plan after ${plans === 1 ? "the only one" : `${plans} plans`}, and gave no answer.`,
    {
      facts: { plans },
      text: reply.text,
      hint: "Raise `planner.maxReplans`, or give the planner nodes that can answer the goal.",
    },
  );
}

function emptyAnswer(reply: ModelReply): DagError {
  return new DagError(
    "EMPTY_REPLY",
    `The joiner's reply is empty (finish reason: ${reply.finishReason ?? "none"}).`,
    { hint: "Try another model for the planner (`planner.model`)." },
  );
}
