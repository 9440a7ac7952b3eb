/** Does a guest with a host's vTPM get its key from a real broker by what it booted? swtpm holds key, certificate and registers; the program serves and decides. */
import { spawnSync } from "node:child_process";
import { appendFileSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readPcrs } from "../../src/attestation/tpm/pcrs.ts";
import { hexOf } from "../../src/base/bytes.ts";
import { DATA_FILES } from "../../src/runtime/node/init.ts";
import { withTpm } from "../../src/runtime/node/tpm.ts";
import { pemOf } from "../../src/simulator/chip-folder.ts";
import { simulatedProvider } from "../support/provider.ts";
import { describeWithSwtpm, extendPcr, startTpm, type TestTpm } from "../support/swtpm.ts";
import { undefineNv } from "../support/swtpm-azure.ts";
import { akTemplate, NV, provisionAk, putNv } from "../support/swtpm-google.ts";
import { asGuest, CLI, type DemoBroker, demoBroker, random } from "./demo-broker.ts";

const PATH = "prod/disk";
const SECRET = random(32);

const policy = (pcr11: Uint8Array) => `writ 1
module acme.gcp version 1.0.0 { owner "cloud@acme.example" }
policy disks {
  for resource "prod/**"
  platform bare-metal
  require measurement == hex"${"02".repeat(48)}" else "this image is not approved"
  require has host_vtpm.pcr[11] and host_vtpm.pcr[11] == hex"${hexOf(pcr11)}" else "another system booted"
  require not guest.debug else "guest memory could be read"
  allow "boot" when request.op == release
  on release { key_version any }
}
`;

describeWithSwtpm("a guest whose host runs a vTPM, which is swtpm", () => {
  let tpm: TestTpm;
  let broker: DemoBroker;
  const folder = mkdtempSync(join(tmpdir(), "ostiary-host-vtpm-"));

  beforeAll(async () => {
    tpm = await startTpm();
    const roots = join(folder, "host-vtpm-roots.pem");
    const { akRoot, akIntermediate } = simulatedProvider();
    writeFileSync(roots, pemOf(akRoot) + pemOf(akIntermediate));
    broker = await demoBroker({ [PATH]: SECRET }, (data) =>
      appendFileSync(join(data, DATA_FILES.config), `\n[providers]\nhost_vtpm_roots = "${roots}"\n`),
    );
    await extendPcr(11, tpm.device);
    await provisionAk(tpm.device, "rsa");
    const [pcr11 = random(0)] = await withTpm(tpm.device, (transact) => readPcrs([11], transact));
    await broker.decideBy(policy(pcr11));
  }, 60_000);
  afterAll(async () => {
    await tpm.remove();
    await broker.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  /** `ostiary agent get`, as the guest's operator runs it. */
  function got(words: readonly string[]) {
    const asked = ["agent", "get", PATH, "--fd", "1", "--deadline", "5", ...words];
    const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, ...asked], { timeout: 30_000 });
    return { status, secret: Uint8Array.from(stdout), said: String(stderr) };
  }

  /** Why, as the operator finds it by the id that the guest was told. */
  async function operatorsCode(said: string): Promise<string> {
    const found = await broker.admin.decision(/id: (\w+)/.exec(said)?.[1] ?? "");
    return found.kind === "refusal" ? found.code : found.kind;
  }

  const beside = () => [...asGuest(broker), "--host-vtpm", "--tpm", tpm.device];

  it("gets its key by what the vTPM says it booted", () => {
    expect(got(beside())).toMatchObject({ status: 0, secret: SECRET });
  });

  it("gets it by a file that says so, and gets none without the quote", () => {
    const { url, audience, signingKeyFile, machine } = broker;
    copyFileSync(signingKeyFile, join(folder, "broker.pem"));
    const file = (evidence: string) => {
      const path = join(folder, "agent.toml");
      const who = `url = "${url}"\naudience = "${audience}"\nsigning_key = "broker.pem"\n`;
      const simulated = `provider = "simulator"\nsimulator_dir = "${machine}"\ntpm = "${tpm.device}"\n`;
      writeFileSync(path, `[[broker]]\n${who}[evidence]\n${simulated}${evidence}`);
      return ["--config", path];
    };
    expect(got(file("host_vtpm = true\n"))).toMatchObject({ status: 0, secret: SECRET });
    const without = got(file("host_vtpm = false\n"));
    expect([without.status === 0, without.secret.length]).toEqual([false, 0]);
    expect(without.said).toContain("denied");
  });

  describe("gets nothing", () => {
    it("with a key that the certificate is not of", async () => {
      await putNv(tpm.device, NV.rsa.template, akTemplate("rsa", random(256)));
      const { secret, said } = got(beside());
      expect([secret.length, await operatorsCode(said)]).toEqual([0, "evidence/quote-signature"]);
    });

    it("without the template, and is told what is missing", async () => {
      await undefineNv(tpm.device, NV.rsa.template);
      const { status, said } = got(beside());
      expect(status).not.toBe(0);
      expect(said).toMatch(/template of the attestation key/);
    });

    it("after something else was measured", async () => {
      await provisionAk(tpm.device, "rsa");
      await extendPcr(11, tpm.device);
      const { secret, said } = got(beside());
      expect([secret.length, said.includes("denied")]).toEqual([0, true]);
    });
  });
});
