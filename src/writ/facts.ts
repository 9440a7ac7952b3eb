/** What does a policy see of a request? A flat map from field name to a plain value. */

/** Component → level. A component that is not there is absent. */
export type TcbFact = Readonly<Record<string, number>>;

/** Major, minor, patch: three unsigned 32-bit integers. */
export type VersionFact = readonly [number, number, number];

/**
 * The value of one field, by its type: `bytes` lower-case hex; `flag` boolean; `uint` number; `tcb` {@link TcbFact};
 * `version` {@link VersionFact}; `bits` bigint; `enum`, `str`, `path` and `cidr` (an address) string; `duration`
 * milliseconds; `time` Unix seconds; `set` a list of strings.
 */
export type FactValue = boolean | number | bigint | string | TcbFact | VersionFact | readonly string[];

/**
 * Field name → value; an absent field has no entry. Indexed fields are `name[3]`, approvals `approvals:group`.
 * Components of a `tcb` field are read from that field and never stored by themselves.
 */
export type Facts = ReadonlyMap<string, FactValue>;

export function isVector(value: FactValue | undefined): value is TcbFact {
  return typeof value === "object" && !Array.isArray(value);
}

export function isVersion(value: FactValue | undefined): value is VersionFact {
  return Array.isArray(value) && value.length === 3 && value.every((part) => Number.isSafeInteger(part));
}
