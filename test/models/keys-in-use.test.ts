import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { ChatOpenAI } from "@langchain/openai";
import { defineDag, run } from "../../src/index.js";
import { redact, redactKeys } from "../../src/models/redact.js";
import { environmentSecrets } from "../../src/models/secrets.js";
import { cli } from "../cli/cli-run.js";
import { cpuMs } from "../support/cpu-ms.js";

const words = "quietmeadowlanternwithoutdigits";
const uuid = "c0ffee12-0000-4abc-8def-00112233beef";
const odd = "a/b+c=d&e f\"g'h<i>ü-20long";

describe("keys in use", () => {
  const spellings: readonly (readonly [string, (key: string) => string])[] = [
    ["as it is", (key) => key],
    ["after Bearer", (key) => `Bearer ${key}`],
    ["in capitals", (key) => key.toUpperCase()],
    ["percent-encoded", encodeURIComponent],
    ["percent-encoded in small letters", (key) => encodeURIComponent(key).toLowerCase()],
    ["percent-encoded twice", (key) => encodeURIComponent(encodeURIComponent(key))],
    ["as a form field", (key) => new URLSearchParams({ k: key }).toString()],
    ["in JSON", (key) => JSON.stringify({ key })],
    ["in JSON in JSON", (key) => JSON.stringify(JSON.stringify({ key }))],
    ["in JSON with escaped slashes", (key) => JSON.stringify(key).replaceAll("/", "\\/")],
    [
      "in JSON of ASCII",
      (key) => [...key].map((one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`).join(""),
    ],
    ["in HTML", (key) => key.replace(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`)],
    [
      "in HTML by names",
      (key) =>
        key
          .replaceAll("&", "&amp;")
          .replaceAll("<", "&lt;")
          .replaceAll(">", "&gt;")
          .replaceAll('"', "&quot;"),
    ],
    ["in base64", (key) => Buffer.from(key).toString("base64")],
    ["in base64 for addresses", (key) => Buffer.from(key).toString("base64url")],
    ["as the password of Basic", (key) => `Basic ${Buffer.from(`me:${key}`).toString("base64")}`],
    ["as the user of Basic", (key) => Buffer.from(`${key}:`).toString("base64")],
    ["behind a long user name", (key) => Buffer.from(`someone:${key}`).toString("base64")],
    ["in hexadecimal", (key) => Buffer.from(key).toString("hex")],
  ];
  for (const key of [words, uuid, odd]) {
    it.each(spellings)(`takes out ${key.slice(0, 8)}… %s`, (_, spell) => {
      const text = redactKeys(`The key <${spell(key)}> is wrong, ask for another.`, [key]);
      for (const rest of [
        spell(key),
        key,
        key.slice(0, 12),
        Buffer.from(key).toString("base64").slice(4, 16),
      ])
        expect(text).not.toContain(rest);
      expect(text).toMatch(/^The key <.*\[redacted\].*> is wrong, ask for another\.$/);
    });
  }

  it.each(["x", "none", "ollama", "test", "model", "not-needed", "1234", "my-api-key", "error", "a"])(
    "leaves a server's words whole when the key is %s",
    (key) => {
      const said =
        "ollama: the model test does not exist (error 1234): none of your requests reached a server; max 4096 tokens, not-needed or my-api-key";
      expect(redact(said, [key])).toBe(said);
      const echoed = redact(`Incorrect API key provided: ${key}. See the docs.`, [key]);
      expect(echoed).toBe("Incorrect API key provided: [redacted]. See the docs.");
    },
  );

  it("takes a short key out only as a word of its own", () => {
    expect(redactKeys("swordfish, swordfishes", ["swordfish"])).toBe("[redacted], swordfishes");
    expect(redactKeys("ab12 and cab123", ["ab12"])).toBe("[redacted] and cab123");
  });

  it("takes out the beginning of a key where a text was cut", () => {
    expect(redactKeys('Unexpected token, ..."ces": quietmead"... is not JSON', [words])).toContain(
      '[redacted]"...',
    );
    expect(redactKeys("No c0ffee12-0000", [uuid])).toBe("No [redacted]");
  });

  it("says that authentication is missing", () => {
    const said = "Basic authentication or a Bearer token is required.";
    expect(redact(said, [])).toBe(said);
  });

  it("reads a large text in time that grows with its length alone", async () => {
    const timeOf = (piece: string, length: number) => {
      const text = piece.repeat(length / piece.length);
      return cpuMs(() => redactKeys(text, [words, uuid, odd]));
    };
    // Ten times the text: ten times the time, where a step for each pair of characters would take a hundred times.
    for (const piece of ["\\", "a", "%25", "&#0000"])
      expect((await timeOf(piece, 1e6)) / Math.max(await timeOf(piece, 1e5), 1)).toBeLessThan(50);
  });

  it("finds the environment's keys by their names, and passwords in addresses", () => {
    const found = environmentSecrets({
      OPENAI_API_KEY: "one",
      GATEWAY_TOKEN_2: "two",
      AWS_SECRET_ACCESS_KEY: "three",
      DATABASE_URL: "postgres://me:fo%2Fur@host/db",
      BASE: "https://host/v1?api_key=five",
      HEADERS_AUTHORIZATION: "Bearer six",
      MAX_TOKENS: "4096",
      PATH: "/usr/bin",
      HOME: "/home/me",
      SSH_AUTH_SOCK: "/tmp/agent",
      PWD: "/home/me",
    });
    expect(found.sort()).toEqual(["Bearer six", "five", "fo/ur", "one", "six", "three", "two"].sort());
  });
});

describe("a server that echoes the key", () => {
  let server: Server;
  let answer: (request: IncomingMessage, response: ServerResponse) => void;
  const before = { ...process.env };

  beforeEach(async () => {
    server = createServer((request, response) => {
      request.resume().on("end", () => answer(request, response));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    process.env.OPENAI_BASE_URL = urlOf(server);
  });
  afterEach(async () => {
    process.env.OPENAI_BASE_URL = before.OPENAI_BASE_URL;
    process.env.OPENAI_API_KEY = before.OPENAI_API_KEY;
    if (before.OPENAI_BASE_URL === undefined) delete process.env.OPENAI_BASE_URL;
    if (before.OPENAI_API_KEY === undefined) delete process.env.OPENAI_API_KEY;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const one = defineDag({
    name: "s",
    nodes: { a: { instructions: "Hi.", policy: { retry: { maxAttempts: 1 } } } },
  });
  const echoes: readonly (readonly [string, (key: string, response: ServerResponse) => void])[] = [
    [
      "a status with JSON",
      (key, response) =>
        response
          .writeHead(401, { "content-type": "application/json" })
          .end(JSON.stringify({ error: { message: `Incorrect API key provided: ${key}.`, code: key } })),
    ],
    [
      "a status with text",
      (key, response) => response.writeHead(403, { "content-type": "text/plain" }).end(`No ${key} here`),
    ],
    [
      "a status with HTML",
      (key, response) =>
        response
          .writeHead(502, { "content-type": "text/html" })
          .end(`<p>upstream Authorization: Bearer ${key}</p>`),
    ],
    [
      "an event of a stream",
      (key, response) =>
        response
          .writeHead(200, { "content-type": "text/event-stream" })
          .end(`data: ${JSON.stringify({ error: { message: `bad ${key}`, type: key } })}\n\n`),
    ],
    [
      "a reply that is no JSON",
      (key, response) =>
        response.writeHead(200, { "content-type": "text/event-stream" }).end(`data: {"choices": ${key}\n\n`),
    ],
    [
      "a reply's words, in pieces",
      (key, response) => {
        response.writeHead(200, { "content-type": "text/event-stream" });
        const pieces = [...`You sent ${key}, `, `and ${key.slice(0, 7)}`, key.slice(7, 11), key.slice(11)];
        for (const piece of pieces)
          response.write(
            `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", model: "m", choices: [{ index: 0, delta: { content: piece }, finish_reason: null }] })}\n\n`,
          );
        response.end(
          `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", model: "m", choices: [{ index: 0, delta: {}, finish_reason: "stop" }] })}\n\ndata: [DONE]\n\n`,
        );
      },
    ],
  ];
  const sent = (request: IncomingMessage) =>
    String(request.headers["x-gateway-pass"] ?? request.headers.authorization).replace("Bearer ", "");

  for (const key of [words, uuid]) {
    it.each(echoes)(
      `in %s never gets ${key.slice(0, 8)}… of the environment into the record`,
      async (name, echo) => {
        process.env.OPENAI_API_KEY = key;
        answer = (request, response) => echo(sent(request), response);
        const record = await run(one, "x", { model: "openai:m", policy: { retry: { maxAttempts: 1 } } });
        expect(JSON.stringify(record)).not.toContain(key.slice(0, 9));
        if (name !== "a reply that is no JSON") expect(JSON.stringify(record)).toContain("[redacted]");
      },
    );
  }

  it.each([
    ["apiKey", (key: string, url: string) => ({ apiKey: key, configuration: { baseURL: url } })],
    [
      "a function that gives the key",
      (key: string, url: string) => ({
        apiKey: "unused",
        configuration: { baseURL: url, apiKey: async () => key },
      }),
    ],
    [
      "a header",
      (key: string, url: string) => ({
        apiKey: "unused",
        configuration: { baseURL: url, defaultHeaders: { "x-gateway-pass": key } },
      }),
    ],
  ])("never gets an instance's key into the record: %s", async (_, fields) => {
    answer = (request, response) => response.writeHead(400).end(`no ${sent(request)} here`);
    const model = new ChatOpenAI({ model: "m", ...fields(words, urlOf(server)) });
    const record = await run(one, "x", { model, policy: { retry: { maxAttempts: 1 } } });
    expect(record.state).toBe("failed");
    expect(inspect(record, { depth: 20 })).not.toContain(words);
    expect(inspect(record, { depth: 20 })).toContain("[redacted]");
  });

  it("never prints it", async () => {
    process.env.OPENAI_API_KEY = words;
    answer = (request, response) => response.writeHead(401).end(`no ${sent(request)} here`);
    const printed = await cli(["run", "examples/review.yaml", "--model", "openai:m", "--json", "--debug"]);
    expect(printed.exitCode).toBe(1);
    expect(printed.stdout + printed.stderr).not.toContain(words);
    expect(printed.stdout).toContain("[redacted]");
  });

  it("keeps it out of what a function throws", async () => {
    process.env.OPENAI_API_KEY = words;
    const throwing = defineDag({
      name: "f",
      nodes: {
        a: {
          run: () => {
            throw new Error(`401 for ${words}`);
          },
        },
      },
    });
    const record = await run(throwing, "x");
    expect(record.outcomes.a).toMatchObject({ error: { message: "401 for [redacted]" } });
  });
});

const urlOf = (server: Server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
