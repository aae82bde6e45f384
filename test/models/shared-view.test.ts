import { expect, it } from "@jest/globals";
import { ChatOpenAI } from "@langchain/openai";
import { keptBetweenRuns } from "../../src/models/shared-view.js";

const instance = () =>
  new ChatOpenAI({
    model: "m",
    apiKey: "one",
    configuration: { defaultHeaders: { "x-key": "first" } },
  }) as any;

it("what is known of an instance stands until its user changes what its client is made from", () => {
  const model = instance();
  const known = keptBetweenRuns(model);
  expect(keptBetweenRuns(model)).toBe(known);
  model.temperature = 0.3;
  expect(keptBetweenRuns(model)).toBe(known);
});

it.each<[string, (model: any) => void]>([
  ["a key", (model) => Object.assign(model, { apiKey: "two" })],
  ["an address", (model) => Object.assign(model.clientConfig, { baseURL: "http://127.0.0.1:9/v1" })],
  ["a header", (model) => Object.assign(model.clientConfig.defaultHeaders, { "x-key": "second" })],
  ["a client", (model) => Object.assign(model, { client: {} })],
])("%s that is changed is looked for anew", (_what, change) => {
  const model = instance();
  const known = keptBetweenRuns(model);
  change(model);
  expect(keptBetweenRuns(model)).not.toBe(known);
});
