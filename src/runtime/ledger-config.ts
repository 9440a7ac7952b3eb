/** What does `[ledger]` say? Who may read the log, who remembers and spreads its heads, and what of it is kept for how long. */
import * as v from "valibot";
import { absent, isEachOnce, path, table, url, whole } from "./config-fields.ts";
import { TPM_DEVICE } from "./kek-config.ts";

const MOST_PEERS = 8;

/** Who cosigns the log. Each once: one that is asked twice has seen no more. */
const witnesses = v.pipe(
  v.array(
    table({ url, key: v.pipe(v.string(), v.maxLength(1024)), required: v.optional(v.boolean(), true) }),
  ),
  v.check(
    (list) => list.length <= 8 && isEachOnce(list.map((one) => one.url)),
    "at most eight, each `url` once",
  ),
  v.check((list) => isEachOnce(list.map((one) => one.key)), "each key once"),
);

/** Where heads are put for others to find: a file, or an address that takes them. */
const publications = v.pipe(
  v.array(
    v.pipe(
      table({ file: v.optional(path), url: v.optional(url), token_file: v.optional(path) }),
      v.check((read) => (read.file === undefined) !== (read.url === undefined), "either `file` or `url`"),
      v.check(
        (read) => read.token_file === undefined || read.url !== undefined,
        "`token_file` with `url` only",
      ),
    ),
  ),
  v.check(
    (list) => list.length <= MOST_PEERS && isEachOnce(list.map(({ file, url: to }) => `${file} ${to}`)),
    "at most eight, each once",
  ),
);

/** Logs whose heads are listened to: those of other clusters, and this one as others see it. */
const peers = v.pipe(
  v.array(table({ url, key: v.pipe(v.string(), v.maxLength(1024)) })),
  v.check(
    (list) => list.length <= MOST_PEERS && isEachOnce(list.map((one) => one.url)),
    "at most eight, each `url` once",
  ),
);

const readers = v.optional(v.picklist(["anyone", "admins"]), "admins");

/** Unless it is said, traces are kept for ever. */
const keepTracesDays = v.optional(whole(1, 36_500));

/** The owner's part of a TPM's NV indices. */
const tpmCounter = table({
  device: TPM_DEVICE,
  index: v.optional(
    v.pipe(v.string(), v.regex(/^0x01[89ab][0-9a-f]{5}$/, "an NV index from 0x01800000 to 0x01bfffff")),
    "0x01800571",
  ),
  every_minutes: v.optional(whole(1, 1440), 60),
});

export const LEDGER = v.pipe(
  table({
    readers,
    head_file: v.optional(path),
    tpm_counter: v.optional(tpmCounter),
    witness: v.optional(witnesses, []),
    publish: v.optional(publications, []),
    peer: v.optional(peers, []),
    keep_traces_days: keepTracesDays,
    salt_file: v.optional(path),
    salt_chip_ids: v.optional(v.boolean(), false),
    receipt_witnesses: v.optional(whole(0, 8), 0),
    receipt_wait_seconds: v.optional(whole(1, 20), 5),
  }),
  v.check(
    (read) => read.receipt_witnesses <= read.witness.length,
    "`receipt_witnesses` of as many witnesses as there are",
  ),
  v.check(
    (read) => !read.salt_chip_ids || read.salt_file !== undefined,
    "`salt_chip_ids` with a `salt_file` only",
  ),
);

/** Of a Worker, which has no files, no TPM, and asks nobody beside requests. */
export const WORKER_LEDGER = table({
  readers,
  keep_traces_days: keepTracesDays,
  head_file: absent("no `head_file`, since a Worker has no files: keep heads of the log elsewhere"),
  tpm_counter: absent("no `tpm_counter`: a Worker has no TPM"),
  witness: absent("no `witness`: a Worker asks none; whoever reads `/v1/ledger/checkpoint` keeps heads"),
  publish: absent("no `publish`: a Worker sends nothing; its log is read at `/v1/ledger/checkpoint`"),
  peer: absent(
    "no `peer`: a Worker asks none; a broker on Node that names this one as its peer compares them",
  ),
  salt_file: absent(
    "no `salt_file`, since a Worker has no files: names of admins stand in its log as they are",
  ),
  receipt_witnesses: absent("no `receipt_witnesses`: a Worker has no witnesses"),
  receipt_wait_seconds: absent("no `receipt_wait_seconds`: a Worker has no witnesses"),
  salt_chip_ids: absent(
    "no `salt_chip_ids`, since a Worker has no salt: ids of chips stand in its traces as they are",
  ),
});
