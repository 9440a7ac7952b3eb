/** Is a simulated certificate built as AMD builds one? Element by element beside real ones, and OpenSSL's verdict on the chain. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { ProductLine } from "../../src/attestation/snp/product.ts";
import { pemOf } from "../../src/simulator/chip-folder.ts";
import { createSimulatedChip } from "../../src/simulator/sp.ts";
import { itWithVectors, sharedVectors } from "../support/shared-vectors.ts";
import { SIMULATED_NOW, simulatedRoot } from "../support/simulated.ts";

const PRODUCTS: readonly ProductLine[] = ["milan", "genoa", "turin"];
const folder = mkdtempSync(join(tmpdir(), "ostiary-twin-"));
afterAll(() => rmSync(folder, { recursive: true }));

const MARK = "1.3.6.1.4.1.58270.1.1";

/** Tags, nesting and object identifiers as OpenSSL sees them, without lengths and values and without the simulator's mark. */
function skeletonOf(bytes: Uint8Array): readonly string[] {
  const isPem = Buffer.from(bytes).toString("latin1").startsWith("-----BEGIN");
  const words = ["asn1parse", "-inform", isPem ? "PEM" : "DER"];
  const lines = execFileSync("openssl", words, { input: bytes, encoding: "utf8" }).trimEnd().split("\n");
  const bones = lines.map((line) => {
    const [, depth, tag, oid] =
      /d=(\d+) .*?(?:prim|cons): (\S+(?: STRING)?|cont \[ \d \])\s*(:.*)?/.exec(line) ?? [];
    return `${depth} ${tag}${tag === "OBJECT" ? oid : ""}`;
  });
  expect(bones.filter((bone) => bone.includes("undefined"))).toEqual([]);
  const at = bones.findIndex((bone) => bone.endsWith(MARK));
  return at < 0 ? bones : bones.toSpliced(at - 1, 3);
}

function amd(...path: readonly string[]): Uint8Array {
  return readFileSync(join(sharedVectors ?? "", "snp", ...path));
}

function realLeaf(name: string): Uint8Array {
  const at = join(sharedVectors ?? "", "snp/cases", name, "endorsements");
  const file = readdirSync(at).find((entry) => /^v[cl]ek[.]/.test(entry));
  return readFileSync(join(at, file ?? ""));
}

describe("a simulated certificate", () => {
  for (const product of PRODUCTS) {
    const title = `${product.slice(0, 1).toUpperCase()}${product.slice(1)}`;
    itWithVectors(`of ${product}'s authorities has the build of AMD's`, () => {
      const { ark, ask, asvk } = simulatedRoot(product);
      expect(skeletonOf(ark)).toEqual(skeletonOf(amd("amd", `ARK-${title}.pem`)));
      expect(skeletonOf(ask)).toEqual(skeletonOf(amd("amd", `SEV-${title}.pem`)));
      expect(skeletonOf(asvk)).toEqual(skeletonOf(amd("amd", `SEV-VLEK-${title}.pem`)));
    });
  }

  itWithVectors("of a chip has the build of a real chip's", () => {
    const leaves = {
      milan: "v3-milan-vcek-05b7438a",
      genoa: "v3-genoa-vcek-227a641d",
      turin: "v5-turin-vcek-85da705e",
    };
    for (const product of PRODUCTS) {
      const { leaf } = createSimulatedChip(simulatedRoot(product));
      expect(skeletonOf(leaf)).toEqual(skeletonOf(realLeaf(leaves[product])));
    }
  });

  itWithVectors("of a provider has the build of a real VLEK", () => {
    const { leaf } = createSimulatedChip(simulatedRoot("milan"), { kind: "vlek" });
    expect(skeletonOf(leaf)).toEqual(skeletonOf(realLeaf("v3-milan-vlek-decdab94")));
  });

  itWithVectors("revocation list has the build of AMD's, with and without entries", () => {
    const full = simulatedRoot("genoa").crl({ thisUpdate: SIMULATED_NOW, revokedSerials: [0x020001n] });
    expect(skeletonOf(full)).toEqual(skeletonOf(amd("amd", "genoa-04.crl.der")));
    const empty = simulatedRoot("milan").crl({ thisUpdate: SIMULATED_NOW });
    expect(skeletonOf(empty)).toEqual(skeletonOf(amd("amd", "milan-06.crl.der")));
  });
});

describe("OpenSSL", () => {
  const file = (name: string, bytes: Uint8Array | string): string => {
    const path = join(folder, name);
    writeFileSync(path, bytes);
    return path;
  };
  const openssl = (...words: readonly string[]) => spawnSync("openssl", words, { encoding: "utf8" });
  const at = ["-attime", String(SIMULATED_NOW)];

  it.each(PRODUCTS)("verifies the %s chains of a VCEK and of a VLEK up to the ARK", (product) => {
    const root = simulatedRoot(product);
    const ark = file(`${product}-ark.pem`, pemOf(root.ark));
    for (const kind of ["vcek", "vlek"] as const) {
      const issuer = file(`${product}-${kind}-issuer.pem`, pemOf(kind === "vcek" ? root.ask : root.asvk));
      const leaf = file(`${product}-${kind}.pem`, pemOf(createSimulatedChip(root, { kind }).leaf));
      const run = openssl("verify", ...at, "-CAfile", ark, "-untrusted", issuer, leaf);
      expect(run).toMatchObject({ status: 0 });
      expect(openssl("verify", ...at, "-CAfile", ark, leaf).status).not.toBe(0);
    }
  });

  it.each(PRODUCTS)("verifies the %s revocation list, and not a forged one", (product) => {
    const root = simulatedRoot(product);
    const ark = file(`${product}-ark.pem`, pemOf(root.ark));
    const good = file(`${product}.crl`, root.crl({ thisUpdate: SIMULATED_NOW }));
    const forged = file(`${product}-forged.crl`, root.crl({ thisUpdate: SIMULATED_NOW, isForged: true }));
    const verify = (path: string) =>
      openssl("crl", "-inform", "DER", "-in", path, "-CAfile", ark, "-noout", "-verify");
    expect(verify(good).stderr).toContain("verify OK");
    expect(verify(forged).stderr).not.toContain("verify OK");
  });

  it("reads serial, entry and number of a revocation list as they were written", () => {
    const root = simulatedRoot("genoa");
    const path = file(
      "entries.crl",
      root.crl({ thisUpdate: SIMULATED_NOW, number: 4, revokedSerials: [0x020001n] }),
    );
    const { stdout } = openssl("crl", "-inform", "DER", "-in", path, "-noout", "-text");
    expect(stdout).toMatch(/CRL Number:\s+4/);
    expect(stdout).toMatch(/Serial Number: 020001/);
    expect(stdout).toMatch(/Last Update: Jun {2}1 00:00:00 2026 GMT/);
  });
});
