/** Who has the certificates of a cloud machine's chip at hand? Azure's metadata service (THIM), on an address of this machine alone; what it says is proven by AMD's keys, not by it. */
import { parseEndorsementFile } from "../../attestation/endorsement/pem.ts";
import { utf8 } from "../../base/bytes.ts";
import { isFault } from "../../base/fault.ts";
import { parseStrictJson } from "../../base/strict-json.ts";
import { bytesOf } from "../../client/bounded-fetch.ts";
import { sendOver } from "../http-sending.ts";
import { Agent, request } from "../node-http.ts";

const THIM_URL = "http://169.254.169.254/metadata/THIM/amd/certification";
const TIMEOUT_MS = 2000;
const MAX_ANSWER_BYTES = 64 * 1024;
/** What a message may carry (PROTOCOL section 11). */
const MAX_CERTIFICATES = 8;
const MAX_CERTIFICATE_BYTES = 8192;

/**
 * Asks for VCEK, ASK and ARK. No answer, or one that is none, is no certificates: the broker then asks AMD, as it does for any guest.
 *
 * @param url - Plain HTTP; a redirect is not followed.
 * @returns DER, in any order.
 */
export async function askThim(url: string = THIM_URL): Promise<readonly Uint8Array[]> {
  const answer = await answerOf(url).catch(() => undefined);
  if (answer === undefined) return [];
  try {
    const json = parseStrictJson(answer, {
      maxBytes: MAX_ANSWER_BYTES,
      maxDepth: 4,
      code: "endorsement/malformed",
    });
    const certificates = certificatesIn(json);
    const isBounded = certificates.every(({ length }) => length <= MAX_CERTIFICATE_BYTES);
    return isBounded && certificates.length <= MAX_CERTIFICATES ? certificates : [];
  } catch (thrown) {
    if (isFault(thrown)) return [];
    throw thrown;
  }
}

/** `vcekCert` and `certificateChain`, PEM each. */
function certificatesIn(json: unknown): readonly Uint8Array[] {
  if (typeof json !== "object" || json === null) return [];
  const members = new Map(Object.entries(json));
  return ["vcekCert", "certificateChain"].flatMap((name) => {
    const pem: unknown = members.get(name);
    if (typeof pem !== "string") return [];
    const { certificates, crls } = parseEndorsementFile(utf8(pem));
    return [...certificates, ...crls];
  });
}

/** The body of a 200; `undefined` for any other answer, a redirect among them. */
async function answerOf(url: string): Promise<Uint8Array | undefined> {
  const send = sendOver(request, new Agent({ keepAlive: false }));
  const answer = await send(url, { headers: { Metadata: "true" }, signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (answer.status === 200) return bytesOf(answer);
  await answer.body?.cancel();
  return undefined;
}
