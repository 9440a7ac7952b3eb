/** Which errors say that a guest's evidence is not genuine, or that AMD does not vouch for it? A part of `fault-codes.ts`. */
import type { FaultRow } from "./fault-row.ts";

export const EVIDENCE_FAULT_CODES = {
  "evidence/malformed": {
    status: 400,
    wire: "malformed-evidence",
    next: "send the report exactly as the firmware gave it",
  },
  "evidence/unknown-version": {
    status: 400,
    wire: "malformed-evidence",
    next: "report versions 2, 3, 4 and 5 are known",
  },
  "evidence/reserved-bits": {
    status: 400,
    wire: "malformed-evidence",
    next: "a newer firmware needs a newer Ostiary",
  },
  "evidence/unknown-algorithm": {
    status: 400,
    wire: "malformed-evidence",
    next: "only ECDSA P-384 with SHA-384 is known",
  },
  "evidence/unsigned": { status: 403, wire: "rejected-evidence", next: "unmask the chip key on the host" },
  "evidence/host-requested": {
    status: 403,
    wire: "rejected-evidence",
    next: "ask for the report from inside the guest",
  },
  "evidence/unknown-product": {
    status: 403,
    wire: "rejected-evidence",
    next: "a newer processor needs a newer Ostiary",
  },
  "evidence/bad-signature": {
    status: 403,
    wire: "rejected-evidence",
    next: "the report was altered or is not of this chip",
  },
  "evidence/tcb-order": {
    status: 403,
    wire: "rejected-evidence",
    next: "the report contradicts itself; do not trust the host",
  },
  "evidence/wrong-vmpl": {
    status: 403,
    wire: "rejected-evidence",
    next: "a paravisor and an SVSM ask at VMPL 0; a report of another level is the guest's own word",
  },
  "evidence/runtime-data-mismatch": {
    status: 403,
    wire: "rejected-evidence",
    next: "the claims beside the report are not the ones that it signs; send the blob of NV index 0x01400001 unchanged",
  },
  "evidence/ak-missing": {
    status: 403,
    wire: "rejected-evidence",
    next: "the paravisor vouches for no attestation key that is known; a newer paravisor may need a newer Ostiary",
  },
  "evidence/ek-missing": {
    status: 403,
    wire: "rejected-evidence",
    next: "the SVSM's manifest names no vTPM with an endorsement key of TCG's default template; ask for all services, or leave the quote out",
  },
  "evidence/ak-unfit": {
    status: 403,
    wire: "rejected-evidence",
    next: "quote with a restricted key that the vTPM made and never gives away (fixedTPM, fixedParent, sensitiveDataOrigin)",
  },
  "evidence/ak-unproven": {
    status: 403,
    wire: "rejected-evidence",
    next: "activate the credential of this very challenge in the vTPM of the manifest, with the key that quotes",
  },
  "evidence/quote-type": {
    status: 403,
    wire: "rejected-evidence",
    next: "send what TPM2_Quote gave, as it gave it",
  },
  "evidence/quote-signature": {
    status: 403,
    wire: "rejected-evidence",
    next: "quote with the attestation key that the evidence vouches for (in a VM of Azure's handle 0x81000003)",
  },
  "evidence/quote-selection": {
    status: 403,
    wire: "rejected-evidence",
    next: "quote all 24 registers of the SHA-256 bank, in one selection",
  },
  "evidence/quote-digest": {
    status: 403,
    wire: "rejected-evidence",
    next: "read the registers again together with the quote; something extended one in between",
  },
  "evidence/event-log": {
    status: 403,
    wire: "rejected-evidence",
    next: "send the event log of this boot as the kernel shows it, or leave it out",
  },

  "endorsement/missing": {
    status: 403,
    wire: "rejected-evidence",
    next: "send the VCEK or VLEK with the evidence, or let the broker ask AMD's KDS",
  },
  "endorsement/malformed": {
    status: 403,
    wire: "rejected-evidence",
    next: "fetch the certificate again from AMD's KDS",
  },
  "endorsement/untrusted-root": {
    status: 403,
    wire: "rejected-evidence",
    next: "only AMD's pinned ARKs are trust anchors",
  },
  "endorsement/product-mismatch": {
    status: 403,
    wire: "rejected-evidence",
    next: "the certificate is for another product line",
  },
  "endorsement/kind-mismatch": {
    status: 403,
    wire: "rejected-evidence",
    next: "the report says which of VCEK and VLEK signed it",
  },
  "endorsement/bad-signature": {
    status: 403,
    wire: "rejected-evidence",
    next: "fetch the chain again from AMD's KDS",
  },
  "endorsement/not-yet-valid": {
    status: 403,
    wire: "rejected-evidence",
    next: "look at the clock of the broker",
  },
  "endorsement/expired": {
    status: 403,
    wire: "rejected-evidence",
    next: "fetch the certificate again from AMD's KDS",
  },
  "endorsement/crl-missing": {
    status: 503,
    wire: "try-later",
    next: "import AMD's CRL or let the broker fetch it",
  },
  "endorsement/crl-invalid": {
    status: 403,
    wire: "rejected-evidence",
    next: "import the CRL of the product's own ARK",
  },
  "endorsement/crl-stale": {
    status: 503,
    wire: "try-later",
    next: "fetch or import a CRL that is within its dates",
  },
  "endorsement/revoked": {
    status: 403,
    wire: "rejected-evidence",
    next: "AMD revoked this intermediate; use the current chain",
  },
  "endorsement/tcb-mismatch": {
    status: 403,
    wire: "rejected-evidence",
    next: "fetch the certificate for the reported TCB",
  },
  "endorsement/chip-mismatch": {
    status: 403,
    wire: "rejected-evidence",
    next: "the certificate is of another chip",
  },
  "endorsement/provider-untrusted": {
    status: 403,
    wire: "rejected-evidence",
    next: "configure the provider's authorities, intermediates included, or leave its statement out",
  },
  "endorsement/provider-expired": {
    status: 403,
    wire: "rejected-evidence",
    next: "look at the clock of the broker, or ask the provider for a newer certificate",
  },
  "endorsement/firmware-malformed": {
    status: 403,
    wire: "rejected-evidence",
    next: "take the endorsement as Google gives it; a newer form needs a newer Ostiary",
  },
  "endorsement/firmware-bad-signature": {
    status: 403,
    wire: "rejected-evidence",
    next: "fetch the endorsement again from Google; do not trust the host",
  },
  "endorsement/firmware-mismatch": {
    status: 403,
    wire: "rejected-evidence",
    next: "the endorsement is of another firmware than the one that was launched",
  },
  "endorsement/unavailable": {
    status: 503,
    wire: "try-later",
    next: "AMD's KDS or its mirror did not answer; try again later",
  },
} as const satisfies Record<string, FaultRow>;
