/** What does `ostiary reference` need of its platform? */
import type { Primitives } from "../../base/primitives.ts";
import type { Instant } from "../../base/time.ts";
import type { SigningKey } from "../../reference/sign1.ts";
import type { Terminal } from "../command.ts";

export interface ReferenceEdges {
  readonly primitives: Primitives;
  readonly now: () => Instant;
  /** A private key of a PEM file. @throws {@link Fault} `file/unusable`. */
  readonly readKey: (path: string, terminal: Terminal) => Promise<SigningKey>;
  /** A public key of a PEM file, as DER SubjectPublicKeyInfo. @throws {@link Fault} `file/unusable`. */
  readonly readPublicKey: (path: string, terminal: Terminal) => Promise<Uint8Array>;
}
