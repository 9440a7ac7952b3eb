/** What does a new broker need? A folder with its keys, its configuration, its database and the first admin's key. */
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Fault } from "../../base/fault.ts";
import { createKekFile } from "../../kek/file.ts";
import { createSqliteStore } from "../../store/sqlite.ts";
import { generateEd25519Pem, generateEs256Pem, spkiOfPem } from "./signers.ts";

/** Files of a data folder, by what they are. */
export const DATA_FILES = {
  config: "ostiary.toml",
  kek: "kek.key",
  signingKey: "signing-key.pem",
  signingPublicKey: "signing-key.pub.pem",
  ledgerKey: "ledger-key.pem",
  adminKey: "admin-key.pem",
  database: "ostiary.db",
  tlsCertificate: "tls-cert.pem",
  tlsKey: "tls-key.pem",
  tlsAuthority: "tls-ca.pem",
} as const;

export interface InitOptions {
  readonly audience: string;
  readonly mode: "production" | "demo";
  readonly port: number;
  /** Whether AMD's key server may be asked. */
  readonly isKdsEnabled: boolean;
  /** Host name or address of a TLS certificate to be made; without it the broker speaks plain HTTP. */
  readonly tlsName?: string;
  /** Whether one admin may change policy alone; so in a demonstration unless it is said. */
  readonly isOneAdmin?: boolean;
  /** Whose host the simulated machine of a demonstration is. */
  readonly cloud?: "gcp" | "aws";
}

/** What was made, for the operator to read and to back up. */
export interface MadeFile {
  readonly path: string;
  readonly is: string;
  readonly backUp: string;
}

const ADMIN_KID = "admin-1";

/**
 * Makes a data folder: nothing that is there already is overwritten.
 *
 * @throws {@link Fault} `file/unusable` where the folder has a configuration already or cannot be written.
 */
export async function initDataFolder(folder: string, options: InitOptions): Promise<readonly MadeFile[]> {
  const at = (name: string): string => join(folder, name);
  if (existsSync(at(DATA_FILES.config))) {
    throw new Fault("file/unusable", `\`${at(DATA_FILES.config)}\` is there already; nothing was changed`);
  }
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const signing = generateEs256Pem();
  const admin = generateEd25519Pem();
  await createKekFile(at(DATA_FILES.kek));
  if (options.tlsName !== undefined) await writeTls(options.tlsName, at);
  await writeSecret(at(DATA_FILES.signingKey), signing);
  await writeFile(at(DATA_FILES.signingPublicKey), publicPemOf(spkiOfPem(signing)), { flag: "wx" });
  await writeSecret(at(DATA_FILES.ledgerKey), generateEd25519Pem());
  await writeSecret(at(DATA_FILES.adminKey), admin);
  await createSqliteStore({ path: at(DATA_FILES.database), mode: "create" }).close();
  await writeFile(at(DATA_FILES.config), configText(options, spkiOfPem(admin)), { flag: "wx" });
  return madeFiles(at, options);
}

async function writeTls(name: string, at: (file: string) => string): Promise<void> {
  const { makeTlsMaterial } = await import("./tls-authority.ts");
  const { authority, certificate, key } = await makeTlsMaterial(name, Date.now());
  await writeSecret(at(DATA_FILES.tlsKey), key);
  await writeFile(at(DATA_FILES.tlsCertificate), certificate, { flag: "wx" });
  await writeFile(at(DATA_FILES.tlsAuthority), authority, { flag: "wx" });
}

async function writeSecret(path: string, pem: string): Promise<void> {
  await writeFile(path, pem, { flag: "wx", mode: 0o600 });
}

function publicPemOf(spki: Uint8Array): string {
  const lines =
    Buffer.from(spki)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN PUBLIC KEY-----\n${lines.join("\n")}\n-----END PUBLIC KEY-----\n`;
}

const TLS_LINES = [
  "",
  "# Read again on SIGHUP; put a certificate of your own authority here when you have one.",
  "[listen.tls]",
  `cert_file = "${DATA_FILES.tlsCertificate}"`,
  `key_file = "${DATA_FILES.tlsKey}"`,
];

function configText(options: InitOptions, adminSpki: Uint8Array): string {
  const lines = [
    "# Ostiary broker. `ostiary serve --check` reads this file and names every problem.",
    `mode = "${options.mode}"`,
    "# The broker's identity: guests are configured with the same words, compared byte for byte.",
    `audience = "${options.audience}"`,
    "",
    "[listen]",
    'host = "127.0.0.1"',
    `port = ${options.port}`,
    ...(options.tlsName === undefined ? [] : TLS_LINES),
    "",
    "# Relative paths are relative to this file.",
    "[files]",
    `kek = "${DATA_FILES.kek}"`,
    `signing_key = "${DATA_FILES.signingKey}"`,
    `ledger_key = "${DATA_FILES.ledgerKey}"`,
    `database = "${DATA_FILES.database}"`,
    "",
    "# AMD's key server, or a mirror of it, for certificates and CRLs that the evidence does not bring.",
    "[kds]",
    `enabled = ${options.isKdsEnabled}`,
    "",
    ...governanceLines(options),
    "[[admin]]",
    `kid = "${ADMIN_KID}"`,
    `spki = "${Buffer.from(adminSpki).toString("base64url")}"`,
    "",
  ];
  return lines.join("\n");
}

/** A second person is asked for unless somebody says that there is none. */
function governanceLines({ mode, isOneAdmin = mode === "demo" }: InitOptions): readonly string[] {
  return isOneAdmin
    ? [
        "# ONE ADMIN ALONE may change what is released: whoever has that one key. With 1 and a second [[admin]], another",
        "# person has to approve what widens access (docs/governance.md).",
        "[governance]",
        "approvals = 0",
        "",
      ]
    : [
        "# What widens access is approved by as many people as this, none of them its author. Add each as an [[admin]]",
        "# (docs/governance.md); `approvals = 0` lets one admin change policy alone.",
        "[governance]",
        "approvals = 1",
        "",
      ];
}

function madeFiles(at: (name: string) => string, { tlsName }: InitOptions): readonly MadeFile[] {
  const made = (name: keyof typeof DATA_FILES, is: string, backUp: string): MadeFile => ({
    path: at(DATA_FILES[name]),
    is,
    backUp,
  });
  return [
    made("config", "configuration", "with your deployment"),
    made(
      "database",
      "secrets (wrapped), policies, decisions and the log",
      "often, together with the log's head",
    ),
    made("kek", "key-encryption key", "offline: without it no secret of this broker can be read again"),
    made("signingKey", "broker signing key; guests pin its public half", "offline"),
    made("signingPublicKey", "its public half, for the guests' configuration", "not needed"),
    made("ledgerKey", "ledger key; auditors keep its public half", "offline"),
    ...(tlsName === undefined
      ? []
      : [
          made("tlsCertificate", "TLS certificate", "not needed: a new one may take its place"),
          made("tlsKey", "its key", "not needed"),
          made("tlsAuthority", "what guests trust for TLS", "not needed"),
        ]),
    made("adminKey", "the first admin's private key", "move it to the admin's own machine"),
  ];
}
