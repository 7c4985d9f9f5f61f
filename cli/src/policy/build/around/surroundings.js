// What `guestlist policy build` gives the rules in policy.js for surroundings.
//
// A policy has no output, clock, entropy or network. So what is printed goes to the log, which only tests read; the time is
// that of the facts; random numbers are the same in every judgement.

import { print } from 'guestlist:debug/log@0.1.0';

const SEED = 7;
let begun = false;
let now = 0;
let state = SEED;

/** A judgement begins; before that, the component is being built. */
export function begin(milliseconds) {
  begun = true;
  now = milliseconds;
  state = SEED;
}

/** A value as people read it. */
export function shown(value, depth = 0) {
  if (typeof value === 'string') return depth === 0 ? value : JSON.stringify(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function') return `[function ${value.name}]`;
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (typeof value !== 'object' || value === null) return String(value);
  if (depth > 6) return '..';
  const inner = (it) => shown(it, depth + 1);
  if (Array.isArray(value)) return `[${value.map(inner).join(', ')}]`;
  if (value instanceof Map) return `Map ${inner([...value])}`;
  if (value instanceof Set) return `Set ${inner([...value])}`;
  if (value instanceof RealDate) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  const fields = Object.entries(value).map(([name, it]) => `${name}: ${inner(it)}`);
  return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`;
}

// Printing.
const built = { ...console };
for (const name of Object.keys(built)) {
  if (typeof built[name] === 'function') {
    console[name] = (...values) => (begun ? undefined : built[name].apply(console, values));
  }
}
const printed = (real) => (...values) => {
  // More would be cut off, and a host takes no more than so much at once.
  if (begun) print(values.map((value) => shown(value)).join(' ').slice(0, 5000));
  else real?.apply(console, values);
};
for (const name of ['log', 'info', 'warn', 'error', 'debug', 'trace', 'dir', 'table', 'group']) {
  console[name] = printed(built[name]);
}
console.assert = (holds, ...values) => holds || console.log('assertion failed:', ...values);

// Time.
const RealDate = Date;
RealDate.now = () => now;
globalThis.Date = new Proxy(RealDate, {
  apply: () => new RealDate(now).toString(),
  construct: (target, values, made) => Reflect.construct(target, values.length === 0 ? [now] : values, made),
});
RealDate.prototype.constructor = globalThis.Date;
const define = (object, name, value) => {
  if (object === undefined) return;
  Object.defineProperty(object, name, { value, configurable: true, writable: true });
};
define(globalThis.performance, 'now', () => 0);

// Entropy.
function draw() {
  state = (state + 0x6d2b79f5) | 0;
  let drawn = Math.imul(state ^ (state >>> 15), 1 | state);
  drawn = (drawn + Math.imul(drawn ^ (drawn >>> 7), 61 | drawn)) ^ drawn;
  return (drawn ^ (drawn >>> 14)) >>> 0;
}
Math.random = () => draw() / 2 ** 32;
define(globalThis.crypto, 'getRandomValues', (array) => {
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = draw() >>> 24;
  return array;
});
define(globalThis.crypto, 'randomUUID', () => {
  const bytes = globalThis.crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const digits = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
});

// Network.
globalThis.fetch = () => {
  throw new Error('a policy has no network: whatever it judges by is among the facts');
};
