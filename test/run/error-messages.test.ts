import { describe, expect, it } from "@jest/globals";
import { errorCode, errorMessage, longestMessage } from "../../src/errors.js";
import { defineDag, run } from "../../src/index.js";

describe("an error's message", () => {
  it("is bounded in the record, which says what was cut", async () => {
    const dag = defineDag({
      name: "long",
      nodes: {
        a: { run: () => Promise.reject(new Error(`begins ${"x".repeat(5_000_000)}`)) },
        b: { needs: ["a"], run: () => 1 },
      },
    });
    const record = await run(dag, "x");
    expect(JSON.stringify(record).length).toBeLessThan(100_000);
    expect(record.outcomes.a).toMatchObject({
      error: {
        message: expect.stringMatching(/^begins x+… \(cut: 4,992,007 more of 5,000,007 characters\)$/),
      },
    });
  });

  it("is not cut again by what is put around it, nor in the middle of a character", () => {
    const once = errorMessage(new Error("😀".repeat(100_000)));
    expect(errorMessage(new Error(`After 3 attempts: ${once}`))).toBe(`After 3 attempts: ${once}`);
    expect(once).not.toMatch(/\p{Cs}/u);
    expect(errorMessage("y".repeat(longestMessage))).toBe("y".repeat(longestMessage));
  });

  it("is told of whatever was thrown", () => {
    const throwing = new Proxy(
      {},
      {
        get: () => {
          throw new Error("no");
        },
      },
    );
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    for (const odd of [
      null,
      undefined,
      0,
      "",
      Object.create(null),
      Symbol("s"),
      throwing,
      proxy,
      () => 1,
      [Object.create(null)],
      { name: Symbol("x"), message: "m" },
    ]) {
      expect(errorMessage(odd)).not.toBe("");
      expect(errorCode(odd)).toBe("ERROR");
    }
  });
});
