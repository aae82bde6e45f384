import { run } from "agent-dag";
import fc from "../support/drawn.js";
import { plannerModel, type Said } from "./planner-model.js";
import { sums } from "./specs.js";

const prose = [
  "Here is the plan:",
  "```",
  "1. First, I think (about it)",
  "",
  "join",
  "Thought: 💡 next",
  "- none",
];
const args = [
  "",
  "1, 2",
  "$1, 4",
  "a=$2, b=2",
  '"focus ünï 💡"',
  'focus="battery"',
  "$9",
  "$1",
  "{",
  '"cut',
  "3,,4",
  '[1,{"x":$1}]',
];
const names = ["people", "land", "density", "broken", "after", "tolerant", "answer", "nope", "join"];

const line = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(fc.integer({ min: 0, max: 6 }), fc.constantFrom(...names), fc.constantFrom(...args))
      .map(([n, name, list]) => `${n}. ${name}(${list})`),
  },
  { weight: 1, arbitrary: fc.constantFrom(...prose) },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 20 }) },
);

/** A plan's text: mostly numbered well, with prose around, often ended by join(), often cut off somewhere. */
const planText = fc
  .record({
    lines: fc.array(line, { maxLength: 7 }),
    numbered: fc.boolean(),
    joined: fc.boolean(),
    keep: fc.oneof(fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true })),
  })
  .map(({ lines, numbered, joined, keep }) => {
    const body = numbered ? lines.map((text, i) => text.replace(/^\d+/, String(i + 1))) : lines;
    const text = [...body, ...(joined ? ["join()"] : [])].join("\n");
    return text.slice(0, Math.ceil(text.length * keep));
  });

/** Where a text is cut into chunks: anywhere, within surrogate pairs too. */
const cuts = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 6 });

function cutter(sizes: readonly number[]): (text: string) => string[] {
  return (text) => {
    const chunks: string[] = [];
    for (let at = 0, i = 0; at < text.length; i++) {
      const size = sizes[i % sizes.length] ?? 1;
      chunks.push(text.slice(at, at + size));
      at += size;
    }
    return chunks;
  };
}

const joinerText = fc.constantFrom("an answer", "REPLAN: more", "", "REPLAN:");

const toolCall = fc.tuple(
  fc.constantFrom(...names),
  fc.constantFrom(
    "",
    "{}",
    '{"a":1,"b":2}',
    '{"focus":"x 💡"}',
    '{"focus":',
    "[]",
    "}",
    '{"a":"1"}',
    "{}{}",
    "null",
  ),
);
const message: fc.Arbitrary<Said> = fc.oneof(
  fc.array(toolCall, { minLength: 1, maxLength: 4 }),
  fc.constantFrom("done", ""),
);

const bounds = { maxIterations: 4, maxReplans: 2 };

async function assertSettles(
  topology: "planned" | "planned-dag",
  model: ReturnType<typeof plannerModel>,
): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const hang = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("The run hangs.")), 120_000);
  });
  const options = { topology, model, planner: bounds, policy: { retry: { maxAttempts: 1 } } } as const;
  const record = await Promise.race([run(sums, "the input", options), hang]).finally(() =>
    clearTimeout(timer),
  );
  const names = Object.keys(record.outcomes);
  if (names.length !== Object.keys(sums.nodes).length) throw new Error(`Only ${names.join(", ")} settled.`);
  const asked = model.requests.filter(({ node }) => node === "$planner").length;
  const most = topology === "planned" ? bounds.maxIterations : 1 + bounds.maxReplans;
  if (asked > most) throw new Error(`The planner was asked ${asked} times.`);
  if (record.state !== "completed" && record.state !== "partial" && record.state !== "failed") {
    throw new Error(`The run is ${record.state}.`);
  }
  const whole = record.events.filter(
    (event) => event.type === "node-settled" && event.item === null && event.invocation === null,
  );
  if (whole.length !== names.length)
    throw new Error(`${whole.length} nodes settled instead of ${names.length}.`);
}

/** Every plan text and every planner message ends in a settled run within its bounds. */
export async function checkRandomPlans(numRuns: number): Promise<void> {
  const plans = fc.asyncProperty(
    fc.array(planText, { minLength: 1, maxLength: 4 }),
    cuts,
    joinerText,
    async (texts, sizes, joined) => {
      const model = plannerModel((_, turn) => texts[turn % texts.length] ?? "", {
        chunksOf: cutter(sizes),
        joiner: () => joined,
      });
      await assertSettles("planned-dag", model);
    },
  );
  const messages = fc.asyncProperty(
    fc.array(message, { minLength: 1, maxLength: 4 }),
    cuts,
    async (said, sizes) => {
      const model = plannerModel((_, turn) => said[turn % said.length] ?? "", { chunksOf: cutter(sizes) });
      await assertSettles("planned", model);
    },
  );
  await fc.assert(plans, { numRuns: Math.ceil(numRuns * 0.7) });
  await fc.assert(messages, { numRuns: Math.ceil(numRuns * 0.3) });
}
