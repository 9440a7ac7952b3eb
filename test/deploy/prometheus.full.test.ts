/** Does Prometheus' own tool read what a broker exposes, and the rules beside it? */
import { spawnSync } from "node:child_process";
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { attest } from "../../src/client/attest.ts";
import { createGuestClient } from "../../src/client/guest.ts";
import { systemRandom } from "../../src/runtime/node/clock.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { createSimulatorProvider } from "../../src/runtime/node/simulator-provider.ts";
import { type DemoBroker, demoBroker } from "../agent/demo-broker.ts";

const folder = join(import.meta.dirname, "../../deploy/prometheus");
const isHere = spawnSync("promtool", ["--version"]).status === 0;

function promtool(
  words: readonly string[],
  input = "",
): { readonly status: number | null; readonly said: string } {
  const { status, stdout, stderr } = spawnSync("promtool", words, { input, encoding: "utf8", cwd: folder });
  return { status, said: stdout + stderr };
}

describe.skipIf(!isHere)("promtool (Debian's package prometheus)", () => {
  it("reads the alert rules, and sees each alert fire and stay silent", () => {
    expect(promtool(["check", "rules", "--lint-fatal", "ostiary.rules.yml"])).toMatchObject({ status: 0 });
    expect(promtool(["test", "rules", "ostiary.test.yml"])).toMatchObject({ status: 0 });
  });

  describe("reads the metrics of a broker", () => {
    let broker: DemoBroker;
    beforeAll(async () => {
      const sinks = '\n[[audit]]\nname = "a"\nkind = "file"\npath = "audit.jsonl"\n';
      const secrets = { "prod/metrics/key": Uint8Array.from({ length: 32 }, () => 7) };
      broker = await demoBroker(secrets, (data) => appendFileSync(join(data, "ostiary.toml"), sinks));
    }, 60_000);
    afterAll(async () => broker.remove());

    it("before and after a release, without a complaint", async () => {
      const client = createGuestClient({ url: broker.url, fetch });
      const provider = createSimulatorProvider(broker.machine);
      const { audience, signingKey } = broker;
      const claims = { want: [{ secret: "prod/metrics/key" }] };
      const plan = { claims, nonce: (await client.challenge(3)).nonce, carrier: { binding: 3 } } as const;
      const parts = { provider, primitives: nodePrimitives, random: systemRandom };
      await client.release((await attest(plan, { audience, signingKey, suite: 1 }, parts)).request);
      const text = await (await fetch(`${broker.url}/metrics`)).text();
      expect(text).toMatch(/^ostiary_decisions_total\{outcome="allow",code="none"\} 1$/m);
      expect(promtool(["check", "metrics"], text)).toEqual({ status: 0, said: "" });
    }, 60_000);
  });
});
