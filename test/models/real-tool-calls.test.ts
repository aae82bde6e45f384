import { describe, expect, it } from "@jest/globals";
import { tool } from "@langchain/core/tools";
import { z } from "zod";
import { defineDag } from "../../src/spec/define.js";
import { answer, messagesOf, once, server, two, withTools } from "../support/real-replies.js";
import { beginStream, sendDelta } from "./raw-server.js";
import { calls, type Reply, says, stream } from "./replies.js";

describe("calls of tools", () => {
  it("run and are answered each, though a later message uses the same id", async () => {
    const { record } = await answer(
      two,
      [
        calls("a", "{}", { id: "K" }),
        says("result A"),
        calls("b", "{}", { id: "K" }),
        says("result B"),
        says("done"),
      ],
      { topology: "planned" },
    );
    expect(record.outcomes).toMatchObject({ a: { value: "result A" }, b: { value: "result B" } });
    const told = messagesOf(server?.seen.at(-1)).filter((one) => one.role === "tool");
    expect(told.map(({ content }) => content)).toEqual(["result A", "result B"]);
  });

  it("without arguments go back as an empty object", async () => {
    const { made, spec } = withTools();
    const { requests } = await answer(spec, [calls("wipe", ""), says("done")]);
    expect(made).toEqual(["wipe "]);
    const messages = requests[1]?.body.messages as any[];
    expect(messages.at(-2).tool_calls[0].function.arguments).toBe("{}");
  });

  it.each([
    ["a namespace before the name", "functions.weather", '{"city":"Rome"}'],
    ["a mark behind the name", "weather<|channel|>commentary", '{"city":"Rome"}'],
    ["another namespace", "default_api:weather", '{"city":"Rome"}'],
    ["arguments as text within text", "weather", JSON.stringify('{"city":"Rome"}')],
    ["arguments as Python writes them", "weather", "{'city': 'Rome',}"],
  ])("run and go back as what they mean: %s", async (_, name, args) => {
    const { made, spec } = withTools();
    const { requests } = await answer(spec, [calls(name, args), says("rain")]);
    expect(made).toEqual(["weather Rome"]);
    expect(messagesOf(requests[1]).at(-2).tool_calls[0].function).toEqual({
      name: "weather",
      arguments: '{"city":"Rome"}',
    });
  });

  it.each([
    ["cut", "weather", '{"city":"Ro'],
    ["followed by something", "weather", '{"city":"Rome"} and more'],
    ["of a tool whose name is only like it", "my.weather", '{"city":"Rome"}'],
  ])("are not made of what is %s", async (_, name, args) => {
    const { made, spec } = withTools();
    await answer(spec, [calls(name, args), says("rain")]);
    expect(made).toEqual([]);
  });

  it("are read from deltas that name no role", async () => {
    const { made, spec } = withTools();
    const call = { index: 0, id: "c1", function: { name: "weather", arguments: '{"city":"Rome"}' } };
    await answer(spec, [stream([{ tool_calls: [call] }], [{}, "tool_calls"]), says("done")]);
    expect(made).toEqual(["weather Rome"]);
  });

  it.each([
    ["empty ids", ["", ""]],
    ["no ids", [undefined, undefined]],
    ["one id twice", ["K", "K"]],
  ])("in parallel with %s are answered by ids of their own", async (_, ids) => {
    const { made, spec } = withTools();
    const tool_calls = ["Rome", "Oslo"].map((city, index) => ({
      index,
      ...(ids[index] !== undefined && { id: ids[index] }),
      function: { name: "weather", arguments: JSON.stringify({ city }) },
    }));
    const { requests } = await answer(spec, [
      stream([{ role: "assistant", content: null, tool_calls }], [{}, "tool_calls"]),
      says("done"),
    ]);
    expect(made).toEqual(["weather Rome", "weather Oslo"]);
    const messages = requests[1]?.body.messages as any[];
    const asked = messages.find((one) => one.role === "assistant").tool_calls.map((one: any) => one.id);
    expect(new Set(asked).size).toBe(2);
    expect(asked.every((id: string) => id !== "")).toBe(true);
    expect(messages.filter((one) => one.role === "tool").map((one) => one.tool_call_id)).toEqual(asked);
  });

  it("join a name that was cut over two chunks", async () => {
    const { made, spec } = withTools();
    const piece = (called: object, id?: string) => ({
      tool_calls: [{ index: 0, ...(id && { id }), function: called }],
    });
    await answer(spec, [
      stream(
        [{ role: "assistant", ...piece({ name: "wea", arguments: "" }, "c1") }],
        [piece({ name: "ther" })],
        [piece({ arguments: '{"city":"Rome"}' })],
        [{}, "tool_calls"],
      ),
      says("done"),
    ]);
    expect(made).toEqual(["weather Rome"]);
  });

  it.each<[string, readonly object[], readonly string[]]>([
    [
      "numbered by text",
      [
        { index: "0", id: "a", function: { name: "weather", arguments: "" } },
        { index: "1", id: "b", function: { name: "weather", arguments: "" } },
        { index: "0", function: { arguments: '{"city":"Rome"}' } },
        { index: "1", function: { arguments: '{"city":"Oslo"}' } },
      ],
      ["weather Rome", "weather Oslo"],
    ],
    [
      "with an empty object in front of the arguments",
      [
        { index: 0, id: "a", function: { name: "weather", arguments: "{}" } },
        { index: 0, function: { arguments: '{"city":"Rome"}' } },
      ],
      ["weather Rome"],
    ],
    [
      "with arguments that are sent twice",
      [{ index: 0, id: "a", function: { name: "weather", arguments: '{"city":"Rome"}{"city":"Rome"}' } }],
      ["weather Rome"],
    ],
    [
      "with blanks around the name",
      [{ index: 0, id: "a", function: { name: " weather\n", arguments: '{"city":"Rome"}' } }],
      ["weather Rome"],
    ],
  ])("%s are made as they were meant", async (_, pieces, expected) => {
    const { made, spec } = withTools();
    const lines = pieces.map((piece): [object, null] => [{ tool_calls: [piece] }, null]);
    const { requests } = await answer(spec, [stream(...(lines as any), [{}, "tool_calls"]), says("done")]);
    expect(made).toEqual(expected);
    const [said] = messagesOf(requests[1]).filter((one) => one.role === "assistant");
    expect(said.tool_calls.map((call: any) => JSON.parse(call.function.arguments).city)).toEqual(
      expected.map((one) => one.replace("weather ", "")),
    );
  });

  it("without numbers, ids and arguments in one message are several", async () => {
    const { made, spec } = withTools();
    const wipe = { function: { name: "wipe", arguments: "" } };
    await answer(spec, [stream([{ tool_calls: [wipe, wipe] }], [{}, "tool_calls"]), says("done")]);
    expect(made).toEqual(["wipe ", "wipe "]);
  });

  it("are made of a whole body that does not say how it ended", async () => {
    const { made, spec } = withTools();
    const tool_calls = [{ id: "a", function: { name: "weather", arguments: '{"city":"Rome"}' } }];
    const whole = (message: object) => (response: any) => {
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ choices: [{ index: 0, message, finish_reason: null }] }));
    };
    const { outcome } = await answer(spec, [
      whole({ content: null, tool_calls }),
      whole({ content: "done" }),
    ]);
    expect([made, outcome.value]).toEqual([["weather Rome"], "done"]);
  });

  it("written as text fail and say so, or are read where the agent allows it", async () => {
    const { made, spec } = withTools();
    const written = '<tool_call>\n{"name":"weather","arguments":{"city":"Rome"}}\n</tool_call>';
    const { outcome } = await answer(spec, [says(written)]);
    expect(outcome.error.code).toBe("TOOL_CALL_AS_TEXT");
    await server?.close();
    const a = { ...(spec.nodes.a as any), modelOptions: { toolCallsInText: true } };
    const read = await answer(defineDag({ name: "read", nodes: { a } }), [says(written), says("rain")]);
    expect(read.outcome.value).toBe("rain");
    expect(made).toEqual(["weather Rome"]);
  });

  it.each([
    ['<|python_tag|>{"name": "weather", "parameters": {"city": "Rome"}}'],
    ["<tool_call>\n<function=weather>\n<parameter=city>\nRome\n</parameter>\n</function>\n</tool_call>"],
    ["<tool_call>weather\n<arg_key>city</arg_key>\n<arg_value>Rome</arg_value>\n</tool_call>"],
    [
      '<function_calls>\n<invoke name="weather">\n<parameter name="city">Rome</parameter>\n</invoke>\n</function_calls>',
    ],
    [
      '<minimax:tool_call>\n<invoke name="weather">\n<parameter name="city">Rome</parameter>\n</invoke>\n</minimax:tool_call>',
    ],
    [
      '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>weather\n```json\n{"city":"Rome"}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>',
    ],
    [
      '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>weather<｜tool▁sep｜>{"city":"Rome"}<｜tool▁call▁end｜><｜tool▁calls▁end｜>',
    ],
    [
      '<|tool_calls_section_begin|><|tool_call_begin|>functions.weather:0<|tool_call_argument_begin|>{"city":"Rome"}<|tool_call_end|><|tool_calls_section_end|>',
    ],
    ['[TOOL_CALLS]weather[ARGS]{"city": "Rome"}'],
    ['[TOOL_CALLS][{"name": "weather", "arguments": {"city": "Rome"}}]'],
  ])("written as text in a format of its model's are told, or read: %s", async (written) => {
    const { made, spec } = withTools();
    expect((await answer(spec, [says(written)])).outcome.error.code).toBe("TOOL_CALL_AS_TEXT");
    await server?.close();
    const a = { ...(spec.nodes.a as any), modelOptions: { toolCallsInText: true } };
    const read = await answer(defineDag({ name: "read", nodes: { a } }), [says(written), says("rain")]);
    expect([read.outcome.value, made]).toEqual(["rain", ["weather Rome"]]);
  });

  const broken: readonly (readonly [string, string | null])[] = [
    ["cut at the limit", "length"],
    ["withheld", "content_filter"],
    ["failed", "error"],
    ["broken off", null],
  ];
  it.each(broken)(
    "of a planner's message that is %s run no function, no tool and no agent with tools",
    async (_, finish) => {
      const { made, spec: tooled } = withTools();
      const wipe = tool(() => made.push("wipe"), {
        name: "wipe",
        description: "Wipes.",
        schema: z.object({}),
      });
      const spec = defineDag({
        name: "effects",
        nodes: {
          function: { run: () => made.push("function") },
          tool: { tool: wipe },
          agent: tooled.nodes.a,
          graph: { dag: defineDag({ name: "inner", nodes: { f: { run: () => made.push("graph") } } }) },
          after: { needs: ["function"], instructions: "Go on." },
          plain: { instructions: "Speak." },
        },
      });
      const names = ["function", "tool", "agent", "graph", "after"];
      const piece = (name: string, index: number): [object, null] => [
        { tool_calls: [{ index, id: `c${index}`, function: { name, arguments: "{}" } }] },
        null,
      ];
      const reply: Reply = (response) => {
        beginStream(response);
        for (const [delta] of names.map(piece)) sendDelta(response, delta as Record<string, unknown>);
        if (finish !== null) sendDelta(response, {}, finish);
        // What was called has time to begin.
        setTimeout(() => response.end(finish === null ? "" : "data: [DONE]\n\n"), 30);
      };
      const { record, requests } = await answer(spec as any, [reply], { ...once, topology: "planned" });
      expect(record.state).toBe("failed");
      expect([made, requests.length]).toEqual([[], 1]);
    },
  );

  it.each(["deterministic", "planned"])("of unknown names end early under %s", async (topology) => {
    const { spec } = withTools();
    const { record, requests } = await answer(topology === "planned" ? two : spec, [calls("nothing", "{}")], {
      topology,
    });
    expect(record.state).toBe("failed");
    expect(JSON.stringify(record.error ?? record.outcomes)).toContain("TOOL_CALLS_UNUSABLE");
    expect(requests.length).toBeLessThan(4);
  });
});
