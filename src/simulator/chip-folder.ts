/** Where does a simulated machine live between processes? In a folder: its authority, its chip, and the root that may be trusted. */
import { createPrivateKey, type KeyObject, randomUUID } from "node:crypto";
import { existsSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ProductLine } from "../attestation/snp/product.ts";
import type { Instant } from "../base/time.ts";
import { createSimulatedRoot, generateRootKeys, type RootKeys, type SimulatedRoot } from "./amd-root.ts";
import { type TableContents, writeCertTable } from "./cert-table.ts";
import { type ChipPlan, createSimulatedChip, generateChipKey, type SimulatedChip } from "./sp.ts";
import { generateSvsmVtpmKeys, type SvsmVtpmKeyPairs } from "./svsm-vtpm.ts";
import { generateAttestationKey } from "./vtpm.ts";

/** The file that `--trust-simulator` takes: the root certificate, in PEM. */
export const SIMULATOR_ROOT_FILE = "ark.pem";

const TABLE_SECONDS = 3600;

/** A chip and everything that vouches for it. */
export interface SimulatedMachine {
  readonly root: SimulatedRoot;
  readonly chip: SimulatedChip;
  /** What the host would hand to the guest: leaf, intermediate, ARK and a CRL of today. */
  readonly certTable: (now: Instant) => Uint8Array;
}

/** The authority of a product line, its keys kept in `folder` so that they are made once. */
export function loadOrCreateRoot(folder: string, product: ProductLine): SimulatedRoot {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, `root-${product}.json`);
  if (!existsSync(path)) writeOnce(path, keysText(generateRootKeys()));
  const root = createSimulatedRoot(product, readKeys(path));
  replace(join(folder, SIMULATOR_ROOT_FILE), pemOf(root.ark));
  return root;
}

/** A machine whose chip keeps its key in `folder`. */
export function loadOrCreateMachine(
  folder: string,
  product: ProductLine,
  plan: ChipPlan = {},
): SimulatedMachine {
  const root = loadOrCreateRoot(folder, product);
  const path = join(folder, "chip-key.pem");
  if (!existsSync(path)) writeOnce(path, pkcs8(generateChipKey()));
  const chip = createSimulatedChip(root, { ...plan, key: createPrivateKey(readFileSync(path)) });
  return { root, chip, certTable: keptForAnHour((now) => certTableOf(root, chip, now)) };
}

/** The attestation key of the vTPM that this machine's paravisor runs, kept in `folder` too. */
export function loadOrCreateAttestationKey(folder: string): KeyObject {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, "vtpm-key.pem");
  if (!existsSync(path)) writeOnce(path, pkcs8(generateAttestationKey()));
  return createPrivateKey(readFileSync(path));
}

/** The keys of the vTPM of an SVSM on this machine. */
export function loadOrCreateSvsmVtpmKeys(folder: string): SvsmVtpmKeyPairs {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const [ekPath, akPath] = [join(folder, "svsm-ek.pem"), join(folder, "svsm-ak.pem")];
  if (!existsSync(ekPath) || !existsSync(akPath)) {
    const { ek, ak } = generateSvsmVtpmKeys();
    writeOnce(ekPath, pkcs8(ek));
    writeOnce(akPath, pkcs8(ak));
  }
  return { ek: createPrivateKey(readFileSync(ekPath)), ak: createPrivateKey(readFileSync(akPath)) };
}

/** What vouches for a chip, one by one, with a CRL made at `now`: as a guest gets it that is given no table. */
export function endorsementsOf(
  root: SimulatedRoot,
  chip: SimulatedChip,
  now: Instant,
): readonly Uint8Array[] {
  const intermediate = chip.kind === "vcek" ? root.ask : root.asvk;
  return [chip.leaf, intermediate, root.ark, root.crl({ thisUpdate: now })];
}

/** A host keeps its table; only the CRL in it is made anew now and then. */
function keptForAnHour(make: (now: Instant) => Uint8Array): (now: Instant) => Uint8Array {
  let kept: { readonly at: Instant; readonly table: Uint8Array } | undefined;
  return (now) => {
    if (kept === undefined || now < kept.at || now - kept.at > TABLE_SECONDS)
      kept = { at: now, table: make(now) };
    return kept.table;
  };
}

/** The certificate table of a chip, with a CRL made at `now`, and what else the host puts into it. */
export function certTableOf(
  root: SimulatedRoot,
  chip: SimulatedChip,
  now: Instant,
  more: TableContents = {},
): Uint8Array {
  const intermediate = chip.kind === "vcek" ? root.ask : root.asvk;
  return writeCertTable({
    [chip.kind]: chip.leaf,
    ask: intermediate,
    ark: root.ark,
    crl: root.crl({ thisUpdate: now }),
    ...more,
  });
}

export function pemOf(der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

const OWNER_ONLY = 0o600;

function keysText({ ark, ask, asvk }: RootKeys): string {
  return JSON.stringify({ ark: pkcs8(ark), ask: pkcs8(ask), asvk: pkcs8(asvk) });
}

export function pkcs8(key: KeyObject): string {
  return key.export({ format: "pem", type: "pkcs8" }).toString();
}

/** The first of several processes that make the same folder wins, and all of them use what it wrote. */
export function writeOnce(path: string, text: string): void {
  const half = halfOf(path, text);
  try {
    linkSync(half, path);
  } catch (thrown) {
    if (!(thrown instanceof Error && "code" in thrown && thrown.code === "EEXIST")) throw thrown;
  } finally {
    rmSync(half);
  }
}

/** A reader sees the old file or the new one, never half of it. */
export function replace(path: string, text: string): void {
  renameSync(halfOf(path, text), path);
}

function halfOf(path: string, text: string): string {
  const half = `${path}.${randomUUID()}.part`;
  writeFileSync(half, text, { mode: OWNER_ONLY });
  return half;
}

function readKeys(path: string): RootKeys {
  const kept: unknown = JSON.parse(readFileSync(path, "utf8"));
  const key = (name: "ark" | "ask" | "asvk"): KeyObject => {
    const pem =
      typeof kept === "object" && kept !== null && name in kept ? Reflect.get(kept, name) : undefined;
    if (typeof pem !== "string") throw new Error(`no ${name} in ${path}`);
    return createPrivateKey(pem);
  };
  return { ark: key("ark"), ask: key("ask"), asvk: key("asvk") };
}
