import { describe, expect, it } from "@jest/globals";
import { MemorySaver } from "@langchain/langgraph";
import { foldEvents } from "../../src/records/record.js";
import { resume, run } from "../../src/run/run.js";
import { ada, handlerOf, held, jsonOf, letter } from "../support/served-graphs.js";
import { allMessages, get, messagesOf, post } from "./client.js";

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
