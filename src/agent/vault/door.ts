/** How does the Vault surface of one program open? Its token first, then its certificate, then the listener. */
import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { utf8 } from "../../base/bytes.ts";
import { Fault, systemCodeOf } from "../../base/fault.ts";
import type { InheritedSockets } from "../local-socket.ts";
import type { Door } from "../secret-source.ts";
import { type FileRights, placeInTmpfs, removePlaced } from "../tmpfs-file.ts";
import type { VaultMount } from "./binding.ts";
import { createVaultHandler, type HandlerParts } from "./handle.ts";
import { listenForVault, type VaultPlace } from "./listener.ts";

/** What the operator decided about one program. */
export interface VaultDoorPlan {
  readonly name: string;
  readonly mounts: readonly VaultMount[];
  readonly place: DoorPlace;
  /** Where its token is, or is put where there is none; absent only for a socket whose owner is known by that. */
  readonly tokenFile?: string;
  /** Of the socket, and of the token file, which has no other mode than 0600. */
  readonly rights: FileRights;
}

export type DoorPlace =
  | { readonly socket: string }
  /** Where the certificate of this boot's authority is put; `undefined` for plain HTTP, which the operator has to say. */
  | { readonly host: string; readonly port: number; readonly authorityFile: string | undefined };

export interface VaultDoorParts {
  readonly inherited?: InheritedSockets;
  readonly digest: HandlerParts["digest"];
  /** An authority that signs one certificate and is forgotten, PEM. */
  readonly makeTls: (
    host: string,
  ) => Promise<{ readonly authority: string; readonly certificate: string; readonly key: string }>;
}

/** @throws {@link Fault} `file/unusable`, `config/invalid` as it opens. */
export function createVaultDoor(plan: VaultDoorPlan, parts: VaultDoorParts): Door {
  return {
    name: `vault ${plan.name}`,
    open: async (source, { log }) => {
      const token = plan.tokenFile === undefined ? undefined : await tokenIn(plan.tokenFile, plan.rights);
      const { name, mounts } = plan;
      const handle = createVaultHandler({ name, mounts, token }, { source, digest: parts.digest, log });
      const { place, made } = await placeOf(plan, parts);
      const listener = await listenForVault(place, handle);
      return {
        close: async () => {
          await listener.close();
          if (made !== undefined) await removePlaced(made);
        },
      };
    },
  };
}

async function placeOf(
  { place, rights }: VaultDoorPlan,
  { makeTls, inherited }: VaultDoorParts,
): Promise<{ readonly place: VaultPlace; readonly made: string | undefined }> {
  const options = { rights, ...(inherited === undefined ? {} : { inherited }) };
  if ("socket" in place) return { place: { at: place, tls: undefined, options }, made: undefined };
  const { host, port, authorityFile } = place;
  const at = { host, port };
  if (authorityFile === undefined) return { place: { at, tls: undefined, options }, made: undefined };
  const { authority, certificate, key } = await makeTls(host);
  await placeInTmpfs(authorityFile, utf8(authority), { mode: FOR_EVERYBODY });
  return { place: { at, tls: { certificate, key }, options }, made: authorityFile };
}

/** A certificate is nobody's secret. */
const FOR_EVERYBODY = 0o644;
const TOKEN_BYTES = 32;
const MIN_TOKEN = 16;
const MAX_TOKEN = 1024;

/**
 * The token of the program. One that is there stays, so that a program that runs goes on while the daemon is started anew; else one is
 * made, in memory alone.
 */
async function tokenIn(file: string, { mode: _, ...owner }: FileRights): Promise<Uint8Array> {
  const kept = await readToken(file);
  if (kept !== undefined) return kept;
  const token = utf8(randomBytes(TOKEN_BYTES).toString("base64url"));
  await placeInTmpfs(file, token, owner);
  return token;
}

const OTHERS = 0o007;

async function readToken(path: string): Promise<Uint8Array | undefined> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    (thrown: unknown) => {
      if (systemCodeOf(thrown) === "ENOENT") return undefined;
      throw new Fault("file/unusable", `the token \`${path}\` cannot be read (${systemCodeOf(thrown)})`);
    },
  );
  if (file === undefined) return undefined;
  try {
    const stats = await file.stat();
    if (!stats.isFile() || (stats.mode & OTHERS) !== 0) throw unfit(path, "a file that not everybody reads");
    const text = (await file.readFile("utf8")).trim();
    if (!/^[!-~]+$/.test(text) || text.length < MIN_TOKEN || text.length > MAX_TOKEN)
      throw unfit(path, `${MIN_TOKEN} to ${MAX_TOKEN} characters without a space`);
    return utf8(text);
  } finally {
    await file.close();
  }
}

function unfit(path: string, expected: string): Fault {
  return new Fault("file/unusable", `expected the token \`${path}\` to be ${expected}`);
}
