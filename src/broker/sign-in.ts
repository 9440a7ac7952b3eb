/** How does an account of a provider become a session? An ID token for this challenge and this key, an account of the roster, once. */
import { hexOf, utf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import { bareKeyOf } from "../base/spki.ts";
import { addSeconds } from "../base/time.ts";
import { signInNonce } from "../channel/sign-in.ts";
import type { Account } from "../policy/accounts.ts";
import type { SignedIn, SignIn, SignInOffer } from "../wire/sign-in-messages.ts";
import { signSession } from "./admin-session.ts";
import type { Identity, IdentityProviders, OfferedProvider } from "./identity.ts";
import { adminEntry } from "./secrets.ts";
import { issueSignInChallenge, openSignInChallenge } from "./sign-in-challenge.ts";
import type { World } from "./world.ts";

/** Whom this broker believes, and a challenge to ask them with. @throws {@link Fault} `login/not-offered`. */
export async function offerSignIn(world: World): Promise<SignInOffer> {
  const providers = identityOf(world).offered;
  return { ...(await issueSignInChallenge(world)), providers };
}

/**
 * Gives a session for an ID token. Who nobody vouches for leaves nothing in the database; whoever comes in is an entry of the log first.
 *
 * @throws {@link Fault} `login/refused` for every deviation, a token that served before among them; `login/unavailable`;
 *   `login/not-offered`; `request/malformed` for a key of another kind.
 */
export async function signIn(request: SignIn, world: World): Promise<SignedIn> {
  const { issuer, idToken, challenge, key: spki } = request;
  const identity = identityOf(world);
  const provider = identity.offered.find((one) => one.issuer === issuer);
  if (provider === undefined) throw refused("a provider of the configuration");
  if (bareKeyOf("ed25519", spki) === undefined)
    throw new Fault("request/malformed", "expected an Ed25519 public key for the session");
  const asked = await openSignInChallenge(challenge, world);
  if (asked === undefined) throw refused("a challenge of this broker that is not over");
  const fields = { audience: world.settings.audience, challenge, spki };
  const nonce = signInNonce(fields, world.primitives.digest);
  const vouched = await identity.verify(idToken, { issuer, nonce });
  const account = await accountOf(issuer, vouched.subject, world);
  if (!(await world.store.spendAdminRequest(account.kid, asked.id, asked.expiresAt)))
    throw refused("a challenge that opened no session yet");
  return opened({ account, spki, provider, vouched }, world);
}

function identityOf({ identity }: World): IdentityProviders {
  if (identity !== undefined) return identity;
  throw new Fault("login/not-offered", "this broker has no provider to sign in by");
}

/** By issuer and subject alone: a name, or an address of mail, is whatever somebody wrote at the provider. */
async function accountOf(issuer: string, subject: string, world: World): Promise<Account> {
  const { accounts } = (await world.roster()).now;
  const account = accounts.find((one) => one.issuer === issuer && one.subject === subject);
  if (account !== undefined) return account;
  throw refused("an account of the roster", { issuer, subject });
}

interface Opening {
  readonly account: Account;
  readonly spki: Uint8Array;
  readonly provider: OfferedProvider;
  readonly vouched: Identity;
}

async function opened({ account, spki, provider, vouched }: Opening, world: World): Promise<SignedIn> {
  const now = world.now();
  const expiresAt = addSeconds(now, provider.sessionSeconds);
  const session = await signSession({ account, spki, expiresAt }, world);
  const { kid, person, roles, under } = account;
  const digest = hexOf(world.primitives.digest("sha256", utf8(session)));
  const act = { act: "admin-sign-in", subject: `by ${vouched.key}`, digest };
  await world.store.appendEntry(adminEntry(act, { kid }, world));
  await world.store.noteUses([{ name: vouched.key, firstAt: now, lastAt: now, about: "" }]);
  return { session, kid, person, roles, under, expiresAt };
}

function refused(expected: string, detail: Readonly<Record<string, string>> = {}): Fault {
  return new Fault("login/refused", `expected ${expected}`, detail);
}
