import { pacedPieces } from "../models/simulate-latency.js";
import { replyTokens, type TokenCounter } from "../models/usage.js";
import type { RunRecord } from "../records/record.js";
import type { GuessedRequest, Guesses } from "./guessed-call.js";
import { plannerPrompts } from "./planner-prompts.js";
import { writtenOutput } from "./predicted-run.js";
import type { PlannerStep } from "./simulated-run.js";
import type { WorkPlan } from "./work-plan.js";

/** What a planner says and starts, as recorded in the same topology, else as one that calls every node at once. */
export function plannerSteps(
  record: RunRecord,
  topology: "planned" | "planned-dag",
  plans: Readonly<Record<string, WorkPlan>>,
  guess: Guesses,
  count: TokenCounter,
): PlannerStep[] {
  const own = record.calls.filter(({ node }) => node.startsWith("$"));
  const written = writtenOutput(record);
  const ran = Object.keys(record.dag.nodes).filter((name) => {
    const kind = plans[name]?.kind;
    const isCallable = name !== written && record.dag.nodes[name]?.kind !== "approval";
    return isCallable && kind !== undefined && kind !== "nothing";
  });
  if (record.topology === topology) {
    if (topology === "planned") {
      return own.map((call) => {
        const names = call.toolCalls.map(({ name }) => name).filter((name) => plans[name] !== undefined);
        return { call, starts: spread(callsOf(names, count)) };
      });
    }
    const first = own.find(({ node }) => node === "$planner");
    return own.map((call) => ({ call, starts: call === first ? spread(planOf(ran, count)) : [] }));
  }
  const pieces = topology === "planned" ? callsOf(ran, count) : planOf(ran, count);
  const why = "the planner's own requests: it calls every node at once, and says nothing else";
  const prompts = plannerPrompts(record, count);
  const asks = guess.call(
    { node: "$planner" },
    { ...replyOf(topology, ran, pieces, count), inputTokens: prompts.plan(topology) },
    why,
  );
  const answered = record.topology === "planned" ? own.slice(-1) : [];
  const like = record.calls
    .filter((call) => call.node === written || call.node === "$joiner")
    .concat(answered);
  const answers = guess.call(
    topology === "planned" ? { node: "$planner", turn: 1, like } : { node: "$joiner", like },
    { inputTokens: prompts.answer(topology, ran) },
    why,
  );
  return [
    { call: asks, starts: spread(pieces) },
    { call: answers, starts: [] },
  ];
}

/** A piece of what a planner writes; `calls`: the nodes whose calls are whole with it. */
interface Piece {
  readonly tokens: number;
  readonly calls: readonly string[];
}

/** A planner's tool calls of nodes, without arguments. */
function callsOf(names: readonly string[], count: TokenCounter): Piece[] {
  return names.flatMap((name, index) => {
    const chunk = { type: "tool-call", index, id: "", name, args: "{}" } as const;
    const pieces = [...pacedPieces(chunk, count)];
    return pieces.map(({ tokens }, at) => ({ tokens, calls: at === pieces.length - 1 ? [name] : [] }));
  });
}

/** A plan that calls nodes without arguments, a line each. */
function planOf(names: readonly string[], count: TokenCounter): Piece[] {
  let closed = 0;
  return [...pacedPieces({ type: "text", text: planText(names) }, count)].map(({ chunk, tokens }) => {
    const whole = chunk.type === "text" ? chunk.text.split(")").length - 1 : 0;
    const calls = names.slice(closed, closed + whole);
    closed += whole;
    return { tokens, calls };
  });
}

const planText = (names: readonly string[]) =>
  `${names.map((name, index) => `${index + 1}. ${name}()\n`).join("")}join()`;

/** When nodes start: at which part of the time between a reply's first token and its end. */
function spread(pieces: readonly Piece[]): PlannerStep["starts"] {
  const first = pieces[0]?.tokens ?? 0;
  const writing = pieces.reduce((sum, { tokens }) => sum + tokens, 0) - first;
  let written = -first;
  return pieces.flatMap(({ tokens, calls }) => {
    written += tokens;
    return calls.map((name) => ({ name, at: writing === 0 ? 1 : written / writing }));
  });
}

function replyOf(
  topology: "planned" | "planned-dag",
  names: readonly string[],
  pieces: readonly Piece[],
  count: TokenCounter,
): Pick<GuessedRequest, "outputTokens" | "paced"> {
  const said =
    topology === "planned"
      ? { text: "", toolCalls: names.map((name) => ({ id: "", name, args: "{}" })) }
      : { text: planText(names), toolCalls: [] };
  return {
    outputTokens: Math.max(1, replyTokens(said, count)),
    paced: {
      tokens: pieces.reduce((sum, { tokens }) => sum + tokens, 0),
      first: pieces[0]?.tokens ?? 1,
    },
  };
}
