import { expect, it } from "@jest/globals";
import { excerpt } from "../../src/spec/issue.js";

it("an excerpt has at most so many characters, its mark among them, and no half of one", () => {
  expect([excerpt("", 3), excerpt("abc", 3), excerpt("abcd", 3)]).toEqual(["", "abc", "ab…"]);
  expect(excerpt("a🙂bc", 3)).toBe("a…");
  expect(excerpt("a🙂bc", 4)).toBe("a🙂…");
});
