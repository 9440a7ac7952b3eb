/** How does each VMM launch a guest? Named, versioned profiles, as data. */

export type Vmm = "qemu" | "ec2" | "gce" | "svsm" | "krun";

/** What a virtual processor's save area holds that VMMs do not agree on; the names are those of AMD's APM volume 2, table B-4. */
export interface ProcessorState {
  /** Attributes of CS: of the first processor, and of the others. */
  readonly cs: readonly [first: number, others: number];
  readonly ss: number;
  readonly tr: number;
  /** RDX at reset: the CPUID signature, or a number that the VMM writes. */
  readonly rdx: "signature" | number;
  readonly mxcsr: number;
  readonly x87Fcw: number;
  readonly gPat: bigint;
}

export interface Profile {
  readonly name: string;
  readonly vmm: Vmm;
  /** One line for people. */
  readonly summary: string;
  /** False where nobody has compared it with hardware: said beside each of its digests. */
  readonly isConfirmed: boolean;
  /** How memory of the SEC phase is given. */
  readonly secMem: "zero" | "unmeasured";
  /** Whether the CPUID page comes after all sections. */
  readonly isCpuidLast: boolean;
  /** Where save areas stand in the chain. */
  readonly vmsaGpa: bigint;
  readonly state: ProcessorState;
}

const HIGHEST_48_BIT_PAGE = 0xffff_ffff_f000n;
const HIGHEST_52_BIT_PAGE = 0xf_ffff_ffff_f000n;
/** Value of PAT after reset. */
const PAT_AT_RESET = 0x0007_0406_0007_0406n;

const QEMU: Profile = {
  name: "qemu",
  vmm: "qemu",
  summary: "QEMU on hosts with Linux 6.10 or newer",
  isConfirmed: true,
  secMem: "zero",
  isCpuidLast: false,
  vmsaGpa: HIGHEST_48_BIT_PAGE,
  state: {
    cs: [0x9b, 0x9b],
    ss: 0x93,
    tr: 0x8b,
    rdx: "signature",
    mxcsr: 0x1f80,
    x87Fcw: 0x37f,
    gPat: PAT_AT_RESET,
  },
};

const EC2: Profile = {
  name: "ec2-2026",
  vmm: "ec2",
  summary: "Amazon EC2, as seen in 2026",
  isConfirmed: true,
  secMem: "zero",
  isCpuidLast: true,
  vmsaGpa: HIGHEST_48_BIT_PAGE,
  state: { cs: [0x9a, 0x9b], ss: 0x92, tr: 0x83, rdx: 0x600, mxcsr: 0, x87Fcw: 0, gPat: PAT_AT_RESET },
};

const GCE: Profile = {
  name: "gce",
  vmm: "gce",
  summary: "Google Compute Engine",
  isConfirmed: true,
  secMem: "unmeasured",
  isCpuidLast: false,
  vmsaGpa: HIGHEST_48_BIT_PAGE,
  state: { cs: [0x9b, 0x9b], ss: 0x93, tr: 0x8b, rdx: 0x600, mxcsr: 0, x87Fcw: 0, gPat: 0x0007_0106n },
};

/** The newest of each VMM first. */
export const PROFILES: readonly Profile[] = [
  QEMU,
  {
    ...QEMU,
    name: "qemu-pre-6.10",
    summary: "QEMU on hosts with a Linux before 6.10",
    state: { ...QEMU.state, mxcsr: 0, x87Fcw: 0 },
  },
  EC2,
  {
    ...EC2,
    name: "ec2-2023",
    summary: "Amazon EC2, as seen until 2025",
    state: { ...EC2.state, rdx: 0 },
  },
  GCE,
  {
    ...GCE,
    name: "gce-52-bit",
    summary: "Google Compute Engine on Genoa, as Google's own verifier places save areas",
    isConfirmed: false,
    vmsaGpa: HIGHEST_52_BIT_PAGE,
  },
  {
    ...QEMU,
    name: "svsm",
    vmm: "svsm",
    summary: "QEMU with a Coconut SVSM below the firmware (not as IGVM)",
    state: { ...QEMU.state, x87Fcw: 0 },
  },
  {
    ...EC2,
    name: "krun",
    vmm: "krun",
    summary: "libkrun",
    isConfirmed: false,
    isCpuidLast: false,
    state: { ...EC2.state, cs: [0x9a, 0x9a], rdx: 0 },
  },
];

/** The profile of a name; `undefined` for none. */
export function profileNamed(name: string): Profile | undefined {
  return PROFILES.find((profile) => profile.name === name);
}

/** The newest profile of a VMM. */
export function newestProfileOf(vmm: string): Profile | undefined {
  return PROFILES.find((profile) => profile.vmm === vmm);
}
