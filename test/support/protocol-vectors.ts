/** What must the bytes of the protocol be? The vectors beside PROTOCOL.md, read as they stand. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ProtocolVectors } from "./protocol-fields.ts";
import { sharedDesign } from "./shared-vectors.ts";

export function protocolVectors(): ProtocolVectors {
  if (sharedDesign === undefined) throw new Error("the design documents are not beside this project");
  return JSON.parse(readFileSync(join(sharedDesign, "protocol-vectors.json"), "utf8"));
}
