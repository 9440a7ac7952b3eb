/**
 * What do others say that KDFa, KDFe and secret sharing give? From https://github.com/chrisfenner/tpm-test-vectors (Apache-2.0), data only: made
 * by go-tpm, and those that say so were opened by a TPM simulator.
 */

/** README.md, the example of section "KDFa". */
export const KDFA = {
  key: "aff14e568afc0ea51eea748c8915df067c7700",
  label: "IDENTITY",
  contextU: "ce4edfb881540700e300",
  contextV: "68ddb4a0e59d74cd34dfe631d91e1ea3fbc95865440adedff7e9d011890fba",
  bits: 116,
  result: "019ed5e0956338ddda4413ecee5cf2",
} as const;

/** vectors/kdfe.json, those with SHA-256: less than a block, a part of a byte, and more than a block. */
export const KDFE = [
  {
    z: "739245447ead0deea5f834f06e043159c6ff",
    label: "IDENTITY",
    contextU: "ad503e36c2314ec9afa2f4047bf19ce7fbc6fe2def32c58459c0fc828c00",
    contextV: "ba6dd80b788034161743c95e8ef7a9486fbd69d3ff",
    bits: 13,
    result: "0956",
  },
  {
    z: "6f081bdc0fc2f5a89ff06078cd0f94bd",
    label: "INTEGRITY",
    contextU: "00ec23bb38062261bbcf3a90df3a6109446365c6bd7173ca3e0b",
    contextV: "9d9f3c8f9e45ff",
    bits: 148,
    result: "0232d9229b799058cf0c1348498fbae25ca3f0",
  },
  {
    z: "8995a6318a0217c7c7bf543f50da29016c4ff2a1ea5daf54ebcb00",
    label: "INTEGRITY",
    contextU: "8852f14d8e9b68",
    contextV: "74ff",
    bits: 336,
    result: "92343ef558feb95fd14838f9ca39c8618598a7eeb31af7fc276030b8c3ff326d4870f190e54abbec9da4",
  },
  {
    z: "00",
    label: "OBFUSCATE",
    contextU: "ebcb3cd4a002941ed496ef1d32a70b0b7f6f05b8a51803d5a9ff9b",
    contextV: "a1f79a7ee2beee21e2bfaee67769874687bfe21b2468fc8e721b6e967e12ff",
    bits: 496,
    result:
      "dcd14d72e0d5d8ec15b5ea15ae060e02f0e042f3af7efbd73650bb4457d73b060ef8f78bdf8cea099fe98fad6359bcfe92c1c6be8a157c1064c85ada3ad2",
  },
] as const;

/** vectors/ecc_labeled_encaps.json, `06_P256_SHA256_128_restricted`: opened by TPM2_StartAuthSession, so under another label. */
export const ECC_SECRET = {
  label: "SECRET",
  ephemeral: "897989c19f950c5f32f3a2156832bb49b39b0562f372e6e180be309c2bbc07c0",
  seed: "428bee6074a8d9c43979617363ca78cedc7b56673d43750678c965d0fddeb4be",
  x: "7d1f639091f4f93753e5ca964f537491e2ee50058bdf8d93c2f6f165d02a6f2c",
  y: "5b4e618a7dad9e0cbc7d974ff78ac75ac3ca7be3c54a2b064e0f42f3b43de892",
  encryptedSecret:
    "00208588b3516e0cc43073b2577362ff1b712373213043bcb0c7364c74bfc6f626e200203534ac662cd4462172cdd0dbe3f0d0e28edb9e08484a3a34b8e8e00d9cb5b4c1",
} as const;

/** The same file, `12_P256_SHA256_256_restricted`: opened by TPM2_ActivateCredential; its key has AES-256, which the seed does not depend on. */
export const ECC_IDENTITY = {
  label: "IDENTITY",
  ephemeral: "9efafbaf83563f8ac5a27815eae1017ca78c92f9cde976b1a2e0ad95b8a19bc1",
  seed: "2a03ff2b874e44d36a567e67a0bf08227b9e65a0e9ca5215d4a9e573c23159a1",
  x: "fe4cf1f3e8f583c19e1af6190a7c20751658914a93cd77efb871cb1557377560",
  y: "07b6b7c55bea1d17b1a9d96f367cf315b2942d517fd8642e9d9157036831c4d5",
  encryptedSecret:
    "002017ca41bd94c7f12436cf135ff1852408ef6a1ee1989e4e6250ef73c348dd6fa90020346f6016d6f6a2ef8e07df6d7b53b362005fc21cda1e1ab25e61f38a87e017b8",
} as const;
