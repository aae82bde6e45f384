import type { OutcomeState } from "../records/outcome.js";
import { outcomeText } from "../report/trajectory-view.js";
import { assertArgument, isList } from "../spec/issue.js";
import {
  intervalsText,
  judge,
  type MatcherResult,
  type MatcherThis,
  ms,
  spentText,
  trajectoryText,
} from "./claim.js";
import { callsOf, outcomeAt, recordOf } from "./record-facts.js";
import { expectedTool, type ToolExpectation, toolsFit, toolText } from "./tool-expectation.js";

/** Which calls are counted. */
export interface CallFilter {
  /** Only those of this node (`outer/inner`, `name[2]`, `$planner`). @default the whole run */
  readonly node?: string;
}

/** How tool calls are compared. */
export interface ToolCallFilter extends CallFilter {
  /** `exact`: these and no others, in this order. `any`: these and no others, in any order. @default "any" */
  readonly order?: "any" | "exact";
}

/** The matchers, for `expect.extend`. Importing `agent-dag/jest` in a Jest or Vitest setup registers them. */
export const matchers = {
  /** Every named node completed; without names, the run did, with no loss. */
  toHaveCompleted(this: MatcherThis, received: unknown, ...nodes: string[]): MatcherResult {
    const record = recordOf(received);
    const states = nodes.map((node) => [node, outcomeAt(record, node)] as const);
    const lost = states.filter(([, outcome]) => outcome?.state !== "completed");
    const whole = nodes.length === 0;
    return judge(this, "toHaveCompleted", nodes, {
      pass: whole ? record.state === "completed" : lost.length === 0,
      found: whole
        ? `The run ended ${record.state}${record.error === null ? "" : `: ${record.error.message}`}.`
        : (this.isNot === true ? states : lost)
            .map(([node, outcome]) => `"${node}": ${outcomeText(outcome)}${whyText(outcome)}`)
            .join("\n"),
      happened: trajectoryText(record),
    });
  },

  /** The node settled in this state and, where `code` is given, with this code of its error or reason. */
  toHaveOutcome(
    this: MatcherThis,
    received: unknown,
    node: string,
    state: OutcomeState,
    detail?: { readonly code?: string },
  ): MatcherResult {
    const record = recordOf(received);
    const outcome = outcomeAt(record, node);
    const code = codeOf(outcome);
    return judge(this, "toHaveOutcome", detail === undefined ? [node, state] : [node, state, detail], {
      pass: outcome?.state === state && (detail?.code === undefined || code === detail.code),
      found: `"${node}": ${outcomeText(outcome)}${whyText(outcome)}`,
      happened: trajectoryText(record),
    });
  },

  /** The node was skipped and, where `reason` is given, for this reason. */
  toHaveSkipped(
    this: MatcherThis,
    received: unknown,
    node: string,
    detail?: { readonly reason?: string },
  ): MatcherResult {
    const record = recordOf(received);
    const outcome = outcomeAt(record, node);
    const fits = detail?.reason === undefined || codeOf(outcome) === detail.reason;
    return judge(this, "toHaveSkipped", detail === undefined ? [node] : [node, detail], {
      pass: outcome?.state === "skipped" && fits,
      found: `"${node}": ${outcomeText(outcome)}${whyText(outcome)}`,
      happened: trajectoryText(record),
    });
  },

  /** The first node had ended when the second started; both ran. */
  toHaveRunBefore(this: MatcherThis, received: unknown, first: string, second: string): MatcherResult {
    const record = recordOf(received);
    const [a, b] = [outcomeAt(record, first), outcomeAt(record, second)];
    const [end, start] = [a?.endedAtMs ?? null, b?.startedAtMs ?? null];
    const ran = typeof a?.startedAtMs === "number" && end !== null && start !== null;
    return judge(this, "toHaveRunBefore", [first, second], {
      pass: ran && end <= start,
      found: ran
        ? `"${first}" ended at ${ms(end)}, "${second}" started at ${ms(start)}.`
        : `${typeof a?.startedAtMs === "number" ? `"${second}"` : `"${first}"`} did not run.`,
      happened: intervalsText(record),
    });
  },

  /** There was a moment at which all of the nodes ran. */
  toHaveRunInParallel(this: MatcherThis, received: unknown, ...nodes: string[]): MatcherResult {
    const record = recordOf(received);
    const spans = nodes.map((node) => [node, outcomeAt(record, node)] as const);
    const idle = spans.filter(
      ([, o]) => typeof o?.startedAtMs !== "number" || typeof o.endedAtMs !== "number",
    );
    const lastStart = Math.max(...spans.map(([, outcome]) => outcome?.startedAtMs ?? Infinity));
    const firstEnd = Math.min(...spans.map(([, outcome]) => outcome?.endedAtMs ?? -Infinity));
    return judge(this, "toHaveRunInParallel", nodes, {
      pass: nodes.length > 1 && idle.length === 0 && lastStart < firstEnd,
      found:
        nodes.length < 2
          ? "Name at least two nodes."
          : idle.length > 0
            ? `${idle.map(([node]) => `"${node}"`).join(", ")} did not run.`
            : `The last of them started at ${ms(lastStart)}, the first ended at ${ms(firstEnd)}.`,
      happened: intervalsText(record),
    });
  },

  /** The loop ran so many rounds and, where `exhausted` is given, ended because of its `maxRounds` or not. */
  toHaveRunRounds(
    this: MatcherThis,
    received: unknown,
    node: string,
    rounds: number,
    detail?: { readonly exhausted?: boolean },
  ): MatcherResult {
    const record = recordOf(received);
    const outcome = outcomeAt(record, node);
    const ran = outcome?.rounds?.length ?? 0;
    const fits = detail?.exhausted === undefined || outcome?.exhausted === detail.exhausted;
    const end =
      outcome?.exhausted === undefined
        ? ""
        : outcome.exhausted
          ? ", all that it may"
          : ", until its condition held";
    return judge(this, "toHaveRunRounds", detail === undefined ? [node, rounds] : [node, rounds, detail], {
      pass: ran === rounds && outcome?.rounds !== undefined && fits,
      found:
        outcome?.rounds === undefined
          ? `"${node}" ran no rounds: ${outcomeText(outcome)}${whyText(outcome)}`
          : `"${node}" ran ${ran} ${ran === 1 ? "round" : "rounds"}${end}.`,
      happened: trajectoryText(record),
    });
  },

  /** So many model requests were made, retries included. */
  toHaveCalledModelTimes(
    this: MatcherThis,
    received: unknown,
    times: number,
    filter: CallFilter = {},
  ): MatcherResult {
    const record = recordOf(received);
    const made = callsOf(record, filter.node).length;
    const who = filter.node === undefined ? "The run" : `"${filter.node}"`;
    return judge(this, "toHaveCalledModelTimes", filter.node === undefined ? [times] : [times, filter], {
      pass: made === times,
      found: `${who} called a model ${made} ${made === 1 ? "time" : "times"}.`,
      happened: trajectoryText(record),
    });
  },

  /** The models asked for these tools and no others. */
  toHaveCalledTools(
    this: MatcherThis,
    received: unknown,
    tools: readonly (string | ToolExpectation)[],
    filter: ToolCallFilter = {},
  ): MatcherResult {
    const record = recordOf(received);
    const called = callsOf(record, filter.node).flatMap((call) => call.toolCalls);
    const list = called.map((call) => `  ${toolText(call)}`).join("\n");
    assertArgument("toHaveCalledTools", isList(tools), ["tools", tools, "a list of tools"]);
    const given = Object.keys(filter).length === 0 ? [tools] : [tools, filter];
    return judge(this, "toHaveCalledTools", given, {
      pass: toolsFit(tools.map(expectedTool), called, filter.order ?? "any"),
      found: called.length === 0 ? "No tool was called." : `The tools that were called, in order:\n${list}`,
      happened: trajectoryText(record),
    });
  },

  /** The run cost less than so many US dollars. A cost that is unknown proves nothing, and fails under `.not` too. */
  toCostLessThan(this: MatcherThis, received: unknown, usd: number): MatcherResult {
    const record = recordOf(received);
    const { costUsd } = record.usage;
    const unpriced = [
      ...new Set(record.calls.filter((call) => call.costUsd === null).map((call) => call.model)),
    ];
    return judge(this, "toCostLessThan", [usd], {
      pass: costUsd === null ? this.isNot === true : costUsd < usd,
      found:
        costUsd === null
          ? `The cost is unknown: there is no price for ${unpriced.join(", ") || "a model that was used"}.`
          : `The run cost $${Number(costUsd.toPrecision(6))}.`,
      happened: spentText(record),
    });
  },

  /** The run used fewer tokens than this, input and output together. */
  toUseFewerTokensThan(this: MatcherThis, received: unknown, tokens: number): MatcherResult {
    const record = recordOf(received);
    const used = record.usage.inputTokens + record.usage.outputTokens;
    return judge(this, "toUseFewerTokensThan", [tokens], {
      pass: used < tokens,
      found: `The run used ${used} tokens.`,
      happened: spentText(record),
    });
  },

  /** The run took at most so many times its critical path, the longest chain of work that had to wait for each other. */
  toBeWithinCriticalPath(this: MatcherThis, received: unknown, ratio: number): MatcherResult {
    const record = recordOf(received);
    const { durationMs, criticalPathMs } = record;
    const times = criticalPathMs === 0 ? Infinity : durationMs / criticalPathMs;
    return judge(this, "toBeWithinCriticalPath", [ratio], {
      pass: times <= ratio,
      found: `The run took ${ms(durationMs)}, its critical path ${ms(criticalPathMs)}: ${times.toFixed(2)} times.`,
      happened: intervalsText(record),
    });
  },
};

type AnyOutcome = ReturnType<typeof outcomeAt>;

function codeOf(outcome: AnyOutcome): string | undefined {
  if (outcome === undefined || outcome.state === "completed") return undefined;
  return "error" in outcome ? outcome.error.code : outcome.reason.code;
}

function whyText(outcome: AnyOutcome): string {
  if (outcome === undefined || outcome.state === "completed") return "";
  return `: ${"error" in outcome ? outcome.error.message : outcome.reason.message}`;
}
