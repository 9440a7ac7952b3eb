/** Which broker does an admin's verb speak to? The one that its options name, or that of a configuration beside its first key. */
import { dirname, join, resolve } from "node:path";
import { parseUtf8 } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import type { Signer } from "../../base/primitives.ts";
import type { AdminOptions, AdminSession } from "../../cli/admin-session.ts";
import { type AdminClient, createAdminClient } from "../../client/admin.ts";
import { systemNow, systemRandom } from "./clock.ts";
import { bytesOf } from "./named-files.ts";
import { nodePrimitives } from "./primitives.ts";
import { loadConfig } from "./settings.ts";
import { createEd25519Signer } from "./signers.ts";
import { createTerminal } from "./terminal.ts";

const ADMIN_KEY_FILE = "admin-key.pem";
const DEFAULT_KID = "admin-1";

/** @throws {@link Fault} `config/invalid` where the options leave something open, `file/unusable`. */
export async function openAdminSession(options: AdminOptions): Promise<AdminSession> {
  const known = options.config === undefined ? undefined : await knownOf(options.config);
  const url = options.broker ?? known?.url;
  const audience = options.audience ?? known?.audience ?? url;
  const keyFile = options.key ?? known?.keyFile;
  if (url === undefined || audience === undefined || keyFile === undefined) {
    throw new Fault("config/invalid", "expected --config FILE, or --broker URL and --key FILE");
  }
  const pem = parseUtf8(await bytesOf(keyFile)) ?? "";
  const signer = createEd25519Signer(options.kid ?? DEFAULT_KID, pem);
  const client = createAdminClient({
    url,
    audience,
    signer,
    fetch: globalThis.fetch,
    now: systemNow,
    random: systemRandom,
    digest: nodePrimitives.digest,
  });
  return { client, signer: await statementSigner(options, client, signer), audience, url, now: systemNow };
}

/** Statements may be signed by a security key; loaded only then. */
async function statementSigner(
  { securityKey, answer = "-" }: AdminOptions,
  client: AdminClient,
  signer: Signer,
): Promise<Signer> {
  if (securityKey === undefined) return signer;
  const { securityKeySigner } = await import("../../cli/security-key.ts");
  const edges = { client, terminal: createTerminal(), primitives: nodePrimitives, answers: answer };
  return securityKeySigner(securityKey, edges);
}

async function knownOf(path: string) {
  const { config } = await loadConfig(path);
  const { listen } = config;
  const scheme = listen.tls === undefined ? "http" : "https";
  return {
    url: listen.externalUrl ?? `${scheme}://${listen.host}:${listen.port}`,
    audience: config.audience,
    keyFile: join(dirname(resolve(path)), ADMIN_KEY_FILE),
  };
}
