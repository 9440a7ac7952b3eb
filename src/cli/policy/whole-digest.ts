/** Which bundle begins with these digits? */
import { Fault } from "../../base/fault.ts";
import type { AdminClient } from "../../client/admin.ts";
import { Misuse } from "../command.ts";

/** @throws {@link Fault} `policy/unknown` where none or several bundles begin with these digits. */
export async function wholeDigest(digits: string, client: Pick<AdminClient, "listBundles">): Promise<string> {
  if (!isDigits(digits)) throw new Misuse("expected at least four digits of a bundle's digest");
  const { bundles } = await client.listBundles();
  const matching = bundles.filter(({ digest }) => digest.startsWith(digits));
  const [found] = matching;
  if (found !== undefined && matching.length === 1) return found.digest;
  throw new Fault(
    "policy/unknown",
    `expected one bundle that begins with \`${digits}\`, received ${matching.length}`,
  );
}

export function isDigits(text: string): boolean {
  return /^[0-9a-f]{4,64}$/.test(text);
}
