/** `ledger reveal`: which name in a salted log is whose, by the salt; or by an opening, for whoever was shown one. */
import { hexOf, parseHex } from "../../base/bytes.ts";
import { canonicalJson } from "../../base/canonical-json.ts";
import { Fault } from "../../base/fault.ts";
import { chipIdsUnder } from "../../keys/chip-ids.ts";
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
  if (isOfChip(name)) return revealChip(name, values, { edges, terminal });
  const opening = await openingFor(name, values, edges);
  const facts = { name, pseudonym: pseudonymOf(name, opening, edges.primitives), opening: hexOf(opening) };
  terminal.out(values.json === true ? `${canonicalJson(facts)}\n` : tableOf(Object.entries(facts)));
  return 0;
}

/** The id of a chip, or what stands for one: longer than any name of an admin's key. */
function isOfChip(name: string): boolean {
  return /^(?:[0-9a-f]{128}|~[A-Za-z0-9_-]{107})$/.test(name);
}

/** One key opens all of them, so that there is no opening of one to be shown. */
async function revealChip(
  word: string,
  { salt, json }: { readonly salt?: string | undefined; readonly json?: boolean | undefined },
  { edges, terminal }: { readonly edges: LedgerEdges; readonly terminal: Terminal },
): Promise<ExitStatus> {
  if (salt === undefined) throw new Misuse("expected --salt FILE: a chip has no opening");
  const chipIds = chipIdsUnder(await edges.readSalt(salt), edges.primitives);
  const chip = chipIds.show(word);
  if (chip.startsWith("~")) {
    throw new Fault(
      "request/not-found",
      "expected what stands for a chip under this salt, received another's",
    );
  }
  const facts = { chip, pseudonym: chipIds.hide(chip) };
  terminal.out(json === true ? `${canonicalJson(facts)}\n` : tableOf(Object.entries(facts)));
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
