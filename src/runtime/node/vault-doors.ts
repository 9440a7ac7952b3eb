/** How do the Vault surfaces of a guest's file become doors of the daemon? With this machine's users and this process's cryptography. */
import { readFileSync } from "node:fs";
import type { Door } from "../../agent/secret-source.ts";
import { createVaultDoor } from "../../agent/vault/door.ts";
import type { Owner } from "../../agent/vault/listener.ts";
import { Fault } from "../../base/fault.ts";
import type { VaultConfig } from "../agent-vault-config.ts";
import { nodePrimitives } from "./primitives.ts";

/** @throws {@link Fault} `config/invalid` for a user that this machine has not. */
export function vaultDoorsOf(configs: readonly VaultConfig[]): readonly Door[] {
  return configs.map(({ owner, ...plan }) =>
    createVaultDoor(
      { ...plan, ...(owner === undefined ? {} : { owner: ownerOf(owner) }) },
      { digest: (bytes) => nodePrimitives.digest("sha256", bytes), makeTls },
    ),
  );
}

/** Loaded only where a surface speaks TLS. */
async function makeTls(host: string) {
  const { makeTlsMaterial } = await import("./tls-authority.ts");
  return makeTlsMaterial(host, Date.now());
}

const USERS = "/etc/passwd";

/** A user by name has the group that the machine gives it; by number, the group of the same number unless another is named. */
function ownerOf(text: string): Owner {
  const [user = "", group = user] = text.split(":");
  if (/^\d+$/.test(user)) return { uid: Number(user), gid: Number(group) };
  const line = readFileSync(USERS, "utf8")
    .split("\n")
    .map((one) => one.split(":"))
    .find(([name]) => name === user);
  const [uid, gid] = [Number(line?.[2]), Number(line?.[3])];
  if (Number.isSafeInteger(uid) && Number.isSafeInteger(gid)) return { uid, gid };
  throw new Fault("config/invalid", `expected a user of this machine as owner, received \`${text}\``);
}
