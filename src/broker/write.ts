/** How does a guest write a secret? By a token: decided anew and recorded, then opened from its seal and kept as the next version. */
import { Fault, isFault } from "../base/fault.ts";
import type { ImportSuite } from "../channel/import-seal.ts";
import type { SealedRelease } from "../channel/release-key.ts";
import { type OfferedSuite, wrapOf } from "../channel/suites.ts";
import { writeBinder } from "../channel/transit-binder.ts";
import type { SignedImportKey } from "../wire/import-messages.ts";
import { encodeWritten, type WriteAnswer, type WriteRequest, writeUrlPath } from "../wire/write.ts";
import { offeredSuiteOf } from "./challenge.ts";
import { type Authorization, commitDecision, recordFailedRelease } from "./commit.ts";
import type { Holder } from "./dpop.ts";
import { type HeldDecision, heldDecisionOf } from "./held-decision.ts";
import { contentOf, makeImportKey } from "./import-keys.ts";
import type { StoredImportKey } from "./import-store.ts";
import type { Exchange } from "./request.ts";
import { sealAnswer } from "./seal-answer.ts";
import { type Actor, putVersion, spentImportKey } from "./secrets.ts";
import { subjectOfToken } from "./subject.ts";
import { makeRoom } from "./version-room.ts";
import type { World } from "./world.ts";
import { otherVersion } from "./write-fault.ts";
import { appraiseWrite } from "./write-item.ts";

/** What is written, by whom, and over which request. */
export interface SecretWrite {
  readonly path: string;
  readonly request: WriteRequest;
  /** The exact bytes of the request, which the proof is about. */
  readonly body: Uint8Array;
  readonly holder: Holder | undefined;
  readonly exchange: Exchange;
}

/** As long as a nonce may live: a guest seals at once. */
const KEY_VALID_SECONDS = 120;

/**
 * Makes a key that this guest seals one secret to, under this token.
 *
 * @throws {@link Fault} `token/invalid`; `store/unavailable`, `kek/unavailable`.
 */
export async function makeGuestImportKey(
  suite: ImportSuite,
  holder: Holder | undefined,
  world: World,
): Promise<SignedImportKey> {
  const held = await heldDecisionOf(holder, world);
  return makeImportKey({ suite, validSeconds: KEY_VALID_SECONDS }, actorOf(held.token), world);
}

/** Where an admin's key stands for an admin, a decision stands for a guest: it says which guest and why it may. */
function actorOf(decision: string): Actor {
  return { kid: `decision/${decision}` };
}

/**
 * One write, from token to sealed answer. It is a decision of its own: the live policy over the facts of the token's decision, for
 * `request.op == write`, recorded yes or no before the seal is opened.
 *
 * @throws {@link Fault} `token/invalid`; `secret/import-key` for a key that is not this token's, was used or has expired;
 *   `policy/denied`, `obligation/exhausted`; `secret/other-version` where the newest version is not the expected one, or another
 *   writer was first; `secret/versions-full`; `request/malformed`, `channel/bad-key`; `store/unavailable`, `kek/unavailable`.
 */
export async function writeSecret(write: SecretWrite, world: World): Promise<WriteAnswer> {
  const { request, holder } = write;
  const suite = offeredSuiteOf(request.suite, world.settings);
  if (await wrapOf(suite).isHopeless(request.wrapPub, world.primitives)) {
    throw new Fault("channel/bad-key", "expected a one-use public key of the suite, on its curve");
  }
  const held = await heldDecisionOf(holder, world);
  const key = await keyOf(request, held, world);
  const authorization = await authorizeWrite(write, held, world);
  const allowed: Allowed = { write, held, key, authorization, suite };
  try {
    return { decision: authorization.decisionId, sealed: await written(allowed, world) };
  } catch (thrown) {
    await recordFailedRelease(authorization, world);
    throw thrown;
  }
}

/** A key serves the token that it was made for: what another guest's or an admin's was sealed to is nobody else's to bring. */
async function keyOf({ sealed }: WriteRequest, held: HeldDecision, world: World): Promise<StoredImportKey> {
  const key = await world.store.importKey(sealed.key);
  if (key === undefined || key.createdBy !== actorOf(held.token).kid || key.expiresAt <= world.now()) {
    throw spentImportKey();
  }
  return key;
}

async function authorizeWrite(write: SecretWrite, held: HeldDecision, world: World): Promise<Authorization> {
  const { request, holder, exchange, path } = write;
  const now = world.now();
  const bundle = await world.liveBundle();
  const asked = { path, cas: request.cas, suite: request.suite, source: exchange.source };
  const item = await appraiseWrite(asked, { held, bundle, now }, world);
  const subject = subjectOfToken({ held, holder }, request.suite, now);
  const { id } = exchange;
  return commitDecision(
    {
      id,
      nonce: undefined,
      isPartial: false,
      subject,
      bundle,
      appraisals: [item],
      source: exchange.source,
      now,
    },
    world,
  );
}

interface Allowed {
  readonly write: SecretWrite;
  readonly held: HeldDecision;
  readonly key: StoredImportKey;
  readonly authorization: Authorization;
  readonly suite: OfferedSuite;
}

/** Takes an authorization and nothing less: what is kept is the version that was decided on, or nothing. */
async function written(allowed: Allowed, world: World): Promise<SealedRelease> {
  const { write, held, authorization, suite } = allowed;
  const { path, request } = write;
  const [item] = authorization.items;
  if (item?.given.kind !== "written")
    throw new Fault("internal/invariant", "expected a write that is allowed");
  const { reads: version } = item.given;
  await putWritten(allowed, version, world);
  const { wrapPub } = request;
  const about = {
    suite,
    wrapPub,
    binder: binderOf(write, world),
    secretId: path,
    binding: held.entry.binding,
  };
  return sealAnswer({ ...about, authorization }, encodeWritten(version), world);
}

async function putWritten({ write, key, authorization }: Allowed, version: number, world: World) {
  const { path, request } = write;
  const sealed = { ...request.sealed, use: "static", publicKey: new Uint8Array(0) } as const;
  const content = await contentOf({ path, sealed, key }, world);
  const row = {
    path,
    kind: "static",
    make: "",
    content,
    importKey: key.id,
    version,
    act: "secret-write",
  } as const;
  const actor = actorOf(authorization.decisionId);
  try {
    await makeRoom(path, actor, world);
    await putVersion(row, actor, world);
  } catch (thrown) {
    content.plaintext.fill(0);
    if (isFault(thrown, "request/conflict")) throw otherVersion(authorization.decisionId);
    throw thrown;
  }
}

function binderOf({ path, body, holder }: SecretWrite, { settings, primitives }: World): Uint8Array {
  const { audience } = settings;
  return writeBinder({ audience, urlPath: writeUrlPath(path), jkt: holder?.jkt ?? "", body }, primitives);
}
