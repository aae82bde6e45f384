import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { EventSchemas } from "@ag-ui/core/schemas";
import { describe, expect, it } from "@jest/globals";
import { MemorySaver } from "@langchain/langgraph";
import { Hono } from "hono";
import { besidePage } from "../../src/page/text.js";
import { foldEvents } from "../../src/records/record.js";
import { createHandler, type DagHandler } from "../../src/serve/handler.js";
import { nodeListener } from "../../src/serve/node-listener.js";
import { defineDag } from "../../src/spec/define.js";
import { abortedBy, ada, handlerOf, handlers, held, jsonOf, made } from "../support/served-graphs.js";
import { allMessages, get, messagesOf, post } from "./client.js";

describe("a run", () => {
  it("is started and gives its record, which stays to be had by id and by thread", async () => {
    const handler = handlerOf();
    const response = await handler(post("/runs", { ...ada, thread: "order 7" }));
    const record = await jsonOf(response);
    expect([response.status, record.state, record.output]).toEqual([200, "completed", "Hello Ada!"]);
    expect(response.headers.get("location")).toBe(`runs/${record.id}`);
    expect(await jsonOf(await handler(get(`/runs/${record.id}`)))).toEqual(record);
    expect(await jsonOf(await handler(get("/runs/order%207")))).toEqual(record);
  });

  it("streams numbered events that fold to its record", async () => {
    const handler = handlerOf();
    const response = await handler(post("/runs", { ...ada, stream: true }));
    expect(response.headers.get("content-type")).toMatch(/^text\/event-stream/);
    const messages = await allMessages(response);
    expect(messages.map(({ id }) => id)).toEqual(messages.map((_, at) => at + 1));
    expect(messages.every(({ id, event }) => id === event.seq)).toBe(true);
    const record = foldEvents(messages.map(({ event }) => event));
    expect(record.output).toBe("Hello Ada!");
    expect(await jsonOf(await handler(get(`/runs/${record.id}`)))).toEqual(
      JSON.parse(JSON.stringify(record)),
    );
  });

  it("streams in the forms of the AI SDK and of AG-UI", async () => {
    const handler = handlerOf();
    const ui = await handler(post("/runs?format=ui-message", ada));
    expect(ui.headers.get("x-vercel-ai-ui-message-stream")).toBe("v1");
    expect(await ui.text()).toMatch(
      /^data: {"type":"start"[\s\S]*"delta":"Hello Ada!"[\s\S]*data: \[DONE\]\n\n$/,
    );
    const { id } = await jsonOf(await handler(post("/runs", ada)));
    const agUi = await handler(get(`/runs/${id}/events?format=ag-ui`));
    expect(await agUi.text()).toMatch(/^data: {"type":"RUN_STARTED"[\s\S]*"RUN_FINISHED"[^\n]*\n\n$/);
    expect((await handler(post("/runs?format=odd", ada))).status).toBe(400);
  });

  it("is followed from any event on, while it happens and afterwards", async () => {
    const handler = handlerOf();
    const first = await handler(post("/runs", { dag: "slow", input: "x", stream: true }));
    const seen: number[] = [];
    let id = "";
    for await (const message of messagesOf(first)) {
      seen.push(message.id);
      if (message.event.type === "run-started") id = message.event.id;
      if (message.event.type === "node-progress") break;
    }
    expect((await jsonOf(await handler(get(`/runs/${id}`)))).state).toBe("running");
    const second = await handler(get(`/runs/${id}/events`, { "last-event-id": String(seen.at(-1)) }));
    held.open();
    const rest = await allMessages(second);
    const all = await allMessages(await handler(get(`/runs/${id}/events`)));
    expect([...seen, ...rest.map((message) => message.id)]).toEqual(all.map((message) => message.id));
    expect(all.at(-1)?.event.type).toBe("run-ended");
    const done = await handler(get(`/runs/${id}/events`, { "last-event-id": String(all.at(-1)?.id) }));
    expect(done.status).toBe(204);
  });

  it("can be started without waiting for it", async () => {
    const handler = handlerOf();
    const response = await handler(post("/runs", { dag: "slow", input: "x" }, { prefer: "respond-async" }));
    const { id, state } = await jsonOf(response);
    expect([response.status, state]).toEqual([202, "running"]);
    held.open();
    await allMessages(await handler(get(`/runs/${id}/events`)));
    expect((await jsonOf(await handler(get(`/runs/${id}`)))).state).toBe("completed");
  });

  it("is cancelled by DELETE, and by the disconnection of a client that owns it only", async () => {
    const handler = handlerOf();
    const start = async (more: object) => {
      const response = await handler(post("/runs", { dag: "slow", input: "x", stream: true, ...more }));
      for await (const { event } of messagesOf(response)) if (event.type === "run-started") return event.id;
      throw new Error("not started");
    };
    const left = await start({});
    const owned = await start({ cancelOnDisconnect: true });
    const ended = await allMessages(await handler(get(`/runs/${owned}/events`)));
    expect(ended.at(-1)?.event).toMatchObject({ type: "run-ended", state: "cancelled" });
    expect((await jsonOf(await handler(get(`/runs/${left}`)))).state).toBe("running");
    const deleted = await handler(new Request(`http://localhost/runs/${left}`, { method: "DELETE" }));
    expect([deleted.status, (await jsonOf(deleted)).state]).toEqual([200, "cancelled"]);
    expect(String(abortedBy)).toContain("cancelled");
  });

  it("gets the context that its own request makes", async () => {
    const tenant = defineDag({
      name: "tenant",
      nodes: { who: { run: ({ context }) => `for ${(context as { tenant: string }).tenant}` } },
    });
    const handler = createHandler(tenant, {
      context: (request: Request | null) => ({ tenant: request?.headers.get("x-tenant") }),
    });
    handlers.push(handler);
    const outputs = await Promise.all(
      ["a", "b"].map(async (name) => {
        const response = await handler(post("/runs", { input: "x" }, { "x-tenant": name }));
        return (await jsonOf(response)).output;
      }),
    );
    expect(outputs).toEqual(["for a", "for b"]);
  });
});

describe("a thread", () => {
  it("is not run twice for the same input, and holds no other", async () => {
    const handler = handlerOf({ checkpointer: new MemorySaver() });
    const first = await jsonOf(await handler(post("/runs", { ...ada, thread: "t" })));
    const before = made;
    const again = await jsonOf(await handler(post("/runs", { ...ada, thread: "t" })));
    expect([again.id, again.output, made]).toEqual([first.id, first.output, before]);
    const other = await handler(post("/runs", { dag: "greet", input: { name: "Bob" }, thread: "t" }));
    expect([other.status, (await jsonOf(other)).code]).toEqual([409, "CHECKPOINT_MISMATCH"]);
    expect((await jsonOf(await handler(get(`/runs/${first.id}`)))).output).toBe("Hello Ada!");
  });

  it("is busy while its run is under way", async () => {
    const handler = handlerOf();
    const body = { dag: "slow", input: "x", thread: "t" };
    await handler(post("/runs", body, { prefer: "respond-async" }));
    const second = await handler(post("/runs", body));
    expect([second.status, (await jsonOf(second)).code]).toEqual([409, "THREAD_BUSY"]);
  });
});

describe.each(["in memory", "in a store"])("a question, kept %s", (where) => {
  const options = () => (where === "in a store" ? { checkpointer: new MemorySaver() } : {});

  it("is listed, answered, and the stream goes on after it", async () => {
    const handler = handlerOf(options());
    const { id, state, interrupts } = await jsonOf(
      await handler(post("/runs", { dag: "letter", input: "x" })),
    );
    expect([state, interrupts[0].node]).toEqual(["interrupted", "check"]);
    const list = await jsonOf(await handler(get("/runs?state=interrupted")));
    expect(list).toMatchObject([{ id, dag: "letter", interrupts: [{ message: "May it go out?" }] }]);
    const before = await allMessages(await handler(get(`/runs/${id}/events`)));
    const last = String(before.at(-1)?.id);
    const waiting = await handler(get(`/runs/${id}/events`, { "last-event-id": last }));
    const answered = await handler(post(`/runs/${id}/answer`, { answer: { approve: true, by: "ada" } }));
    expect(await jsonOf(answered)).toMatchObject({ id, state: "completed", output: "sent" });
    const rest = await allMessages(waiting);
    expect(rest.map((message) => message.id)).toEqual(rest.map((_, at) => Number(last) + at + 1));
    expect(rest.some(({ event }) => event.replayed === true)).toBe(false);
    expect(foldEvents([...before, ...rest].map(({ event }) => event))).toMatchObject({ output: "sent" });
    expect(await jsonOf(await handler(get("/runs?state=interrupted")))).toEqual([]);
    const again = await handler(post(`/runs/${id}/answer`, true));
    expect([again.status, (await jsonOf(again)).code]).toEqual([409, "ANSWER_INVALID"]);
  });

  it("takes the bare answer, refuses what is none, and streams what follows", async () => {
    const handler = handlerOf(options());
    const { id } = await jsonOf(await handler(post("/runs", { dag: "letter", input: "x" })));
    const wrong = await handler(post(`/runs/${id}/answer`, { answer: "perhaps" }));
    expect([wrong.status, (await jsonOf(wrong)).code]).toEqual([422, "ANSWER_INVALID"]);
    expect((await jsonOf(await handler(get(`/runs/${id}`)))).state).toBe("interrupted");
    const stream = await handler(
      post(`/runs/${id}/answer`, { check: true }, { accept: "text/event-stream" }),
    );
    expect((await allMessages(stream)).at(-1)?.event).toMatchObject({ state: "completed", output: "sent" });
  });

  it.each(["ui-message", "ag-ui"])(
    "is answered in a stream that says which run it is of, and how it stood: %s",
    async (format) => {
      const handler = handlerOf(options());
      const chunksOf = async (response: Response): Promise<any[]> => {
        const lines = (await response.text()).split("\n").filter((line) => /^data: \{/.test(line));
        return lines.map((line) => JSON.parse(line.slice(6)));
      };
      const query = `?format=${format}`;
      const asked = await chunksOf(await handler(post(`/runs${query}`, { dag: "letter", input: "x" })));
      const id = asked[0].messageId ?? asked[0].runId;
      const told = await allMessages(await handler(get(`/runs/${id}/events`)));
      const answered = await chunksOf(await handler(post(`/runs/${id}/answer${query}`, { answer: true })));
      const later = await handler(get(`/runs/${id}/events${query}&after=${told.at(-1)?.id}`));
      for (const chunks of [answered, await chunksOf(later)]) {
        expect(chunks[0]).toEqual(asked[0]);
        if (format === "ag-ui") {
          for (const chunk of chunks) expect(EventSchemas.safeParse(chunk).error).toBeUndefined();
          expect(chunks.at(-1)).toMatchObject({ type: "RUN_FINISHED", runId: id, result: "sent" });
          continue;
        }
        const request = asked.find(({ type }) => type === "tool-approval-request");
        const output = chunks.find(({ type }) => type === "tool-output-available");
        expect(output.toolCallId).toBe(request.toolCallId);
        expect(chunks.at(-1).messageMetadata).toEqual({ run: id, state: "completed" });
      }
      expect(JSON.stringify(answered)).toContain("draft");
    },
  );

  it("is withdrawn by DELETE", async () => {
    const handler = handlerOf(options());
    const { id } = await jsonOf(await handler(post("/runs", { dag: "letter", input: "x" })));
    const remove = () => handler(new Request(`http://localhost/runs/${id}`, { method: "DELETE" }));
    expect((await jsonOf(await remove())).state).toBe("cancelled");
    expect((await jsonOf(await remove())).state).toBe("cancelled");
    expect(await jsonOf(await handler(get("/runs?state=interrupted")))).toEqual([]);
    expect((await handler(post(`/runs/${id}/answer`, true))).status).toBe(409);
  });
});

describe("who may", () => {
  it("shows the token, or the cookie that signing in sets", async () => {
    const handler = handlerOf({ token: "s3cret" });
    expect((await handler(get("/runs"))).status).toBe(401);
    expect((await handler(get("/runs", { authorization: "Bearer s3cre" }))).status).toBe(401);
    expect((await handler(get("/runs", { authorization: "Bearer s3cret" }))).status).toBe(200);
    expect((await handler(get("/health"))).status).toBe(200);
    const signedIn = await handler(get("/?token=s3cret"));
    expect([signedIn.status, signedIn.headers.get("location")]).toEqual([303, "./"]);
    // Seen from the page itself, wherever it hangs; nothing in the path leads to another host.
    const elsewhere = await handler(get("http://localhost//evil.test/?token=s3cret&a=b"));
    expect(elsewhere.headers.get("location")).toBe("./?a=b");
    const cookie = String(signedIn.headers.get("set-cookie")).split(";")[0] ?? "";
    expect((await handler(get("/runs", { cookie }))).status).toBe(200);
    expect((await handler(get("/?token=wrong"))).status).toBe(401);
  });

  it("addresses a name of the service, where names are given", async () => {
    const handler = handlerOf({ hosts: ["localhost"] });
    expect((await handler(get("/runs"))).status).toBe(200);
    expect((await handler(new Request("http://evil.test/runs"))).status).toBe(403);
  });

  it("may be a page of another origin only where that is listed", async () => {
    const asked = () =>
      new Request("http://localhost/runs", {
        method: "OPTIONS",
        headers: { origin: "http://app.test", "access-control-request-method": "POST" },
      });
    expect((await handlerOf()(asked())).headers.get("access-control-allow-origin")).toBeNull();
    const handler = handlerOf({ cors: ["http://app.test"] });
    const allowed = await handler(asked());
    expect([allowed.status, allowed.headers.get("access-control-allow-origin")]).toEqual([
      204,
      "http://app.test",
    ]);
    const response = await handler(post("/runs", ada, { origin: "http://app.test" }));
    expect([response.status, response.headers.get("access-control-allow-origin")]).toEqual([
      200,
      "http://app.test",
    ]);
  });
});

it("tells whether it lives and takes runs", async () => {
  const handler = handlerOf({ checkpointer: new MemorySaver() });
  expect([(await handler(get("/health"))).status, (await handler(get("/ready"))).status]).toEqual([200, 200]);
  await handler.close({ drainMs: 0 });
  expect([(await handler(get("/health"))).status, (await handler(get("/ready"))).status]).toEqual([200, 503]);
});

it("hangs under a path, and in Hono", async () => {
  const based = handlerOf({ basePath: "/api/dags/" });
  expect((await based(post("/api/dags/runs", ada))).headers.get("location")).toMatch(/^\/api\/dags\/runs\//);
  const placed = handlerOf({ basePath: "/" });
  expect((await placed(post("/runs", ada))).headers.get("location")).toMatch(/^\/runs\/[\w-]+$/);
  const elsewhere = await based(post("/runs", ada));
  expect([elsewhere.status, (await jsonOf(elsewhere)).detail]).toEqual([
    404,
    expect.stringMatching(/Runs are at \/api\/dags\/runs\.$/),
  ]);
  const app = new Hono().mount("/dags", handlerOf());
  const record = await jsonOf(await app.fetch(post("/dags/runs", ada)));
  expect(record.output).toBe("Hello Ada!");
});

/** A server of Node's that takes away a path before it hands requests on, as Express does. */
async function underPath(path: string, handler: DagHandler) {
  const listener = nodeListener(handler);
  const server = createServer((incoming, outgoing) => {
    incoming.url = (incoming.url ?? "").slice(path.length);
    listener(incoming, outgoing);
  });
  await new Promise<void>((done) => void server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  const close = async () => {
    await new Promise((done) => void server.close(done).closeAllConnections());
  };
  return { base: `http://127.0.0.1:${port}${path}`, fetch: globalThis.fetch, close };
}

it.each([
  ["at the root", async () => ({ base: "http://localhost", fetch: handlerOf(), close() {} })],
  [
    "at a root that is known to be one",
    async () => ({ base: "http://localhost", fetch: handlerOf({ basePath: "/" }), close() {} }),
  ],
  [
    "under a base path",
    async () => ({
      base: "http://localhost/api/dags",
      fetch: handlerOf({ basePath: "/api/dags" }),
      close() {},
    }),
  ],
  [
    "mounted twice in Hono",
    async () => {
      const app = new Hono().route("/api", new Hono().mount("/dags", handlerOf()));
      return { base: "http://localhost/api/dags", fetch: async (it: Request) => app.fetch(it), close() {} };
    },
  ],
  ["behind a server that takes its path away", () => underPath("/api/dags", handlerOf())],
])("tells a run's place so that its client finds it: %s", async (_, serving) => {
  const { base, fetch, close } = await serving();
  const asked = async (path: string, body: unknown, headers = {}) => {
    const url = new URL(path, base);
    const { method, headers: sent } = post("/", body, headers);
    const response = await fetch(new Request(url, { method, headers: sent, body: JSON.stringify(body) }));
    const place = new URL(response.headers.get("location") ?? "", url);
    await response.text();
    return place;
  };
  const letter = { dag: "letter", input: "x" };
  for (const headers of [{}, { accept: "text/event-stream" }, { prefer: "respond-async" }]) {
    const place = await asked(`${base}/runs?format=events`, letter, headers);
    expect(place.href).toMatch(`${base}/runs/`);
    expect((await fetch(new Request(place))).status).toBe(200);
    for (let state = ""; state !== "interrupted"; )
      state = (await jsonOf(await fetch(new Request(place)))).state;
    expect(String(await asked(`${place}/answer`, true, headers))).toBe(String(place));
  }
  await close();
});

it("shares one limiter among all runs", async () => {
  let most = 0;
  let now = 0;
  const dag = defineDag({ name: "asks", nodes: { a: { instructions: "A." }, b: { instructions: "B." } } });
  const handler = createHandler(dag, {
    limits: { maxConcurrency: 2 },
    model: {
      id: "test:counted",
      async *call() {
        most = Math.max(most, ++now);
        await new Promise((resolve) => setTimeout(resolve, 5));
        now--;
        yield { type: "text", text: "done" };
        yield { type: "finish", reason: "stop" };
      },
    },
  });
  handlers.push(handler);
  await Promise.all(Array.from({ length: 5 }, () => handler(post("/runs", { input: "x" }))));
  expect(most).toBe(2);
});

it("shows its pages at paths without a slash at the end, where a server takes it away, and under base paths of any name", async () => {
  for (const basePath of ["/api/dags", "/events"]) {
    const handler = handlerOf({ basePath });
    const { id } = await jsonOf(await handler(post(`${basePath}/runs`, { dag: "letter", input: "x" })));
    for (const path of ["", "/", `/pages/${id}`, `/pages/${id}/`]) {
      const { pathname, href } = new URL(basePath + path, "http://localhost");
      const page = await handler(get(pathname));
      expect([pathname, page.status, (await page.text()).includes("letter")]).toEqual([pathname, 200, true]);
      for (const [name, type] of [
        ["events", "text/event-stream"],
        ["report.html", "text/html"],
      ] as const) {
        const beside = await handler(get(new URL(besidePage(pathname, name), href).pathname));
        expect([beside.status, beside.headers.get("content-type")]).toEqual([
          200,
          expect.stringContaining(type),
        ]);
        await beside.body?.cancel();
      }
    }
  }
});

it("shows the newest run at the root, and each under its own path", async () => {
  const handler = handlerOf();
  const { id } = await jsonOf(await handler(post("/runs", { dag: "letter", input: "x" })));
  for (const path of ["/", `/pages/${id}/`]) {
    const page = await handler(get(path));
    expect([page.status, (await page.text()).includes("letter")]).toEqual([200, true]);
  }
  expect((await handler(post(`/pages/${id}/answer`, { check: { approve: true } }))).status).toBe(202);
  await allMessages(await handler(get(`/runs/${id}/events`)));
  expect((await jsonOf(await handler(get(`/runs/${id}`)))).state).toBe("completed");
});
