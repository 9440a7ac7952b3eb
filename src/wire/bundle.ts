/** How do admins write policy bundles, and what do they see of them? */
import * as v from "valibot";
import type { JsonObject } from "../base/canonical-json.ts";
import { ANSWER, decode, encode, REQUEST, type Reading } from "./codec.ts";
import {
  bytesField,
  bytesText,
  countField,
  digestField,
  instantField,
  instantText,
  textField,
} from "./fields.ts";
import { MAX_ADMIN_BODY_BYTES, MAX_ARCHIVE_BYTES } from "./limits.ts";
import type {
  ActivationSummary,
  BundleDetail,
  BundleList,
  BundleProposal,
  BundleSummary,
  ProposalAnswer,
} from "./messages.ts";

/** A DSSE envelope as JSON text; `policy/signatures.ts` opens it. */
const ENVELOPE = v.pipe(v.string(), v.minLength(1), v.maxLength(2 * MAX_ARCHIVE_BYTES));

export const BUNDLE_PROPOSAL = v.strictObject({ tar: bytesField(1, MAX_ARCHIVE_BYTES), signature: ENVELOPE });
export const BUNDLE_ACTIVATION = v.strictObject({ signature: ENVELOPE });

const PROPOSAL: Reading = { ...REQUEST, maxBytes: MAX_ADMIN_BODY_BYTES };

const SUMMARY_MEMBERS = {
  digest: digestField(),
  proposedAt: instantField(),
  proposedBy: textField(128),
} as const;

const BUNDLE_SUMMARY = v.object(SUMMARY_MEMBERS);
export const PROPOSAL_ANSWER = v.object({ digest: digestField(), isNew: v.boolean() });
export const ACTIVATION_SUMMARY = v.object({
  serial: countField(1),
  digest: digestField(),
  at: instantField(),
  by: textField(128),
});
export const BUNDLE_LIST = v.object({
  bundles: v.array(BUNDLE_SUMMARY),
  live: v.exactOptional(ACTIVATION_SUMMARY),
  roster: v.exactOptional(digestField()),
  warnings: v.array(textField(512)),
});
export const BUNDLE_DETAIL = v.object({
  ...SUMMARY_MEMBERS,
  modules: v.array(v.object({ name: textField(256), version: textField(64) })),
  sources: v.array(v.object({ path: textField(512), text: v.string() })),
});

/** Reads a proposal. @throws {@link Fault} `request/malformed`, `request/too-large`. */
export function decodeBundleProposal(bytes: Uint8Array): BundleProposal {
  return decode(BUNDLE_PROPOSAL, bytes, PROPOSAL);
}

export function encodeBundleProposal({ tar, signature }: BundleProposal): string {
  return encode({ tar: bytesText(tar), signature });
}

/** Reads the signed wish to make a bundle live. @throws {@link Fault} `request/malformed`, `request/too-large`. */
export function decodeBundleActivation(bytes: Uint8Array): { readonly signature: string } {
  return decode(BUNDLE_ACTIVATION, bytes, PROPOSAL);
}

export function encodeBundleActivation({ signature }: { readonly signature: string }): string {
  return encode({ signature });
}

/** @throws {@link Fault} `broker/unreachable`, `request/too-large`. */
export function decodeProposalAnswer(bytes: Uint8Array): ProposalAnswer {
  return decode(PROPOSAL_ANSWER, bytes, ANSWER);
}

export function encodeProposalAnswer({ digest, isNew }: ProposalAnswer): string {
  return encode({ digest, isNew });
}

/** @throws {@link Fault} `broker/unreachable`, `request/too-large`. */
export function decodeActivationSummary(bytes: Uint8Array): ActivationSummary {
  return decode(ACTIVATION_SUMMARY, bytes, ANSWER);
}

export function encodeActivationSummary(activation: ActivationSummary): string {
  return encode(activationOf(activation));
}

/** @throws {@link Fault} `broker/unreachable`, `request/too-large`. */
export function decodeBundleList(bytes: Uint8Array): BundleList {
  return decode(BUNDLE_LIST, bytes, ANSWER);
}

export function encodeBundleList({ bundles, live, roster, warnings }: BundleList): string {
  return encode({ bundles: bundles.map(summaryOf), live: live && activationOf(live), roster, warnings });
}

/** @throws {@link Fault} `broker/unreachable`, `request/too-large`. */
export function decodeBundleDetail(bytes: Uint8Array): BundleDetail {
  return decode(BUNDLE_DETAIL, bytes, ANSWER);
}

export function encodeBundleDetail(bundle: BundleDetail): string {
  const modules = bundle.modules.map(({ name, version }) => ({ name, version }));
  const sources = bundle.sources.map(({ path, text }) => ({ path, text }));
  return encode({ ...summaryOf(bundle), modules, sources });
}

function summaryOf({ digest, proposedAt, proposedBy }: BundleSummary): JsonObject {
  return { digest, proposedAt: instantText(proposedAt), proposedBy };
}

function activationOf({ serial, digest, at, by }: ActivationSummary): JsonObject {
  return { serial, digest, at: instantText(at), by };
}
