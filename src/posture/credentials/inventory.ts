/** What does this system depend on? Every credential that the broker knows of, with its uses, in order of name. */
import type { Instant } from "../../base/time.ts";
import type { Credential } from "../../wire/credential-messages.ts";
import { amdEndorsements } from "./amd.ts";
import { fileCertificates } from "./certificates.ts";
import { plantedCredentials } from "./drills.ts";
import { ownKeys } from "./own-keys.ts";
import type { InventoryPorts, Source } from "./ports.ts";
import { providerKeys } from "./sign-in.ts";
import { allUses, readUses } from "./uses.ts";

const SOURCES: readonly Source[] = [
  ownKeys,
  amdEndorsements,
  fileCertificates,
  providerKeys,
  plantedCredentials,
];

/** Reads what decisions tell of uses first. @throws {@link Fault} where one part cannot be looked at: then none of it is told. */
export async function inventoryOf(ports: InventoryPorts, now: Instant): Promise<readonly Credential[]> {
  await readUses(ports.store, ports.usePages, ports.chipIds);
  const uses = new Map((await allUses(ports.store)).map((use) => [use.name, use]));
  const all: Credential[] = [];
  for (const source of SOURCES) all.push(...(await source(ports, now))); // in order: one database
  return all
    .map((credential) => {
      const use = uses.get(credential.name);
      if (use === undefined || credential.lastUsedAt !== undefined) return credential;
      return { ...credential, firstUsedAt: use.firstAt, lastUsedAt: use.lastAt };
    })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
