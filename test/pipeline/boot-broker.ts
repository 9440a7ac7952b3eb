/** Whom does a guest that boots in a test ask for its disk? A broker of this machine with TLS of its own, which releases to what booted as approved. */
import { spawnSync } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DATA_FILES } from "../../src/runtime/node/init.ts";
import { CLI, createProgram, freePort } from "../agent/demo-broker.ts";
import { COMMAND_LINE } from "../support/guest-vm.ts";

export const AUDIENCE = "https://broker.example/c/0001";
/** The secret of the disk. `/format` beside it grants that one is made, `/epoch` counts. */
export const PATH = "prod/vm/luks";

const hashOf = (line: string): string => createHash("sha384").update(line).digest("hex");

const POLICY = `writ 1
module acme.boot version 1.0.0 { owner "ops@acme.example" }

policy disk {
  for resource "${PATH}"
  platform bare-metal
  require measurement == hex"${hashOf(COMMAND_LINE)}" else "this guest did not boot as approved"
  require not guest.debug
  require request.channel == tls-exporter
  allow "boot" when request.op == release
  on release { key_version any }
}

policy count {
  for resource "${PATH}/epoch", "attest"
  platform bare-metal
  require measurement == hex"${hashOf(COMMAND_LINE)}"
  require request.channel == tls-exporter
  allow "count" when request.op in [release, write]
  on release { key_version any }
}

policy first-boot {
  for resource "${PATH}/format"
  platform bare-metal
  require measurement == hex"${hashOf(COMMAND_LINE)}"
  require has report.chip_id
  require request.channel == tls-exporter
  allow "format" when request.op == release
  on release { key_version any max_releases 1 per report.chip_id }
}
`;

export interface BootBroker {
  /** As a guest of QEMU's reaches it. */
  readonly url: string;
  /** The machine whose chip it trusts. */
  readonly machine: string;
  /** All that a guest knows it by, as files below /etc/ostiary. A real guest's image is measured with them. */
  readonly pins: { readonly "broker.pem": string; readonly "tls-pin.pem": string };
  readonly kill: () => Promise<void>;
}

/** @param data - Its folder, made here as an operator makes it. */
export async function bootBroker(data: string): Promise<BootBroker> {
  const port = await freePort();
  const words = ["--mode", "demo", "--port", String(port), "--tls", "127.0.0.1", "--no-kds"];
  ostiary(data, ["init", "--data", data, ...words, "--audience", AUDIENCE]);
  const program = createProgram(["--data", data]);
  await program.start();
  const config = ["--config", join(data, DATA_FILES.config)];
  ostiary(data, ["secret", "generate", PATH, ...config]);
  const [grant, policy] = [join(data, "grant.json"), join(data, "boot.writ")];
  writeFileSync(grant, JSON.stringify({ format: PATH, over: "blank" }));
  ostiary(data, ["secret", "put", `${PATH}/format`, "--file", grant, ...config]);
  writeFileSync(policy, POLICY);
  const [digest = ""] = /[0-9a-f]{64}/.exec(ostiary(data, ["policy", "propose", policy, ...config])) ?? [];
  ostiary(data, ["policy", "activate", digest, ...config]);
  const leaf = new X509Certificate(readFileSync(join(data, DATA_FILES.tlsCertificate)));
  return {
    url: `https://10.0.2.2:${port}`,
    machine: join(data, "simulated-machine"),
    pins: {
      "broker.pem": readFileSync(join(data, DATA_FILES.signingPublicKey), "utf8"),
      "tls-pin.pem": leaf.publicKey.export({ format: "pem", type: "spki" }).toString(),
    },
    kill: program.kill,
  };
}

function ostiary(data: string, words: readonly string[]): string {
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: join(data, DATA_FILES.tlsAuthority) };
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, ...words], { encoding: "utf8", env });
  if (status !== 0) throw new Error(`ostiary ${words.join(" ")}: ${stdout}${stderr}`);
  return stdout;
}
