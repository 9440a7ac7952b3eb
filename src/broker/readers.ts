/** Who holds which version of a secret, and what does a guest say that it holds no longer? */
import { Fault } from "../base/fault.ts";
import type { ConfirmAnswer, ReaderList, UseConfirmation } from "../wire/secret-messages.ts";
import type { Holder } from "./dpop.ts";
import { heldDecisionOf } from "./held-decision.ts";
import type { SecretReader } from "./secret-store.ts";
import { unknownSecret } from "./secrets.ts";
import type { World } from "./world.ts";

const MAX_READERS = 1000;

/** Of one version or of all. @throws {@link Fault} `secret/unknown`. */
export async function listReaders(
  path: string,
  version: number | undefined,
  world: World,
): Promise<ReaderList> {
  const { store } = world;
  const versions = (await store.secretVersions(path)).filter(
    (head) => version === undefined || head.version === version,
  );
  if (versions.length === 0) throw unknownSecret(version === undefined ? path : `${path}@${version}`);
  const readers = await store.readersOf(path, version, MAX_READERS);
  const counts = await Promise.all(
    versions.map(async (head) => ({
      version: head.version,
      readers: await store.countReaders(path, head.version),
    })),
  );
  return { readers: readers.map(summaryOf), holding: counts.filter((count) => count.readers > 0) };
}

function summaryOf({ version, reader, firstAt, lastAt, decision, confirmedAt }: SecretReader) {
  return {
    version,
    reader,
    firstAt,
    lastAt,
    ...(decision === "" ? {} : { decision }),
    ...(confirmedAt === undefined ? {} : { confirmedAt }),
  };
}

/**
 * Takes a guest's word that a version is in use. What it read below counts as replaced; whoever has not read that version has
 * nothing to confirm. Which guest speaks, its token says, by the report of the decision that it was issued by.
 *
 * @throws {@link Fault} `token/invalid` without a guest's token; `secret/not-read`.
 */
export async function confirmUse(
  confirmation: UseConfirmation,
  holder: Holder | undefined,
  world: World,
): Promise<ConfirmAnswer> {
  const { secret: path, version, also = [] } = confirmation;
  const { reportId: self } = await heldDecisionOf(holder, world);
  const own = await world.store.readersOf(path, version, MAX_READERS);
  if (!own.some(({ reader }) => reader === self)) {
    throw new Fault("secret/not-read", `expected a guest that has read version ${version} of this secret`);
  }
  const readers = [self, ...also.filter((reader) => reader !== self)];
  return { replaced: await world.store.confirmReaders({ path, version, readers, at: world.now() }) };
}
