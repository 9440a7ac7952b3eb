/** `ledger reveal`: which name in a salted log is whose, by the salt; or by an opening, for whoever was shown one. */
import { hexOf, parseHex } from "../../base/bytes.ts";
import { canonicalJson } from "../../base/canonical-json.ts";
import { openingOf, pseudonymOf, SALT_SIZE } from "../../ledger/pseudonym.ts";
import { oneWord, parseArguments } from "../arguments.ts";
import { type ExitStatus, Misuse, type Terminal } from "../command.ts";
import type { LedgerEdges } from "../ledger-source.ts";
import { tableOf } from "../table.ts";

/** Runs `ledger reveal NAME --salt FILE | --opening HEX [--json]`. Asks no broker. */
export async function reveal(
  args: readonly string[],
  edges: LedgerEdges,
  terminal: Terminal,
): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, {
    salt: { type: "string" },
    opening: { type: "string" },
    json: { type: "boolean" },
  });
  const name = oneWord(positionals, "NAME");
  const opening = await openingFor(name, values, edges);
  const facts = { name, pseudonym: pseudonymOf(name, opening, edges.primitives), opening: hexOf(opening) };
  terminal.out(values.json === true ? `${canonicalJson(facts)}\n` : tableOf(Object.entries(facts)));
  return 0;
}

async function openingFor(
  name: string,
  { salt, opening }: { readonly salt?: string | undefined; readonly opening?: string | undefined },
  { readSalt, primitives }: LedgerEdges,
): Promise<Uint8Array> {
  if ((salt === undefined) === (opening === undefined))
    throw new Misuse("expected --salt FILE or --opening HEX");
  if (salt !== undefined) return openingOf(name, await readSalt(salt), primitives);
  const bytes = parseHex(opening ?? "");
  if (bytes?.length === SALT_SIZE) return bytes;
  throw new Misuse("expected --opening of 64 lower-case hex digits");
}
