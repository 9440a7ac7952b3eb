/** How do the Vault surfaces of a guest's file become doors of the daemon? With this machine's accounts and this process's cryptography. */
import type { InheritedSockets } from "../../agent/local-socket.ts";
import type { Door } from "../../agent/secret-source.ts";
import { createVaultDoor } from "../../agent/vault/door.ts";
import type { VaultConfig } from "../agent-vault-config.ts";
import { fileRightsOf } from "./accounts.ts";
import { nodePrimitives } from "./primitives.ts";

/** @throws {@link Fault} `config/invalid` for an account that this machine has not. */
export function vaultDoorsOf(
  configs: readonly VaultConfig[],
  inherited: InheritedSockets,
): Promise<readonly Door[]> {
  const digest = (bytes: Uint8Array): Uint8Array => nodePrimitives.digest("sha256", bytes);
  return Promise.all(
    configs.map(async ({ rights, ...plan }) =>
      createVaultDoor({ ...plan, rights: await fileRightsOf(rights) }, { digest, makeTls, inherited }),
    ),
  );
}

/** Loaded only where a surface speaks TLS. */
async function makeTls(host: string) {
  const { makeTlsMaterial } = await import("./tls-authority.ts");
  return makeTlsMaterial(host, Date.now());
}
