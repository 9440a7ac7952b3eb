/**
 * The page for security keys: registers one, shows what is to be signed, and asks the key. Served as it stands here, so that whoever
 * reads it reads what runs. All text of others is put in as text and never as markup.
 */

/** @typedef {{ audience: string, origin: string, rpId: string }} Place */
/** @typedef {{ authenticatorData: string, clientDataJSON: string, signature: string }} Assertion */
/**
 * @typedef {object} Review
 * @property {string} digest
 * @property {string | null} [previous]
 * @property {number} serial
 * @property {string} finding
 * @property {string[]} authors
 * @property {{ group?: string, approvals: number, by: string[] }[]} needs
 * @property {string[]} rejectedBy
 * @property {boolean} approved
 * @property {string} text
 * @property {string[]} warnings
 */

const PATH = "/admin/key";
const APPROVAL_TYPE = "application/vnd.ostiary.approval.v1+json";
const APPROVAL_SECONDS = 7 * 86_400;
const TOKEN_SECONDS = 60;
const ES256 = -7;
const EDDSA = -8;
/** Section 6.1 of Web Authentication: where the flags stand, and the model behind the counter. */
const FLAGS_AT = 32;
const AAGUID_AT = 37;
/** @type {readonly (readonly [number, string])[]} */
const FLAGS = [
  [0x01, "touched"],
  [0x04, "knows you (PIN or finger)"],
  [0x08, "may be backed up"],
  [0x10, "is backed up: the key is also elsewhere"],
];

/** Where the broker is, with the path that it may be under. */
const base = location.pathname.endsWith(PATH) ? location.pathname.slice(0, -PATH.length) : "";

start().catch(tell);

async function start() {
  const place = await placeOf();
  at("audience").textContent = shown(place.audience);
  if (place.origin !== location.origin) throw new Error(`security keys sign at ${place.origin} only`);
  const asked = new URLSearchParams(location.hash.slice(1));
  field("name").value = asked.get("name") ?? "";
  field("credential").value = asked.get("credential") ?? "";
  field("digest").value = asked.get("digest") ?? "";
  onClick("register", () => register(place));
  onClick("review", () => review(place));
  await showAsked(asked, place);
}

/** @returns {Promise<Place>} */
async function placeOf() {
  const answer = await fetch(`${base}${PATH}.json`);
  if (!answer.ok) throw new Error("this broker takes no security keys: its configuration has no [webauthn]");
  return answer.json();
}

// ── what the command line asks ──────────────────────────────────────────────────────────────────────────────────────

/**
 * @param {URLSearchParams} asked - Written by whoever made the link: shown, and believed in nothing.
 * @param {Place} place
 */
async function showAsked(asked, place) {
  const bytes = fromBase64Url(asked.get("signs") ?? "");
  const digest = bytes.length > 0 ? await sha256(bytes) : fromBase64Url(asked.get("challenge") ?? "");
  if (digest.length !== 32) return;
  const { type, payload, text } = envelopeOf(bytes);
  at("asked").hidden = false;
  at("asked-type").textContent = shown(type || "too long to be shown here: compare the digest");
  at("asked-digest").textContent = hex(digest);
  at("asked-payload").textContent = shown(text);
  onClick("sign", async () => {
    area("assertion").value = JSON.stringify(await assertion(digest, place));
  });
  const doorOf = DOORS[type];
  if (doorOf === undefined) return;
  button("send").hidden = false;
  onClick("send", async () => {
    const { method, path, member } = doorOf(digestIn(text));
    const envelope = signedBy(await assertion(digest, place), type, payload);
    await ask(method, path, JSON.stringify({ [member]: envelope }), place);
    at("sent").textContent = "the broker took it";
  });
}

/** Where a statement goes: under which path, and in which member of the body. @typedef {{ method: string, path: string, member: string }} Door */
/** @type {Readonly<Record<string, (digest: string) => Door>>} */
const DOORS = {
  [APPROVAL_TYPE]: (digest) => ({
    method: "PUT",
    path: `/v1/admin/policy-reviews/${digest}`,
    member: "statement",
  }),
  "application/vnd.ostiary.request-approval.v1+json": () => ({
    method: "POST",
    path: "/v1/admin/approvals",
    member: "statement",
  }),
  "application/vnd.ostiary.roster.v1+json": () => ({
    method: "POST",
    path: "/v1/admin/admins",
    member: "statement",
  }),
  "application/vnd.ostiary.activation.v2+json": (digest) => ({
    method: "PUT",
    path: `/v1/admin/policies/${digest}`,
    member: "signature",
  }),
  "application/vnd.ostiary.gain-explanation.v1+json": (digest) => ({
    method: "PUT",
    path: `/v1/admin/explanations/${digest}`,
    member: "signature",
  }),
  "application/vnd.ostiary.shadow.v1+json": () => ({
    method: "PUT",
    path: "/v1/admin/shadow",
    member: "signature",
  }),
};

/** The bundle that a statement is about. @param {string} text */
function digestIn(text) {
  return /"digest":"([0-9a-f]{64})"/.exec(text)?.[1] ?? "";
}

/**
 * The envelope of one statement with one signature.
 *
 * @param {Assertion} given
 * @param {string} payloadType
 * @param {Uint8Array} payload
 */
function signedBy(given, payloadType, payload) {
  const sig = base64Url(utf8(JSON.stringify(given)));
  const signatures = [{ keyid: field("name").value, sig }];
  return JSON.stringify({ payload: base64Url(payload), payloadType, signatures });
}

/**
 * The pre-authentication encoding of DSSE, taken apart to be read; nothing of it where there is only a challenge.
 *
 * @param {Uint8Array<ArrayBuffer>} bytes
 */
function envelopeOf(bytes) {
  const whole = new TextDecoder().decode(bytes);
  const [head = "", type = "", text = ""] = /^DSSEv1 \d+ (\S+) \d+ (.*)$/s.exec(whole) ?? [];
  if (head === "") return { type: whole === "" ? "" : "something else", payload: bytes, text: whole };
  const payload = bytes.slice(bytes.length - utf8(text).length);
  return { type, payload, text: text.replaceAll(",", ",\n") };
}

// ── a bundle ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** @param {Place} place */
async function review(place) {
  at("standing").textContent = "";
  const digest = field("digest").value.trim();
  if (!/^[0-9a-f]{64}$/.test(digest)) throw new Error("expected a digest of 64 hex digits");
  const path = `/v1/admin/policy-reviews/${digest}`;
  /** @type {Review} */
  const found = await ask("GET", path, "", place);
  if (found.digest !== digest) throw new Error("the broker showed another bundle than was asked for");
  at("shown").hidden = false;
  at("shown").textContent = shown(reviewText(found));
  at("standing").textContent = shown(standingText(found));
  for (const decision of ["approve", "reject"]) {
    button(decision).disabled = false;
    onClick(decision, () => say(decision, found, place));
  }
}

/** As `ostiary policy review` has it. @param {Review} review */
function reviewText({ digest, authors, text, finding, warnings }) {
  const lines = warnings.map((warning) => `warning: ${warning}\n`).join("");
  return `${digest}\nby ${authors.join(", ")}\nfinding: ${finding}\n\n${text}\n${lines}`;
}

/** @param {Review} review */
function standingText({ needs, rejectedBy, approved }) {
  const wanted = needs.map(
    ({ group, approvals, by }) =>
      `${by.length} of ${approvals} ${group === undefined ? "approvers" : `owners of ${group}`} approved${by.length === 0 ? "" : `: ${by.join(", ")}`}`,
  );
  const rejected = rejectedBy.length === 0 ? [] : [`rejected by ${rejectedBy.join(", ")}`];
  return [...wanted, ...rejected, approved ? "nobody else has to agree" : "somebody has to agree still"].join(
    ". ",
  );
}

/**
 * Signs what was shown: the digest of what was found is made here, of the bundle's digest and the finding on this page.
 *
 * @param {string} decision
 * @param {Review} found
 * @param {Place} place
 */
async function say(decision, { digest, previous = null, finding, serial }, place) {
  const verdict = hex(await sha256(utf8(JSON.stringify({ bundle: digest, finding, previous, v: 1 }))));
  const expires = now() + APPROVAL_SECONDS;
  const { audience } = place;
  // Canonical JSON (RFC 8785): members in order of their names.
  const statement = { act: "approval", audience, decision, digest, expires, serial, v: 1, verdict };
  const payload = utf8(JSON.stringify(statement));
  const head = utf8(`DSSEv1 ${utf8(APPROVAL_TYPE).length} ${APPROVAL_TYPE} ${payload.length} `);
  const signed = await assertion(await sha256(joined(head, payload)), place);
  const body = JSON.stringify({ statement: signedBy(signed, APPROVAL_TYPE, payload) });
  /** @type {Review} */
  const after = await ask("PUT", `/v1/admin/policy-reviews/${digest}`, body, place);
  at("standing").textContent = shown(standingText(after));
}

// ── requests ────────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * One request that the security key signs: method, URL and body, once.
 *
 * @param {string} method
 * @param {string} path
 * @param {string} body
 * @param {Place} place
 */
async function ask(method, path, body, place) {
  const url = `${location.origin}${base}${path}`;
  const iat = now();
  const claims = {
    aud: place.audience,
    htm: method,
    htu: url,
    bh: base64Url(await sha256(utf8(body))),
    iat,
    exp: iat + TOKEN_SECONDS,
    jti: base64Url(crypto.getRandomValues(new Uint8Array(16))),
  };
  const header = { alg: "WebAuthn", typ: "ostiary-admin+jwt", kid: field("name").value };
  const input = `${base64Url(utf8(JSON.stringify(header)))}.${base64Url(utf8(JSON.stringify(claims)))}`;
  const signed = JSON.stringify(await assertion(await sha256(utf8(input)), place));
  const headers = {
    authorization: `Bearer ${input}.${base64Url(utf8(signed))}`,
    "content-type": "application/json",
  };
  const answer = await fetch(url, { method, headers, ...(body === "" ? {} : { body }) });
  const said = await answer.json();
  if (!answer.ok)
    throw new Error(`the broker said no: ${said.fault ?? said.code}: ${said.message ?? said.detail ?? ""}`);
  return said;
}

/**
 * Touches the security key. Members in the order of their names: this text is what is kept.
 *
 * @param {Uint8Array<ArrayBuffer>} challenge
 * @param {Place} place
 * @returns {Promise<Assertion>}
 */
async function assertion(challenge, { rpId }) {
  const id = fromBase64Url(field("credential").value.trim());
  const given = await navigator.credentials.get({
    publicKey: {
      challenge,
      rpId,
      userVerification: "required",
      allowCredentials: id.length === 0 ? [] : [{ type: "public-key", id }],
    },
  });
  if (!(given instanceof PublicKeyCredential)) throw new Error("the browser gave no assertion");
  const { response } = given;
  if (!(response instanceof AuthenticatorAssertionResponse)) throw new Error("the browser gave no assertion");
  return {
    authenticatorData: base64Url(new Uint8Array(response.authenticatorData)),
    clientDataJSON: base64Url(new Uint8Array(response.clientDataJSON)),
    signature: base64Url(new Uint8Array(response.signature)),
  };
}

// ── registration ────────────────────────────────────────────────────────────────────────────────────────────────────

/** @param {Place} place */
async function register({ rpId, origin }) {
  const name = field("new-name").value.trim();
  if (!/^[\w.@-]{1,128}$/.test(name))
    throw new Error("expected a name of letters, digits, `.`, `_`, `@` and `-`");
  const made = await navigator.credentials.create({
    publicKey: {
      rp: { id: rpId, name: "Ostiary" },
      user: { id: crypto.getRandomValues(new Uint8Array(32)), name, displayName: name },
      challenge: crypto.getRandomValues(new Uint8Array(32)),
      pubKeyCredParams: [ES256, EDDSA].map((alg) => ({ type: "public-key", alg })),
      authenticatorSelection: { userVerification: "required", residentKey: "preferred" },
      attestation: "none",
    },
  });
  if (!(made instanceof PublicKeyCredential)) throw new Error("the browser made no credential");
  const { response } = made;
  if (!(response instanceof AuthenticatorAttestationResponse))
    throw new Error("the browser made no credential");
  const key = response.getPublicKey();
  if (key === null) throw new Error("the browser cannot read this kind of key");
  const known = new Uint8Array(response.getAuthenticatorData());
  const credential = base64Url(new Uint8Array(made.rawId));
  at("facts").hidden = false;
  at("aaguid").textContent = hex(known.slice(AAGUID_AT, AAGUID_AT + 16));
  at("flags").textContent = flagsText(known[FLAGS_AT] ?? 0);
  area("registration").value = JSON.stringify(made.toJSON());
  const bound = `{ credential = "${credential}", rp_id = "${rpId}", origin = "${origin}" }`;
  const spki = base64Url(new Uint8Array(key));
  area("toml").value = `[[admin]]\nkid = "${name}"\nspki = "${spki}"\nwebauthn = ${bound}\n`;
  field("name").value = name;
  field("credential").value = credential;
}

/** @param {number} flags */
function flagsText(flags) {
  return FLAGS.filter(([bit]) => (flags & bit) !== 0)
    .map(([, word]) => word)
    .join(", ");
}

// ── the page ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** What others wrote, with what cannot be seen made visible: nothing may turn the direction of text, or hide in it. @param {string} text */
function shown(text) {
  return text.replace(/[^\P{C}\n]/gu, (sign) => `\\u{${(sign.codePointAt(0) ?? 0).toString(16)}}`);
}

/** @param {string} id @param {() => Promise<void>} work */
function onClick(id, work) {
  button(id).onclick = () => {
    at("problem").hidden = true;
    button(id).disabled = true;
    work()
      .catch(tell)
      .finally(() => {
        button(id).disabled = false;
      });
  };
}

/** @param {unknown} thrown */
function tell(thrown) {
  at("problem").hidden = false;
  at("problem").textContent = shown(thrown instanceof Error ? thrown.message : "something went wrong");
}

/** @param {string} id */
function at(id) {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`no element ${id}`);
  return found;
}

/** @param {string} id */
function field(id) {
  const found = at(id);
  if (found instanceof HTMLInputElement) return found;
  throw new Error(`no field ${id}`);
}

/** @param {string} id */
function area(id) {
  const found = at(id);
  if (found instanceof HTMLTextAreaElement) return found;
  throw new Error(`no field ${id}`);
}

/** @param {string} id */
function button(id) {
  const found = at(id);
  if (found instanceof HTMLButtonElement) return found;
  throw new Error(`no button ${id}`);
}

// ── bytes ───────────────────────────────────────────────────────────────────────────────────────────────────────────

function now() {
  return Math.floor(Date.now() / 1000);
}

/** @param {string} text */
function utf8(text) {
  return new TextEncoder().encode(text);
}

/** @param {Uint8Array<ArrayBuffer>} bytes */
async function sha256(bytes) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

/** @param {Uint8Array} a @param {Uint8Array} b */
function joined(a, b) {
  const bytes = new Uint8Array(a.length + b.length);
  bytes.set(a);
  bytes.set(b, a.length);
  return bytes;
}

/** @param {Uint8Array} bytes */
function hex(bytes) {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {Uint8Array} bytes */
function base64Url(bytes) {
  const text = btoa([...bytes].map((byte) => String.fromCharCode(byte)).join(""));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** @param {string} text */
function fromBase64Url(text) {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (sign) => sign.charCodeAt(0));
}
