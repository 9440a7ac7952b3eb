/** Which guests are two engines asked about? The same ones: as the claims that Trustee's policies see, and as facts of Writ. */

import { ORDINARY } from "../../../src/policy/vocabulary-ordinary.ts";
import type { FactValue } from "../../../src/writ/facts.ts";

export interface Guest {
  readonly path: readonly [repository: string, type: string, tag: string];
  /** `input` of an attestation policy: nested claims, as newer versions have them. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** The claims of the token, flat as older versions had them. */
  readonly flat: Readonly<Record<string, unknown>>;
  readonly facts: ReadonlyMap<string, FactValue>;
  readonly isDebug: boolean;
}

export const MEASUREMENTS = ["ab", "cd", "0f"].map((byte) => byte.repeat(48));
export const INIT_DATA = ["11", "22"].map((byte) => byte.repeat(32));
export const PCRS = ["aa", "bb"].map((byte) => byte.repeat(32));
export const CHIP = "c1".repeat(64);

const PATHS = [
  ["default", "key", "1"],
  ["default", "key", "2"],
  ["prod", "disk", "root"],
  ["prod", "disk", "data"],
  ["other", "key", "1"],
] as const;

/** Mulberry32: the same guests everywhere. */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export function guests(count: number): readonly Guest[] {
  const roll = dice(20_261_130);
  const one = <T>(list: readonly T[]): T => {
    const chosen = list[Math.floor(roll() * list.length)];
    if (chosen === undefined) throw new Error("an empty list");
    return chosen;
  };
  return Array.from({ length: count }, () => guestOf(one));
}

function guestOf(one: <T>(list: readonly T[]) => T): Guest {
  const tee = one(["snp", "snp", "az-snp-vtpm"]);
  const path = one(PATHS);
  const measurement = one(MEASUREMENTS);
  const initData = one(INIT_DATA);
  const pcr = one(PCRS);
  const hasChip = one([true, false]);
  const tcb = {
    bootloader: one([9, 10]),
    tee: one([0, 1]),
    snp: one([22, 23, 24]),
    microcode: one([84, 85]),
  };
  const [major, minor] = one([
    [0, 31],
    [1, 55],
    [0, 55],
  ] as const);
  const isDebug = one([false, false, false, true]);
  const flag = () => one([true, false, false]);
  const guest = { debug: isDebug, migrate_ma: flag(), smt: flag(), single_socket: flag() };
  const host = { smt: flag(), tsme: flag() };
  const isAzure = tee === "az-snp-vtpm";
  const chip = hasChip && !isAzure ? { chip_id: CHIP } : {};
  const flat = {
    measurement,
    ...chip,
    reported_tcb_bootloader: tcb.bootloader,
    reported_tcb_tee: tcb.tee,
    reported_tcb_snp: tcb.snp,
    reported_tcb_microcode: tcb.microcode,
    policy_abi_major: major,
    policy_abi_minor: minor,
    policy_debug_allowed: guest.debug,
    policy_migrate_ma: guest.migrate_ma,
    policy_smt_allowed: guest.smt,
    policy_single_socket: guest.single_socket,
    platform_smt_enabled: host.smt,
    platform_tsme_enabled: host.tsme,
    ...(isAzure ? { tpm: { pcr11: pcr } } : {}),
  };
  const nested = {
    measurement,
    ...chip,
    reported_tcb: tcb,
    policy: {
      abi_major: major,
      abi_minor: minor,
      debug_allowed: guest.debug,
      migrate_ma_allowed: guest.migrate_ma,
      smt_allowed: guest.smt,
      single_socket_required: guest.single_socket,
    },
    plat_info: { smt_enabled: host.smt, tsme_enabled: host.tsme },
  };
  const facts = new Map<string, FactValue>([
    ...(ORDINARY["genoa"] ?? []),
    ["request.resource", path.join("/")],
    ["now", 1_796_000_000],
    ["request.channel", "kbs"],
    ["request.op", "release"],
    ["evidence.format", isAzure ? "azure-hcl" : "raw"],
    ["vmpl", 0],
    ["measurement", measurement],
    ["host_data", initData],
    ["tcb.reported", tcb],
    ["guest.abi", [major, minor, 0]],
    ["guest.debug", guest.debug],
    ["guest.migrate_ma", guest.migrate_ma],
    ["guest.smt", guest.smt],
    ["guest.single_socket", guest.single_socket],
    ["host.smt", host.smt],
    ["host.tsme", host.tsme],
  ]);
  facts.delete("report.chip_id");
  if (hasChip && !isAzure) facts.set("report.chip_id", CHIP);
  if (isAzure) facts.set("vtpm.pcr[11]", pcr);
  return {
    path,
    claims: { [tee]: isAzure ? flat : { evidence: nested }, init_data: initData },
    flat: { [tee]: flat, init_data: initData },
    facts,
    isDebug,
  };
}
