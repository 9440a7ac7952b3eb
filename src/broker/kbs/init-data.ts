/** Was this guest started with the init-data that it sends? The digest of the text against what hardware says of it. */
import { concatBytes, equalBytes, hexOf, utf8 } from "../../base/bytes.ts";
import type { JsonObject, JsonValue } from "../../base/canonical-json.ts";
import { Fault } from "../../base/fault.ts";
import type { HashName, Primitives } from "../../base/primitives.ts";
import { isJsonObject } from "../../base/shape.ts";
import type { BoundEvidence } from "../../channel/bind.ts";
import { isKbsInitData } from "../../channel/kbs-binding.ts";

/** Init-data that is proven: what a token says of it. */
export interface InitData {
  /** Of the whole text, 32 bytes in lower-case hex. */
  readonly digest: string;
  readonly claims: JsonObject;
}

/** Reads TOML; `undefined` for what is none. The platform brings it. */
export type TomlReader = (text: string) => JsonValue | undefined;

/**
 * Refuses a text that the guest was not started with. What it says is read after that alone.
 *
 * @throws {@link Fault} `kbs/init-data`.
 */
export function provenInitData(
  text: string,
  bound: BoundEvidence,
  {
    readToml,
    primitives,
  }: { readonly readToml: TomlReader; readonly primitives: Pick<Primitives, "digest"> },
): InitData {
  const digest = startedWith(text, bound, primitives);
  if (digest === undefined) {
    throw new Fault(
      "kbs/init-data",
      "expected the text whose digest the hardware has: HOST_DATA, or PCR 8 under a paravisor",
    );
  }
  const read = readToml(text);
  return { digest: hexOf(digest), claims: claimsOf(isJsonObject(read) ? read["data"] : undefined, readToml) };
}

/** The digest that hardware has of this text; `undefined` where it has another, or none. */
function startedWith(
  text: string,
  { evidence }: BoundEvidence,
  primitives: Pick<Primitives, "digest">,
): Uint8Array | undefined {
  if (evidence.kind === "azure-hcl")
    return extendedWith(text, evidence.quote.pcrs[INIT_DATA_PCR], primitives);
  const { hostData } = evidence.report;
  return isKbsInitData(hostData, text, primitives) ? hostData : undefined;
}

/** Where the components of a paravisor's guest extend the digest, into a register that is zero until then. */
const INIT_DATA_PCR = 8;
const PCR_SIZE = 32;
const HASHES: readonly HashName[] = ["sha256", "sha384", "sha512"];

function extendedWith(
  text: string,
  register: Uint8Array | undefined,
  { digest }: Pick<Primitives, "digest">,
): Uint8Array | undefined {
  if (register === undefined || !text.isWellFormed()) return undefined;
  const digests = HASHES.map((hash) => digest(hash, utf8(text)).slice(0, PCR_SIZE));
  return digests.find((one) =>
    equalBytes(register, digest("sha256", concatBytes(new Uint8Array(PCR_SIZE), one))),
  );
}

const TABLES: readonly string[] = ["aa.toml", "cdh.toml"];

/** As consumers of these tokens know them: the files by name, of which two are tables. */
function claimsOf(data: JsonValue | undefined, readToml: TomlReader): JsonObject {
  if (!isJsonObject(data)) return {};
  const claims = Object.entries(data).map(([name, value]) => {
    const table = TABLES.includes(name) && typeof value === "string" ? readToml(value) : undefined;
    return [name, isJsonObject(table) ? table : (value ?? null)] as const;
  });
  return Object.fromEntries(claims);
}
