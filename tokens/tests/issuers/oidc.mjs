// A real issuer on loopback, and tokens that it gives, printed as one line of JSON. It goes on until its input
// ends.
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

// The issuer's notices; the one line is for the test.
console.info = console.error;

const server = createServer();
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const issuer = `http://127.0.0.1:${server.address().port}`;
const [api, callback, secret] = ['https://guests.example', 'https://portal.example/callback', 'not-secret'];

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: 'machine',
      client_secret: secret,
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
    },
    { client_id: 'portal', client_secret: secret, redirect_uris: [callback] },
  ],
  scopes: ['openid'],
  pkce: { required: () => false },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope: 'invite view',
        audience: api,
        accessTokenFormat: 'jwt',
        accessTokenTTL: 300,
      }),
    },
  },
  extraTokenClaims: () => ({ organization: { partner: { realm_access: { roles: ['guestlist-invite'] } } } }),
  findAccount: (_, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
  // Whoever signs in has agreed.
  async loadExistingGrant({ oidc }) {
    const grant = new oidc.provider.Grant({ accountId: oidc.session.accountId, clientId: oidc.client.clientId });
    grant.addOIDCScope('openid');
    grant.addResourceScope(api, 'invite view');
    await grant.save();
    return grant;
  },
  interactions: { url: (_, interaction) => `/sign-in/${interaction.uid}` },
});
const answer = provider.callback();
server.on('request', (request, response) => {
  if (!request.url.startsWith('/sign-in/')) return answer(request, response);
  return provider.interactionFinished(request, response, { login: { accountId: 'u-ann' } });
});

const authorization = (client) => `Basic ${Buffer.from(`${client}:${secret}`).toString('base64')}`;
async function tokens(client, fields) {
  const headers = { authorization: authorization(client) };
  const response = await fetch(`${issuer}/token`, { method: 'POST', headers, body: new URLSearchParams(fields) });
  if (!response.ok) throw new Error(await response.text());
  return response.json();
}

/** Signs in as a browser does, and returns the code. */
async function code() {
  const cookies = new Map();
  const query = {
    client_id: 'portal',
    response_type: 'code',
    redirect_uri: callback,
    scope: 'openid invite',
    resource: api,
  };
  let next = `${issuer}/auth?${new URLSearchParams(query)}`;
  for (let step = 0; !next.startsWith(callback); step += 1) {
    if (step > 9) throw new Error(`signing in does not end: ${next}`);
    const cookie = [...cookies].map((pair) => pair.join('=')).join('; ');
    const response = await fetch(next, { redirect: 'manual', headers: { cookie } });
    if (response.status !== 303) throw new Error(`${next}: ${response.status} ${await response.text()}`);
    for (const line of response.headers.getSetCookie()) {
      const [name, value] = line.split(';')[0].split('=');
      cookies.set(name, value);
    }
    next = new URL(response.headers.get('location'), issuer).href;
  }
  const { searchParams } = new URL(next);
  if (!searchParams.has('code')) throw new Error(next);
  return searchParams.get('code');
}

const machine = await tokens('machine', { grant_type: 'client_credentials', resource: api, scope: 'invite view' });
const person = await tokens('portal', {
  grant_type: 'authorization_code',
  code: await code(),
  redirect_uri: callback,
  resource: api,
});
const told = { issuer, machine: machine.access_token, person: person.access_token, id: person.id_token };
console.log(JSON.stringify(told));

process.stdin.resume();
process.stdin.on('end', () => process.exit());
