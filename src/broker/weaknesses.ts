/** What of this broker's governance would a careful operator want to know? Sentences, for lists and for the log. */
import type { Governance } from "../policy/admins.ts";
import { peopleOf, type Roster, rootOf } from "../policy/roster.ts";

/** Nothing here keeps the broker from serving: each was chosen by whoever wrote the configuration. */
export function weaknessesOf(governance: Governance, { admins }: Pick<Roster, "admins">): readonly string[] {
  const { approvals, rootThreshold, accepts } = governance;
  const root = peopleOf(rootOf({ admins })).length;
  const approvers = peopleOf(admins.filter(({ roles }) => roles.includes("approver"))).length;
  return [
    ...(approvals === 0
      ? ["one admin alone may change what is released: [governance] approvals = 0"]
      : approvers < approvals + 1
        ? [
            `${approvals} of the people with the role approver have to agree with an author, and ${approvers} have it`,
          ]
        : []),
    ...(rootThreshold === 1 ? ["one person of the root alone may make and remove admins"] : []),
    ...(root <= rootThreshold
      ? [
          "the loss of one key of the root leaves nobody who can change the roster; the configuration is the last resort",
        ]
      : []),
    ...(accepts.roster !== undefined || accepts.activation !== undefined
      ? [
          "[governance.accept] vouches for history without signatures: take it out when the roster was changed anew",
        ]
      : []),
  ];
}
