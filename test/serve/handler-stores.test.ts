import { describe, expect, it } from "@jest/globals";
import { MemorySaver } from "@langchain/langgraph";
import { waitingThreads } from "../../graphs/thread.js";
import { foldEvents } from "../../src/records/record.js";
import { resume, run } from "../../src/run/run.js";
import { createHandler } from "../../src/serve/handler.js";
import { defineDag } from "../../src/spec/define.js";
import { messages } from "../../src/spec/messages.js";
import type { DagSpec } from "../../src/spec/shape.js";
import { ada, handlerOf, handlers, held, jsonOf, letter, slow } from "../support/served-graphs.js";
import { allMessages, gate, get, messagesOf, post } from "./client.js";

/** Waits for a person and for `slow` at once. */
const both = defineDag({
  name: "both",
  nodes: { ...letter.nodes, ...slow.nodes },
});

describe("a store", () => {
  it("lets another service, and another process, answer", async () => {
    const checkpointer = new MemorySaver();
    const first = handlerOf({ checkpointer });
    const second = handlerOf({ checkpointer });
    const ids = [];
    for (const thread of ["a", "b"]) {
      ids.push((await jsonOf(await first(post("/runs", { dag: "letter", input: "x", thread })))).id);
    }
    expect(await jsonOf(await second(post(`/runs/${ids[0]}/answer`, true)))).toMatchObject({
      output: "sent",
    });
    await resume(letter, { checkpointer, thread: "b", answer: false });
    for (const [at, state] of ["completed", "rejected"].entries()) {
      expect((await jsonOf(await first(get(`/runs/${ids[at]}`)))).state).toBe(state);
    }
    expect(await jsonOf(await first(get("/runs?state=interrupted")))).toEqual([]);
    expect((await first(post(`/runs/${ids[1]}/answer`, true))).status).toBe(409);
  });

  it("lets another service follow a run to its end, which can do nothing else about it", async () => {
    const checkpointer = new MemorySaver();
    const first = handlerOf({ checkpointer });
    const second = handlerOf({ checkpointer });
    const async = { prefer: "respond-async" };
    const { id } = await jsonOf(await first(post("/runs", { dag: "slow", input: "x", thread: "t" }, async)));
    const following = allMessages(await second(get(`/runs/${id}/events`)));
    expect((await jsonOf(await second(get(`/runs/${id}`)))).state).toBe("running");
    const changing = [
      second(post("/runs", { dag: "slow", input: "x", thread: "t" })),
      second(post(`/runs/${id}/answer`, true)),
      second(new Request(`http://localhost/runs/${id}`, { method: "DELETE" })),
    ];
    for (const response of await Promise.all(changing)) {
      expect(response.status).toBe(409);
      expect((await jsonOf(response)).code).toBe("THREAD_BUSY");
    }
    held.open();
    const messages = await following;
    expect(messages.filter(({ event }) => event.type === "node-settled")).toHaveLength(2);
    expect(messages.at(-1)?.event).toMatchObject({ type: "run-ended", state: "completed", output: 2 });
    expect(foldEvents(messages.map(({ event }) => event))).toMatchObject({ id, state: "completed" });
    // Numbers of one service's telling are told of by the other from the start, and not as numbers that do not exist.
    const seen = String(messages.at(-1)?.id);
    expect((await second(get(`/runs/${id}/events`, { "last-event-id": seen }))).status).toBe(204);
    const again = await allMessages(await first(get(`/runs/${id}/events`, { "last-event-id": seen })));
    expect(again.at(-1)?.event.type).toBe("run-ended");
    const never = String(Number.MAX_SAFE_INTEGER);
    expect((await second(get(`/runs/${id}/events`, { "last-event-id": never }))).status).toBe(400);
  });

  it("tells who waits for a run's next part what another service does with it", async () => {
    const checkpointer = new MemorySaver();
    const first = handlerOf({ checkpointer });
    const second = handlerOf({ checkpointer });
    const asked = post("/runs", { dag: "letter", input: "x", stream: true });
    const { event, id: last } = (await allMessages(await first(asked))).at(-1) ?? { event: null, id: 0 };
    expect(event).toMatchObject({ type: "run-ended", state: "interrupted" });
    const [{ id }] = await jsonOf(await first(get("/runs?state=interrupted")));
    const rest = allMessages(await first(get(`/runs/${id}/events`, { "last-event-id": String(last) })));
    await second(post(`/runs/${id}/answer`, true));
    const messages = await rest;
    expect(messages[0]?.id).toBe(last + 1);
    expect(messages.map((one) => one.event.type)).toContain("question-answered");
    expect(messages.at(-1)?.event).toMatchObject({ type: "run-ended", output: "sent" });
  });

  it("shows runs that others started, and lists those that wait when a service first uses it", async () => {
    const checkpointer = new MemorySaver();
    const record = await run(letter, "x" as never, { checkpointer, thread: "by hand" });
    const handler = handlerOf({ checkpointer });
    expect(await jsonOf(await handler(get("/runs?state=interrupted")))).toMatchObject([{ id: record.id }]);
    expect((await jsonOf(await handler(get("/runs/by%20hand")))).id).toBe(record.id);
    expect((await jsonOf(await handler(post(`/runs/${record.id}/answer`, true)))).state).toBe("completed");
  });

  it("has runs go on that a service was closed over, without telling their end before", async () => {
    const checkpointer = new MemorySaver();
    const first = handlerOf({ checkpointer });
    const stream = await first(post("/runs", { dag: "slow", input: "x", stream: true }));
    const seen = [];
    for await (const message of messagesOf(stream)) {
      seen.push(message);
      if (message.event.type === "node-progress") void first.close({ drainMs: 0 });
    }
    expect(seen.at(-1)?.event.type).toBe("node-progress");
    expect((await first(post("/runs", ada))).status).toBe(503);
    await first.close({ drainMs: 0 });
    held.open();
    const second = handlerOf({ checkpointer });
    await second.ready;
    const [{ event: began } = { event: { type: "" } }] = seen;
    const id = "id" in began ? began.id : "";
    const last = String(seen.at(-1)?.id);
    const rest = await allMessages(await second(get(`/runs/${id}/events`, { "last-event-id": last })));
    expect(rest.every((message) => message.id > Number(last))).toBe(true);
    expect(rest.some(({ event }) => event.type === "node-settled" && event.replayed)).toBe(true);
    expect(foldEvents(rest.map(({ event }) => event))).toMatchObject({ id, state: "completed", output: 2 });
  });

  it("that is full costs no run its answer, refuses new ones, and hears of the ends when it has room again", async () => {
    let isFull = false;
    const checkpointer = new (class extends MemorySaver {
      override put(...args: Parameters<MemorySaver["put"]>): ReturnType<MemorySaver["put"]> {
        if (isFull) throw Object.assign(new Error("database or disk is full"), { code: "SQLITE_FULL" });
        return super.put(...args);
      }
    })();
    const notices: string[] = [];
    const service = handlerOf({ checkpointer, onNotice: (message) => notices.push(message) });
    const stream = messagesOf(await service(post("/runs", { dag: "slow", input: "x", stream: true })));
    const seen: string[] = [];
    for await (const { event } of stream) {
      seen.push(event.type === "run-ended" ? `${event.state} ${String(event.output)}` : event.type);
      if (event.type !== "node-progress") continue;
      isFull = true;
      held.open();
    }
    expect(seen.at(-1)).toBe("completed 2");
    expect(notices).toEqual([
      expect.stringMatching(/cannot be entered as completed: The store failed: there is no room/),
    ]);
    const refused = await service(post("/runs", ada));
    expect(refused.status).toBe(503);
    expect(await jsonOf(refused)).toMatchObject({ code: "STORE_FAILED", retryable: true });
    isFull = false;
    expect((await service(post("/runs", ada))).status).toBe(200);
    // What the next service finds.
    const states = async () =>
      (await jsonOf(await handlerOf({ checkpointer, takeUp: false })(get("/runs")))).map(
        ({ dag, state }: { dag: string; state: string }) => `${dag} ${state}`,
      );
    expect(await states()).toEqual(["greet completed", "slow completed"]);
  });
});

describe("a run that was cancelled", () => {
  const remove = (id: string) => new Request(`http://localhost/runs/${id}`, { method: "DELETE" });
  const cases = [
    ["while it waited", "letter"],
    ["under way", "slow"],
    ["under way, while a part of it waited", "both"],
  ] as const;

  it.each(cases)("is over for good, whoever asks: %s", async (_, dag) => {
    const checkpointer = new MemorySaver();
    const specs = { letter, slow, both };
    const serving = () => {
      const handler = createHandler(specs, { checkpointer });
      handlers.push(handler);
      return handler;
    };
    const first = serving();
    const body = { dag, input: "x", thread: "t", stream: dag !== "letter" };
    const begun = await first(post("/runs", body));
    if (body.stream) {
      for await (const { event } of messagesOf(begun)) if (event.type === "node-progress") break;
    }
    const cancelled = await jsonOf(await first(remove("t")));
    expect(cancelled).toMatchObject({ state: "cancelled", interrupts: [], error: { code: "ABORTED" } });
    const last = (await allMessages(await first(get("/runs/t/events")))).at(-1)?.event;
    expect(last).toMatchObject({ type: "run-ended", state: "cancelled", interrupts: [] });

    expect(await waitingThreads(checkpointer)).toEqual([]);
    const spec: DagSpec = specs[dag];
    held.open();
    const again = await resume(spec, { checkpointer, thread: "t" });
    expect(again).toMatchObject({ id: cancelled.id, state: "cancelled", error: cancelled.error });
    expect(again.outcomes.send?.state ?? again.outcomes.second?.state).toBe("cancelled");
    const answered = resume(spec, { checkpointer, thread: "t", answer: true });
    await expect(answered).rejects.toMatchObject({ code: "ANSWER_INVALID" });
    for (const handler of [first, serving()]) {
      const { stream: _stream, ...same } = body;
      expect(await jsonOf(await handler(post("/runs", same)))).toMatchObject({ state: "cancelled" });
      expect(await jsonOf(await handler(get("/runs?state=interrupted")))).toEqual([]);
    }
    // What it had finished can be taken over, deliberately.
    const rest = await run(spec, "x", {
      checkpointer,
      thread: "other",
      reuse: { checkpointer, thread: "t" },
    });
    const [begins = ""] = Object.keys(spec.nodes);
    expect(rest.outcomes[begins]).toMatchObject({ reused: true });
  });

  it("stays so when its service is closed before its work heeds the signal, and without a store", async () => {
    const deaf = gate();
    const dag = defineDag({
      name: "deaf",
      nodes: {
        a: {
          run: async ({ progress }) => {
            progress("begun");
            await deaf.passed;
            return 1;
          },
        },
        b: { needs: ["a"], run: () => 1 },
      },
    });
    for (const checkpointer of [new MemorySaver(), undefined]) {
      const handler = createHandler(dag, checkpointer && { checkpointer });
      handlers.push(handler);
      const body = { input: "x", thread: "t" };
      const events = messagesOf(await handler(post("/runs", { ...body, stream: true })));
      for await (const { event } of events) if (event.type === "node-progress") break;
      const gone = handler(remove("t"));
      if (checkpointer === undefined) {
        expect(await jsonOf(await gone)).toMatchObject({ state: "cancelled" });
        expect(await jsonOf(await handler(post("/runs", body)))).toMatchObject({ state: "cancelled" });
        continue;
      }
      await handler.close({ drainMs: 0 });
      await gone;
      expect((await resume(dag, { checkpointer, thread: "t" })).state).toBe("cancelled");
    }
    deaf.open();
  });

  it("lets a conversation go on with its next turn", async () => {
    const chat = defineDag({
      name: "chat",
      input: messages(),
      nodes: { answer: { approve: { message: "Well?" } } },
    });
    const handler = createHandler(chat, { checkpointer: new MemorySaver() });
    handlers.push(handler);
    const said = [{ role: "user", content: "One" }];
    expect(await jsonOf(await handler(post("/runs", { input: said, thread: "t" })))).toMatchObject({
      state: "interrupted",
    });
    await handler(remove("t"));
    const more = [...said, { role: "user", content: "Two" }];
    const next = await jsonOf(await handler(post("/runs", { input: more, thread: "t" })));
    expect(next).toMatchObject({ state: "interrupted", input: more });
  });
});
