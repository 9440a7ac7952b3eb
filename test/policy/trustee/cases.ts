/** Which policies are carried over? The forms that Trustee's users write, in our own words. */
import { CHIP, INIT_DATA, MEASUREMENTS, PCRS } from "./guests.ts";

export interface Case {
  readonly name: string;
  readonly resource: string;
  readonly attestation?: string;
  readonly references?: Readonly<Record<string, unknown>>;
  /** How the path comes to the policy: newer versions give a list, older ones a text. */
  readonly path: "list" | "text" | "slashed";
  /** Whether all of it is understood; else it is only never wider. */
  readonly isWhole: boolean;
  /** What Open Policy Agent 1.22.3 decided about the first 256 guests, debug guests left out, as hex: the first guest is the top bit. */
  readonly decided: string;
}

const HEAD = "package policy\n\nimport rego.v1\n\ndefault allow := false\n\n";

/** In the manner of the policy that Trustee brings along. */
const SERVICE = `package policy
import rego.v1

default executables := 33
default hardware := 97
default configuration := 36
default file_system := 0
default instance_identity := 0
default runtime_opaque := 0
default storage_opaque := 0
default sourced_data := 0

trust_claims := {
	"executables": executables,
	"hardware": hardware,
	"configuration": configuration,
	"file-system": file_system,
	"instance-identity": instance_identity,
	"runtime-opaque": runtime_opaque,
	"storage-opaque": storage_opaque,
	"sourced-data": sourced_data,
}

executables := 3 if {
	input.sample
	input.sample.launch_digest in query_reference_value("launch_digest")
}

executables := 3 if {
	input.snp
	# what was measured
	input.snp.evidence.measurement in query_reference_value("snp_launch_measurement")
}

hardware := 2 if {
	input.snp
	input.snp.evidence.reported_tcb.bootloader in query_reference_value("snp_bootloader")
	input.snp.evidence.reported_tcb.snp in query_reference_value("snp_snp_svn")
}

configuration := 2 if {
	input.snp
	input.snp.evidence.policy.debug_allowed == false
	input.snp.evidence.policy.migrate_ma_allowed == false
	input.snp.evidence.plat_info.smt_enabled == query_reference_value("snp_smt_enabled")
	input.snp.evidence.policy.abi_major == query_reference_value("snp_guest_abi_major")
	input.snp.evidence.policy.abi_minor == query_reference_value("snp_guest_abi_minor")
} else := 3 if {
	input.snp
	input.snp.evidence.policy.debug_allowed == false
	input.snp.evidence.policy.migrate_ma_allowed == false
}

executables := 4 if {
	input.tdx
	event := input.tdx.uefi_event_logs[_]
	"File(kernel)" in event.details.device_paths
	count({id | id := input.tdx.advisory_ids[_]}) == 0
}

executables := 3 if {
	input["az-snp-vtpm"]
	input["az-snp-vtpm"].measurement in query_reference_value("measurement")
	input["az-snp-vtpm"].tpm.pcr11 in query_reference_value("snp_pcr11")
}

hardware := 2 if {
	input["az-snp-vtpm"]
	input["az-snp-vtpm"].reported_tcb_snp in query_reference_value("snp_snp_svn")
}

configuration := 2 if {
	input["az-snp-vtpm"]
	input["az-snp-vtpm"].platform_smt_enabled in query_reference_value("smt_enabled")
}

extensions := [{"name": "ear.trustee.identifiers", "key": -18, "value": {"validated": images_id}}]

images := [img |
	container := input["init_data_claims"]["containers"][_]
	img := container["image"]
]

images_id := {"images": images} if {
	count(images) > 0
} else := {}
`;

const REFERENCES = {
  snp_launch_measurement: MEASUREMENTS.slice(0, 2),
  snp_bootloader: [10],
  snp_snp_svn: [23, 24],
  snp_smt_enabled: true,
  snp_guest_abi_major: 0,
  snp_guest_abi_minor: 31,
  measurement: MEASUREMENTS,
  snp_pcr11: PCRS.slice(0, 1),
  smt_enabled: [true, false],
};

const TOKEN = 'input["submods"]["cpu0"]';
const SNP = `${TOKEN}["ear.veraison.annotated-evidence"]["snp"]`;

export const CASES: readonly Case[] = [
  {
    name: "an affirming token, for a part of the paths",
    resource: `${HEAD}path := split(data["resource-path"], "/")

allow if {
	data.plugin == "resource"
	count(path) == 3
	path[0] == "default"
	path[1] == "key"
	${TOKEN}["ear.status"] == "affirming"
}
`,
    attestation: SERVICE,
    references: REFERENCES,
    path: "text",
    isWhole: true,
    decided: "0001040002044200841100080001004000318000200000000000001000200000",
  },
  {
    name: "every submodule affirming, by what must not be",
    resource: `${HEAD}allow if {
    not any_not_affirming
    count(input.submods) > 0
}

any_not_affirming if {
    some _, submod in input.submods
    submod["ear.status"] != "affirming"
}
`,
    attestation: SERVICE,
    references: REFERENCES,
    path: "list",
    isWhole: true,
    decided: "11a10c0286044201a5112008000131400039800d210400000000001008300010",
  },
  {
    name: "every submodule affirming, by `every`",
    resource: `${HEAD}allow if {
    data["resource-path"] == ["prod", "disk", "root"]
    every _, submod in input.submods { submod["ear.status"] == "affirming" }
}
`,
    attestation: SERVICE,
    references: REFERENCES,
    path: "list",
    isWhole: true,
    decided: "11a0080284000000000000000000100000000000010000000000000008000010",
  },
  {
    name: "a measurement in hex, in the old syntax, behind a slash",
    resource: `package policy

default allow = false

path := split(data["resource-path"], "/")

allow {
    count(path) == 4
    path[1] == "prod"
    path[3] == "root"
    ${SNP}["measurement"] == "${MEASUREMENTS[0]}"
}

allow { data["resource-path"] == "/other/key/1"; ${SNP}.measurement == "${MEASUREMENTS[2]}" }
`,
    path: "slashed",
    isWhole: true,
    decided: "0140080000000000000000004480808000000210000100000000000448000010",
  },
  {
    name: "levels, init-data, a chip and sets of names",
    resource: `${HEAD}cpu := ${TOKEN}
evidence := cpu["ear.veraison.annotated-evidence"]
snp := evidence.snp

allow if {
    data["resource-path"][0] in {"prod", "other"}
    snp.measurement in ["${MEASUREMENTS[0]}", "${MEASUREMENTS[1]}"]
    snp.reported_tcb_snp >= 23
    snp.reported_tcb_microcode > 84
    10 <= snp.reported_tcb_bootloader
    evidence["init_data"] == "${INIT_DATA[0]}"
    snp.policy_migrate_ma == false
}

allow if {
    data["resource-path"][2] == "1"
    snp.chip_id == "${CHIP}"
    snp.measurement != "${MEASUREMENTS[0]}"
    snp.measurement in {"${MEASUREMENTS[1]}"}
    not snp.policy_smt_allowed
    not too_old
}

allow if {
    data["resource-path"][2] == "2"
    snp.chip_id != "${"ff".repeat(64)}"
    snp.measurement == "${MEASUREMENTS[2]}"
}

too_old if snp.reported_tcb_snp < 23
too_old if snp.reported_tcb_bootloader == 9
`,
    path: "list",
    isWhole: true,
    decided: "0000000001000000000020200000200000000000000001000000000000100000",
  },
  {
    name: "parts of the trustworthiness vector",
    resource: `${HEAD}tv := ${TOKEN}["ear.trustworthiness-vector"]

allow if {
    tv["executables"] == 3
    tv.hardware <= 31
    tv.configuration < 3
}
`,
    attestation: SERVICE,
    references: REFERENCES,
    path: "list",
    isWhole: true,
    decided: "10a104028600420180110008000011000031000c010400000000000000000000",
  },
  {
    name: "functions, helpers with a default, and guests of Azure",
    resource: `${HEAD}approved(wanted, least) if {
    evidence := ${TOKEN}["ear.veraison.annotated-evidence"]["az-snp-vtpm"]
    evidence.tpm.pcr11 == wanted
    evidence.reported_tcb_snp >= least
}

default is_key := false
is_key = true if data["resource-path"][1] == "key"

is_moved := true if ${TOKEN}["ear.veraison.annotated-evidence"]["az-snp-vtpm"].policy_migrate_ma

allow if {
    is_key == true
    approved("${PCRS[0]}", 23)
    not is_moved
}
`,
    path: "list",
    isWhole: true,
    decided: "0000040002004001800100080000000000300000000000000000000000000000",
  },
  {
    name: "versions of the ABI, whole and by half",
    resource: `${HEAD}allow if {
    ev := ${SNP}
    ev.measurement == "${MEASUREMENTS[1]}"
    ev.policy_abi_major == 0
    ev.policy_abi_minor == 55
}

allow if {
    ev := ${SNP}
    ev.measurement == "${MEASUREMENTS[2]}"
    ev.policy_abi_major == 1
}
`,
    path: "list",
    isWhole: true,
    decided: "6400010000801000000014804200080006081000000118001024104000000001",
  },
  {
    name: "some rules that nobody here understands",
    resource: `${HEAD}allow if {
    regex.match("^[0-9a-f]{96}$", ${SNP}.measurement)
}

allow if {
    ${SNP}.measurement == "${MEASUREMENTS[0]}"
    data["resource-path"][1] != "key"
}

allow if {
    ${SNP}.measurement == "${MEASUREMENTS[1]}"
    not is_night
}

is_night if time.clock(time.now_ns())[0] > 25

allow if {
    ${SNP}.measurement == "${MEASUREMENTS[1]}"
    not is_odd
    data["resource-path"][0] == "prod"
}

is_odd if ${SNP}.policy_single_socket
is_odd if startswith(${SNP}.measurement, "ff")

allow if {
    ${SNP}.measurement == "${MEASUREMENTS[2]}"
    data["resource-path"][0] == "default"
}
`,
    path: "list",
    isWhole: false,
    decided: "654839b471e4328267f037e366f9f8e9be8cde37b07dd938d62db37c4c321075",
  },
];
