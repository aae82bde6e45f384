import { describe, expect, it } from "@jest/globals";
import { run } from "../../src/run/run.js";
import { scriptedModel, view } from "../../src/testing/index.js";
import { article, brief, replies } from "../testing/three-layers.js";

const ran = (topology: "deterministic" | "sequential" = "deterministic") =>
  run(brief, article, { topology, model: scriptedModel(replies) });

describe("the serializer", () => {
  it("shows a spec as its graph", () => {
    expect(brief).toMatchInlineSnapshot(`
graph brief
  input: {"properties":{"article":{"type":"string"}},"req… #228a935f
facts     agent
  instructions: "List the facts."
tone      agent
  instructions: "Judge the tone."
  output: {"properties":{"label":{"enum":["calm","alarmed"… #35ea3624
weigh     function · needs facts, tone
  run: (function)
headline  agent · needs weigh
  instructions: "Write a headline."
output: headline
`);
  });

  it("shows all of a record but ids, clocks and durations", async () => {
    expect(await ran()).toMatchInlineSnapshot(`
id: <id>, started: <time>, took: <duration>
input:
  article: The river rose two metres overnight. Nobody was hurt.

graph brief
  input: {"properties":{"article":{"type":"string"}},"req… #228a935f
facts     agent
  instructions: "List the facts."
tone      agent
  instructions: "Judge the tone."
  output: {"properties":{"label":{"enum":["calm","alarmed"… #35ea3624
weigh     function · needs facts, tone
  run: (function)
headline  agent · needs weigh
  instructions: "Write a headline."
output: headline

run of brief, deterministic: completed
layer 1
  facts: completed, 1 attempt
    scripted:model → stop
  tone: completed, 1 attempt
    scripted:model → stop
layer 2
  weigh: completed, 1 attempt
layer 3
  headline: completed, 1 attempt
    scripted:model → stop

outputs:
  facts: |-
    The river rose two metres.
    Nobody was hurt.
  tone:
    label: calm
    score: 0.8
  weigh: |-
    calm: The river rose two metres.
    Nobody was hurt.
  headline: River rises, town unharmed

usage: 3 model calls, 352 input tokens, 28 output tokens (estimated), $0
  facts: 1 model call, 93 input tokens, 10 output tokens (estimated), $0
  tone: 1 model call, 129 input tokens, 12 output tokens (estimated), $0
  headline: 1 model call, 130 input tokens, 6 output tokens (estimated), $0
`);
  });

  it("shows a chosen view", async () => {
    const record = await ran();
    expect(view(record, "trajectory")).toMatchInlineSnapshot(`
run of brief, deterministic: completed
layer 1
  facts: completed, 1 attempt
    scripted:model → stop
  tone: completed, 1 attempt
    scripted:model → stop
layer 2
  weigh: completed, 1 attempt
layer 3
  headline: completed, 1 attempt
    scripted:model → stop
`);
    expect(view(record, "outputs")).toMatchInlineSnapshot(`
facts: |-
  The river rose two metres.
  Nobody was hurt.
tone:
  label: calm
  score: 0.8
weigh: |-
  calm: The river rose two metres.
  Nobody was hurt.
headline: River rises, town unharmed
`);
    expect({ nested: view(record, "graph") }).toMatchInlineSnapshot(`
{
  "nested": graph brief
    input: {"properties":{"article":{"type":"string"}},"req… #228a935f
  facts     agent
    instructions: "List the facts."
  tone      agent
    instructions: "Judge the tone."
    output: {"properties":{"label":{"enum":["calm","alarmed"… #35ea3624
  weigh     function · needs facts, tone
    run: (function)
  headline  agent · needs weigh
    instructions: "Write a headline."
  output: headline,
}
`);
  });
});
