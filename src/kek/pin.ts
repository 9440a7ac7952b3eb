/** Where does the PIN of a token come from? A file that its owner alone can read, a credential of systemd, or a variable; never the configuration. */
import { utf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import { zeroize } from "../keys/zeroize.ts";
import { credentialPath, OTHERS, readGuarded, STRANGERS } from "./guarded-file.ts";

export type PinPlace =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "credential"; readonly name: string }
  | { readonly kind: "environment"; readonly name: string };

const MOST_BYTES = 255;

/**
 * Reads the PIN. A line's end behind it is none of it; a variable is deleted, so that no child process inherits it.
 *
 * @throws {@link Fault} `kek/unavailable`; the message never quotes it.
 */
export async function readPin(
  place: PinPlace,
  environment: Record<string, string | undefined>,
): Promise<Uint8Array> {
  if (place.kind === "environment") return variable(place.name, environment);
  const path =
    place.kind === "file" ? place.path : credentialPath(place.name, environment["CREDENTIALS_DIRECTORY"]);
  const forbidden = place.kind === "file" ? OTHERS : STRANGERS;
  const source = "write the PIN into it, readable for its owner alone";
  const bytes = await readGuarded({ path, what: "the PIN in", source, forbidden, complaint: sizeComplaint });
  const end = bytes.at(-1) === 0x0a ? (bytes.at(-2) === 0x0d ? -2 : -1) : bytes.length;
  const pin = bytes.slice(0, end);
  zeroize(bytes);
  if (pin.length > 0) return pin;
  throw new Fault("kek/unavailable", `expected a PIN in \`${path}\``);
}

function sizeComplaint(size: number): string | undefined {
  return size > 0 && size <= MOST_BYTES ? undefined : `has ${size} bytes: expected one line with the PIN`;
}

function variable(name: string, environment: Record<string, string | undefined>): Uint8Array {
  const value = environment[name] ?? "";
  delete environment[name];
  if (value !== "" && value.isWellFormed() && value.length <= MOST_BYTES) return utf8(value);
  throw new Fault("kek/unavailable", `expected a PIN in the environment variable \`${name}\``);
}
