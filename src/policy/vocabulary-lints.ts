/** What should a reviewer of SEV-SNP policies look for? Rules of the lints as data (WRIT sections 7.1 and 12). */
import type { LintRules, PlatformRules } from "../writ/lint/rules.ts";

const CLIENT = ["client.tenant", "client.spiffe", "client.sans"];
const NOTHING = { carries: [], covers: [], coversWhy: "", pins: [], beside: [], empty: [], wanted: [] };

/** Where the provider's firmware is what is measured. */
const PROVIDER_FIRMWARE = {
  covers: [["host_vtpm.pcr"], CLIENT],
  coversWhy: "`measurement` is the provider's firmware here, and `host_vtpm` the provider's word",
};

const PLATFORM_RULES: readonly PlatformRules[] = [
  {
    ...NOTHING,
    platform: "bare-metal",
    wanted: [
      {
        product: "turin",
        flag: "host.ciphertext_hiding",
        why: "a Turin host can hide ciphertext, and one that does not shows it to whoever owns the host",
      },
    ],
  },
  {
    ...NOTHING,
    platform: "azure",
    covers: [["vtpm.pcr"]],
    coversWhy: "`measurement` is the paravisor's; the operating system is only in the PCRs of its vTPM",
    pins: [{ field: "id_block.id_key", why: "any paravisor passes, whoever signed it" }],
    beside: [
      {
        field: "id_block.guest_svn",
        needs: "product",
        why: "security versions of the paravisor are not comparable across products",
      },
    ],
  },
  {
    ...NOTHING,
    platform: "svsm",
    covers: [["vtpm.pcr"]],
    coversWhy:
      "`measurement` is of the SVSM and the firmware; the operating system is only in the PCRs of its vTPM",
    pins: [
      { field: "measurement", why: "any SVSM passes, and it is the SVSM whose word on its vTPM counts" },
    ],
  },
  { ...NOTHING, ...PROVIDER_FIRMWARE, platform: "gcp", carries: ["guest.migrate_ma"] },
  {
    ...NOTHING,
    ...PROVIDER_FIRMWARE,
    platform: "aws",
    empty: [{ field: "report.chip_id", why: "the chip is always masked under a VLEK" }],
  },
  { ...NOTHING, ...PROVIDER_FIRMWARE, platform: "aws-dedicated" },
];

export const LINTS: LintRules = {
  identity: {
    fields: ["measurement", "id_block.author_key", "id_block.id_key"],
    message: "this policy releases keys to any image",
    label: "no path to an allow pins `measurement` or a signed `id_block`",
  },
  ownWord: {
    prefix: "posture.",
    message: "a guest's own word counts here, and any image may give it",
    label: "who makes the image says what it likes of itself",
  },
  dangers: [
    { field: "guest.debug", why: "the host can read the memory of such a guest" },
    { field: "guest.migrate_ma", why: "a migration agent can move its state" },
  ],
  levels: {
    trusted: {
      field: "tcb.committed",
      why: "committed firmware is the only level that the host cannot roll back",
    },
    others: [
      { field: "tcb.reported", why: "the host chooses REPORTED_TCB, up to its current firmware" },
      { field: "endorsement.tcb", why: "the certificate's TCB is REPORTED_TCB, which the host chooses" },
      { field: "tcb.current", why: "the host can roll current firmware back to what is committed" },
      { field: "tcb.launch", why: "the firmware at launch says nothing of the firmware now" },
    ],
  },
  provisional: { field: "firmware.provisional", why: "the host can roll such firmware back" },
  binding: { field: "request.channel", why: "every binding is allowed, also the unsigned KBS exchange" },
  age: { field: "endorsement.crl_age", why: "a revoked chip passes for as long as the list is old" },
  platforms: PLATFORM_RULES,
};
