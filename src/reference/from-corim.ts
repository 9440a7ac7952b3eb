/** Which reference values for SEV-SNP are in a CoRIM? By AMD's profile; nothing of the rest is passed over in silence. */
import type { ProductLine } from "../attestation/snp/product.ts";
import type { Carried } from "./carried.ts";
import type { Comid, Environment, Measurement, ReferenceTriple } from "./comid.ts";
import type { Corim } from "./corim.ts";
import { carryMeasurement } from "./element.ts";
import { carriedOf, type Gathered, newGathered, note } from "./gather.ts";
import { ELEMENTS, MODELS, SNP_CLASSES, SNP_PROFILES } from "./snp-profile.ts";

export interface CarryOptions {
  /** Takes values of one chip or provider for all. */
  readonly anyInstance: boolean;
  /** Of what no model stands beside. */
  readonly product: ProductLine | undefined;
}

/**
 * Takes out of a CoRIM what Writ can say.
 *
 * @throws {@link Fault} `reference/malformed` for a value that its own profile does not allow.
 */
export function carryCorim(corim: Corim, options: CarryOptions): Carried {
  const gathered = newGathered();
  for (const other of corim.others) note(gathered, other);
  const isKnown = SNP_PROFILES.some((profile) => profile === corim.profile);
  if (!isKnown)
    note(gathered, `all of it: its profile is ${corim.profile ?? "not named"}, expected ${SNP_PROFILES[0]}`);
  for (const comid of corim.comids) {
    for (const other of comid.others) note(gathered, `${comid.tagId}: ${other}`);
    if (isKnown) for (const triple of comid.triples) carryTriple(triple, { gathered, comid, options });
  }
  return carriedOf(gathered);
}

function carryTriple(
  { environment, measurements }: ReferenceTriple,
  {
    gathered,
    comid,
    options,
  }: { readonly gathered: Gathered; readonly comid: Comid; readonly options: CarryOptions },
): void {
  const why = strangeness(environment, options);
  if (why !== undefined) {
    note(gathered, `${comid.tagId}: ${measurements.length} values for ${why}`);
    return;
  }
  tellEnvironment(gathered, environment, measurements);
  gathered.triples += 1;
  const product = MODELS.get(environment.model ?? "") ?? options.product;
  for (const measurement of measurements) carryMeasurement(measurement, { gathered, comid, product });
}

/** Why these values are not for any SEV-SNP guest. */
function strangeness(environment: Environment, { anyInstance }: CarryOptions): string | undefined {
  const { classId, model, hasInstance, others } = environment;
  if (others.length > 0) return `an environment with ${others.join(", ")}`;
  if (!SNP_CLASSES.has(classId ?? ""))
    return `the environment ${classId ?? "without a class"}, which is not SEV-SNP's`;
  if (model !== undefined && !MODELS.has(model)) return `the model "${model}", which is not known`;
  if (hasInstance && !anyInstance) return "one chip or provider alone (`--any-instance` takes them for all)";
  return undefined;
}

/** A floor has its product in each row; a set has none. */
function tellEnvironment(
  gathered: Gathered,
  { classId, model, hasInstance }: Environment,
  measurements: readonly Measurement[],
): void {
  const isOfGuests = measurements.some(
    ({ key }) => typeof key !== "bigint" || ELEMENTS.get(key)?.kind !== "tcb",
  );
  if (SNP_CLASSES.get(classId ?? "") === "vlek")
    note(gathered, "that values are for reports under a VLEK: write `endorsement.kind == vlek`");
  if (hasInstance) note(gathered, "that values are for one chip or provider: they were taken for all");
  if (model !== undefined && isOfGuests)
    note(gathered, `that values are for ${model}: write \`product == ${MODELS.get(model)}\``);
}
