/** Does an endorsement hold that other software made, with keys as long as Google's? And does none with any one byte changed? */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseEndorsementFile } from "../../src/attestation/endorsement/pem.ts";
import { providerAuthorities } from "../../src/attestation/endorsement/provider-chain.ts";
import { parseLaunchEndorsement } from "../../src/attestation/gcp/launch-endorsement.ts";
import { concatBytes } from "../../src/base/bytes.ts";
import { delimited } from "../../src/simulator/launch-endorsement.ts";
import { codeOfPromise } from "../support/faults.ts";
import { endorsementOf } from "../support/provider.ts";
import { passedBents, verify } from "./firmware-at-hand.ts";

describe("a launch endorsement", () => {
  it("is refused with any byte of it another", async () => {
    expect(await passedBents(endorsementOf(), 1)).toEqual([]);
  }, 120_000);
});

describe("an endorsement that OpenSSL made", () => {
  it("verifies under OpenSSL's own root, signed with RSA of 4096 bits as Google's are", async () => {
    const folder = mkdtempSync(join(tmpdir(), "ostiary-openssl-"));
    try {
      const { root, signer, key } = byOpenssl(folder);
      // What is signed has their certificate in it; the simulator's own signature is thrown away.
      const good = parseLaunchEndorsement(endorsementOf({ certificate: signer }));
      writeFileSync(join(folder, "golden"), good.signedBytes);
      const pss = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"];
      openssl(folder, ["dgst", "-sha256", ...pss, "-sign", key, "-out", "signature", "golden"]);
      const signature = Uint8Array.from(readFileSync(join(folder, "signature")));
      const bytes = concatBytes(delimited(1, good.signedBytes), delimited(2, signature));
      const judged = { authorities: providerAuthorities([root]), now: Math.floor(Date.now() / 1000) };
      expect(await verify(bytes, judged)).toMatchObject({ vmsas: 4, isSimulated: false });
      expect(await codeOfPromise(verify(bytes, { now: judged.now }))).toBe("endorsement/provider-untrusted");
    } finally {
      rmSync(folder, { recursive: true });
    }
  }, 120_000);
});

function openssl(folder: string, words: readonly string[]): void {
  execFileSync("openssl", words, { cwd: folder, stdio: "ignore" });
}

/** A root and a signer of 4096 bits, certificates by RSASSA-PSS with SHA-256: what `gce-tcb-verifier` makes. */
function byOpenssl(folder: string) {
  const pss = ["-sha256", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"];
  const root = ["-newkey", "rsa:4096", "-nodes", "-keyout", "root.key", "-out", "root.pem", "-days", "30"];
  const authority = [
    "-addext",
    "basicConstraints=critical,CA:TRUE,pathlen:0",
    "-addext",
    "keyUsage=critical,keyCertSign,cRLSign",
  ];
  openssl(folder, ["req", "-x509", ...root, ...pss, "-subj", "/O=Google/CN=GCE-cc-tcb-root", ...authority]);
  openssl(folder, [
    "req",
    "-new",
    "-newkey",
    "rsa:4096",
    "-nodes",
    "-keyout",
    "signer.key",
    "-out",
    "signer.csr",
    "-subj",
    "/O=Google/CN=GCE-uefi-signer",
  ]);
  writeFileSync(
    join(folder, "signer.cnf"),
    "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n",
  );
  const issue = [
    "-CA",
    "root.pem",
    "-CAkey",
    "root.key",
    "-days",
    "30",
    "-extfile",
    "signer.cnf",
    "-out",
    "signer.pem",
  ];
  openssl(folder, ["x509", "-req", "-in", "signer.csr", ...issue, ...pss]);
  const der = (file: string) =>
    parseEndorsementFile(readFileSync(join(folder, file))).certificates[0] ?? new Uint8Array(0);
  return { root: der("root.pem"), signer: der("signer.pem"), key: "signer.key" };
}
