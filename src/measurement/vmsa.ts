/** What is in a virtual processor's save area at launch? The VMSA page (AMD APM volume 2, table B-4). */
import { u32le, u64le } from "../base/bytes.ts";
import { PAGE_SIZE } from "./page-update.ts";
import type { ProcessorState } from "./profiles.ts";

/** Where a processor begins, and what it is. */
export interface Processor {
  readonly eip: number;
  readonly isFirst: boolean;
  /** CPUID Fn0000_0001 EAX. */
  readonly signature: number;
  /** SEV_FEATURES. */
  readonly guestFeatures: bigint;
}

/** Where the first processor begins: the reset vector. */
export const RESET_VECTOR = 0xffff_fff0;

interface Segment {
  readonly selector?: number;
  readonly attributes: number;
  readonly limit?: number;
  readonly base?: number;
}

/** A segment of 16-bit code or data at reset. */
const REAL_MODE_LIMIT = 0xffff;
const AT = {
  es: 0x00,
  cs: 0x10,
  ss: 0x20,
  ds: 0x30,
  fs: 0x40,
  gs: 0x50,
  gdtr: 0x60,
  ldtr: 0x70,
  idtr: 0x80,
  tr: 0x90,
};

/** The page of a processor that starts at reset, in 16-bit mode. */
export function resetVmsa(state: ProcessorState, processor: Processor): Uint8Array {
  const page = new Uint8Array(PAGE_SIZE);
  const [firstCs, otherCs] = state.cs;
  const data = { attributes: 0x93 };
  for (const at of [AT.es, AT.ds, AT.fs, AT.gs]) putSegment(page, at, data);
  putSegment(page, AT.cs, {
    selector: 0xf000,
    attributes: processor.isFirst ? firstCs : otherCs,
    base: processor.eip - (processor.eip % 0x1_0000),
  });
  putSegment(page, AT.ss, { attributes: state.ss });
  putTables(page, state.tr);
  putRegisters(page, { cr0: 0x10, rip: processor.eip % 0x1_0000 });
  putState(page, state, processor);
  return page;
}

/** The page of every processor under a Coconut SVSM, which starts in flat 32-bit mode. */
export function svsmVmsa(state: ProcessorState, processor: Processor): Uint8Array {
  const page = new Uint8Array(PAGE_SIZE);
  const flat = { selector: 16, attributes: 0xc93, limit: 0xffff_ffff };
  for (const at of [AT.es, AT.ss, AT.ds, AT.fs]) putSegment(page, at, flat);
  putSegment(page, AT.gs, { attributes: 0x93 });
  putSegment(page, AT.cs, { selector: 8, attributes: 0xc9b, limit: 0xffff_ffff });
  putTables(page, state.tr);
  putRegisters(page, { cr0: 0x11, rip: processor.eip });
  putState(page, state, processor);
  return page;
}

function putTables(page: Uint8Array, tr: number): void {
  putSegment(page, AT.gdtr, { attributes: 0 });
  putSegment(page, AT.idtr, { attributes: 0 });
  putSegment(page, AT.ldtr, { attributes: 0x82 });
  putSegment(page, AT.tr, { attributes: tr });
}

function putRegisters(page: Uint8Array, { cr0, rip }: { readonly cr0: number; readonly rip: number }): void {
  put64(page, 0xd0, 0x1000); // EFER.SVME
  put64(page, 0x148, 0x40); // CR4.MCE
  put64(page, 0x158, cr0);
  put64(page, 0x160, 0x400); // DR7
  put64(page, 0x168, 0xffff_0ff0); // DR6
  put64(page, 0x170, 2); // RFLAGS
  put64(page, 0x178, rip);
  put64(page, 0x3e8, 1); // XCR0
}

function putState(page: Uint8Array, state: ProcessorState, processor: Processor): void {
  page.set(u64le(state.gPat), 0x268);
  put64(page, 0x310, state.rdx === "signature" ? processor.signature : state.rdx);
  page.set(u64le(processor.guestFeatures), 0x3b0);
  page.set(u32le(state.mxcsr), 0x408);
  page.set(u32le(state.x87Fcw).subarray(0, 2), 0x410);
}

function putSegment(page: Uint8Array, at: number, segment: Segment): void {
  page.set(u32le(segment.attributes * 0x1_0000 + (segment.selector ?? 0)), at);
  page.set(u32le(segment.limit ?? REAL_MODE_LIMIT), at + 4);
  put64(page, at + 8, segment.base ?? 0);
}

function put64(page: Uint8Array, at: number, value: number): void {
  page.set(u64le(BigInt(value)), at);
}
