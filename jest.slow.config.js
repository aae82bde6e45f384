import config from "./jest.config.js";

/** The slow suite: soak and crash tests, in files ending in `.slow.ts`. */
export default { ...config, testMatch: ["**/*.slow.ts"] };
