/** How do vectors reach a test in workerd, which has no file system? Vitest provides them: path in `crypto/` → text, and the protocol's. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    /** Empty when the shared vectors are not beside this project. */
    readonly cryptoVectors: Readonly<Record<string, string>>;
    /** Empty likewise. */
    readonly protocolVectors: string;
  }
}

const FOLDER = join(import.meta.dirname, "../../../shared/vectors/crypto");
const PROTOCOL = join(import.meta.dirname, "../../../shared/design/protocol-vectors.json");

export default function provideCryptoVectors(project: TestProject): void {
  project.provide("cryptoVectors", existsSync(FOLDER) ? readFolder() : {});
  project.provide("protocolVectors", existsSync(PROTOCOL) ? readFileSync(PROTOCOL, "utf8") : "");
}

function readFolder(): Readonly<Record<string, string>> {
  const files = readdirSync(FOLDER, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return Object.fromEntries(
    files.map((file) => {
      const path = join(file.parentPath, file.name);
      return [relative(FOLDER, path), readFileSync(path, "utf8")];
    }),
  );
}
