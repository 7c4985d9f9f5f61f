// Who may be invited: people of the help desk, for a day at most.

/** @import { Candidate, InviteFacts, Rules, Verdict } from './types.js' */

/** The group of the parent organization whose people may be invited. */
const HELP_DESK = 'Help desk';

/** A day, in milliseconds. Times are BigInts. */
const LONGEST = 24n * 60n * 60n * 1000n;

/** @type {Rules} */
export const rules = {
  judgeInvite: (facts) => facts.candidates.map((candidate) => invite(facts, candidate)),

  judgeAccept: ({ invitee }) =>
    isOfHelpDesk(invitee) ? { tag: 'allow' } : refuse('You are not of the help desk any more.'),
};

/**
 * @param {InviteFacts} facts
 * @param {Candidate} candidate
 * @returns {Verdict}
 */
function invite({ grants, lifetime }, candidate) {
  if (!isOfHelpDesk(candidate)) {
    return refuse('Only people of the help desk can be invited.');
  }
  // No lifetime means: for ever.
  if (lifetime === undefined || lifetime > LONGEST) {
    const all = grants.map((_, index) => index);
    return { tag: 'allow-with', val: { grants: all, lifetime: LONGEST, signedInOnly: false } };
  }
  return { tag: 'allow' };
}

/** @param {Candidate} candidate */
const isOfHelpDesk = ({ groups }) => groups.some(({ displayName }) => displayName === HELP_DESK);

/** @returns {Verdict} */
const refuse = (/** @type {string} */ val) => ({ tag: 'refuse', val });
