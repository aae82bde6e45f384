import base from "./jest.config.js";

/** The report's page in a real browser: `npm run test:page`. @type {import("jest").Config} */
export default {
  ...base,
  roots: ["<rootDir>/test/page"],
  testMatch: ["**/*.browser.ts"],
  maxWorkers: 1,
};
