import { expect, it } from "@jest/globals";
import { untilAnswered } from "../../src/batch/engine/contact.js";

const away = () => Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:5432"), { code: "ECONNREFUSED" });

it("does something again while the store cannot be reached", async () => {
  let tries = 0;
  const act = async () => {
    if (++tries < 3) throw away();
    return "there";
  };
  expect(await untilAnswered(act, () => true)).toBe("there");
  expect(tries).toBe(3);
});

it("rejects with what the store said once it is not waited for any more", async () => {
  let tries = 0;
  const act = async () => {
    tries++;
    throw away();
  };
  await expect(untilAnswered(act, () => tries < 2)).rejects.toMatchObject({ code: "ECONNREFUSED" });
  expect(tries).toBe(2);
});

it("does nothing twice that another try would not mend", async () => {
  let tries = 0;
  const act = async () => {
    tries++;
    throw Object.assign(new Error('relation "x" does not exist'), { code: "42P01" });
  };
  await expect(untilAnswered(act, () => true)).rejects.toThrow("does not exist");
  expect(tries).toBe(1);
});
