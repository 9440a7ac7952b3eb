/** Do a VM and a broker of Azure's prove themselves to each other in both bindings of TLS, with the client that programs use? */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hexOf, utf8 } from "../../src/base/bytes.ts";
import { isFault } from "../../src/base/fault.ts";
import { connect } from "../../src/runtime/node/client.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { createSimulatedAzure, type SimulatedAzureGuest } from "../../src/runtime/node/simulated-azure.ts";
import { SIMULATOR_ROOT_FILE } from "../../src/simulator/chip-folder.ts";
import { type TlsBroker, tlsBroker } from "./tls-broker.ts";

const BROKERS_SYSTEM = new Uint8Array(32).fill(0xb0);
const GUESTS_SYSTEM = hexOf(nodePrimitives.digest("sha256", utf8("simulated PCR 11")));

function policyFor(module: string, resource: string, pcr: string): string {
  return `writ 1
module ${module} version 1.0.0 { owner "cloud@demo.example" }
policy machines {
  for resource "${resource}"
  platform azure
  require has id_block.id_key and id_block.guest_svn >= 10 else "another paravisor"
  require has vtpm.pcr[11] and vtpm.pcr[11] == hex"${pcr}" else "another system booted"
  require none { guest.debug, guest.migrate_ma } else "its memory could be read or moved"
  require endorsement.crl_age <= 24h else "revocation data is old"
  require request.channel in [application, ra-tls, tls-exporter] else "not of an attested exchange"
  require request.nonce_age <= 1h else "stale"
  allow "boot" when request.op == release
  on release { token_ttl 1m audit full }
}
`;
}

let at: TlsBroker;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "ostiary-azure-"));
  writeFileSync(join(folder, "broker.writ"), policyFor("demo.brokers", "broker", hexOf(BROKERS_SYSTEM)));
  at = await tlsBroker(["ra-tls", "tls-exporter", "application"], {
    moreSources: [{ path: "azure.writ", text: policyFor("demo.azure", "demo/**", GUESTS_SYSTEM) }],
    provider: (machine) => createSimulatedAzure(machine, { pcrs: { 11: BROKERS_SYSTEM } }),
  });
}, 60_000);

afterAll(async () => {
  await at.remove();
  rmSync(folder, { recursive: true, force: true });
});

interface Plan {
  readonly binding: 1 | 2 | 3;
  readonly guest?: SimulatedAzureGuest;
  readonly isFresh?: boolean;
}

/** How many bytes the guest's key has, or the code of the refusal. */
async function got({ binding, guest, isFresh }: Plan): Promise<number | string> {
  const { audience, secretPath } = at.demo;
  const machine = join(at.demo.folder, "simulated-machine");
  const trust = { file: join(folder, "broker.writ"), trustSimulatorFile: join(machine, SIMULATOR_ROOT_FILE) };
  const brokerPolicy = isFresh === undefined ? trust : { ...trust, isFresh };
  const provider = createSimulatedAzure(machine, guest);
  try {
    const options = {
      url: at.broker.url,
      audience,
      authorities: at.authority,
      brokerPolicy,
      provider,
      binding,
    };
    const session = await connect(options);
    try {
      const [item] = (await session.release([{ secret: secretPath }])).secrets;
      return item?.secret.length ?? 0;
    } finally {
      session.close();
    }
  } catch (thrown) {
    if (isFault(thrown)) return thrown.code;
    throw thrown;
  }
}

describe("a VM of Azure's and a broker on another", () => {
  it.each([1, 2] as const)("prove themselves to each other in binding %i", async (binding) => {
    expect(await got({ binding })).toBe(32);
    expect(await got({ binding, isFresh: true })).toBe(32);
  });

  it("do not where the guest booted another system", async () => {
    expect(await got({ binding: 2, guest: { pcrs: { 11: new Uint8Array(32).fill(9) } } })).toBe(
      "policy/denied",
    );
  });

  it("do not where the broker booted another system", async () => {
    const text = policyFor("demo.brokers", "broker", "00".repeat(32));
    writeFileSync(join(folder, "broker.writ"), text);
    expect(await got({ binding: 2 })).toBe("broker/denied");
  });
});
