/** Which broker does an admin's verb speak to? The one that its options name, that of a configuration beside its first key, or of a session. */
import { dirname, join, resolve } from "node:path";
import { parseUtf8 } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import type { Signer } from "../../base/primitives.ts";
import type { AdminOptions, AdminSession } from "../../cli/admin-session.ts";
import { parseSessionFile } from "../../cli/session-file.ts";
import { type AdminClient, type AdminClientOptions, createAdminClient } from "../../client/admin.ts";
import { systemNow, systemRandom } from "./clock.ts";
import { bytesOf } from "./named-files.ts";
import { nodePrimitives } from "./primitives.ts";
import { loadConfig } from "./settings.ts";
import { createEd25519Signer } from "./signers.ts";
import { createTerminal } from "./terminal.ts";

const ADMIN_KEY_FILE = "admin-key.pem";
const DEFAULT_KID = "admin-1";

/** @throws {@link Fault} `config/invalid` where the options leave something open, `file/unusable`, `admin/unauthorized`. */
export async function openAdminSession(options: AdminOptions): Promise<AdminSession> {
  if (options.session !== undefined) return heldSession(options.session, options);
  const { url, audience, keyFile } = await brokerOf(options);
  if (url === undefined || audience === undefined || keyFile === undefined) {
    throw new Fault("config/invalid", "expected --config FILE, or --broker URL and --key FILE");
  }
  const pem = parseUtf8(await bytesOf(keyFile)) ?? "";
  const signer = createEd25519Signer(options.kid ?? DEFAULT_KID, pem);
  const client = clientOf({ url, audience, signer });
  return { client, signer: await statementSigner(options, client, signer), audience, url, now: systemNow };
}

/** Which broker options name, and the first admin's key where a configuration does. @throws {@link Fault} `file/unusable`, `config/invalid`. */
export async function brokerOf(options: AdminOptions) {
  const known = options.config === undefined ? undefined : await knownOf(options.config);
  const url = options.broker ?? known?.url;
  return {
    url,
    audience: options.audience ?? known?.audience ?? url,
    keyFile: options.key ?? known?.keyFile,
  };
}

/** Whoever signed in has a session for requests, and no key for statements. */
async function heldSession(path: string, options: AdminOptions): Promise<AdminSession> {
  if (Object.keys(options).length > 1)
    throw new Fault("config/invalid", "expected --session alone: it names the broker, and who asks");
  const {
    broker: url,
    audience,
    kid,
    key,
    session,
  } = parseSessionFile(await bytesOf(path), path, systemNow());
  const signer = createEd25519Signer(kid, key);
  const client = clientOf({ url, audience, signer, session });
  return { client, signer: { ...signer, sign: signsNothing }, audience, url, now: systemNow };
}

const signsNothing: Signer["sign"] = async () => {
  throw new Fault("login/signs-nothing", "expected an admin key: a session signs requests and no statement");
};

function clientOf(
  parts: Pick<AdminClientOptions, "url" | "audience" | "signer"> & { readonly session?: string },
): AdminClient {
  return createAdminClient({
    ...parts,
    fetch: globalThis.fetch,
    now: systemNow,
    random: systemRandom,
    digest: nodePrimitives.digest,
  });
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
