/** Which files does a configuration name, and what is in them? Keys become signers, admin files become keys. */
import { dirname, resolve } from "node:path";
import { env } from "node:process";
import { equalBytes, parseUtf8 } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import type { Signer } from "../../base/primitives.ts";
import type { BrokerSettings } from "../../broker/world.ts";
import type { Admin } from "../../policy/admins.ts";
import { settingsOf } from "../compose.ts";
import { type Config, parseConfig } from "../config.ts";
import { bytesOf, pemOf } from "./named-files.ts";
import { createEd25519Signer, createEs256Signer, spkiOfPublicPem } from "./signers.ts";

/** A configuration and the folder that its relative paths start from. */
export interface LoadedConfig {
  readonly config: Config;
  readonly at: (path: string) => string;
}

/** @throws {@link Fault} `file/unusable`, `config/invalid`. */
export async function loadConfig(path: string): Promise<LoadedConfig> {
  const bytes = await bytesOf(path);
  const text = parseUtf8(bytes);
  if (text === undefined) throw new Fault("config/invalid", `expected \`${path}\` to be TOML in UTF-8`);
  const folder = dirname(resolve(path));
  return { config: parseConfig(text, env), at: (relative) => resolve(folder, relative) };
}

export interface BrokerSigners {
  readonly signer: Signer;
  readonly ledgerSigner: Signer;
}

/** @throws {@link Fault} `file/unusable`, `config/invalid` for a key of another kind. */
export async function loadSigners({ config, at }: LoadedConfig): Promise<BrokerSigners> {
  const { files } = config;
  return {
    signer: createEs256Signer("broker-signing-1", await pemOf(at(files.signingKey))),
    ledgerSigner: createEd25519Signer("broker-ledger-1", await pemOf(at(files.ledgerKey))),
  };
}

/** @throws {@link Fault} `file/unusable`, `config/invalid`. */
export async function loadSettings({ config, at }: LoadedConfig): Promise<BrokerSettings> {
  const admins: Admin[] = [];
  for (const admin of config.admins) {
    const spki = "spki" in admin ? admin.spki : spkiOfPublicPem(await pemOf(at(admin.file))); // in order, once
    if (admins.some((known) => equalBytes(known.spki, spki))) {
      throw new Fault("config/invalid", `expected one key per person, \`${admin.kid}\` has that of another`);
    }
    const { kid, person, roles, under, owns, webauthn } = admin;
    admins.push({
      kid,
      spki,
      ...(webauthn === undefined ? {} : { webauthn }),
      person,
      roles,
      under,
      owns,
    });
  }
  const settings = settingsOf(config, { externalUrl: config.listen.externalUrl, admins });
  return { ...settings, notifies: config.notifies.map(({ name }) => name) };
}
