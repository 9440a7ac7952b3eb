/** Which errors do firmware images and ID blocks have that are to be measured? A part of `fault-codes.ts`. */
import type { FaultRow } from "./fault-row.ts";

export const MEASUREMENT_FAULT_CODES = {
  "measurement/bad-firmware": {
    status: 422,
    wire: "bad-image",
    next: "give the whole firmware image that the VM starts with, built for SEV-SNP",
  },
  "measurement/no-hash-table": {
    status: 422,
    wire: "bad-image",
    next: "build OvmfPkg/AmdSev/AmdSevX64.dsc: only that firmware measures a kernel that it is given",
  },
  "measurement/bad-igvm": {
    status: 422,
    wire: "bad-image",
    next: "give the IGVM file as the build made it, with a SEV-SNP platform in it",
  },
  "measurement/other-launch": {
    status: 422,
    wire: "bad-image",
    next: "sign an ID block for the digest that the image has",
  },
  "measurement/bad-id-block": {
    status: 422,
    wire: "bad-image",
    next: "give the 96 bytes of the ID block and the 4096 of the ID authentication page, in base64 or as they are",
  },
} as const satisfies Readonly<Record<string, FaultRow>>;
