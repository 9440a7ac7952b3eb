/** Which tests judge a mutant of the language? Those of the language, on one worker. */
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/writ/**/*.test.ts"],
    exclude: ["test/writ/**/*.workerd.test.ts"],
    testTimeout: 30_000,
  },
});
