// What `guestlist policy build` puts around the rules in policy.js: an exception tells its words before it ends the
// judgement, and an answer that is not what the contract says is one.

import { fail } from 'guestlist:debug/log@0.1.0';
import { begin, shown } from './surroundings.js';
import * as policy from '../../policy.js';

/** The types of verdicts, by name. */
const SHAPE = SHAPE_OF_VERDICTS;

export const rules = {
  judgeInvite: (facts) => asked('judgeInvite', facts, { list: { named: 'verdict' } }),
  judgeAccept: (facts) => asked('judgeAccept', facts, { named: 'verdict' }),
};

function asked(name, facts, kind) {
  const checked = (answer) => {
    check(answer, kind, `${name}()`);
    return answer;
  };
  try {
    begin(Number(facts.surroundings.now));
    if (typeof policy.rules?.[name] !== 'function') {
      throw new TypeError(`policy.js exports no \`rules\` with a function \`${name}\``);
    }
    const answer = policy.rules[name](facts);
    return typeof answer?.then === 'function' ? answer.then(checked).catch(broken) : checked(answer);
  } catch (error) {
    return broken(error);
  }
}

function broken(error) {
  fail(words(error).slice(0, 5000));
  throw error;
}

function words(error, depth = 0) {
  if (!(error instanceof Error)) return `thrown: ${shown(error, 1)}`;
  const lines = String(error.stack ?? '').split('\n');
  const own = lines.filter((line) => line !== '' && !/(^|[@/ ])(node_modules\/\.guestlist|initializer\.js)/.test(line));
  const places = own.slice(0, 10).map((line) => {
    const [, name, place] = /^(.*?)@(.*)$/.exec(line) ?? [undefined, '', line];
    return name === '' ? `    at ${place}` : `    at ${name} (${place})`;
  });
  const cause = error.cause === undefined || depth > 3 ? [] : [`caused by ${words(error.cause, depth + 1)}`];
  return [`${error.name}: ${error.message}`, ...places, ...cause].join('\n');
}

const WHOLE = /^([us])(8|16|32|64)$/;

/** Throws where a value is not what the contract says. */
function check(value, kind, path) {
  const no = (what) => {
    throw new TypeError(`${path} is ${shown(value, 1).slice(0, 100)}, and has to be ${what}`);
  };
  if (kind === 'bool') {
    if (typeof value !== 'boolean') no('true or false');
  } else if (kind === 'string') {
    if (typeof value !== 'string') no('a string');
  } else if (typeof kind === 'string') {
    const [, sign, bits] = WHOLE.exec(kind) ?? [];
    if (bits === undefined) return;
    const is64 = bits === '64';
    const fits = (is64 && typeof value === 'bigint') || (typeof value === 'number' && Number.isSafeInteger(value));
    const most = 2n ** (sign === 'u' ? BigInt(bits) : BigInt(bits) - 1n) - 1n;
    const least = sign === 'u' ? 0n : -most - 1n;
    const what = is64 ? 'a BigInt, as 24n,' : 'a whole number';
    if (!fits || BigInt(value) < least || BigInt(value) > most) no(`${what} from ${least} to ${most}`);
  } else if (kind.option !== undefined) {
    if (value !== undefined && value !== null) check(value, kind.option, path);
  } else if (kind.list !== undefined) {
    if (!Array.isArray(value)) no('an array');
    value.forEach((item, index) => check(item, kind.list, `${path}[${index}]`));
  } else if (kind.named !== undefined) {
    checkNamed(value, kind.named, path, no);
  }
}

function checkNamed(value, name, path, no) {
  const shape = SHAPE[name];
  const words = (all) => Object.keys(all).map((word) => `'${word}'`).join(', ');
  if (shape.enum !== undefined) {
    if (!shape.enum.includes(value)) no(`one of ${shape.enum.map((word) => `'${word}'`).join(', ')}`);
  } else if (shape.cases !== undefined) {
    if (typeof value !== 'object' || value === null) no(`a ${name}, as { tag: '${Object.keys(shape.cases)[0]}' }`);
    if (!Object.hasOwn(shape.cases, value.tag)) {
      throw new TypeError(`${path}.tag is ${shown(value.tag, 1)}, and has to be one of ${words(shape.cases)}`);
    }
    const payload = shape.cases[value.tag];
    checkFields(value, payload === null ? { tag: 'tag' } : { tag: 'tag', val: payload }, value.tag, path);
  } else if (shape.record !== undefined) {
    if (typeof value !== 'object' || value === null) no(`a ${name}`);
    checkFields(value, shape.record, name, path);
  }
}

function checkFields(value, fields, name, path) {
  for (const field of Object.keys(value)) {
    if (!Object.hasOwn(fields, field) && value[field] !== undefined) {
      const near = Object.keys(fields).find((known) => known.toLowerCase() === field.toLowerCase().replaceAll(/[-_]/g, ''));
      const hint = near === undefined ? `it has ${Object.keys(fields).join(', ')}` : `did you mean \`${near}\`?`;
      throw new TypeError(`${path}.${field}: ${name} has no field \`${field}\`; ${hint}`);
    }
  }
  for (const [field, kind] of Object.entries(fields)) {
    if (kind === 'tag') continue;
    if (value[field] === undefined && kind.option === undefined) {
      throw new TypeError(`${path}.${field} is missing`);
    }
    check(value[field], kind, `${path}.${field}`);
  }
}
