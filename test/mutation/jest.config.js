import base from "../../jest.config.js";
import { rooms } from "./rooms.mjs";

const { tests } = rooms[process.env.ROOM ?? "limits"];

/** The tests that a room's mutants have to get past. @type {import("jest").Config} */
export default {
  ...base,
  setupFilesAfterEnv: [],
  rootDir: "../..",
  testMatch: tests.map((path) => `<rootDir>/${path}`),
};
