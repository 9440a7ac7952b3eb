/** How large may what a stranger sends be? The caps of PROTOCOL section 11. */

export const MAX_BODY_BYTES = 256 * 1024;
export const MAX_CLAIMS_BYTES = 16 * 1024;
export const MAX_ITEMS = 16;
export const MAX_JSON_DEPTH = 16;
export const MAX_ENDORSEMENTS = 8;
export const MAX_ENDORSEMENT_BYTES = 8 * 1024;
/** NV index 0x01400001 has 2048 or 2600 bytes. */
export const MAX_HCL_BYTES = 4 * 1024;
/** A TPMS_ATTEST of a quote has fewer than 200 bytes. */
export const MAX_QUOTE_BYTES = 1024;
/** TPMT_PUBLIC of an RSA key of 2048 bits with a policy has 314 bytes, and what is encrypted to it 256. */
export const MAX_PUBLIC_AREA_BYTES = 1024;
export const MAX_EVENT_LOG_BYTES = 128 * 1024;
export const MAX_MANIFEST_BYTES = 16 * 1024;
export const MAX_AUDIENCE_BYTES = 512;
export const MAX_SECRET_BYTES = 64 * 1024;
/** How many versions of a path that are not destroyed guests may add to. */
export const MAX_WRITTEN_VERSIONS = 1000;
export const MAX_HEADER_BYTES = 4 * 1024;

/** Sixteen sealed secrets of 64 KiB with their headers, in base64url, with room to spare. */
export const MAX_ANSWER_BYTES = 2 * 1024 * 1024;
/** The trace of a decision is a tree as deep as its policy. */
export const MAX_ANSWER_DEPTH = 64;
/** A proposal carries its archive twice (the DSSE envelope has a copy); only who signed its request may send as much. */
export const MAX_ARCHIVE_BYTES = 1024 * 1024;
export const MAX_ADMIN_BODY_BYTES = 3 * 1024 * 1024;
