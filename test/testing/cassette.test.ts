import { spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, afterEach, describe, expect, it } from "@jest/globals";
import { DagError } from "../../src/errors.js";
import { collectReply, type Model, type ModelChunk, type ModelRequest } from "../../src/models/port.js";
import { takeChecks } from "../../src/testing/at-end.js";
import { cassette } from "../../src/testing/index.js";
import { chunksOf, failureOf, request } from "../models/requests.js";
import { replyModel } from "../support/reply-model.js";

const folder = mkdtempSync(join(tmpdir(), "agent-dag-cassette-"));
let files = 0;
const newFile = () => join(folder, `tape-${++files}.yaml`);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A model that must not be called. */
const noModel: Model = {
  id: "test:reply",
  // biome-ignore lint/correctness/useYield: it never gets that far
  async *call() {
    throw new Error("the model was called");
  },
};

const ask = (text: string, parts: Partial<ModelRequest> = {}) =>
  request({ messages: [{ role: "user", content: text }], ...parts });
const say = async (model: Model, text: string, parts: Partial<ModelRequest> = {}) =>
  (await collectReply(model.call(ask(text, parts)))).text;

/** Records the calls that `use` makes with a model; gives the file. */
async function recordInto(
  file: string,
  inner: Model,
  use: (model: Model) => Promise<unknown>,
): Promise<string> {
  const tape = cassette(file, { mode: "record" });
  await use(tape(inner));
  tape.assertComplete();
  return readFileSync(file, "utf8");
}

it("answers a call that it cannot write down, says so at the end, and writes it with the next one", async () => {
  const below = join(folder, "taken-away");
  mkdirSync(below);
  const tape = cassette(join(below, "tape.yaml"), { mode: "record" });
  const model = tape(replyModel((r) => `about ${String(r.messages.at(-1)?.content)}`));
  await say(model, "a");
  rmSync(below, { recursive: true });
  expect(await say(model, "b")).toBe("about b");
  expect(() => tape.assertComplete()).toThrow(/^The store ".*tape\.yaml" failed: it is not there any more/);
  mkdirSync(below);
  await say(model, "c");
  tape.assertComplete();
  expect(readFileSync(tape.file, "utf8").match(/about [abc]/g)).toEqual(["about a", "about b", "about c"]);
});

describe("a replayed call", () => {
  it("is found by its request and by which of equal ones it is, whatever comes first", async () => {
    const file = newFile();
    let n = 0;
    const inner = replyModel((r) => `${r.messages.at(-1)?.content} ${++n}`);
    await recordInto(file, inner, async (model) => {
      for (const text of ["a", "b", "a", "c"]) await say(model, text);
      await say(model, "a", { item: 1 });
    });
    const tape = cassette(file);
    const model = tape(noModel);
    const found = await Promise.all(["c", "b", "a", "a"].map((text) => say(model, text)));
    expect([...found, await say(model, "a", { item: 1 })]).toEqual(["c 4", "b 2", "a 1", "a 3", "a 5"]);
    tape.assertComplete();
  });

  it("comes in the recorded pieces, with tool calls in pieces, usage and finish reason", async () => {
    const file = newFile();
    const chunks: ModelChunk[] = [
      { type: "text", text: "Hel" },
      { type: "text", text: "lo 😀" },
      { type: "tool-call", index: 0, id: "x", name: "look", args: '{"a"' },
      { type: "tool-call", index: 1, id: "y", name: "see", args: "{}" },
      { type: "tool-call", index: 0, args: ":1}" },
      { type: "usage", inputTokens: 3, outputTokens: 4 },
      { type: "finish", reason: "tool_calls" },
    ];
    const inner: Model = {
      id: "test:reply",
      async *call() {
        yield* chunks;
      },
    };
    await recordInto(file, inner, (model) => chunksOf(model));
    expect(await chunksOf(cassette(file)(noModel))).toEqual(chunks);
  });

  it("passes chunks on while it records, not at the end", async () => {
    let release = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const inner: Model = {
      id: "test:reply",
      async *call() {
        yield { type: "text", text: "first" };
        await gate;
        yield { type: "text", text: "second" };
      },
    };
    const tape = cassette(newFile(), { mode: "record" });
    const stream = tape(inner).call(ask("x"))[Symbol.asyncIterator]();
    expect((await stream.next()).value).toEqual({ type: "text", text: "first" });
    release();
    expect((await stream.next()).value).toEqual({ type: "text", text: "second" });
    await stream.next();
  });

  it("throws the recorded error again, with its code, facts and whether it may be retried", async () => {
    const file = newFile();
    const inner = replyModel(() => {
      throw new DagError("MODEL_RATE_LIMITED", "Slow down.", {
        retryable: true,
        facts: { retryAfterMs: 20 },
      });
    });
    await recordInto(file, inner, (model) => failureOf(model));
    const { error } = await failureOf(cassette(file)(noModel));
    expect(error).toMatchObject({
      code: "MODEL_RATE_LIMITED",
      message: "Slow down.",
      retryable: true,
      facts: { retryAfterMs: 20 },
    });
  });

  it("takes its recorded time divided by speed when asked, and none otherwise", async () => {
    const file = newFile();
    const text = await recordInto(file, replyModel(), (model) => say(model, "x"));
    // An hour: whoever waited for it would run into the timeout of this test.
    const slow = text.replace(/(stream: "?text:?\d*)@\d+/, "$1@3600000");
    expect(slow).not.toBe(text);
    writeFileSync(file, slow);
    expect(await say(cassette(file)(noModel), "x")).not.toBe("");
    const startedAt = performance.now();
    expect(await say(cassette(file, { speed: 120_000 })(noModel), "x")).not.toBe("");
    // A timer may come up to a millisecond early.
    expect(performance.now() - startedAt).toBeGreaterThan(28);
  });

  it("does not depend on the ids that a provider gives to tool calls", async () => {
    const file = newFile();
    const withId = (id: string): Partial<ModelRequest> => ({
      messages: [
        { role: "assistant", content: "", toolCalls: [{ id, name: "look", args: "{}" }] },
        { role: "tool", toolCallId: id, name: "look", content: "seen" },
      ],
    });
    await recordInto(
      file,
      replyModel(() => "done"),
      (model) => chunksOf(model, withId("call_1")),
    );
    expect(await say(cassette(file)(noModel), "", withId("call_2"))).toBe("done");
  });

  it("is aborted like any other", async () => {
    const file = newFile();
    await recordInto(file, replyModel(undefined, { delayMs: 60 }), (model) => say(model, "x"));
    const controller = new AbortController();
    const call = say(cassette(file, { speed: 0.01 })(noModel), "x", { signal: controller.signal });
    setTimeout(() => controller.abort(new Error("enough")), 5);
    await expect(call).rejects.toThrow("enough");
  });
});

describe("an aborted call", () => {
  it("is not recorded as complete, and never stands in for a reply", async () => {
    const file = newFile();
    const controller = new AbortController();
    const inner: Model = {
      id: "test:reply",
      async *call({ signal }) {
        yield { type: "text", text: "half" };
        setImmediate(() => controller.abort(new Error("stop")));
        await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      },
    };
    const text = await recordInto(file, inner, async (model) => {
      await say(model, "x", { signal: controller.signal }).catch(() => {});
    });
    expect(text).toContain("aborted: true");
    const again = new AbortController();
    const replayed = say(cassette(file)(noModel), "x", { signal: again.signal });
    setTimeout(() => again.abort(new Error("stop again")), 5);
    await expect(replayed).rejects.toThrow("stop again");
  });
});

describe("a miss", () => {
  // What would fail these tests at their end is what they are about.
  afterEach(() => void takeChecks(0));

  it("shows how the request differs from the nearest recorded one and how to record again", async () => {
    const file = newFile();
    await recordInto(file, replyModel(), async (model) => {
      await say(model, "Line one\nThe sky is blue\nLine three");
      await say(model, "Something else", { node: "other" });
    });
    const tape = cassette(file);
    const { error } = await failureOf(tape(noModel), ask("Line one\nThe sky is green\nLine three"));
    expect(error.message.replace(file, "FILE")).toMatchSnapshot();
    expect(error.retryable).toBe(false);
    expect(() => tape.assertComplete()).toThrow(expect.objectContaining({ code: "CASSETTE_MISSED" }));
  });

  it.each([
    ["temperature", { modelOptions: { temperature: 1 } }],
    ["schema", { schema: { type: "object" } }],
    ["tools", { tools: [{ name: "t", description: "", parameters: {} }] }],
    ["item", { item: 3 }],
    ["node", { node: "else" }],
  ] as const)("follows from another %s", async (_what, parts) => {
    const file = newFile();
    await recordInto(file, replyModel(), (model) => say(model, "x"));
    expect((await failureOf(cassette(file)(noModel), ask("x", parts))).error.code).toBe("CASSETTE_MISS");
  });

  it("follows from another model, and says which was recorded", async () => {
    const file = newFile();
    await recordInto(file, replyModel(), (model) => say(model, "x"));
    const { error } = await failureOf(cassette(file)({ ...noModel, id: "openai:other" }), ask("x"));
    expect(error.message).toContain("of the model test:reply; this one is asked of openai:other");
  });

  it("follows from asking once more than was recorded", async () => {
    const file = newFile();
    await recordInto(file, replyModel(), (model) => say(model, "x"));
    const model = cassette(file)(noModel);
    await say(model, "x");
    expect((await failureOf(model, ask("x"))).error.message).toContain(
      "recorded 1 time and is asked once more",
    );
  });
});

describe("the end of a replay", () => {
  it("fails when an entry was never asked for, and names it", async () => {
    const file = newFile();
    await recordInto(file, replyModel(), async (model) => {
      await say(model, "x");
      await say(model, "y", { node: "other", item: 2 });
    });
    const tape = cassette(file);
    await say(tape(noModel), "x");
    expect(() => tape.assertComplete()).toThrow("other[2], request 1");
  });
});

describe("the file", () => {
  it.each([
    ["truncated", (text: string) => text.slice(0, text.length / 2), "CASSETTE_CORRUPT"],
    ["not YAML", () => "a: [", "CASSETTE_CORRUPT"],
    ["something else", () => "hello: world\n", "CASSETTE_CORRUPT"],
    ["newer", (text: string) => text.replace("version: 1", "version: 2"), "CASSETTE_VERSION"],
  ])("is refused and left untouched when it is %s", async (_what, spoil, code) => {
    const file = newFile();
    const spoilt = spoil(await recordInto(file, replyModel(), (model) => say(model, "x".repeat(400))));
    writeFileSync(file, spoilt);
    for (const mode of ["replay", "auto"] as const) {
      expect(() => cassette(file, { mode })(noModel)).toThrow(expect.objectContaining({ code }));
    }
    expect(readFileSync(file, "utf8")).toBe(spoilt);
  });

  it("is asked for when there is none", () => {
    expect(() => cassette(newFile())(noModel)).toThrow("Record it once with a real model");
  });

  it("is the same whatever order the calls began and ended in", async () => {
    const texts = await Promise.all(
      [
        [0, 1, 2, 3],
        [3, 1, 2, 0],
      ].map((items) =>
        recordInto(newFile(), replyModel(undefined, { delayMs: () => Math.random() * 20 }), (model) =>
          Promise.all(items.map((item) => say(model, "x", { item, node: `n${item % 2}` }))),
        ),
      ),
    );
    const [first, second] = texts.map((text) => text.replace(/@\d+/g, "@0"));
    expect(second).toBe(first);
  });

  it("is whole after the recording process was killed", async () => {
    const file = newFile();
    const script = join(folder, "recorder.ts");
    const from = (path: string) => JSON.stringify(resolve("src", path));
    writeFileSync(
      script,
      `import { collectReply } from ${from("models/port.ts")};
import { cassette } from ${from("testing/cassette.ts")};
const inner = { id: "test:reply", async *call(r) { yield { type: "text", text: r.messages[0].content.repeat(200) }; } };
const model = cassette(${JSON.stringify(file)}, { mode: "record" })(inner);
const request = { tools: [], schema: null, modelOptions: {}, node: "n", item: null, invocation: null, turn: 0, attempt: 1 };
for (let i = 0; ; i++) {
  await collectReply(model.call({ ...request, messages: [{ role: "user", content: "call " + i }], signal: new AbortController().signal }));
  console.log(i);
}
`,
    );
    for (const round of [5, 12, 25]) {
      const child = spawn(process.execPath, [resolve("node_modules/jiti/lib/jiti-cli.mjs"), script]);
      let done = 0;
      await new Promise<void>((settle) => {
        child.stdout.on("data", (text) => {
          done = Number(String(text).trim().split("\n").at(-1));
          if (done >= round) child.kill("SIGKILL");
        });
        child.on("close", () => settle());
      });
      const replay = cassette(file)(noModel);
      for (let i = 0; i <= done; i++)
        expect(await say(replay, `call ${i}`, { node: "n" })).toContain(`call ${i}`);
      takeChecks(0);
    }
  });

  it("holds every call that has ended, at any moment, and never a broken state", async () => {
    const file = newFile();
    const tape = cassette(file, { mode: "record" });
    const model = tape(replyModel());
    for (let i = 0; i < 5; i++) {
      await say(model, `call ${i}`);
      const sofar = cassette(file);
      const replay = sofar(noModel);
      for (let j = 0; j <= i; j++) await say(replay, `call ${j}`);
      sofar.assertComplete();
    }
    tape.close();
    // Its own only: a recorder that was killed beside it may have left one.
    expect(readdirSync(folder).filter((name) => join(folder, name).startsWith(`${file}.`))).toEqual([]);
    expect(existsSync(`${file}.lock`)).toBe(false);
  });

  it("keeps keys, authorization headers and the user's redactions off the disk, and replays in spite of them", async () => {
    const file = newFile();
    const secrets = [
      "sk-proj-abcdefgh12345678",
      "Bearer abcdefghijklmnop",
      '{"api_key": "topsecretvalue"}',
      "https://user:passw0rd@host/x",
      "Patient 4711",
    ];
    const redact = [/Patient \d+/];
    const tape = cassette(file, { mode: "record", redact });
    const inner = replyModel((r) => `You said: ${r.messages.at(-1)?.content}`);
    for (const secret of secrets) await say(tape(inner), secret);
    tape.close();
    const text = readFileSync(file, "utf8");
    for (const gone of ["abcdefgh12345678", "abcdefghijklmnop", "topsecretvalue", "passw0rd", "4711"]) {
      expect(text).not.toContain(gone);
    }
    const replay = cassette(file, { redact });
    for (const secret of secrets) expect(await say(replay(noModel), secret)).toContain("[redacted]");
    replay.assertComplete();
  });

  it("belongs to one recorder at a time", async () => {
    const file = newFile();
    const [first, second] = [cassette(file, { mode: "record" }), cassette(file, { mode: "record" })];
    await say(first(replyModel()), "mine");
    const { error } = await failureOf(second(replyModel()), ask("yours"));
    expect(error.code).toBe("CASSETTE_IN_USE");
    expect(readFileSync(file, "utf8")).toContain("mine");
    first.close();
    await say(second(replyModel()), "yours");
    second.close();
  });

  it("is taken over from a process that is gone, not from one that lives", async () => {
    const file = newFile();
    writeFileSync(`${file}.lock`, String(process.ppid));
    expect((await failureOf(cassette(file, { mode: "record" })(replyModel()))).error.code).toBe(
      "CASSETTE_IN_USE",
    );
    writeFileSync(`${file}.lock`, "999999999");
    const tape = cassette(file, { mode: "record" });
    await say(tape(replyModel()), "x");
    tape.close();
    expect(existsSync(`${file}.lock`)).toBe(false);
  });
});

describe("auto mode", () => {
  it("replays what is recorded and records the rest", async () => {
    const file = newFile();
    await recordInto(
      file,
      replyModel(() => "old"),
      (model) => say(model, "x"),
    );
    const tape = cassette(file, { mode: "auto" });
    const model = tape(replyModel(() => "new"));
    expect([await say(model, "x"), await say(model, "y")]).toEqual(["old", "new"]);
    tape.assertComplete();
    const replay = cassette(file)(noModel);
    expect([await say(replay, "y"), await say(replay, "x")]).toEqual(["new", "old"]);
  });
});
