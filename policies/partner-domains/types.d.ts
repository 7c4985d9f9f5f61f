// Made from wit/ by `guestlist policy types`; run that again when wit/ has changed.

/** Names an organization for ever. At most 255 bytes; never re-used. */
export type OrganizationId = string;

/** Milliseconds since 1970-01-01T00:00:00Z, without leap seconds. */
export type Timestamp = bigint;

export interface Surroundings {
  organization: OrganizationId;
  organizationName: string;
  parent: OrganizationId;
  /**
   * Active invitations of the organization: `pending`, `awaiting-approval` and `accepting`. At
   * accept the one in question is among them.
   */
  pending: number;
  /** UTC. */
  now: Timestamp;
  /** What to add to UTC for the organization's local time at this moment. */
  utcOffsetMinutes: number;
}

/**
 * Names an account within its resident organization. At most 255 bytes; never re-used, so that
 * an account which is deleted and created again under the same user name is another user.
 */
export type UserId = string;

/**
 * An account in its RESIDENT organization: the one where it was created and signs in. It is the
 * subject of an invitation, the key of "one active invitation", and the target of a grant.
 */
export interface UserRef {
  organization: OrganizationId;
  id: UserId;
}

/** Who acts. */
export type Principal =
  /** A signed-in person. */
  | { tag: 'user'; val: UserRef }
  /** A machine with its own credentials; the text is its client id. */
  | { tag: 'client'; val: string }
  /** Nobody is signed in. */
  | { tag: 'anonymous' }
  /** The host itself, for upkeep. */
  | { tag: 'system' };

/** A group or a role that somebody has. */
export interface Held {
  id: string;
  /** What people call it, as `Help desk`. */
  displayName: string;
}

export interface Inviter {
  who: Principal;
  /** What they have in the inviting organization; empty for a client and for the system. */
  groups: Held[];
  roles: Held[];
}

/** Groups and roles are the two things that an invitation can carry. */
export type GrantKind =
  | 'group'
  | 'role';

/** A group or a role of the inviting organization, by id and never by name. */
export interface Grant {
  kind: GrantKind;
  id: string;
}

export interface NamedGrant {
  grant: Grant;
  /** Its id, where it is gone. */
  displayName: string;
}

/** A length of time. */
export type Milliseconds = bigint;

/** Who brings the code to the invitee. */
export type Notify =
  /** The plugin, through `notifications`. */
  | 'internal'
  /**
   * The inviter's own application: the code is in the answer of `invite`, once. Only where the
   * organization's setting `codes` and the caller's permission `see-code` allow it.
   */
  | 'external';

/**
 * A pair that the inviter attaches to correlate an invitation with something of their own. Stored,
 * listed, shown to policies; never interpreted and never mailed. Key 1 to 64 bytes, value at most
 * 254 bytes, at most 20 pairs, keys distinct.
 */
export interface Property {
  key: string;
  value: string;
}

/** Somebody who is invited. */
export interface Candidate {
  /** Where they are resident: the parent organization, or one that they are a guest from. */
  account: UserRef;
  /** Their local account, where they are a guest in the parent. */
  via?: UserRef;
  /**
   * The user name of the account in the PARENT organization, as the user store has it. It is the same
   * however the inviter wrote it: rules about names are rules about this one.
   */
  name: string;
  /**
   * What the inviter wrote: a user name in some spelling, or an address. For words to people, never to
   * judge by: the same person comes under several.
   */
  asWritten: string;
  /** The user store of the parent that has them, as `PRIMARY`. */
  userstore: string;
  active: boolean;
  /**
   * What follows the `@` of their verified address, in lower case; absent: none is verified. No more
   * of an address is told to a policy.
   */
  addressDomain?: string;
  /** What they have in the PARENT organization. */
  groups: Held[];
  roles: Held[];
  /**
   * Mails about invitations of this organization that they were sent in the last 24 hours, those
   * on their way included.
   */
  sentLately: number;
}

export interface InviteFacts {
  surroundings: Surroundings;
  inviter: Inviter;
  /** What was asked for, at most 50. Verdicts name them by index. */
  grants: NamedGrant[];
  /** Absent: for ever. */
  lifetime?: Milliseconds;
  notify: Notify;
  metadata: Property[];
  /** At most 100. */
  candidates: Candidate[];
}

/** A policy's answer that allows less than was asked. */
export interface Narrowed {
  /** Indexes into the requested grants that remain. Distinct; others are refused. */
  grants: number[];
  /**
   * At most the requested lifetime, and at least the organization's `lifetime-min`; absent: as
   * requested.
   */
  lifetime?: Milliseconds;
  /** The invitee must sign in even where the organization's setting is `code`. */
  signedInOnly: boolean;
}

/** What somebody else has to approve. */
export interface Approval {
  /** Why. Approvers read it: at most 500 bytes. */
  reason: string;
  /** What remains to be approved; absent: all that was asked for. */
  narrowed?: Narrowed;
}

/** A policy's answer. Whatever widens a request is treated as `refuse`. */
export type Verdict =
  | { tag: 'allow' }
  /** The text reaches the inviter (or the invitee, at accept): at most 500 bytes. */
  | { tag: 'refuse'; val: string }
  | { tag: 'allow-with'; val: Narrowed }
  /**
   * Somebody else has to approve it, or less. At accept it is fulfilled where somebody has (and then as
   * `allow-with` where it narrows), and treated as `refuse` where nobody has.
   */
  | { tag: 'require-approval'; val: Approval }
  | { tag: 'other'; val: string };

/**
 * What an invitee must show to accept. The stricter of the invitation's and the organization's
 * setting counts: `invitee-and-code` before `invitee` before `code`.
 */
export type AcceptWith =
  /**
   * To be signed in as the invitee; a code is accepted as a way to find the invitation, not as
   * a proof. The default.
   */
  | 'invitee'
  /** To be signed in as the invitee AND to have the code: the mailbox is a second factor. */
  | 'invitee-and-code'
  /**
   * To have the code. Whoever reads the mail can accept on the invitee's behalf: for hosts that
   * must behave like older systems.
   */
  | 'code';

export interface AcceptFacts {
  surroundings: Surroundings;
  inviter: Inviter;
  invitee: Candidate;
  /** What the invitation gives. Verdicts name them by index. */
  grants: NamedGrant[];
  acceptWith: AcceptWith;
  createdAt: Timestamp;
  /** Absent: never. */
  expiresAt?: Timestamp;
  metadata: Property[];
}

/**
 * What a tenant's component exports. The host gathers the facts from its own tables; the component only
 * judges. It can say no, or less, and nothing else: a verdict that widens what was asked is refused.
 *
 * It may be asked any number of times for the same request, each time in a new instance: it keeps
 * nothing, and its verdict may only depend on the facts. Facts are read before the invitation is stored: a
 * rule that counts (`surroundings.pending`, `candidate.sent-lately`) does not hold for requests that run at
 * the same time. The setting `pending-limit` does. One that gives none (because it traps, takes
 * too long, wants too much memory) lets nobody in until it is repaired.
 */
export interface Rules {
  /** One verdict for each candidate, in order; another number is no answer. */
  judgeInvite(facts: InviteFacts): Verdict[];
  /**
   * Asked when somebody accepts, before anything is given and again in its course. A `refuse` before
   * leaves the invitation as it is: they may try again. A lifetime in an `allow-with` means nothing here.
   */
  judgeAccept(facts: AcceptFacts): Verdict;
}
