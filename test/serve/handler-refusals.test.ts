import { describe, expect, it } from "@jest/globals";
import { MemorySaver } from "@langchain/langgraph";
import { createHandler } from "../../src/serve/handler.js";
import { defineDag } from "../../src/spec/define.js";
import { ada, handlerOf, held, jsonOf } from "../support/served-graphs.js";
import { allMessages, get, post } from "./client.js";

describe("what is wrong", () => {
  const cases: readonly [string, Request, number, string][] = [
    ["path", get("/nothing"), 404, "PATH_UNKNOWN"],
    ["encoding of the path", get("/runs/%ff"), 404, "PATH_UNKNOWN"],
    ["name from every object", get("/constructor"), 404, "PATH_UNKNOWN"],
    ["method", new Request("http://localhost/runs", { method: "PUT", body: "{}" }), 405, "REQUEST_METHOD"],
    [
      "content type",
      new Request("http://localhost/runs", { method: "POST", body: "{}" }),
      415,
      "REQUEST_TYPE",
    ],
    ["JSON", new Request("http://localhost/runs", { ...json(), body: "{" }), 400, "REQUEST_INVALID"],
    ["no body", new Request("http://localhost/runs", json()), 400, "REQUEST_INVALID"],
    [
      "encoding",
      new Request("http://localhost/runs", { ...json(), body: new Uint8Array([34, 255, 34]) }),
      400,
      "REQUEST_INVALID",
    ],
    [
      "depth",
      new Request("http://localhost/runs", {
        ...json(),
        body: `{"dag":"letter","input":${"[".repeat(200_000)}${"]".repeat(200_000)}}`,
      }),
      422,
      "INPUT_INVALID",
    ],
    ["form", post("/runs", [1]), 400, "REQUEST_INVALID"],
    ["field", post("/runs", { ...ada, model: "offline" }), 400, "REQUEST_INVALID"],
    ["type of a field", post("/runs", { ...ada, stream: "yes" }), 400, "REQUEST_INVALID"],
    ["thread", post("/runs", { ...ada, thread: "$runs" }), 400, "REQUEST_INVALID"],
    ["thread of every object", post("/runs", { ...ada, thread: "__proto__" }), 400, "REQUEST_INVALID"],
    ["size", post("/runs", { ...ada, input: { name: "x".repeat(2000) } }), 413, "REQUEST_TOO_LARGE"],
    ["graph", post("/runs", { dag: "great", input: {} }), 404, "DAG_UNKNOWN"],
    ["no graph", post("/runs", { input: {} }), 400, "REQUEST_INVALID"],
    ["input", post("/runs", { dag: "greet", input: { name: "" } }), 422, "INPUT_INVALID"],
    ["input of a stream", post("/runs", { dag: "greet", input: 1, stream: true }), 422, "INPUT_INVALID"],
    ["run", get("/runs/none"), 404, "RUN_UNKNOWN"],
    ["run to answer", post("/runs/none/answer", true), 404, "RUN_UNKNOWN"],
    ["state", get("/runs?state=odd"), 400, "REQUEST_INVALID"],
    ["limit", get("/runs?limit=-1"), 400, "REQUEST_INVALID"],
    ["limit of nothing", get("/runs?limit=0"), 400, "REQUEST_INVALID"],
    ["id to list from", get("/runs?before=constructor"), 400, "REQUEST_INVALID"],
    [
      "character set",
      post("/runs", ada, { "content-type": "application/json; charset=latin1" }),
      415,
      "REQUEST_TYPE",
    ],
    ["packing", post("/runs", ada, { "content-encoding": "gzip" }), 415, "REQUEST_TYPE"],
    ["answer on a page", post("/answer", [1]), 400, "REQUEST_INVALID"],
    ["run of an answer on a page", post("/answer?run=none", {}), 404, "RUN_UNKNOWN"],
    [
      "size of an answer on a page",
      post("/pages/none/answer", { a: "x".repeat(2000) }),
      413,
      "REQUEST_TOO_LARGE",
    ],
    ["parameter of the list", get("/runs?status=failed"), 400, "REQUEST_INVALID"],
    ["parameter of a start", post("/runs?stream=true", ada), 400, "REQUEST_INVALID"],
    ["parameter of a run", get("/runs/none?format=events"), 400, "REQUEST_INVALID"],
    ["page of another", post("/runs", ada, { origin: "http://evil.test" }), 403, "REQUEST_FORBIDDEN"],
  ];
  function json() {
    return { method: "POST", headers: { "content-type": "application/json" } };
  }

  it.each(cases)("is told of a wrong %s", async (name, request, status, code) => {
    const handler = handlerOf(name === "depth" ? {} : { maxBodyBytes: 1000 });
    const response = await handler(request.clone() as Request);
    expect([response.status, response.headers.get("content-type")]).toEqual([
      status,
      "application/problem+json",
    ]);
    const problem = await jsonOf(response);
    expect(problem).toMatchObject({ status, code });
    expect(problem.detail).not.toBe("");
    expect(await jsonOf(await handler(get("/runs")))).toEqual([]);
  });

  it.each(["__proto__", "constructor", "prototype", "$runs", "\0", "a\nb", "../..", "x".repeat(5000)])(
    "is a run of the name %j, of which the store is not asked",
    async (name) => {
      const told: string[] = [];
      const handler = handlerOf({
        checkpointer: new MemorySaver(),
        onNotice: (text) => void told.push(text),
      });
      const path = `/runs/${encodeURIComponent(name)}`;
      for (const request of [
        get(path),
        get(`${path}/events`),
        new Request(`http://localhost${path}`, { method: "DELETE" }),
        post(`${path}/answer`, true),
        get(`/pages/${encodeURIComponent(name)}/`),
      ]) {
        const response = await handler(request);
        expect([response.status, (await jsonOf(response)).code]).toEqual([404, "RUN_UNKNOWN"]);
      }
      expect(told).toEqual([]);
    },
  );

  it("is a parameter by its own name", async () => {
    const handler = handlerOf();
    const { id } = await jsonOf(await handler(post("/runs", ada)));
    const problem = await jsonOf(await handler(get(`/runs/${id}/events?after=x`)));
    expect(problem.detail).toContain("The parameter `after` is");
  });

  it.each([
    ["token", ""],
    ["token", "two words"],
    ["token", 5],
    ["hosts", "localhost"],
    ["cors", "http://a.test"],
    ["basePath", 1],
    ["maxBodyBytes", Number.NaN],
    ["maxBodyBytes", 0],
    ["bodyTimeoutMs", Infinity],
    ["maxRuns", 0],
    ["keepRuns", -1],
    ["keepRunsMs", "1"],
    ["takeUp", "no"],
    ["onNotice", 5],
  ])("is an option %s of %j, before any request", (name, value) => {
    const create = () =>
      createHandler([defineDag({ name: "a", nodes: { a: { run: () => 1 } } })], { [name]: value });
    expect(create).toThrow(`options.${name}`);
    expect(create).not.toThrow("two words");
  });

  it("is a second graph of the same name", () => {
    const named = (made: number) => defineDag({ name: "same", nodes: { a: { run: () => made } } });
    expect(() => createHandler([named(1), named(2)])).toThrow(/is "same"/);
    const one = named(1);
    expect(() => createHandler({ a: one, b: one })).not.toThrow();
  });

  it("is no base path without its slash, and no host in capitals or with a port", async () => {
    const handler = handlerOf({ basePath: "api/dags/", hosts: ["LocalHost:3000"] });
    expect((await handler(get("/api/dags/runs"))).status).toBe(200);
  });

  it("is no waiting without an end as a service is closed", async () => {
    const handler = handlerOf();
    const { id } = await jsonOf(
      await handler(post("/runs", { dag: "slow", input: "x" }, { prefer: "respond-async" })),
    );
    const closed = handler.close({ drainMs: Infinity });
    await new Promise((done) => setTimeout(done, 20));
    held.open();
    await closed;
    expect(await jsonOf(await handler(get(`/runs/${id}`)))).toMatchObject({ state: "completed" });
  });

  it("is no last event that is empty: all is told from the start", async () => {
    const handler = handlerOf();
    const { id } = await jsonOf(await handler(post("/runs", ada)));
    const all = await allMessages(await handler(get(`/runs/${id}/events`)));
    for (const path of [`/runs/${id}/events`, `/runs/${id}/events?after=`]) {
      const response = await handler(get(path, { "last-event-id": "" }));
      expect([response.status, await allMessages(response)]).toEqual([200, all]);
    }
  });

  it("is told of a last event that the run has not told", async () => {
    const handler = handlerOf();
    const { id } = await jsonOf(await handler(post("/runs", ada)));
    for (const given of ["999", "x", "-1"]) {
      expect((await handler(get(`/runs/${id}/events`, { "last-event-id": given }))).status).toBe(400);
    }
  });

  it("shows nothing of an error that is not the library's own", async () => {
    const told: string[] = [];
    const handler = handlerOf({
      context: () => {
        throw new Error("the password is hunter2");
      },
      onNotice: (message) => void told.push(message),
    });
    const response = await handler(post("/runs", ada));
    expect([response.status, await response.text()]).toEqual([500, expect.not.stringContaining("hunter2")]);
    expect(told.join()).toContain("hunter2");
    expect(await jsonOf(await handler(get("/runs")))).toEqual([]);
  });

  it("is told of to the requester alone", async () => {
    const told: string[] = [];
    const handler = handlerOf({ onNotice: (message) => void told.push(message) });
    expect((await handler(post("/runs", { dag: "greet", input: { name: 5 } }))).status).toBe(422);
    expect(told).toEqual([]);
  });

  it("is a body that does not come, and one run too many", async () => {
    const handler = handlerOf({ bodyTimeoutMs: 20, maxRuns: 1 });
    const body = new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array([123])) });
    const late = new Request("http://localhost/runs", { ...json(), body, duplex: "half" } as RequestInit);
    expect((await handler(late)).status).toBe(408);
    await handler(post("/runs", { dag: "slow", input: "x" }, { prefer: "respond-async" }));
    const full = await handler(post("/runs", ada));
    expect([full.status, full.headers.get("retry-after")]).toEqual([503, "1"]);
  });
});
