/** What can an admin's program ask about secrets? The part of the client that `admin.ts` has for them. */
import { Fault } from "../base/fault.ts";
import * as lease from "../wire/lease.ts";
import { decodeReaderList } from "../wire/readers.ts";
import { isSecretPath } from "../wire/resource-path.ts";
import * as secret from "../wire/secret.ts";
import type * as secrets from "../wire/secret-messages.ts";

export interface SecretCalls {
  /** The next version of a static secret, or a new generated one. */
  readonly putSecret: (path: string, content: secrets.SecretContent) => Promise<secrets.SecretSummary>;
  readonly rotateSecret: (path: string, rotation: secrets.SecretRotation) => Promise<secrets.SecretSummary>;
  /** Changes the state of one version, or what holds for the secret as a whole. */
  readonly changeSecret: (
    path: string,
    change: secrets.SecretChange,
  ) => Promise<readonly secrets.SecretSummary[]>;
  /** Who was given which version; of one version where it is named. */
  readonly listReaders: (path: string, version?: number) => Promise<secrets.ReaderList>;
  /** Who holds a secret that one guest at a time may hold. */
  readonly showLease: (path: string) => Promise<secrets.LeaseState>;
  readonly breakLease: (path: string, end: secrets.LeaseEndOrder) => Promise<secrets.LeaseState>;
  readonly listSecrets: () => Promise<readonly secrets.SecretSummary[]>;
  readonly showSecret: (path: string) => Promise<readonly secrets.SecretSummary[]>;
}

/** Sends one signed request and answers the body. */
export type AdminCall = (method: string, path: string, body?: string) => Promise<Uint8Array>;

export function secretCalls(call: AdminCall): SecretCalls {
  return {
    putSecret: async (path, content) =>
      secret.decodeSecretSummary(await call("PUT", secretAt(path), secret.encodeSecretContent(content))),
    rotateSecret: async (path, rotation) =>
      secret.decodeSecretSummary(await call("POST", secretAt(path), secret.encodeSecretRotation(rotation))),
    changeSecret: async (path, change) =>
      secret.decodeSecretList(await call("PATCH", secretAt(path), secret.encodeSecretChange(change))),
    listReaders: async (path, version) => {
      const query = version === undefined ? "" : `?version=${version}`;
      return decodeReaderList(await call("GET", `${readersAt(path)}${query}`));
    },
    showLease: async (path) => lease.decodeLeaseState(await call("GET", leaseAt(path))),
    breakLease: async (path, end) =>
      lease.decodeLeaseState(await call("POST", leaseAt(path), lease.encodeLeaseEnd(end))),
    listSecrets: async () => secret.decodeSecretList(await call("GET", "/v1/admin/secrets")),
    showSecret: async (path) => secret.decodeSecretList(await call("GET", secretAt(path))),
  };
}

/** A path goes into the URL as it is, so it must be one: `a?b` would ask for something else. */
function secretAt(path: string): string {
  return `/v1/admin/secrets/${normalPathOf(path)}`;
}

function leaseAt(path: string): string {
  return `/v1/admin/leases/${normalPathOf(path)}`;
}

function readersAt(path: string): string {
  return `/v1/admin/readers/${normalPathOf(path)}`;
}

function normalPathOf(path: string): string {
  if (isSecretPath(path)) return path;
  throw new Fault("request/malformed", `expected the path of a secret in normal form, received \`${path}\``);
}
