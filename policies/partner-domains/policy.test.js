// The rules at their edges. What comes of them for people is told by scenarios/.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { rules } from './policy.js';

const person = (addressDomain) => ({ name: 'somebody', addressDomain });
const grant = (kind, id) => ({ grant: { kind, id }, displayName: id });
const invite = (grants, ...candidates) =>
  rules.judgeInvite({ grants, candidates }).map(({ tag }) => tag);

test('this house is invited, partners need approval, and nobody else is', () => {
  const verdicts = invite([], person('company.example'), person('partner.example'), person('evil.example'));
  assert.deepEqual(verdicts, ['allow', 'require-approval', 'refuse']);
});

test('an address that nobody has verified counts for nothing', () => {
  assert.deepEqual(invite([], person(undefined)), ['refuse']);
});

test('a domain is exactly that one', () => {
  for (const domain of ['sub.company.example', 'mycompany.example', 'company.example.evil.example', '']) {
    assert.deepEqual(invite([], person(domain)), ['refuse'], domain);
  }
  assert.deepEqual(invite([], person('lab.partner.example')), ['require-approval']);
});

test('two people agree to what is sensitive', () => {
  const house = person('company.example');
  assert.deepEqual(invite([grant('group', 'g-finance')], house), ['require-approval']);
  assert.deepEqual(invite([grant('group', 'g-desk'), grant('role', 'r-admin')], house), ['require-approval']);
  assert.deepEqual(invite([grant('group', 'g-desk')], house), ['allow']);
});

test('a role is not a group of the same id', () => {
  assert.deepEqual(invite([grant('role', 'g-finance')], person('company.example')), ['allow']);
});

test('who may not be invited is not saved by approval', () => {
  assert.deepEqual(invite([grant('group', 'g-finance')], person('evil.example')), ['refuse']);
});

test('the same holds at the accept', () => {
  const accept = (addressDomain) => rules.judgeAccept({ grants: [], invitee: person(addressDomain) }).tag;
  assert.equal(accept('company.example'), 'allow');
  assert.equal(accept('partner.example'), 'require-approval');
  assert.equal(accept(undefined), 'refuse');
});

test('a refusal fits into what people are told', () => {
  const [{ val }] = rules.judgeInvite({ grants: [], candidates: [person(`${'a'.repeat(250)}.example`)] });
  assert.ok(Buffer.byteLength(val) <= 500);
});
