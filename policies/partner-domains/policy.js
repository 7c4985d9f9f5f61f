// Whoever has a verified address of this house may be invited. Who comes from a partner may be, too, once
// somebody else has agreed; and so has somebody for what is sensitive.

/** @import { Candidate, NamedGrant, Rules, Verdict } from './types.js' */

/** What follows the @ in the addresses of this house, in lower case. */
const HOUSE = 'company.example';

/** The same of its partners. A domain is exactly that one: what is below it has a line of its own. */
const PARTNERS = ['partner.example', 'lab.partner.example'];

/** Two people have to agree to these groups and roles, whoever gets them. By id: names may change. */
const SENSITIVE = { group: ['g-finance'], role: ['r-admin'] };

/** @type {Rules} */
export const rules = {
  judgeInvite: ({ grants, candidates }) => candidates.map((candidate) => judge(candidate, grants)),

  // The same rules: their address or the list may have changed. Where somebody has approved the invitation,
  // the host is content with that and does not ask again.
  judgeAccept: ({ grants, invitee }) => judge(invitee, grants),
};

/**
 * @param {Candidate} candidate
 * @param {NamedGrant[]} grants
 * @returns {Verdict}
 */
function judge({ addressDomain }, grants) {
  if (addressDomain === undefined) {
    return refuse('Only people with a verified mail address can be invited.');
  }
  if (addressDomain !== HOUSE && !PARTNERS.includes(addressDomain)) {
    return refuse(`Addresses of ${addressDomain} are not on the list of partners.`);
  }
  const sensitive = grants.find(({ grant }) => SENSITIVE[grant.kind].includes(grant.id));
  if (sensitive !== undefined) {
    return requireApproval(`${sensitive.displayName} is given by two people.`);
  }
  if (addressDomain !== HOUSE) {
    return requireApproval(`He comes from ${addressDomain}.`);
  }
  return { tag: 'allow' };
}

/** @returns {Verdict} */
const refuse = (/** @type {string} */ val) => ({ tag: 'refuse', val });

/** @returns {Verdict} */
const requireApproval = (/** @type {string} */ reason) => ({ tag: 'require-approval', val: { reason } });
