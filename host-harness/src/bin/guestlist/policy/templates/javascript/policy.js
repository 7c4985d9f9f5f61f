// Who may be invited: people of the help desk, for a day at most.

/** The group of the parent organization whose people may be invited. */
const HELP_DESK = 'Help desk';

/** A day, in milliseconds. Times are BigInts. */
const LONGEST = 24n * 60n * 60n * 1000n;

export const rules = {
  judgeInvite: (facts) => facts.candidates.map((candidate) => invite(facts, candidate)),

  judgeAccept: ({ invitee }) =>
    isOfHelpDesk(invitee) ? { tag: 'allow' } : refuse('You are not of the help desk any more.'),
};

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

const isOfHelpDesk = ({ groups }) => groups.some(({ displayName }) => displayName === HELP_DESK);
const refuse = (val) => ({ tag: 'refuse', val });
