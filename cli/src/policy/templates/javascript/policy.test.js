import assert from 'node:assert/strict';
import { test } from 'node:test';

import { rules } from './policy.js';

const HOUR = 60n * 60n * 1000n;
const hana = { name: 'hana', groups: [{ id: 'g-help', displayName: 'Help desk' }] };
const sam = { name: 'sam', groups: [] };

const invite = (candidates, lifetime) => rules.judgeInvite({ candidates, lifetime, grants: [] });

test('only the help desk is invited', () => {
  assert.deepEqual(
    invite([hana, sam], 8n * HOUR).map(({ tag }) => tag),
    ['allow', 'refuse'],
  );
});

test('an invitation is valid for a day at most', () => {
  assert.equal(invite([hana], 24n * HOUR)[0].tag, 'allow');
  assert.equal(invite([hana], 25n * HOUR)[0].val.lifetime, 24n * HOUR);
  assert.equal(invite([hana], undefined)[0].val.lifetime, 24n * HOUR);
});
