/** What does a report of this very guest say? Asked for once, over bytes that are a transcript of nothing, and only read. */
import { parseHclBlob } from "../../attestation/azure/hcl.ts";
import type { CarriedEvidence } from "../../attestation/evidence.ts";
import type { EvidenceProvider } from "../../attestation/provider.ts";
import { parseReport, type Report } from "../../attestation/snp/report.ts";
import { formatTcb, isAtLeast, isSameTcb, type TcbVersion } from "../../attestation/snp/tcb.ts";
import { concatBytes, utf8 } from "../../base/bytes.ts";
import { isFault } from "../../base/fault.ts";
import type { Primitives } from "../../base/primitives.ts";
import { type Finding, finding } from "./finding.ts";

export interface EvidencePlan {
  readonly provider: EvidenceProvider;
  /** Levels that both REPORTED_TCB and COMMITTED_TCB have to reach. */
  readonly floor?: TcbVersion;
  readonly random: (size: number) => Uint8Array;
  readonly digest: Primitives["digest"];
}

/** Ends with one finding where no report came. */
export async function evidenceFindings(plan: EvidencePlan): Promise<readonly Finding[]> {
  const { provider, floor } = plan;
  const expected = "a report of this guest";
  try {
    const report = reportOf(await provider.attest(binderFor(plan)));
    const seen = `a report of version ${report.version} at VMPL ${report.vmpl}, by ${provider.name}`;
    return [finding("evidence.report", "ok", { seen, expected }), ...reportFindings(report, floor)];
  } catch (thrown) {
    if (!isFault(thrown)) throw thrown;
    const next =
      "mend what `provider.usable` and `snp.active` name; where the kernel threw its key away (ENOTTY), restart the VM";
    return [
      finding("evidence.report", "error", { seen: `${thrown.code}: ${thrown.message}`, expected, next }),
    ];
  }
}

const LABEL = utf8("ostiary/doctor/v1");
const FRESH_BYTES = 32;

/** Never a transcript's hash, so that no broker takes what is made here. */
function binderFor({ provider, random, digest }: EvidencePlan): Uint8Array {
  const bytes = concatBytes(LABEL, random(FRESH_BYTES));
  return digest(provider.format === "azure-hcl" ? "sha256" : "sha512", bytes);
}

function reportOf(carried: CarriedEvidence): Report {
  return parseReport(carried.format === "azure-hcl" ? parseHclBlob(carried.hcl).report : carried.report);
}

function reportFindings(report: Report, floor: TcbVersion | undefined): readonly Finding[] {
  return [
    ...guestPolicyFindings(report),
    ...floorFindings(report, floor),
    provisionalFinding(report),
    reportedFinding(report),
    ...hostFindings(report),
  ];
}

function guestPolicyFindings({ guestPolicy }: Report): readonly Finding[] {
  const { debug, migrateMa } = guestPolicy;
  return [
    finding("snp.debug", debug ? "error" : "ok", {
      seen: debug ? "the host may read this guest's memory (DEBUG)" : "DEBUG is off",
      expected: "a guest policy without DEBUG",
      next: "start the VM with bit 19 of its policy clear; no policy should release anything to this one",
    }),
    finding("snp.migration", migrateMa ? "warning" : "ok", {
      seen: migrateMa ? "a migration agent may move this guest (MIGRATE_MA)" : "MIGRATE_MA is off",
      expected: "no migration agent, unless the policy names it",
      next: "start the VM with bit 18 of its policy clear",
    }),
  ];
}

function floorFindings(
  { reportedTcb, committedTcb }: Report,
  floor: TcbVersion | undefined,
): readonly Finding[] {
  if (floor === undefined) {
    const expected = "firmware at the floor of the broker's policy";
    const next =
      "say it with --floor snp=24,microcode=219; the policy has the same levels as `tcb.reported` and `tcb.committed`";
    return [
      finding("tcb.floor", "note", {
        seen: `reported ${formatTcb(reportedTcb)}; no floor was given`,
        expected,
        next,
      }),
    ];
  }
  const isReached = isAtLeast(reportedTcb, floor) && isAtLeast(committedTcb, floor);
  return [
    finding("tcb.floor", isReached ? "ok" : "error", {
      seen: `reported ${formatTcb(reportedTcb)}; committed ${formatTcb(committedTcb)}`,
      expected: `at least ${formatTcb(floor)} in both`,
      next: "move to a host with newer firmware, or have its firmware updated and committed",
    }),
  ];
}

/** Amazon's hosts show this all the time, so that it can be no error. */
function provisionalFinding({ currentTcb, committedTcb }: Report): Finding {
  const isProvisional = !isSameTcb(currentTcb, committedTcb);
  return finding("tcb.provisional", isProvisional ? "note" : "ok", {
    seen: isProvisional
      ? `current ${formatTcb(currentTcb)}; committed ${formatTcb(committedTcb)}`
      : "current is committed",
    expected: "firmware that the host has committed",
    next: "the host can go back to the committed firmware at any time: set floors on `tcb.committed`",
  });
}

function reportedFinding({ reportedTcb, committedTcb }: Report): Finding {
  const isBehind = !isSameTcb(reportedTcb, committedTcb);
  return finding("tcb.reported", isBehind ? "note" : "ok", {
    seen: isBehind
      ? `reported ${formatTcb(reportedTcb)}; committed ${formatTcb(committedTcb)}`
      : "reported is committed",
    expected: "the host to report what it has committed",
    next: "the certificate is for the reported level: ask the host's operator to report the newer one (SNP_SET_CONFIG)",
  });
}

/** Reports before version 3 do not say it. */
function hostFindings({ platformInfo: { aliasCheck } }: Report): readonly Finding[] {
  if (aliasCheck === undefined) return [];
  return [
    finding("host.alias-check", aliasCheck ? "ok" : "warning", {
      seen: aliasCheck
        ? "the firmware looked for aliases of memory"
        : "the firmware did not look for aliases of memory",
      expected: "ALIAS_CHECK_COMPLETE, against memory modules that lie about their size (AMD-SB-3015)",
      next: "move to a host whose firmware does; a policy asks for it by `platform.alias_check`",
    }),
  ];
}
