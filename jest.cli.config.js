import everything from "./jest.config.js";

// The real CLI through its whole life: minutes, and the CLI itself is installed outside this project.
export default {
  ...everything,
  roots: ["<rootDir>/test/cli"],
  testPathIgnorePatterns: ["/node_modules/"],
  globalSetup: undefined,
  globalTeardown: undefined,
  maxWorkers: 1,
};
