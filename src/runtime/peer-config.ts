/** Which other broker does the configuration name as the keeper of the root key, and how is that broker known? */
import * as v from "valibot";
import { isSecretPath } from "../wire/resource-path.ts";
import { path, whole } from "./config-fields.ts";

/** A secret of another broker's, for which this one attests as a guest does. Paths are relative to the configuration. */
export interface PeerPlace {
  readonly kind: "peer";
  /** Where it is reached; over https the exchange is bound to that connection. */
  readonly url: string;
  /** Who it is, where that is not its address. */
  readonly audience: string;
  readonly secret: string;
  /** Always a certain one: another version is another key. */
  readonly version: number;
  /** PEM of its public signing key. */
  readonly signingKeyFile: string | undefined;
  /** Writ for the resource `broker`, which it has to prove itself by. */
  readonly policyFile: string | undefined;
  readonly cluster: string;
  /** PEM certificates that may vouch for its TLS name, or the one key of its TLS leaf. */
  readonly tlsAuthoritiesFile: string | undefined;
  readonly tlsPinFile: string | undefined;
  /** How long this broker goes on asking at its start. */
  readonly deadlineSeconds: number;
}

const ADDRESS = "an http or https URL without a path, a query or a trailing slash";

export const PEER = v.pipe(
  v.objectWithRest(
    {
      url: v.pipe(v.string(), v.check(isAddress, ADDRESS)),
      audience: v.optional(
        v.pipe(v.string(), v.regex(/^https?:\/\/[!-~]{1,504}$/, "the audience of a broker")),
      ),
      secret: v.pipe(v.string(), v.check(isSecretPath, "the path of a secret in normal form")),
      version: v.optional(whole(1, 2_147_483_647), 1),
      signing_key: v.optional(path),
      policy: v.optional(path),
      cluster: v.optional(v.pipe(v.string(), v.regex(/^[\w.:-]{0,128}$/, "the name of a cluster")), ""),
      tls_ca: v.optional(path),
      tls_pin: v.optional(path),
      deadline_seconds: v.optional(whole(1, 3600), 60),
    },
    v.never("no such member"),
  ),
  v.check(
    (read) => read.signing_key !== undefined || read.policy !== undefined,
    "`signing_key`, `policy` or both: by what that broker is known",
  ),
);

export function peerPlaceOf(read: v.InferOutput<typeof PEER>): PeerPlace {
  const { url, audience = url, secret, version, cluster } = read;
  return {
    kind: "peer",
    url,
    audience,
    secret,
    version,
    signingKeyFile: read.signing_key,
    policyFile: read.policy,
    cluster,
    tlsAuthoritiesFile: read.tls_ca,
    tlsPinFile: read.tls_pin,
    deadlineSeconds: read.deadline_seconds,
  };
}

function isAddress(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol) && new URL(text).origin === text;
}
