/** Do the floors catch what they must? One deliberate violation per rule, in a tree of its own. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");

const config: { readonly forbidden: readonly { readonly name: string }[] } = (
  await import(join(root, ".dependency-cruiser.mjs"))
).default;

/** One file per row: where it stands, what it imports, and the rule that must object. */
const PLANTED = [
  ["src/base/up.ts", "../writ/a.ts", "floor-base"],
  ["src/attestation/sideways.ts", "../writ/a.ts", "floor-attestation"],
  ["src/measurement/sideways.ts", "../keys/a.ts", "floor-measurement"],
  ["src/keys/sideways.ts", "../attestation/a.ts", "floor-keys"],
  ["src/ledger/sideways.ts", "../keys/a.ts", "floor-ledger"],
  ["src/writ/sideways.ts", "../attestation/a.ts", "floor-writ"],
  ["src/channel/up.ts", "../policy/a.ts", "floor-channel"],
  ["src/policy/up.ts", "../wire/a.ts", "floor-policy"],
  ["src/reference/sideways.ts", "../policy/a.ts", "floor-reference"],
  ["src/wire/up.ts", "../broker/a.ts", "floor-wire"],
  ["src/broker/sideways.ts", "../client/a.ts", "floor-broker"],
  ["src/client/sideways.ts", "../broker/a.ts", "floor-client"],
  ["src/http/sideways.ts", "../store/a.ts", "floor-http"],
  ["src/store/sideways.ts", "../kek/a.ts", "floor-store"],
  ["src/kds/sideways.ts", "../store/a.ts", "floor-kds"],
  ["src/oidc/sideways.ts", "../kds/a.ts", "floor-oidc"],
  ["src/kek/sideways.ts", "../store/a.ts", "floor-kek"],
  ["src/agent/sideways.ts", "../simulator/a.ts", "floor-agent"],
  ["src/simulator/sideways.ts", "../agent/a.ts", "floor-simulator"],
  ["src/sinks/sideways.ts", "../agent/a.ts", "floor-sinks"],
  ["src/posture/sideways.ts", "../http/a.ts", "floor-posture"],
  ["src/cli/up.ts", "../runtime/node/a.ts", "floor-cli"],
  ["src/console/sideways.ts", "../http/a.ts", "floor-console"],
  ["src/attestation/door.ts", "@peculiar/x509", "door-attestation"],
  ["src/keys/door.ts", "@noble/ciphers/aes.js", "door-keys"],
  ["src/reference/door.ts", "cborg", "door-reference"],
  ["src/broker/platform.ts", "node:fs", "node-only-at-the-edges"],
  ["src/http/platform.ts", "node:fs", "node-only-at-the-edges"],
  ["src/writ/cycle-a.ts", "./cycle-b.ts", "no-cycles"],
  ["src/writ/lost.ts", "./nowhere.ts", "nothing-unresolved"],
  ["src/writ/tested.ts", "../../test/a.ts", "src-without-test"],
  ["src/runtime/node/stranger.ts", "../workers/a.ts", "node-and-workers-are-strangers"],
  ["src/runtime/workers/stranger.ts", "../node/a.ts", "workers-and-node-are-strangers"],
  ["src/runtime/workers/platform.ts", "node:fs", "workers-without-node"],
  ["src/runtime/workers/native.ts", "better-sqlite3", "workers-without-native-packages"],
  ["src/runtime/node/broker.ts", "../../simulator/a.ts", "no-simulator-in-production"],
  ["src/runtime/node/agent-main.ts", "../../simulator/a.ts", "no-simulator-in-production"],
  ["src/runtime/workers/simulated.ts", "../../simulator/a.ts", "no-simulator-in-production"],
  ["src/attestation/snp/judge.ts", "../endorsement/a.ts", "reports-and-quotes-stand-alone"],
] as const;

/** Rooms with a package rule: none of them may use the test library. */
const FOREIGN_PACKAGES = config.forbidden
  .filter(({ name }) => name.startsWith("packages-"))
  .map(({ name }) => [`src/${name.slice("packages-".length)}/package.ts`, "fast-check", name] as const);

const VIOLATIONS = [...PLANTED, ...FOREIGN_PACKAGES];

interface Violation {
  readonly from: string;
  readonly rule: { readonly name: string };
}

let tree: string;
let found: readonly Violation[];

function write(path: string, text: string): void {
  mkdirSync(dirname(join(tree, path)), { recursive: true });
  writeFileSync(join(tree, path), text);
}

beforeAll(() => {
  tree = mkdtempSync(join(tmpdir(), "ostiary-floors-"));
  symlinkSync(join(root, "node_modules"), join(tree, "node_modules"));
  write("package.json", '{ "type": "module", "dependencies": {} }');
  for (const [path, target] of VIOLATIONS) {
    write(path, `import * as other from "${target}";\nexport const used = other;\n`);
    if (target.endsWith("/a.ts")) write(join(dirname(path), target), "export const a = 1;\n");
  }
  write("src/writ/cycle-b.ts", 'export * as back from "./cycle-a.ts";\n');
  const cruiser = join(root, "node_modules/dependency-cruiser/bin/dependency-cruiser.mjs");
  const words = [cruiser, "src", "--config", join(root, ".dependency-cruiser.mjs"), "--output-type", "json"];
  const run = spawnSync(process.execPath, words, { cwd: tree, encoding: "utf8", maxBuffer: 1 << 28 });
  found = JSON.parse(run.stdout).summary.violations;
}, 60_000);

afterAll(() => rmSync(tree, { recursive: true, force: true }));

describe("floors", () => {
  it.each(VIOLATIONS)("%s importing %s is caught by %s", (path, _target, rule) => {
    expect(
      found.filter((violation) => violation.from === path).map((violation) => violation.rule.name),
    ).toContain(rule);
  });

  it("has a deliberate violation for every rule; the top floor has nothing above or beside it", () => {
    const shown = new Set<string>(VIOLATIONS.map(([, , rule]) => rule));
    const unseen = config.forbidden.map(({ name }) => name).filter((name) => !shown.has(name));
    expect(unseen).toEqual(["floor-runtime"]);
  });
});
