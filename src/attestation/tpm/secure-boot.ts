/** Was secure boot on? What firmware measured of the variable `SecureBoot`, in a log that was replayed. */
import { concatBytes, equalBytes, parseHex } from "../../base/bytes.ts";
import type { Primitives } from "../../base/primitives.ts";
import type { EventLog, LoggedEvent } from "./event-log.ts";

const PCR_OF_SECURE_BOOT = 7;
const EV_SEPARATOR = 4;
const EV_EFI_VARIABLE_DRIVER_CONFIG = 0x8000_0001;
/** UEFI_VARIABLE_DATA: EFI_GLOBAL_VARIABLE and ten characters, the size of the value, `SecureBoot` in UTF-16, the value. */
const KIND = constant("61dfe48bca93d211aa0d00e098032b8c0a00000000000000");
const NAME = constant("53006500630075007200650042006f006f007400");
const NAME_AT = KIND.length + 8;
/** A value of one byte, and that one is 1; a variable that is not there has none. */
const ON = concatBytes(KIND, constant("0100000000000000"), NAME, Uint8Array.of(1));

/**
 * Whether firmware said so, before it handed over. Only events whose digest is the hash of their own data count: other data could be
 * anybody's. After the separator anybody may extend the register.
 *
 * @param log - One that `refuseOtherBoot` let pass.
 * @returns `undefined` where firmware measured no such variable.
 */
export function secureBootOf(
  { events }: EventLog,
  { digest }: Pick<Primitives, "digest">,
): boolean | undefined {
  const ofRegister = events.filter(({ pcr }) => pcr === PCR_OF_SECURE_BOOT);
  const separator = ofRegister.findIndex(({ type }) => type === EV_SEPARATOR);
  const said = ofRegister.slice(0, Math.max(0, separator)).filter(isSecureBoot);
  if (said.length === 0) return undefined;
  return said.every(
    ({ data, digest: extended }) => equalBytes(data, ON) && equalBytes(extended, digest("sha256", data)),
  );
}

function isSecureBoot({ type, data }: LoggedEvent): boolean {
  const isVariable = type === EV_EFI_VARIABLE_DRIVER_CONFIG && equalBytes(data.slice(0, KIND.length), KIND);
  return isVariable && equalBytes(data.slice(NAME_AT, NAME_AT + NAME.length), NAME);
}

function constant(hex: string): Uint8Array {
  return parseHex(hex) ?? new Uint8Array(0);
}
