/** What is known of each error? */

/** `status` and `wire` are the answer to a guest or an admin (PROTOCOL section 5); `next` tells the operator what to do. */
export interface FaultRow {
  readonly status: number;
  readonly wire: string;
  readonly next: string;
}
