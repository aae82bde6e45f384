import { afterEach, describe, expect, it } from "@jest/globals";
import { tool } from "@langchain/core/tools";
import { z } from "zod";
import { withLegalToolNames } from "../../src/models/tool-names.js";
import { run } from "../../src/run/run.js";
import { defineDag } from "../../src/spec/define.js";
import { type RawServer, sendError } from "./raw-server.js";
import { calls, type Reply, replying, says } from "./replies.js";
import { chunksOf } from "./requests.js";

let server: RawServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

/** What the second request says last. */
const lastTold = () => (server?.seen[1]?.body.messages as any[] | undefined)?.at(-1)?.content as string;

/** The strictest of the providers' rules taken together. */
const legal = /^[A-Za-z_][A-Za-z0-9_-]{0,63}$/;

/** Every name of a tool in a request. */
const namesIn = (body: any): string[] => [
  ...(body.tools ?? []).map((one: any) => one.function.name),
  ...body.messages.flatMap((message: any) =>
    (message.tool_calls ?? []).map((call: any) => call.function.name),
  ),
];

/** Refuses names as OpenAI does. */
const strictly =
  (reply: Reply): Reply =>
  (response, body) => {
    const wrong = namesIn(body).find((name) => !/^[a-zA-Z0-9_-]{1,64}$/.test(name));
    if (wrong === undefined) reply(response, body);
    else sendError(response, 400, { message: `Invalid 'tools[0].function.name': ${wrong}` });
  };

const named = (name: string) =>
  tool(() => `${name} ran`, { name, description: "Looks.", schema: z.object({}) });

const odd = [
  ...["files.read", "files/read", "files read", "größe", "测量", "x".repeat(70), `${"x".repeat(70)}y`],
  ...["3d_view", "-flag", "a:b", "🙂", " ", "__proto__", "constructor", "toString", "answer", "files_read"],
];

describe("tools of any name", () => {
  it.each(odd)("%j is told by a name that providers take, and called by it", async (name) => {
    const tools = odd.map(named);
    const position = odd.indexOf(name);
    const first: Reply = (response, body) =>
      calls((body.tools as any[])[position].function.name, "{}")(response);
    const started = await replying(strictly(first), strictly(says("done")));
    server = started.server;
    const events: unknown[] = [];
    const nodes = { a: { instructions: "Use it.", tools } };
    const record = await run(defineDag({ name: "names", nodes }), "x", {
      model: started.model,
      onEvent: (event) => void (event.type === "tool-ended" && events.push(event.tool)),
    });
    expect(record.output).toBe("done");
    expect(events).toEqual([name]);
    expect(record.calls[0]?.toolCalls).toMatchObject([{ name }]);
    const [before, after] = server.seen.map(({ body }) => body as any);
    const told = namesIn(before);
    expect(new Set(told).size).toBe(odd.length);
    for (const one of namesIn(after)) expect(one).toMatch(legal);
    expect(namesIn(after).at(-1)).toBe(told[position]);
    expect(after.messages.at(-1).content).toBe(`${name} ran`);
    if (!legal.test(name)) expect(before.tools[position].function.description).toContain(name);
  });

  it("are called by their own name too, and by one in the text of a model that writes calls there", async () => {
    for (const reply of [
      calls("files.read", "{}"),
      says('<tool_call>{"name": "files.read", "arguments": {}}</tool_call>'),
      ((response, body) =>
        says(`<tool_call>{"name": "${(body.tools as any[])[0].function.name}", "arguments": {}}</tool_call>`)(
          response,
        )) as Reply,
    ]) {
      const started = await replying(strictly(reply), strictly(says("done")));
      server = started.server;
      const modelOptions = { toolCallsInText: true };
      const nodes = { a: { instructions: "Use it.", tools: [named("files.read")], modelOptions } };
      const record = await run(defineDag({ name: "names", nodes }), "x", { model: started.model });
      expect(record.output).toBe("done");
      expect(lastTold()).toBe("files.read ran");
      await server.close();
    }
  });

  it("that a model made up are told to it, and sent back as its provider takes them", async () => {
    const made = ["multi_tool_use.parallel", "functions/look", "z".repeat(90), "look at"];
    for (const name of made) {
      const started = await replying(strictly(calls(name, "{}")), strictly(says("done")));
      server = started.server;
      const nodes = { a: { instructions: "Use it.", tools: [named("look")] } };
      const record = await run(defineDag({ name: "names", nodes }), "x", { model: started.model });
      expect(record.output).toBe("done");
      expect(lastTold()).toContain(`There is no tool "${name.slice(0, 50)}`);
      await server.close();
    }
  });

  it("beside a structured answer do not clash with what carries it, whatever its carrier", async () => {
    for (const structured of ["strict", "tool", "json", "instructions"] as const) {
      const started = await replying(strictly(calls("answer", "{}")), strictly(says('{"label":"x"}')));
      server = started.server;
      const output = z.object({ label: z.string() });
      const nodes = {
        a: { instructions: "Use it.", tools: [named("answer")], output, modelOptions: { structured } },
      };
      const record = await run(defineDag({ name: "names", nodes }), "x", { model: started.model });
      expect(record.output).toEqual({ label: "x" });
      expect(lastTold()).toBe("answer ran");
      await server.close();
    }
  });

  it("come back under their own where the model put its format's namespace before what it was told", async () => {
    for (const [name, put] of [
      ["files.read", (told: string) => `functions.${told}`],
      ["files.read", () => "files.read"],
      ["look", () => "functions.look"],
    ] as const) {
      const started = await replying(
        (response, body) => calls(put((body as any).tools[0].function.name), "{}")(response),
        says("done"),
      );
      server = started.server;
      const tools = [named(name), named("größe")];
      const nodes = { a: { instructions: "Use it.", tools } };
      const record = await run(defineDag({ name: "names", nodes }), "x", { model: started.model });
      expect([record.output, lastTold()]).toEqual(["done", `${name} ran`]);
      await server.close();
    }
  });

  it("leave a request alone whose names are all taken", async () => {
    const seen: unknown[] = [];
    const inner = {
      id: "m",
      async *call(request: unknown) {
        seen.push(request);
        yield { type: "finish", reason: "stop" } as const;
      },
    };
    const tools = [{ name: "look", description: "Looks.", parameters: {} }];
    await chunksOf({ id: "m", call: (request) => withLegalToolNames(inner).call(request) }, { tools });
    expect((seen[0] as any).tools).toBe(tools);
  });
});

it("two tools of one name are refused, with what servers of MCP can do about it", () => {
  const nodes = { a: { instructions: "Use it.", tools: [named("read"), named("read")] } };
  expect(() => defineDag({ name: "names", nodes })).toThrow(
    /Two tools are called "read"\. .*`prefixToolNameWithServerName: true`/s,
  );
});
