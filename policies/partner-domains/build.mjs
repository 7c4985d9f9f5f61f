// Makes the component of policy.js. `guestlist policy build` runs it and says where the component goes.

import { writeFile } from 'node:fs/promises';
import { componentize } from '@bytecodealliance/componentize-js';

// What stands around the policy, and the contract with its log, are told by the command.
const [output, sourcePath = 'policy.js', witPath = 'wit', worldName = 'tenant-policy'] = process.argv.slice(2);

// Node.js says where a mistake in the sources is; the compiler only says that there is one.
await import('./policy.js');

const { component } = await componentize({
  sourcePath,
  witPath,
  worldName,
  // A policy has no files, clock or network: with these it would import them, and no host would take it.
  disableFeatures: ['stdio', 'random', 'clocks', 'http', 'fetch-event'],
});
await writeFile(output, component);
