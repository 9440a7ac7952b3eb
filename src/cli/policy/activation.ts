/** How does an admin make a bundle live? By an order over digest, turn, broker, moment and the admins of now. */
import { signActivation } from "../../policy/statements.ts";
import { encodeActivationSummary } from "../../wire/bundle.ts";
import type { AdminSession } from "../admin-session.ts";
import type { ExitStatus, Terminal } from "../command.ts";

export async function activateIt(
  digest: string,
  { client, signer, audience, now }: AdminSession,
  { json, terminal }: { readonly json: boolean | undefined; readonly terminal: Terminal },
): Promise<ExitStatus> {
  const { live, roster = null } = await client.listBundles();
  const serial = (live?.serial ?? 0) + 1;
  const order = await signActivation({ digest, serial, audience, at: now(), roster }, signer);
  const activation = await client.activateBundle(digest, order);
  terminal.out(
    json === true
      ? `${encodeActivationSummary(activation)}\n`
      : `live: ${activation.digest} (activation ${activation.serial})\n`,
  );
  return 0;
}
