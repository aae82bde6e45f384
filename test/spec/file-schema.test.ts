import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "@jest/globals";
import { parse } from "yaml";
import { z } from "zod";
import { fileSchema } from "../../src/spec/file-schema.js";
import { validate } from "../../src/spec/validate.js";

const shippedPath = join(import.meta.dirname, "../../src/spec/agent-dag.schema.json");
let shipped: object = {};
beforeAll(async () => {
  shipped = JSON.parse(await readFile(shippedPath, "utf8"));
});

/** What the shipped schema says, read by a JSON Schema reader that knows nothing of how it was made. */
const fits = (value: unknown) => z.fromJSONSchema(shipped as never).safeParse(value).success;

const whole = `
name: trip
version: 1
description: Plans a trip.
model: openai:gpt-4.1-mini
policy: { deadlineMs: 60000, onError: fail-fast, fallbackModels: [offline] }
input:
  type: object
  properties: { city: { type: string }, days: { type: array, items: { type: string } } }
output: plan
nodes:
  weather: { instructions: Tell the weather., model: offline, modelOptions: { temperature: 0, maxTokens: 50 }, include: input }
  daily:
    instructions: Plan the day.
    needs: [weather]
    forEach: { items: { input: true, path: days }, maxConcurrency: 2 }
    policy: { timeoutMs: 1000, retry: { maxAttempts: 2, retryOn: [X] }, hedge: { after: p95 }, maxToolRounds: 3 }
  each: { instructions: Plan., forEach: days }
  ask: { approve: { message: Go on? }, needs: [daily], when: { node: daily, path: "0", exists: true } }
  plan:
    instructions: Plan the trip.
    needs: [ask, each, daily]
    join: { atLeast: 2, deadlineMs: 500 }
    output: { type: object, properties: { title: { type: string } } }
`;
const dag = (fields: object, more: object = {}) => ({
  name: "x",
  nodes: { a: { instructions: "A." }, n: fields },
  ...more,
});
const agent = (fields: object) => dag({ instructions: "N.", needs: ["a"], ...fields });

/** Mistakes that can be seen without comparing names with each other. */
const mistakes: Record<string, unknown> = {
  "no object": "x",
  "no name": { nodes: { a: { instructions: "A." } } },
  "no nodes": { name: "x" },
  "an unknown option": dag({ instructions: "N." }, { nods: {} }),
  "an unknown option of a node": agent({ need: ["a"] }),
  "a reserved name": { name: "x", nodes: { planner: { instructions: "A." } } },
  "a bad name": { name: "x", nodes: { "1a": { instructions: "A." } } },
  "a node of no kind": dag({ needs: ["a"] }),
  "a node of two kinds": agent({ approve: { message: "Go?" } }),
  "a function": dag({ run: "x" }),
  "a tool": dag({ tool: "x" }),
  "an empty instruction": agent({ instructions: "" }),
  "a field of another kind": dag({ approve: { message: "Go?" }, include: "both" }),
  "a bad version": dag({ instructions: "N." }, { version: 2 }),
  "a bad model": agent({ model: "gpt" }),
  "a bad include": agent({ include: "all" }),
  "needs that are text": agent({ needs: "a" }),
  "an unknown join": agent({ join: "most" }),
  "a join of nothing": agent({ join: { atLeast: 0 } }),
  "a join of two kinds": agent({ join: { atLeast: 1, mode: "any" } }),
  "a condition that points at nothing": agent({ when: { exists: true } }),
  "a condition on the item": agent({ when: { item: true, exists: true } }),
  "a map over a number": agent({ forEach: 3 }),
  "a map of no concurrency": agent({ forEach: { items: { node: "a" }, maxConcurrency: 0 } }),
  "a negative timeout": agent({ policy: { timeoutMs: -1 } }),
  "a deadline on a node": agent({ policy: { deadlineMs: 1 } }),
  "too many attempts": agent({ policy: { retry: { maxAttempts: 21 } } }),
  "a hedge without a time": agent({ policy: { hedge: {} } }),
  "a negative temperature": agent({ modelOptions: { temperature: -1 } }),
};

describe("the shipped JSON Schema", () => {
  it("is the one that is generated (npm run schema)", () => {
    expect(shipped).toEqual(JSON.parse(JSON.stringify(fileSchema())));
  });

  it("takes a file that uses every option, as validate does", () => {
    const value = parse(whole);
    expect(
      z.fromJSONSchema(shipped as never).safeParse({ ...value, example: {}, $schema: "x" }).error,
    ).toBeUndefined();
    expect(validate(value)).toEqual([]);
  });

  it.each(Object.keys(mistakes))("refuses %s, as validate does", (what) => {
    expect(fits(mistakes[what])).toBe(false);
    expect(validate(mistakes[what])).not.toEqual([]);
  });
});
