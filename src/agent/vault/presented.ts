/** Is this a request that a local program makes? Not a page in a browser, not another name's, not more than a program needs. */
import type { IncomingHttpHeaders } from "node:http";
import { Fault } from "../../base/fault.ts";
import { refusal, type VaultAnswer } from "./answer.ts";
import type { Presented } from "./handle.ts";
import { MAX_REQUEST_BYTES, parseTarget, type VaultRequest } from "./request.ts";

/** A request line and its headers. */
export interface Head {
  readonly method: string;
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
}

/** What a head comes to: a request that waits for its body, or an answer at once. */
export type Reading =
  | { readonly kind: "request"; readonly withBody: (body: Uint8Array) => Presented }
  | { readonly kind: "answer"; readonly answer: VaultAnswer };

const METHODS: readonly VaultRequest["method"][] = ["GET", "HEAD", "LIST", "POST", "PUT", "DELETE"];

/** Headers that browsers set by themselves and pages cannot take away: a page has no business here, whatever name it came by. */
const OF_BROWSERS = [
  "origin",
  "referer",
  "sec-fetch-site",
  "sec-fetch-mode",
  "access-control-request-method",
];

/** Vault's own, which change what is meant; nothing here answers to them. */
const NOT_SERVED = ["x-vault-namespace", "x-vault-wrap-ttl", "x-vault-mfa"];

/**
 * @param hosts - What `Host` may say; `undefined` on a socket in the file system, which no browser reaches.
 */
export function readHead({ method, target, headers }: Head, hosts: ReadonlySet<string> | undefined): Reading {
  const known = METHODS.find((name) => name === method);
  if (known === undefined) return at(refusal(405, "vault/wrong-method"));
  if (hosts !== undefined && !hosts.has((headers.host ?? "").toLowerCase()))
    return at(refusal(403, "vault/other-host"));
  if (OF_BROWSERS.some((name) => headers[name] !== undefined)) return at(refusal(403, "vault/browser"));
  if (NOT_SERVED.some((name) => (headers[name] ?? "") !== ""))
    return at(refusal(400, "vault/header-not-served"));
  const parsed = parseTarget(target);
  if (parsed === undefined) return at(refusal(400, "vault/no-path"));
  const token = tokenOf(headers);
  return {
    kind: "request",
    withBody: (body) => ({ request: { method: known, ...parsed, body }, token }),
  };
}

function at(answer: VaultAnswer): Reading {
  return { kind: "answer", answer };
}

/** Node joins a header that came twice; such a token is nobody's. */
function tokenOf({ "x-vault-token": own, authorization }: IncomingHttpHeaders): string | undefined {
  if (typeof own === "string") return own;
  return /^Bearer (.+)$/.exec(authorization ?? "")?.[1];
}

/** Piece by piece, so that nobody fills the memory. @throws {@link Fault} `request/too-large`. */
export async function boundedBody(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const kept: Uint8Array[] = [];
  let size = 0;
  for await (const piece of pieces) {
    size += piece.length;
    if (size > MAX_REQUEST_BYTES)
      throw new Fault("request/too-large", `expected at most ${MAX_REQUEST_BYTES} bytes`);
    kept.push(piece);
  }
  const body = new Uint8Array(size);
  let offset = 0;
  for (const piece of kept) {
    body.set(piece, offset);
    offset += piece.length;
    piece.fill(0);
  }
  return body;
}

/**
 * Reads a request that Node's parser does not know: `LIST`, which Vault made up. It has no body, and its head came in one piece or it
 * is none.
 */
export function headOfList(packet: Uint8Array | undefined): Head | undefined {
  const text = packet === undefined ? "" : Buffer.from(packet).toString("latin1");
  const end = text.indexOf("\r\n\r\n");
  const [line = "", ...rest] = text.slice(0, Math.max(0, end)).split("\r\n");
  const target = /^LIST (\/[!-~]*) HTTP\/1\.1$/.exec(line)?.[1];
  const fields = rest.map((field) => /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([ -~]*?)[ \t]*$/.exec(field));
  if (target === undefined || fields.length > MAX_FIELDS || fields.includes(null)) return undefined;
  const pairs = fields.map((field) => [(field?.[1] ?? "").toLowerCase(), field?.[2] ?? ""] as const);
  const headers = Object.fromEntries(pairs);
  const isWhole = Object.keys(headers).length === pairs.length; // none twice
  const hasBody = headers["transfer-encoding"] !== undefined || (headers["content-length"] ?? "0") !== "0";
  return isWhole && !hasBody ? { method: "LIST", target, headers } : undefined;
}

const MAX_FIELDS = 64;
