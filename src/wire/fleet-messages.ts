/** What is a guest, and what is known of it? One launch of one machine, as decisions saw it last. */
import type { Instant } from "../base/time.ts";

/** A TCB version by component. */
export type Levels = {
  readonly fmc?: number;
  readonly bootloader: number;
  readonly tee: number;
  readonly snp: number;
  readonly microcode: number;
};

/** What decisions saw of a guest. Report, certificates and the broker's own view say it; what is a {@link GuestWord} it says of itself. */
export interface Guest extends GuestWord {
  /** `report.id`, lower-case hex: a machine that starts again is another guest. */
  readonly id: string;
  /** What guests that replace one another have in common: 32 hex digits of HOST_DATA, VMPL and what each came for first. */
  readonly place: string;
  /** What it came for first, which is part of its place. */
  readonly cameFor: string;
  readonly firstAt: Instant;
  readonly lastAt: Instant;
  /** The newest decision in its favour. */
  readonly allowedAt?: Instant;
  readonly decisions: number;
  /** Its own rhythm: the longest that it stayed away and came again. */
  readonly longestGapSeconds: number;
  /** The newest decision: `ostiary decision show` has all that it saw. */
  readonly decision: string;
  readonly outcome: "allow" | "deny";
  readonly code?: string;
  /** The bundle by which it was decided; absent where none was live. */
  readonly policy?: string;
  readonly measurement: string;
  readonly vmpl: number;
  readonly product?: string;
  readonly silicon?: string;
  /** Its reported TCB, which the signing key stands for. */
  readonly tcb?: Levels;
  /** What its host cannot go back behind, and what that was when the guest began. */
  readonly committedTcb?: Levels;
  readonly launchTcb?: Levels;
  /** Since which decision these three are as they are, at this place and on this chip. */
  readonly tcbAt?: Instant;
  /** `1.55.40` */
  readonly firmware?: string;
  /** The processor's id, or whose key the provider signed with where the chip is masked. */
  readonly chip?: string;
  readonly simulated?: true;
  /** Fields that a machine may be weaker by, as they are: `guest.debug`, `host.smt` and their like. */
  readonly settings: Readonly<Record<string, boolean>>;
  /** Settings that are weaker than they were at this place, since when, and at which guest first. */
  readonly weakened: Readonly<Record<string, Change>>;
  /** Its image is another one than its place had, by the same policy. */
  readonly drift?: Change & { readonly measurement: string; readonly policy?: string };
  /** The newest refusal of a secret because another guest holds its lease. */
  readonly leaseRefused?: { readonly at: Instant; readonly resource: string };
}

/** What a guest says of itself in evidence of its own. */
export interface GuestWord {
  /** What it said last. */
  readonly posture?: SaidPosture;
  /** Checks that it says fail, and since when one does at its place. */
  readonly failing?: readonly CheckChange[];
  /** Checks that are worse than they were at this place, until one says that they pass. */
  readonly worsened?: readonly WorsenedCheck[];
  /** It says nothing, though the evidence before said something. */
  readonly postureLost?: Change;
}

export interface SaidPosture {
  readonly at: Instant;
  readonly agent?: string;
  readonly passed: readonly string[];
  readonly warned: readonly string[];
  readonly failed: readonly string[];
}

/** `gone`: the guest says nothing of it any more. */
export const CHECK_STATES = ["passed", "warned", "failed", "gone"] as const;
export type CheckState = (typeof CHECK_STATES)[number];

export interface CheckChange {
  readonly check: string;
  readonly at: Instant;
  /** The last guest of the place at which it was not so; absent where none came before. */
  readonly before?: string;
}

export interface WorsenedCheck extends CheckChange {
  readonly before: string;
  readonly was: CheckState;
}

/** Since when something is so, and which guest was the last one where it was not. */
export interface Change {
  readonly at: Instant;
  readonly before: string;
}

/** What the live policy says of an image: `unlisted` where no reference set has it, `unknown` where there is none to ask. */
export const IMAGE_STATES = ["listed", "retiring", "expired", "revoked", "unlisted", "unknown"] as const;
export type ImageState = (typeof IMAGE_STATES)[number];

export interface Image {
  readonly state: ImageState;
  /** Of the reference value. */
  readonly label?: string;
  readonly set?: string;
  /** From when it counts no more, where that is in the past. */
  readonly endedAt?: Instant;
}

/** A guest, and what the live policy says of its image now. */
export interface SeenGuest extends Guest {
  readonly image: Image;
  /** Where a resource was asked about: whether the live policy would give it to this guest, were it as it was and asked now. */
  readonly would?: Would;
}

/** `code` says why not: the policy's, or `no-facts` where nothing is kept of what its newest decision saw. */
export interface Would {
  readonly allow: boolean;
  readonly code?: string;
}

export interface FleetPage {
  /** In order of place and id: guests that replaced one another lie side by side. */
  readonly guests: readonly SeenGuest[];
  /** Where the next page begins, if there is one. */
  readonly next?: string;
  /** How many entries of the log were not yet looked at for guests. */
  readonly behind: number;
}
