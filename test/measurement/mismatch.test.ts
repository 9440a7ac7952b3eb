/** Which change of parameters explains another digest? */
import { describe, expect, it } from "vitest";
import { utf8 } from "../../src/base/bytes.ts";
import { candidatesOf, type Matrix, sizeOf } from "../../src/measurement/candidates.ts";
import { parseFirmware } from "../../src/measurement/firmware.ts";
import { afterFirmware, type Image } from "../../src/measurement/launch.ts";
import { explainMismatch } from "../../src/measurement/mismatch.ts";
import { KNOWN_TYPES } from "../../src/measurement/processor.ts";
import { PROFILES, profileNamed } from "../../src/measurement/profiles.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { madeFirmware } from "../support/firmware-image.ts";
import { MADE_FIRMWARE } from "./made-images.ts";

const { digest } = nodePrimitives;
const firmware = parseFirmware(madeFirmware(MADE_FIRMWARE));
const seed = afterFirmware(firmware, (bytes) => digest("sha384", bytes));
const BOOT = { kernel: utf8("kernel"), initrd: utf8("initrd"), commandLine: "quiet" };

function imageWith(commandLine: string): Image {
  return { layout: firmware, afterFirmware: seed, boot: { ...BOOT, commandLine } };
}

function matrixOf(change: Partial<Matrix> = {}): Matrix {
  const [qemu] = PROFILES;
  const genoa = KNOWN_TYPES.filter(({ name }) => name === "EPYC-Genoa");
  return {
    profiles: qemu === undefined ? [] : [qemu],
    vcpus: [4],
    processors: genoa,
    guestFeatures: [1n],
    ...change,
  };
}

/** What is said of the digest of a guest that was launched otherwise than everybody thinks. */
function saidOf(change: Partial<Matrix>, commandLine = "quiet") {
  const [real] = [...candidatesOf(imageWith(commandLine), matrixOf(change), digest)];
  const [first, ...others] = [...candidatesOf(imageWith("quiet"), matrixOf(), digest)];
  if (real === undefined || first === undefined) throw new Error("no candidates");
  return explainMismatch(real.digest, imageWith("quiet"), [first, ...others], digest);
}

describe("a digest that was not expected", () => {
  it("is found among the candidates first", () => {
    expect(saidOf({}).changes).toEqual([]);
  });

  it.each<readonly [string, Partial<Matrix>, string, string]>([
    ["another number of processors", { vcpus: [6] }, "vcpus", "6"],
    ["other features", { guestFeatures: [0x21n] }, "guest features", "0x21"],
    [
      "another profile",
      { profiles: PROFILES.filter(({ name }) => name === "qemu-pre-6.10") },
      "profile",
      "qemu-pre-6.10",
    ],
    [
      "another model",
      { processors: KNOWN_TYPES.filter(({ name }) => name === "EPYC-Milan") },
      "processor",
      "EPYC-Milan",
    ],
  ])("is explained by %s", (_, change, parameter, to) => {
    expect(saidOf(change).changes).toEqual([{ parameter, to }]);
  });

  it("is explained by a command line that ends with a newline", () => {
    expect(saidOf({}, "quiet\n").changes).toEqual([
      { parameter: "boot", to: "a command line that ends with a newline" },
    ]);
  });

  it("is explained by two changes", () => {
    expect(saidOf({ vcpus: [6], guestFeatures: [0x21n] }).changes).toEqual([
      { parameter: "guest features", to: "0x21" },
      { parameter: "vcpus", to: "6" },
    ]);
  });

  it("is not explained where nothing that was tried gives it, and how much was tried is said", () => {
    const said = saidOf({}, "another command line");
    expect(said.changes).toBeUndefined();
    expect(said.tried).toBeGreaterThan(30_000);
  });

  it("has a matrix of candidates, each once", () => {
    const matrix = matrixOf({ profiles: PROFILES.slice(0, 3), vcpus: [1, 2, 4], guestFeatures: [1n, 0x21n] });
    const digests = [...candidatesOf(imageWith(""), matrix, digest)].map((candidate) =>
      candidate.digest.join(),
    );
    expect(digests).toHaveLength(sizeOf(matrix));
    expect(new Set(digests).size).toBe(18);
    expect(profileNamed("nobody's")).toBeUndefined();
  });
});
