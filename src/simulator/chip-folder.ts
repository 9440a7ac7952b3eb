/** Where does a simulated machine live between processes? In a folder: its authority, its chip, and the root that may be trusted. */
import { createPrivateKey, type KeyObject } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ProductLine } from "../attestation/snp/product.ts";
import type { Instant } from "../base/time.ts";
import { createSimulatedRoot, generateRootKeys, type RootKeys, type SimulatedRoot } from "./amd-root.ts";
import { writeCertTable } from "./cert-table.ts";
import { type ChipPlan, createSimulatedChip, generateChipKey, type SimulatedChip } from "./sp.ts";

/** The file that `--trust-simulator` takes: the root certificate, in PEM. */
export const SIMULATOR_ROOT_FILE = "ark.pem";

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
  if (!existsSync(path)) writeKeys(path, generateRootKeys());
  const root = createSimulatedRoot(product, readKeys(path));
  writeFileSync(join(folder, SIMULATOR_ROOT_FILE), pemOf(root.ark));
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
  if (!existsSync(path)) {
    writeFileSync(path, generateChipKey().export({ format: "pem", type: "pkcs8" }), { mode: 0o600 });
  }
  const chip = createSimulatedChip(root, { ...plan, key: createPrivateKey(readFileSync(path)) });
  return { root, chip, certTable: (now) => certTableOf(root, chip, now) };
}

/** The certificate table of a chip, with a CRL made at `now`. */
export function certTableOf(root: SimulatedRoot, chip: SimulatedChip, now: Instant): Uint8Array {
  const intermediate = chip.kind === "vcek" ? root.ask : root.asvk;
  return writeCertTable({
    [chip.kind]: chip.leaf,
    ask: intermediate,
    ark: root.ark,
    crl: root.crl({ thisUpdate: now }),
  });
}

export function pemOf(der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

/** Written beside and renamed, since several test processes may make the same folder. */
function writeKeys(path: string, keys: RootKeys): void {
  const pem = (key: KeyObject): string => key.export({ format: "pem", type: "pkcs8" }).toString();
  const half = `${path}.${process.pid}.part`;
  writeFileSync(half, JSON.stringify({ ark: pem(keys.ark), ask: pem(keys.ask), asvk: pem(keys.asvk) }), {
    mode: 0o600,
  });
  if (!existsSync(path)) renameSync(half, path);
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
