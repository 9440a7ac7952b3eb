/** How do the vectors beside PROTOCOL.md read? Their shape, and bytes of their hex: for every runtime. */
import { parseHex } from "../../src/base/bytes.ts";
import type { TranscriptFields } from "../../src/channel/transcript.ts";

/** Fields of T as the file holds them: bytes are hex. */
export interface VectorInput
  extends Pick<TranscriptFields, "role" | "binding" | "suite" | "vmpl" | "audience"> {
  readonly nonce: string;
  readonly ownNonce: string;
  readonly cb: string;
  readonly attesterSpki: string;
  readonly peerSpki: string;
  readonly wrapPub: string;
  readonly claimsHash: string;
}

export interface ProtocolVectors {
  readonly vectors: readonly {
    readonly name: string;
    readonly input: VectorInput;
    readonly claims?: string;
    readonly transcriptLength: number;
    readonly transcript: string;
    readonly reportData: string;
    readonly flipped: Readonly<Record<string, string>>;
  }[];
  readonly tpm32: readonly {
    readonly inputOf: string;
    readonly transcriptLength: number;
    readonly transcript: string;
    readonly qualifyingData: string;
  }[];
  readonly nonce: readonly {
    readonly clusterSecret: string;
    readonly macKey: string;
    readonly audience: string;
    readonly tenant: string;
    readonly kid: number;
    readonly exp: number;
    readonly rand: string;
    readonly nonce: string;
    readonly nonceBase64url: string;
  }[];
  readonly release: readonly {
    readonly reportDataOf: string;
    readonly header: string;
    readonly info: string;
    readonly enc: string;
    readonly ct: string;
    readonly signatureInput: string;
    readonly signatureInputSha256: string;
  }[];
  readonly session: readonly {
    readonly audience: string;
    readonly guestNonce: string;
    readonly cb: string;
    readonly leafSpki: string;
    readonly signatureInput: string;
    readonly signatureInputSha256: string;
  }[];
}

/** Bytes of hex that the reader vouches for. */
export function bytesOf(hex: string): Uint8Array {
  const bytes = parseHex(hex);
  if (bytes === undefined) throw new Error("not hex");
  return bytes;
}

/** The fields of a vector. */
export function fieldsOf(input: VectorInput): TranscriptFields {
  return {
    ...input,
    nonce: bytesOf(input.nonce),
    ownNonce: bytesOf(input.ownNonce),
    cb: bytesOf(input.cb),
    attesterSpki: bytesOf(input.attesterSpki),
    peerSpki: bytesOf(input.peerSpki),
    wrapPub: bytesOf(input.wrapPub),
    claimsHash: bytesOf(input.claimsHash),
  };
}
