/** Which tests judge a mutant of the language? Those of the language, without the two that take long and notice little. */
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/writ/**/*.test.ts"],
    exclude: [
      "test/writ/**/*.workerd.test.ts",
      "test/writ/browser.test.ts",
      "test/writ/reference/fuzz.test.ts",
    ],
    testTimeout: 30_000,
  },
});
