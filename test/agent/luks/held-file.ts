/** How does what a broker holds in a test outlive a guest that is killed? As hex in a file. */
import { readFileSync } from "node:fs";
import type { HeldSecrets } from "./held-secrets.ts";

export function readHeld(file: string): HeldSecrets["held"] {
  const read: Record<string, (string | null)[]> = JSON.parse(readFileSync(file, "utf8"));
  return Object.fromEntries(
    Object.entries(read).map(([path, versions]) => [
      path,
      versions.map((hex) => (hex === null ? undefined : Uint8Array.from(Buffer.from(hex, "hex")))),
    ]),
  );
}

export function textOf(held: HeldSecrets["held"]): string {
  const hexOf = (secret: Uint8Array | undefined): string | null =>
    secret === undefined ? null : Buffer.from(secret).toString("hex");
  return JSON.stringify(
    Object.fromEntries(Object.entries(held).map(([path, versions]) => [path, versions.map(hexOf)])),
  );
}
