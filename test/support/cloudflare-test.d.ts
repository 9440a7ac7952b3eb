/** What the tests in workerd use of the test runner's module there, and no more. */
declare module "cloudflare:test" {
  export interface D1Migration {
    readonly name: string;
    readonly queries: string[];
  }

  export const env: { readonly DB: import("../../src/store/d1.ts").D1 };
  export function applyD1Migrations(
    database: import("../../src/store/d1.ts").D1,
    migrations: readonly D1Migration[],
  ): Promise<void>;
  /** Empties every database of this test file. */
  export function reset(): Promise<void>;
}
