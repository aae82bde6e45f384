import "agent-dag/jest"; // the types of its matchers
import { expect, it } from "@jest/globals";
import { createHandler } from "agent-dag/serve";
import { view } from "agent-dag/testing";
import { input, notice } from "./graph.js";

it("keeps its graph", () => {
  expect(view(notice, "graph")).toMatchSnapshot();
});

it("waits for a person, and publishes once it is answered", async () => {
  const handler = createHandler([notice], { model: "offline" });
  const post = async (path: string, body: unknown): Promise<any> => {
    const request = new Request(`http://localhost${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    return (await handler(request)).json();
  };

  const waiting = await post("/runs", { dag: "notice", input });
  expect(waiting.state).toBe("interrupted");
  const ended = await post(`/runs/${waiting.id}/answer`, { answer: true });
  expect(ended).toMatchObject({ state: "completed", output: expect.stringMatching(/^Published: /) });
  await handler.close();
});
