/** Who may speak for a cloud provider? Authorities that the operator names, in files or, where there are none, in the text. */
import * as v from "valibot";
import { parseEndorsementFile } from "../attestation/endorsement/pem.ts";
import {
  haveSimulated,
  type ProviderAuthorities,
  type ProviderTrust,
  providerAuthorities,
} from "../attestation/endorsement/provider-chain.ts";
import { utf8 } from "../base/bytes.ts";
import { Fault, isFault } from "../base/fault.ts";

/** Paths as they are written, relative to the configuration's folder. */
export interface ProviderFiles {
  /** Google's authority for its firmware. */
  readonly googleFirmware?: string;
  /** Authorities for attestation keys of vTPMs that a host runs. */
  readonly hostVtpm?: string;
  /** Google's bucket of endorsements or a mirror of it, asked where the evidence brings none. */
  readonly firmwareUrl?: string;
}

/** The same as PEM. */
export type ProviderPems = Omit<ProviderFiles, "firmwareUrl">;

type Kind = "firmware" | "hostVtpm";

const pem = v.pipe(v.string(), v.maxLength(65_536));

/** `[providers]` of a broker that has files. */
export const PROVIDERS = v.objectWithRest(
  {
    google_firmware_roots: v.optional(v.pipe(v.string(), v.regex(/^\P{Cc}{1,4096}$/u, "a path"))),
    host_vtpm_roots: v.optional(v.pipe(v.string(), v.regex(/^\P{Cc}{1,4096}$/u, "a path"))),
    google_firmware_url: v.optional(
      v.pipe(
        v.string(),
        v.regex(/^https?:\/\/[^\s?#]{1,400}[^\s?#/]$/, "a URL without query or trailing slash"),
      ),
    ),
  },
  v.never("no such member"),
);

/** `[providers]` of a broker that has none. */
export const WORKER_PROVIDERS = v.objectWithRest(
  { google_firmware_roots_pem: v.optional(pem), host_vtpm_roots_pem: v.optional(pem) },
  v.never("no such member"),
);

export function providerFilesOf(read: v.InferOutput<typeof PROVIDERS>): ProviderFiles {
  const { google_firmware_url: firmwareUrl } = read;
  return {
    ...partsOf(read.google_firmware_roots, read.host_vtpm_roots),
    ...(firmwareUrl === undefined ? {} : { firmwareUrl }),
  };
}

export function providerPemsOf(read: v.InferOutput<typeof WORKER_PROVIDERS>): ProviderPems {
  return partsOf(read.google_firmware_roots_pem, read.host_vtpm_roots_pem);
}

function partsOf(googleFirmware: string | undefined, hostVtpm: string | undefined): ProviderPems {
  return {
    ...(googleFirmware === undefined ? {} : { googleFirmware }),
    ...(hostVtpm === undefined ? {} : { hostVtpm }),
  };
}

/**
 * Reads the authorities.
 *
 * @param mode - Authorities of the simulator are for `demo` alone.
 * @throws {@link Fault} `config/invalid` for a file that holds no authorities, or the simulator's in production.
 */
export function providerTrustOf(pems: ProviderPems, mode: "production" | "demo"): ProviderTrust {
  return {
    firmware: authoritiesOf("firmware", pems.googleFirmware, mode),
    hostVtpm: authoritiesOf("hostVtpm", pems.hostVtpm, mode),
  };
}

const MEMBERS: Readonly<Record<Kind, string>> = {
  firmware: "providers.google_firmware_roots",
  hostVtpm: "providers.host_vtpm_roots",
};

function authoritiesOf(
  kind: Kind,
  text: string | undefined,
  mode: "production" | "demo",
): ProviderAuthorities {
  if (text === undefined) return [];
  const authorities = readable(kind, text);
  if (mode !== "demo" && haveSimulated(authorities)) throw invalid(kind, 'no simulator unless mode = "demo"');
  return authorities;
}

function readable(kind: Kind, text: string): ProviderAuthorities {
  try {
    return providerAuthorities(parseEndorsementFile(utf8(text)).certificates);
  } catch (thrown) {
    if (isFault(thrown))
      throw invalid(kind, `certificates of authorities in PEM, a root among them: ${thrown.message}`);
    throw thrown;
  }
}

function invalid(kind: Kind, expected: string): Fault {
  return new Fault("config/invalid", "the configuration has 1 problem", {
    [MEMBERS[kind]]: `expected ${expected}`,
  });
}
