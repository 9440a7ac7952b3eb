/** What does the Vault surface of one program answer? Pure but for its source: a request in, an answer out, and it never throws. */
import { equalBytes, utf8 } from "../../base/bytes.ts";
import { isFault } from "../../base/fault.ts";
import type { Log } from "../../base/log.ts";
import type { SecretSource } from "../secret-source.ts";
import { answerOfFault, authAnswer, refusal, type VaultAnswer } from "./answer.ts";
import { mountOf, type VaultMount } from "./binding.ts";
import { kvAnswer } from "./kv.ts";
import { bodyOf, type VaultRequest } from "./request.ts";
import { authOf, NOT_BOUND, publicAnswer, systemAnswer, WRONG_METHOD } from "./system.ts";
import { transitAnswer } from "./transit.ts";

/** One program: what it sees, and by what it is known. */
export interface VaultProgram {
  readonly name: string;
  readonly mounts: readonly VaultMount[];
  /** A word of this machine, no credential of the broker's; `undefined` where who may open the socket may ask. */
  readonly token: Uint8Array | undefined;
}

/** A request and the token that came with it, as it stood in its header. */
export interface Presented {
  readonly request: VaultRequest;
  readonly token: string | undefined;
}

export interface HandlerParts {
  readonly source: SecretSource;
  readonly digest: (bytes: Uint8Array) => Uint8Array;
  readonly log: Log;
}

export type VaultHandler = (presented: Presented) => Promise<VaultAnswer>;

export function createVaultHandler(program: VaultProgram, parts: HandlerParts): VaultHandler {
  return async (presented) => {
    try {
      return await answered(presented, program, parts);
    } catch (thrown) {
      const code = isFault(thrown) ? thrown.code : "internal/invariant";
      parts.log("warn", "vault-refused", { program: program.name, code });
      return answerOfFault(thrown);
    }
  };
}

async function answered(
  { request, token }: Presented,
  program: VaultProgram,
  parts: HandlerParts,
): Promise<VaultAnswer> {
  const open = publicAnswer(request);
  if (open !== undefined) return open;
  if (request.path === "auth/approle/login") return loginAnswer(request, program, parts);
  if (!isKnown(token, program, parts)) return NO_TOKEN;
  const { mounts } = program;
  const system = systemAnswer(request, mounts);
  if (system !== undefined) return system;
  const found = mountOf(mounts, request.path);
  if (found === undefined) return NOT_BOUND;
  const { mount, rest } = found;
  if (mount.kind === "kv") return kvAnswer({ request, mount, rest }, parts.source);
  return transitAnswer({ request, mount, rest }, parts.source);
}

const NO_TOKEN = refusal(403, "vault/token");

/** By hash, so that the time of the comparison tells nothing, of the length neither. */
function isKnown(token: string | undefined, program: VaultProgram, { digest }: HandlerParts): boolean {
  if (program.token === undefined) return true;
  return equalBytes(digest(utf8((token ?? "").toWellFormed())), digest(program.token));
}

/** The secret id is the token; the role is the program's name. */
function loginAnswer(request: VaultRequest, program: VaultProgram, parts: HandlerParts): VaultAnswer {
  if (request.method !== "POST" && request.method !== "PUT") return WRONG_METHOD;
  const { role_id: role, secret_id: secret } = bodyOf(request);
  const isToken = isKnown(typeof secret === "string" ? secret : undefined, program, parts);
  if (!isToken || role !== program.name) return NO_TOKEN;
  return authAnswer(authOf(typeof secret === "string" ? secret : ""));
}
