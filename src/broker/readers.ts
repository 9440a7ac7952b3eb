/** Who holds which version of a secret, and what does a guest say that it holds no longer? */
import { hexOf, utf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import { isJsonObject } from "../base/shape.ts";
import { parseStrictJson } from "../base/strict-json.ts";
import type { ConfirmAnswer, ReaderList, UseConfirmation } from "../wire/secret-messages.ts";
import type { Holder } from "./dpop.ts";
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
  const self = await reportIdOf(holder, world);
  const own = await world.store.readersOf(path, version, MAX_READERS);
  if (!own.some(({ reader }) => reader === self)) {
    throw new Fault("secret/not-read", `expected a guest that has read version ${version} of this secret`);
  }
  const readers = [self, ...also.filter((reader) => reader !== self)];
  return { replaced: await world.store.confirmReaders({ path, version, readers, at: world.now() }) };
}

const TRACE_LIMITS = { maxBytes: 8 << 20, maxDepth: 256, code: "token/invalid" } as const;

/** `report.id` of the guest whose token this is. The stored trace is believed because the token has its hash. @throws {@link Fault} `token/invalid`. */
export async function reportIdOf(holder: Holder | undefined, world: World): Promise<string> {
  if (holder === undefined)
    throw new Fault("token/invalid", "expected a guest's own token: nobody else can say what it holds");
  const { jti, ostiary } = holder.claims;
  const stored = await world.store.decision(jti);
  const digest = stored && hexOf(world.primitives.digest("sha256", utf8(stored.trace)));
  if (stored === undefined || digest !== ostiary.trace_hash) {
    throw new Fault("token/invalid", "expected a token of a decision that this broker still has");
  }
  const items = parseStrictJson(utf8(stored.trace), TRACE_LIMITS);
  const [item] = Array.isArray(items) ? items : [];
  const facts = isJsonObject(item) ? item["facts"] : undefined;
  const reportId = isJsonObject(facts) ? facts["report.id"] : undefined;
  if (typeof reportId === "string") return reportId;
  throw new Fault("token/invalid", "expected a decision about a report with an id");
}
