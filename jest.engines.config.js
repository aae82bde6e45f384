import config from "./jest.config.js";

/** Batches over several processes, with real stores: `npm run test:engines`. @type {import("jest").Config} */
export default { ...config, testMatch: ["**/*.engines.ts"], maxWorkers: 2 };
