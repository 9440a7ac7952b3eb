/** Where does each field of the blob in NV index 0x01400001 stand? Little-endian, as Azure's paravisor writes it. */
import { REPORT_SIZE } from "../snp/layout.ts";

/** `HCLA`. */
export const HCL_SIGNATURE = 0x414c4348;
/** 1 of older paravisors, 2 of OpenHCL. */
export const HCL_VERSIONS: readonly number[] = [1, 2];
export const HCL_REQUEST_AK_CERT = 2;
export const HCL_RUNTIME_VERSION = 1;
/** Others are VBS (1), TDX (4) and one that no hardware vouches for (3). */
export const HCL_REPORT_TYPE_SNP = 2;
export const HCL_HASH_SHA256 = 1;

/** The report stands between the header and what describes the runtime claims. */
const HCL_REPORT_AT = 0x20;
const HCL_RUNTIME_AT = HCL_REPORT_AT + REPORT_SIZE;
/** Sizes, version and kinds that stand before the claims. */
export const HCL_RUNTIME_HEADER_SIZE = 20;
/** Where the runtime claims begin: JSON, whose exact bytes are hashed. */
export const HCL_CLAIMS_AT = HCL_RUNTIME_AT + HCL_RUNTIME_HEADER_SIZE;
export const HCL_MAX_CLAIMS_SIZE = 2812;
/** The index is of 2048 or 2600 bytes; beyond this none is. */
export const HCL_MAX_SIZE = 4096;

/** The names of the two keys in the runtime claims: the one that quotes, and the one that is encrypted to. */
export const HCL_AK_NAME = "HCLAkPub";
export const HCL_EK_NAME = "HCLEkPub";
