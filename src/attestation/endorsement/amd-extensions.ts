/** What does AMD say of a chip in its leaf certificate? TCB, chip or provider, product (arc 1.3.6.1.4.1.3704.1). */
import { Fault } from "../../base/fault.ts";
import type { TcbComponent, TcbVersion } from "../snp/tcb.ts";
import { DER, malformedDer, parseDer, smallInteger } from "./der.ts";
import type { Certificate } from "./x509.ts";

const ARC = "1.3.6.1.4.1.3704.1";

const OID = {
  structVersion: `${ARC}.1`,
  productName: `${ARC}.2`,
  hwid: `${ARC}.4`,
  cspId: `${ARC}.5`,
} as const;

const SPL: Readonly<Record<TcbComponent, string>> = {
  bootloader: `${ARC}.3.1`,
  tee: `${ARC}.3.2`,
  snp: `${ARC}.3.3`,
  microcode: `${ARC}.3.8`,
  fmc: `${ARC}.3.9`,
};
/** Reserved levels, zero where they stand; Turin has no spl4. */
const RESERVED_SPL = [`${ARC}.3.4`, `${ARC}.3.5`, `${ARC}.3.6`, `${ARC}.3.7`];
const KNOWN = new Set<string>([...Object.values(OID), ...Object.values(SPL), ...RESERVED_SPL]);

export interface AmdExtensions {
  readonly structVersion: number;
  readonly productName: string;
  readonly tcb: TcbVersion;
  /** 64 bytes, or 8 on Turin; VCEK only. */
  readonly hwid?: Uint8Array;
  /** VLEK only. */
  readonly cspId?: string;
}

/**
 * Reads AMD's extensions of a leaf, in any order.
 *
 * @throws {@link Fault} `endorsement/malformed`: an unknown OID of the arc, one that is missing, a level outside 0 to 255, a
 *   reserved level that is set, both or neither of hwID and cspID.
 */
export function amdExtensionsOf(leaf: Certificate): AmdExtensions {
  for (const oid of leaf.extensions.keys()) {
    if (oid.startsWith(`${ARC}.`) && !KNOWN.has(oid))
      throw malformed(`no extension ${oid}, which is not known`);
  }
  for (const oid of RESERVED_SPL) {
    if (leaf.extensions.has(oid) && levelOf(leaf, oid) !== 0)
      throw malformed(`zero in the reserved level ${oid}`);
  }
  const hwid = leaf.extensions.get(OID.hwid)?.value;
  const cspId = leaf.extensions.has(OID.cspId) ? textOf(leaf, OID.cspId) : undefined;
  if ((hwid === undefined) === (cspId === undefined)) throw malformed("exactly one of hwID and cspID");
  return {
    structVersion: smallInteger(contentOf(leaf, OID.structVersion, DER.integer)),
    productName: textOf(leaf, OID.productName),
    tcb: tcbOf(leaf),
    ...(hwid === undefined ? {} : { hwid: chipIdOf(hwid) }),
    ...(cspId === undefined ? {} : { cspId }),
  };
}

function tcbOf(leaf: Certificate): TcbVersion {
  const classic = {
    bootloader: levelOf(leaf, SPL.bootloader),
    tee: levelOf(leaf, SPL.tee),
    snp: levelOf(leaf, SPL.snp),
    microcode: levelOf(leaf, SPL.microcode),
  };
  return leaf.extensions.has(SPL.fmc) ? { fmc: levelOf(leaf, SPL.fmc), ...classic } : classic;
}

/** By length, never by tag: raw bytes may begin with 04 40 by chance. The wrapped form is known from test data only. */
function chipIdOf(value: Uint8Array): Uint8Array {
  if (value.length === 64 || value.length === 8) return value.slice();
  if (value.length === 66 || value.length === 10) return parseDer(value, DER.octetString).content.slice();
  throw malformed("a hwID of 64 or 8 bytes");
}

function levelOf(leaf: Certificate, oid: string): number {
  const level = smallInteger(contentOf(leaf, oid, DER.integer));
  if (level > 255) throw malformed(`a level of 0 to 255 in ${oid}`);
  return level;
}

function textOf(leaf: Certificate, oid: string): string {
  const content = contentOf(leaf, oid, DER.ia5String);
  if (content.some((byte) => byte < 0x20 || byte > 0x7e)) throw malformedDer("printable IA5");
  return String.fromCharCode(...content);
}

function contentOf(leaf: Certificate, oid: string, tag: number): Uint8Array {
  const extension = leaf.extensions.get(oid);
  if (extension === undefined) throw malformed(`the extension ${oid}`);
  return parseDer(extension.value, tag).content;
}

function malformed(expected: string): Fault {
  return new Fault("endorsement/malformed", `leaf certificate: expected ${expected}`);
}
