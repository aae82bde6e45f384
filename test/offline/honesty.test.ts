import { describe, expect, it } from "@jest/globals";
import { adviceOf } from "../../src/compare/advice.js";
import { defineDag, run } from "../../src/index.js";

const nullable = (...names: string[]) => ({
  type: "object",
  properties: Object.fromEntries(names.map((name) => [name, { type: ["string", "null"] }])),
  required: names,
});
const ask = async (text: string, instructions: string, output?: Record<string, unknown>) => {
  const dag = defineDag({ name: "one", nodes: { only: { instructions, ...(output && { output }) } } });
  const outcome = (await run(dag, text, { model: "offline" })).outcomes.only;
  return { value: undefined as unknown, ...outcome };
};

describe("the offline model's fields", () => {
  it.each([
    [
      "Invoice number: 4711\nDate: 2 May 2025\nTotal: 99.50 EUR\nDue date: 1 June 2025",
      { invoiceNumber: "4711", total: "99.50 EUR", dueDate: "1 June 2025" },
    ],
    [
      "Hi Sam, thanks for lunch yesterday. See you on 3 May.",
      { invoiceNumber: null, total: null, dueDate: null },
    ],
    ["Subtotal: 12.00. Invoice date: 3 May 2025.", { invoiceNumber: null, total: null, dueDate: null }],
    ["Due date: to be agreed\nInvoice no.: 17/B", { invoiceNumber: "17/B", total: null, dueDate: null }],
  ])("hold what %j states under their names, else null", async (text, value) => {
    const outcome = await ask(
      text,
      "Extract the invoice number, total and due date.",
      nullable("invoiceNumber", "total", "dueDate"),
    );
    expect(outcome).toMatchObject({ state: "completed", value });
  });

  it("fail the node, which names them, where the schema demands what the text does not state", async () => {
    const output = { type: "object", properties: { customer: { type: "string" } }, required: ["customer"] };
    expect(await ask("See you on 3 May, says Ingrid.", "Extract the customer.", output)).toMatchObject({
      state: "failed",
      error: { code: "OFFLINE_CANNOT", message: expect.stringContaining('"customer"') },
    });
  });
});

it.each([
  "Translate the text into French.",
  "Render this in Italian.",
  "Write a haiku about it.",
  "Write a Python script that parses this text.",
  "Why did the author return it?",
  "How many hinges are there?",
  "Draft a reply to the customer.",
  "Arrange the paragraphs by colour.",
])("refuses %j with OFFLINE_CANNOT, the way out in the message", async (instructions) => {
  const outcome = await ask("The hinge broke and the shop was rude. I returned it.", instructions);
  expect(outcome).toMatchObject({
    state: "failed",
    error: { code: "OFFLINE_CANNOT", message: expect.stringContaining("--model") },
  });
});

it("obeys counts, one word and questions on drawbacks", async () => {
  const text =
    "The lamp is bright. The base is wobbly and the cable is flimsy. The switch is fine. The shade looks lovely. The bulb and the manual came in a box.";
  expect(String((await ask(text, "List the main topics, at most three.")).value).split("\n")).toHaveLength(3);
  expect(await ask(text, "Answer in one word: positive, negative or mixed?")).toMatchObject({
    value: "mixed",
  });
  const drawbacks = String((await ask(text, "What are the drawbacks?")).value);
  expect(drawbacks).toContain("wobbly");
  expect(drawbacks).not.toContain("lovely");
});

it("reads the item under forEach, however short, and the node's own input before its needs", async () => {
  const output = {
    type: "object",
    properties: { label: { enum: ["positive", "mixed", "negative", "neutral"] } },
    required: ["label"],
  };
  const dag = defineDag({
    name: "items",
    nodes: {
      list: {
        run: () => ["Great value, works perfectly.", "It leaks and support is rude.", "Arrived on Tuesday."],
      },
      each: { needs: ["list"], forEach: { node: "list" }, instructions: "Judge the sentiment.", output },
      note: { run: () => "The old pump was loud and it leaked. Customers hated it." },
      own: { needs: ["note"], instructions: "Judge the sentiment of the message.", output },
    },
    output: "own",
  });
  const { outcomes } = await run(dag, "I love the new pump, it is excellent.", { model: "offline" });
  expect(outcomes.each).toMatchObject({
    value: [{ label: "positive" }, { label: "negative" }, { label: "neutral" }],
  });
  expect(outcomes.own).toMatchObject({ value: { label: "positive" } });
});

it("calls a topology that skipped work and answers otherwise neither best nor faster without saying so", () => {
  const figures = (topology: string, wall: number, nodesSkipped: number) =>
    ({
      topology,
      runs: [],
      wallMs: { median: wall, min: wall, max: wall },
      criticalPathMs: wall,
      wallOverCriticalPath: 1,
      modelCalls: 3,
      inputTokens: 10,
      outputTokens: wall,
      costUsd: 0,
      nodesRun: 7 - nodesSkipped,
      nodesSkipped,
      failures: 0,
    }) as const;
  const agreement = (topology: string, similarity: number) => ({
    topology,
    exact: similarity === 1 ? 1 : 0,
    fields: null,
    similarity,
  });
  const both = [figures("dataflow", 5000, 0), figures("planned", 1000, 6)];
  expect(adviceOf(both, [agreement("dataflow", 1), agreement("planned", 0.14)])).toMatch(
    /^"dataflow" suits.*answering otherwise/,
  );
  expect(adviceOf(both, [agreement("dataflow", 1), agreement("planned", 0.9)])).toMatch(
    /faster than "dataflow" but skipped 6 nodes and answers otherwise/,
  );
});

it.each([
  "Scientists taught ants to find the way out of a small maze. The work took two years. It was paid for by the state.",
  "Mix the flour with the butter. Bake it for an hour at a low heat. Serve warm.",
  "Tom shows the new chart. Ida will mend the broken gate by Friday. Next meeting on 8 May.",
])("finds no opinion in %j, which reports or instructs", async (text) => {
  expect(String((await ask(text, "Judge the sentiment.")).value)).toContain("not enough to judge");
});

it("says of each feature what its own clause says, and of a side that is empty nothing", async () => {
  const text = "The tray slides out easily, the filter is hard to clean and the timer is never on time.";
  const lines = String((await ask(text, "List the features.")).value).split("\n");
  expect(new Set(lines.map((line) => line.replace(/^.*?“/, ""))).size).toBe(lines.length);
  const dag = defineDag({
    name: "merged",
    nodes: {
      sides: { instructions: "List the pros and cons." },
      all: { needs: ["sides"], instructions: "Write an executive summary with star ratings." },
    },
  });
  const record = await run(dag, "The hinge is broken. I hate the awful noise.", { model: "offline" });
  expect(String(record.output)).not.toContain("None stated");
});

it("names what a text praises or blames where it names few known parts, but neither the thing itself nor a passer-by", async () => {
  const text =
    "I was given this kettle in May. The gasket is useless, its spout is wonderful and the gauge is awful. " +
    "The kettle is ugly. The postman brought it on Monday.";
  const lines = String((await ask(text, "List the features.")).value).split("\n");
  expect(lines.map((line) => /^- ([^:]*):/.exec(line)?.[1])).toEqual(["gasket", "spout", "gauge"]);
  const known = "The screen is great, the battery is weak, the speaker is bad. The gasket is awful.";
  expect((await ask(known, "List the features.")).value).not.toContain("gasket");
});

it("has no sentence to summarise a shopping list by", async () => {
  expect(await ask("- soap\n- candles\n- rope", "Summarise in one sentence.")).toMatchObject({
    value: "The text has no sentence to summarise it by.",
  });
});

describe("texts that are no reviews", () => {
  const sentimentOf = async (text: string) =>
    (await ask(text, "Judge the sentiment in one word: positive, negative, mixed or neutral.")).value;

  it.each([
    "Hi Jo, could you send the signed form by Friday? Thanks a lot, Kim",
    "Please help. My account number is 4711.",
    "I hope this finds you well. The meeting is at nine. Kind regards, Ann",
    "Thank you for your quick reply. The parcel weighs two kilos. Have a great day!",
    "Would you recommend a good plumber?",
    "I work from home on Mondays.",
    "My account number is 4711. The freezer came two days later.",
    "The latest banner is for dependents. Honestly, the tires are in the cellar.",
    "The board approved the plan on Monday after a long session. Work begins in May.",
  ])("state no opinion by what is polite or plain in them: %j", async (text) => {
    expect(await sentimentOf(text)).toBe("neutral");
  });

  it.each([
    "I cannot log in.",
    "I was charged twice for my plan.",
    "The export is missing two columns.",
    "The search button does nothing.",
    "I get an error each time.",
    "The only good thing about this place is the way out.",
  ])("complain: %j", async (text) => {
    expect(await sentimentOf(text)).toBe("negative");
  });

  it.each(["Not bad at all.", "The speaker is anything but tinny."])("praise: %j", async (text) => {
    expect(await sentimentOf(text)).toBe("positive");
  });
});

describe("instructions", () => {
  const text =
    "Suction is strong and the battery lasts an hour. However, the bin is tiny and the hose cracked after two weeks. Support never answered.";

  it.each([
    "What did the reviewer not like?",
    "What doesn't the author like?",
    "Summarize the drawbacks in two sentences.",
    "Summarise their main complaints in one sentence.",
  ])("that ask for one side get no other: %j", async (instructions) => {
    const answer = String((await ask(text, instructions)).value);
    expect(answer).toMatch(/hose|bin|Support/);
    expect(answer).not.toMatch(/Suction/);
  });

  it.each([
    ["Summarize in at most ten words.", 10],
    ["Give a summary in under 25 words.", 25],
    ["Sum it up: a five-word summary.", 5],
  ])("have their words counted: %j", async (instructions, most) => {
    const answer = String((await ask(text, instructions)).value);
    expect(answer.split(/\s+/).length).toBeLessThanOrEqual(most);
    expect(text).toContain(answer.split(". ")[0]);
  });

  it("that allow fewer words than any sentence has are refused", async () => {
    expect(
      await ask("The very long hose cracked after only two weeks.", "Summarize in three words."),
    ).toMatchObject({
      error: { code: "OFFLINE_CANNOT" },
    });
  });

  it.each(["Say whether to buy it.", "Would the customer buy it again?"])(
    "that ask whether to buy get a recommendation: %j",
    async (instructions) => {
      expect((await ask(text, instructions)).value).toMatch(
        /^(?:No, not recommended|Yes, (?:recommended|with reservations))/,
      );
    },
  );
});

it("a nullable list that the text does not state is null, and what stands for nothing is nothing", async () => {
  const output = {
    type: "object",
    properties: {
      items: { type: ["array", "null"], items: { type: "string" } },
      owner: { type: ["string", "null"] },
    },
    required: ["items", "owner"],
  };
  for (const nothing of ["none yet", "not assigned", "to follow", "see below", "n.a.", "TBC"])
    expect(await ask(`Owner: ${nothing}\nIt rained.`, "Extract the fields.", output)).toMatchObject({
      value: { items: null, owner: null },
    });
});

it("reads a list of labels and names, which are of no language", async () => {
  const text =
    "Title: Budget review\nStart: 14:00\nEnd: 15:30\nLocation: Room 4\nAttendees: Ann, Bob, Cy\nHost: Dee Fox\nOnline: no";
  expect(await ask(text, "Extract the event.", nullable("title", "location", "host"))).toMatchObject({
    value: { title: "Budget review", location: "Room 4", host: "Dee Fox" },
  });
  expect(
    await ask(
      "Tämä vedenkeitin vuotaa ja asiakaspalvelu ei vastaa koskaan mihinkään viestiin lainkaan oikein.",
      "Judge the sentiment.",
    ),
  ).toMatchObject({ error: { code: "OFFLINE_CANNOT" } });
});
