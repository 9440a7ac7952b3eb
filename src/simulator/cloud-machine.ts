/** What does a cloud's host add to a simulated machine? What the file `cloud` in its folder names: `gcp`, `aws`, or nothing. */
import { createHash, createPrivateKey } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { CarriedRaw } from "../attestation/evidence.ts";
import { hostVtpmBinder } from "../attestation/host-vtpm-binder.ts";
import type { Instant } from "../base/time.ts";
import { certTableOf, pkcs8, type SimulatedMachine, writeOnce } from "./chip-folder.ts";
import { writeLaunchEndorsement } from "./launch-endorsement.ts";
import { loadOrCreateProvider } from "./provider-folder.ts";
import { p256, type SimulatedProvider } from "./provider-root.ts";
import type { ChipPlan } from "./sp.ts";
import { createSimulatedVtpm, type SimulatedVtpm } from "./vtpm.ts";

export type Cloud = "gcp" | "aws";

/** A word in a file beside the machine: what its host is. */
export const CLOUD_FILE = "cloud";

/** MEASUREMENT of the firmware that the simulated Google signs for: the ordinary one, as with four VMSAs. */
const GOOGLE_FIRMWARE = new Uint8Array(48).fill(0x02);
const GOOGLE_SVN = 2;
const REPORT_DATA = { from: 0x50, to: 0x90 } as const;

/** @throws {@link Error} for another word: only this file's owner writes it. */
export function cloudOf(folder: string): Cloud | undefined {
  const path = join(folder, CLOUD_FILE);
  if (!existsSync(path)) return undefined;
  const word = readFileSync(path, "utf8").trim();
  if (word === "gcp" || word === "aws") return word;
  throw new Error(`expected gcp or aws in ${path}`);
}

/** EC2 endorses by a VLEK of its own; Google launches with SMT and a migration agent allowed. */
export function chipPlanOf(cloud: Cloud | undefined): ChipPlan {
  switch (cloud) {
    case "aws":
      return { kind: "vlek", cspId: "CN=cc-us-east-1.amazonaws.com" };
    case "gcp":
      return { usual: { policy: 0x70000n } };
    case undefined:
      return {};
  }
}

/** Makes what Google's host gives with a report: an endorsement in the table, and a quote of its vTPM. */
export function createGoogleHost(folder: string, { root, chip }: SimulatedMachine) {
  const provider = loadOrCreateProvider(folder);
  const vtpm = createSimulatedVtpm(keptKey(folder));
  return (report: Uint8Array, now: Instant): CarriedRaw => ({
    format: "raw",
    report,
    certTable: certTableOf(root, chip, now, { launchEndorsement: endorsed(provider, now) }),
    hostVtpm: quoted(vtpm, provider, report.slice(REPORT_DATA.from, REPORT_DATA.to)),
  });
}

function keptKey(folder: string) {
  const path = join(folder, "host-vtpm-key.pem");
  if (!existsSync(path)) writeOnce(path, pkcs8(p256()));
  return createPrivateKey(readFileSync(path));
}

function endorsed({ keys, firmwareCertificate }: SimulatedProvider, now: Instant): Uint8Array {
  return writeLaunchEndorsement({
    signedAt: now,
    changeList: 1,
    certificate: firmwareCertificate(),
    key: keys.firmwareSigner,
    uefiDigest: Uint8Array.from(createHash("sha384").update("a simulated firmware").digest()),
    svn: GOOGLE_SVN,
    measurements: { 4: GOOGLE_FIRMWARE },
  });
}

function quoted(vtpm: SimulatedVtpm, { akCertificate }: SimulatedProvider, reportData: Uint8Array) {
  const digest = (algorithm: string, bytes: Uint8Array): Uint8Array =>
    Uint8Array.from(createHash(algorithm).update(bytes).digest());
  return {
    ...vtpm.quote({ qualifyingData: hostVtpmBinder(reportData, { digest }) }),
    akCertificate: akCertificate(vtpm.key),
  };
}
