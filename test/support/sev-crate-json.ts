/** How do guests of a KBS write their report? As Rust's serde writes the struct of the `sev` crate, in its two forms. */

/** What such a text holds: numbers, those of 64 bits too. */
export type SerdeValue =
  | number
  | bigint
  | string
  | null
  | readonly SerdeValue[]
  | { readonly [name: string]: SerdeValue };

/** Compact JSON, members in their order. */
export function serdeText(value: SerdeValue): string {
  if (typeof value === "bigint") return value.toString();
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (isList(value)) return `[${value.map(serdeText).join(",")}]`;
  const members = Object.entries(value).map(
    ([name, member]) => `${JSON.stringify(name)}:${serdeText(member)}`,
  );
  return `{${members.join(",")}}`;
}

function isList(value: object): value is readonly SerdeValue[] {
  return Array.isArray(value);
}

/** Offsets by hand, from AMD 56860: not those of the code under test. */
function fieldsOf(report: Uint8Array) {
  const view = new DataView(report.buffer, report.byteOffset, report.byteLength);
  const bytes = (at: number, size: number) => [...report.subarray(at, at + size)];
  const u8 = (at: number) => view.getUint8(at);
  const u32 = (at: number) => view.getUint32(at, true);
  const u64 = (at: number) => view.getBigUint64(at, true);
  return { bytes, u8, u32, u64 };
}

/** Versions 6.3.1 to 8.0.0 of the crate. */
export function namedReport(report: Uint8Array): Readonly<Record<string, SerdeValue>> {
  const { bytes, u8, u32, u64 } = fieldsOf(report);
  const version = u32(0);
  const hasCpuid = version >= 3;
  const isTurin = hasCpuid && u8(0x188) >= 0x1a;
  const tcb = (at: number) => {
    const [a = 0, b = 0, c = 0, d = 0, , , g = 0, h = 0] = bytes(at, 8);
    return isTurin
      ? { fmc: a, bootloader: b, tee: c, snp: d, microcode: h }
      : { fmc: null, bootloader: a, tee: b, snp: g, microcode: h };
  };
  const firmware = (at: number) => ({ major: u8(at + 2), minor: u8(at + 1), build: u8(at) });
  return {
    version,
    guest_svn: u32(0x04),
    policy: u64(0x08),
    family_id: bytes(0x10, 16),
    image_id: bytes(0x20, 16),
    vmpl: u32(0x30),
    sig_algo: u32(0x34),
    current_tcb: tcb(0x38),
    plat_info: u64(0x40),
    key_info: u32(0x48),
    report_data: bytes(0x50, 64),
    measurement: bytes(0x90, 48),
    host_data: bytes(0xc0, 32),
    id_key_digest: bytes(0xe0, 48),
    author_key_digest: bytes(0x110, 48),
    report_id: bytes(0x140, 32),
    report_id_ma: bytes(0x160, 32),
    reported_tcb: tcb(0x180),
    cpuid_fam_id: hasCpuid ? u8(0x188) : null,
    cpuid_mod_id: hasCpuid ? u8(0x189) : null,
    cpuid_step: hasCpuid ? u8(0x18a) : null,
    chip_id: bytes(0x1a0, 64),
    committed_tcb: tcb(0x1e0),
    current: firmware(0x1e8),
    committed: firmware(0x1ec),
    launch_tcb: tcb(0x1f0),
    launch_mit_vector: version >= 5 ? u64(0x1f8) : null,
    current_mit_vector: version >= 5 ? u64(0x200) : null,
    signature: { r: bytes(0x2a0, 72), s: bytes(0x2e8, 72) },
  };
}

/** Version 4.0.0 of the crate: the struct as it lies in memory. */
export function laidOutReport(report: Uint8Array): Readonly<Record<string, SerdeValue>> {
  const { bytes, u8, u32, u64 } = fieldsOf(report);
  const tcb = (at: number) => ({
    bootloader: u8(at),
    tee: u8(at + 1),
    _reserved: bytes(at + 2, 4),
    snp: u8(at + 6),
    microcode: u8(at + 7),
  });
  return {
    version: u32(0),
    guest_svn: u32(0x04),
    policy: u64(0x08),
    family_id: bytes(0x10, 16),
    image_id: bytes(0x20, 16),
    vmpl: u32(0x30),
    sig_algo: u32(0x34),
    current_tcb: tcb(0x38),
    plat_info: u64(0x40),
    _author_key_en: u32(0x48),
    _reserved_0: u32(0x4c),
    report_data: bytes(0x50, 64),
    measurement: bytes(0x90, 48),
    host_data: bytes(0xc0, 32),
    id_key_digest: bytes(0xe0, 48),
    author_key_digest: bytes(0x110, 48),
    report_id: bytes(0x140, 32),
    report_id_ma: bytes(0x160, 32),
    reported_tcb: tcb(0x180),
    _reserved_1: bytes(0x188, 24),
    chip_id: bytes(0x1a0, 64),
    committed_tcb: tcb(0x1e0),
    current_build: u8(0x1e8),
    current_minor: u8(0x1e9),
    current_major: u8(0x1ea),
    _reserved_2: u8(0x1eb),
    committed_build: u8(0x1ec),
    committed_minor: u8(0x1ed),
    committed_major: u8(0x1ee),
    _reserved_3: u8(0x1ef),
    launch_tcb: tcb(0x1f0),
    _reserved_4: bytes(0x1f8, 168),
    signature: { r: bytes(0x2a0, 72), s: bytes(0x2e8, 72), _reserved: bytes(0x330, 368) },
  };
}
