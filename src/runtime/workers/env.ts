/** What does Cloudflare hand a Worker? A database, three secrets and the configuration; each is looked at before it is used. */
import { Fault } from "../../base/fault.ts";
import type { D1 } from "../../store/d1.ts";
import type { Environment } from "../environment.ts";

/** Bindings as `wrangler.toml` and `wrangler secret put` name them. None of them is certain to be there. */
export interface WorkerEnv {
  readonly DB?: D1;
  /** 64 hexadecimal digits. */
  readonly KEK?: string;
  /** PKCS #8 PEM, P-256. */
  readonly SIGNING_KEY?: string;
  /** PKCS #8 PEM, Ed25519. */
  readonly LEDGER_KEY?: string;
  /** TOML. */
  readonly CONFIG?: string;
}

/** @throws {@link Fault} `config/invalid`. */
export function databaseOf({ DB: database }: WorkerEnv): D1 {
  if (database === undefined)
    throw new Fault("config/invalid", "expected a D1 database bound as `DB` in wrangler.toml", {
      name: "DB",
    });
  return database;
}

/** Those variables that stand in the place of the configuration's members. */
export function settingsIn(env: WorkerEnv): Environment {
  const texts = Object.entries(env).filter(
    (entry): entry is [string, string] => entry[0].startsWith("OSTIARY_") && typeof entry[1] === "string",
  );
  return Object.fromEntries(texts);
}
