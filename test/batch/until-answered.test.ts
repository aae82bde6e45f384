import { expect, it } from "@jest/globals";
import { Contact, untilAnswered } from "../../src/batch/engine/contact.js";

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

it("waits for a store that is being restarted when a worker begins", async () => {
  const done: string[] = [];
  let isAway = true;
  const contact = new Contact(
    async () => {
      if (isAway) throw away();
      done.push("beat");
    },
    () => {},
  );
  await contact.open(async () => {
    done.push("before");
    if (done.length === 3) isAway = false;
  });
  await contact.close();
  expect(done).toEqual(["before", "before", "before", "beat"]);
});

it("waits for it no longer once the worker is to end", async () => {
  const contact = new Contact(
    async () => {},
    () => {},
  );
  const before = async () => {
    throw away();
  };
  await expect(contact.open(before, () => false)).rejects.toMatchObject({ code: "ECONNREFUSED" });
});
