import { describe, expect, it } from "@jest/globals";
import { withCallsInText } from "../../nodes/kinds/calls-in-text.js";
import { errorCode } from "../../src/errors.js";
import { defineDag } from "../../src/index.js";
import { pythonCalls, pythonLiteral } from "../../src/models/python-literals.js";
import { readArguments } from "../../src/models/tool-arguments.js";
import { answer, messagesOf, once, server, two, withTools } from "../support/real-replies.js";
import { says } from "./replies.js";

const json = '{"name":"weather","arguments":{"city":"Rome"}}';

/** What becomes of a message of an agent with tools, where calls in text are read and where they are not. */
async function becomes(written: string) {
  const unread = withTools();
  const { outcome } = await answer(unread.spec, [says(written)], once);
  await server?.close();
  const { made, spec } = withTools();
  const a = { ...(spec.nodes.a as any), modelOptions: { toolCallsInText: true } };
  const read = await answer(defineDag({ name: "read", nodes: { a } }), [says(written), says("rain")], once);
  expect(unread.made).toEqual([]);
  return { outcome, made, read };
}

describe("calls as text", () => {
  it.each([
    `Let me look.\n<tool_call>\n${json}\n</tool_call>`,
    `I will use it: <function=weather>{"city": "Rome"}</function>`,
    `<tool_call>\n${json}\n`,
    `<tool_call>${json}</tool_call><|im_end|>`,
    `<tool_call>${json}</tool_call>\n<tool_response>rain</tool_response>\nIt rains.`,
    "<tool_call>{'name': 'weather', 'arguments': {'city': 'Rome'}}</tool_call>",
    json,
    '{"name": "weather", "parameters": {"city": "Rome"}}',
    `[${json}]`,
    '{"tool_calls":[{"id":"1","type":"function","function":{"name":"weather","arguments":"{\\"city\\":\\"Rome\\"}"}}]}',
    '[weather(city="Rome")]',
    '<|python_tag|>weather.call(city="Rome")',
    '```tool_code\nweather(city="Rome")\n```',
    '<|channel|>commentary to=functions.weather <|constrain|>json<|message|>{"city":"Rome"}<|call|>',
    '<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>commentary to=functions.weather <|constrain|>json<|message|>{"city":"Rome"}<|call|>',
    '<｜DSML｜function_calls><｜DSML｜invoke name="weather"><｜DSML｜parameter name="city" string="true">Rome</｜DSML｜parameter></｜DSML｜invoke></｜DSML｜function_calls>',
    '\n<|python_tag|>weather.call(city="Rome")\n',
    `<tool_call>${json}</tool_call>\n<tool_response>{"name":"Rome","sky":"rain"}</tool_response>`,
    '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>weather\n```json\n{"city":"Rome"}\n```<｜tool▁call▁end｜>',
    "<function=weather>\n<parameter=city>\nRome\n</parameter>\n</function>",
    '<|START_ACTION|>[{"tool_call_id":"0","tool_name":"weather","parameters":{"city":"Rome"}}]<|END_ACTION|>',
  ])("are told, or read where the agent allows it: %j", async (written) => {
    const { outcome, made, read } = await becomes(written);
    expect(outcome).toMatchObject({ error: { code: "TOOL_CALL_AS_TEXT" } });
    expect([read.outcome.value, made]).toEqual(["rain", ["weather Rome"]]);
  });

  it.each([`\`\`\`json\n${json}\n\`\`\``, 'weather(city="Rome")'])(
    "that may as well be an answer are read only where the agent allows it: %j",
    async (written) => {
      const { outcome, made, read } = await becomes(written);
      expect(outcome).toMatchObject({ value: written });
      expect([read.outcome.value, made]).toEqual(["rain", ["weather Rome"]]);
    },
  );

  it.each([
    `Write \`<tool_call>${json}</tool_call>\`.`,
    `Write \`<tool_call>${json}</tool_call>\``,
    `Write this:\n\`\`\`\n<tool_call>${json}</tool_call>\n\`\`\``,
    `Say <tool_call>${json}</tool_call>, and wait.`,
    'weather(city="Rome") gives rain',
    '[{"name":"weather","parameters":{"type":"object","properties":{"city":{"type":"string"}}}}]',
    '{"name":"weather","arguments":{},"note":"what it takes"}',
    '{"example":"Use <function=weather>{\\"city\\":\\"Rome\\"}</function>"}',
    '{"name":"someone","arguments":{"for":"it"}}',
    "See [weather(Rome)](rome.md)",
  ])("are words about them where they stand in others: %j", async (written) => {
    const { outcome, made, read } = await becomes(written);
    expect([outcome.value, read.outcome.value, made]).toEqual([written, written, []]);
  });

  it("without a mark are the answer where the agent says that none are read", async () => {
    const { spec } = withTools();
    const a = { ...(spec.nodes.a as any), modelOptions: { toolCallsInText: false } };
    const unread = defineDag({ name: "unread", nodes: { a } });
    expect((await answer(unread, [says(json)], once)).outcome).toMatchObject({ value: json });
    await server?.close();
    const marked = await answer(unread, [says(`<tool_call>${json}</tool_call>`)], once);
    expect(marked.outcome).toMatchObject({ error: { code: "TOOL_CALL_AS_TEXT" } });
  });

  it("that cannot be read are told, whatever is allowed", async () => {
    const { outcome, made, read } = await becomes(
      "<tool_call>weather\n<arg_key>city</arg_key>\n<arg_value>Rome",
    );
    for (const one of [outcome, read.outcome])
      expect(one).toMatchObject({
        error: { code: "TOOL_CALL_AS_TEXT", message: expect.stringMatching(/cannot be read/) },
      });
    expect(made).toEqual([]);
  });

  it("keep the words before them, and one of an unknown tool is told to the model", async () => {
    const written = '<tool_call>{"name":"wether","arguments":{}}</tool_call>';
    const { read } = await becomes(written);
    expect(messagesOf(read.requests[1]).at(-1).content).toMatch(/There is no tool "wether"/);
    await server?.close();
    const said = await becomes(`Let me look.\n<tool_call>${json}</tool_call>`);
    expect(messagesOf(said.read.requests[1]).at(-2)).toMatchObject({
      role: "assistant",
      content: "Let me look.",
    });
  });

  it("of a reply that was cut are not made, though its text may pass", async () => {
    const { made, spec } = withTools();
    const modelOptions = { toolCallsInText: true, acceptTruncated: true };
    const a = { ...(spec.nodes.a as any), modelOptions };
    const cut = says(`<tool_call>${json}</tool_call>\n<tool_call>{"name":"wea`, "length");
    const { outcome, requests } = await answer(defineDag({ name: "cut", nodes: { a } }), [cut], once);
    expect(outcome).toMatchObject({ error: { code: "REPLY_TRUNCATED" } });
    expect([made, requests.length]).toEqual([[], 1]);
  });

  it.each([
    ...["<function=weather>", "<function=weather><parameter=city>", '<invoke name="weather">', "```json"],
    ...[
      "<tool_call>weather<arg_key>",
      "<tool_call>weather{}",
      "<｜tool▁call▁begin｜>weather",
      "",
      "{",
      "weather(",
    ],
  ])("that are broken off in endless blanks are not gone through blank by blank: %s", (begun) => {
    const tools = [{ name: "weather", description: "", parameters: {} }];
    const outcome = (text: string) => {
      const reply = { text, toolCalls: [], finishReason: "stop" } as any;
      try {
        return withCallsInText(reply, { tools, schema: false, model: "x", read: true }).toolCalls;
      } catch (error) {
        return errorCode(error);
      }
    };
    const isMarked = /^</.test(begun);
    for (const end of ["", "x"])
      expect(outcome(`${begun}${" \n".repeat(24_900)}${end}`)).toEqual(isMarked ? "TOOL_CALL_AS_TEXT" : []);
  });

  it("of a planner run the nodes that they name", async () => {
    const written = ["a", "b"].map((name) => `<tool_call>{"name":"${name}","arguments":{}}</tool_call>`);
    const replies = [says(written.join("\n")), says("did"), says("did"), says("Both are done.")];
    const { record } = await answer(two, replies, { ...once, topology: "planned" });
    expect(record).toMatchObject({
      output: "Both are done.",
      outcomes: { a: { value: "did" }, b: { value: "did" } },
    });
  });
});

describe("Python's literals", () => {
  it.each<[string, unknown]>([
    [
      "{'a': [1, -2.5e3, (True, None)], \"b\": {'c': false}}",
      { a: [1, -2500, [true, null]], b: { c: false } },
    ],
    ["'it\\'s\\n\\u00e9'", "it's\né"],
    ["[1, 2,]", [1, 2]],
    ["{'pattern': '\\d+', 'tex': '\\alpha', 'é': '\\xe9'}", { pattern: "\\d+", tex: "\\alpha", é: "é" }],
    ["{'a': Infinity}", undefined],
    ["{a: 1}", undefined],
    ["{'a': b}", undefined],
    ["'open", undefined],
    ["[1 2]", undefined],
    ["[".repeat(50_000), undefined],
  ])("%.40s", (text, value) => {
    expect(pythonLiteral(text)).toEqual(value);
  });

  it("are looked for in arguments that are a million blanks once", () => {
    const blanks = " ".repeat(1_000_000);
    expect(readArguments({ args: blanks })).toEqual({});
    expect(readArguments({ args: `${blanks}null${blanks}` })).toEqual({});
    expect(() => readArguments({ args: `${blanks}x` })).toThrow(SyntaxError);
  });

  it("are the arguments of calls", () => {
    expect(pythonCalls('[a(x=1, y="(,)"), b.c()]')).toEqual([
      { name: "a", args: { x: 1, y: "(,)" } },
      { name: "b.c", args: {} },
    ]);
    expect(pythonCalls("a(x=1)\nb()")).toHaveLength(2);
    for (const text of ["a(1)", "a(x=y)", "a(x=1) and more", "[a(x=1)", "", "a"])
      expect([text, pythonCalls(text)]).toEqual([text, []]);
  });
});
