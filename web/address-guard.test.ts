import { get } from 'node:http';
import type { LookupFunction } from 'node:net';
import { describe, expect, it } from 'vitest';
import { isReelwrightError, type ReelwrightError } from '../domain/errors.js';
import { createAddressGuard } from './address-guard.js';
import { startServer } from './test-support/local-server.js';

const QUICK = { timeLimitMs: 1_000 };

/** A resolver that knows these names and no others. */
const resolver = (names: Record<string, string[]>): LookupFunction =>
  ((name, options, done) => {
    const addresses = (names[name] ?? []).map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    const [first] = addresses;
    if (first === undefined) done(Object.assign(new Error('ENOTFOUND'), { code: 'ENOTFOUND' }), '', 0);
    else if (options.all === true) done(null, addresses);
    else done(null, first.address, first.family);
  }) as LookupFunction;

const guard = createAddressGuard({
  lookup: resolver({
    'public.example': ['93.184.216.34', '2606:2800:220:1::1'],
    'half.example': ['93.184.216.34', '10.0.0.1'],
    'inside.example': ['fd00::1'],
    'metadata.example': ['169.254.169.254'],
    localhost: ['127.0.0.1', '::1'],
  }),
});

async function refusalOf(url: string): Promise<ReelwrightError> {
  const error: unknown = await guard.checkAddress(url, QUICK).then(
    () => undefined,
    (thrown) => thrown,
  );
  if (!isReelwrightError(error, 'URL_REFUSED')) throw new Error(`expected ${url} to be refused, got ${String(error)}`);
  return error;
}

describe('the guard of addresses', () => {
  it.each([
    'https://public.example/a.jpg',
    'http://public.example:8080/a.jpg?width=5',
    'HTTPS://PUBLIC.example',
    'http://93.184.216.34/a.jpg',
    'http://93.184.216.34:81/',
    'http://[2606:2800:220:1::1]/a.jpg',
  ])('passes %s', async (url) => {
    expect((await guard.checkAddress(url, QUICK)).href).toBe(new URL(url).href);
  });

  it.each([
    ['not an address', 'something that is not an address'],
    ['', 'something that is not an address'],
    ['//public.example/a.jpg', 'something that is not an address'],
    ['http://', 'something that is not an address'],
    ['http://999.1.1.1/', 'something that is not an address'],
    ['file:///etc/passwd', 'a file: address'],
    ['ftp://public.example/a.jpg', 'a ftp: address'],
    ['gopher://public.example', 'a gopher: address'],
    ['data:image/png;base64,AAAA', 'a data: address'],
    ['javascript:alert(1)', 'a javascript: address'],
    ['blob:https://public.example/1', 'a blob: address'],
    ['https://name@public.example/', 'with one'],
    ['https://name:word@public.example/', 'with one'],
    ['https://:word@public.example/', 'with one'],
    ['http://127.0.0.1/', 'loopback'],
    ['http://127.9.9.9:9000/', 'loopback'],
    ['http://10.0.0.1/', 'private'],
    ['http://172.16.5.4/', 'private'],
    ['http://192.168.1.1/', 'private'],
    ['http://169.254.169.254/latest/meta-data', 'link local'],
    ['http://100.64.0.1/', 'carrier grade nat'],
    ['http://100.100.100.200/', 'carrier grade nat'],
    ['http://168.63.129.16/', 'reserved'],
    ['http://0.0.0.0/', 'unspecified'],
    ['http://0.1.2.3/', 'unspecified'],
    ['http://192.0.2.1/', 'reserved'],
    ['http://198.18.0.1/', 'reserved'],
    ['http://240.0.0.1/', 'reserved'],
    ['http://224.0.0.1/', 'multicast'],
    ['http://255.255.255.255/', 'broadcast'],
    ['http://[::1]/', 'loopback'],
    ['http://[::]/', 'unspecified'],
    ['http://[::ffff:127.0.0.1]/', 'ipv4 mapped'],
    ['http://[::ffff:8.8.8.8]/', 'ipv4 mapped'],
    ['http://[::127.0.0.1]/', 'reserved'],
    ['http://[64:ff9b::a00:1]/', 'rfc6052'],
    ['http://[2002:7f00:1::]/', '6to4'],
    ['http://[fe80::1]/', 'link local'],
    ['http://[fec0::1]/', 'deprecated site local'],
    ['http://[fd00:ec2::254]/', 'unique local'],
    ['http://[ff02::1]/', 'multicast'],
    ['http://[2001:db8::1]/', 'reserved'],
    ['http://2130706433/', 'its usual spelling, got another one of 127.0.0.1'],
    ['http://0x7f000001/', 'its usual spelling'],
    ['http://0x7f.1/', 'its usual spelling'],
    ['http://017700000001/', 'its usual spelling'],
    ['http://0177.0.0.1/', 'its usual spelling'],
    ['http://127.1/', 'its usual spelling'],
    ['http://127.0.0.1./', 'its usual spelling'],
    ['http://１２７.0.0.1/', 'its usual spelling'],
    ['http:0x7f.1/', 'its usual spelling'],
    ['ht\ntp:\\\\134744072\\', 'its usual spelling, got another one of 8.8.8.8'],
    ['http://localhost/', 'localhost, which resolves to an address that is loopback'],
    ['http://LOCALHOST:80/', 'loopback'],
    ['http://metadata.example/', 'link local'],
    ['http://inside.example/', 'unique local'],
    ['http://half.example/', 'private'],
    ['http://nowhere.example/', 'whose name does not resolve'],
    ['http://localhost./', 'whose name does not resolve'],
  ])('refuses %s', async (url, said) => {
    const { message, details } = await refusalOf(url);
    expect(message).toContain(said);
    expect(message).toBe(`expected ${String(details?.['expected'])}, got ${String(details?.['seen'])}`);
  });

  it('tells neither query, fragment nor password, and not what a name resolves to', async () => {
    for (const url of [
      'http://10.0.0.1/a.jpg?token=hidden#hidden',
      'https://hidden:hidden@public.example/?hidden',
      'http://nowhere.example/?hidden',
      'data:hidden',
    ]) {
      expect(JSON.stringify(await refusalOf(url).then(({ message, details }) => [message, details]))).not.toContain(
        'hidden',
      );
    }
    expect((await refusalOf('http://half.example/')).message).not.toContain('10.0.0.1');
  });

  it('gives a name no longer to be resolved than the limit', async () => {
    const slow = createAddressGuard({ lookup: () => undefined });
    await expect(slow.checkAddress('http://public.example', { timeLimitMs: 1 })).rejects.toMatchObject({
      code: 'URL_REFUSED',
    });
  });

  it.each<[string, string[], string, boolean]>([
    ['a host on any port', ['127.0.0.1'], 'http://127.0.0.1:8080/', true],
    ['a host with its port', ['127.0.0.1:8080'], 'http://127.0.0.1:8080/', true],
    ['not another port', ['127.0.0.1:8080'], 'http://127.0.0.1:8081/', false],
    ['not another host', ['127.0.0.1'], 'http://127.0.0.2/', false],
    ['the port of the scheme', ['localhost:443'], 'https://localhost/', true],
    ['not the port of the other scheme', ['localhost:443'], 'http://localhost/', false],
    ['a name in any case', ['Inside.EXAMPLE'], 'http://inside.example/', true],
    ['not what is below a name', ['example'], 'http://inside.example/', false],
    ['an IPv6 address', ['[::1]:9000'], 'http://[::1]:9000/', true],
    ['not an odd spelling', ['127.0.0.1'], 'http://0x7f.1/', false],
    ['not another scheme', ['localhost'], 'ftp://localhost/', false],
    ['not credentials', ['localhost'], 'http://a:b@localhost/', false],
    ['not a name that does not resolve', ['nowhere.example'], 'http://nowhere.example/', false],
  ])('lets private addresses pass by its list: %s', async (_what, allowed, url, passes) => {
    const lookup = resolver({ localhost: ['127.0.0.1'], 'inside.example': ['10.0.0.1'] });
    const checked = createAddressGuard({ allowed, lookup }).checkAddress(url, QUICK);
    if (passes) expect((await checked).href).toBe(url);
    else await expect(checked).rejects.toMatchObject({ code: 'URL_REFUSED' });
  });

  it.each(['http://localhost', 'localhost/', 'a b', 'a@b', '', '10.0.0.0/8', 'host:99999', '*.internal'])(
    'takes no list with %j in it',
    (entry) => {
      expect(() => createAddressGuard({ allowed: [entry] })).toThrow(TypeError);
    },
  );

  it('refuses at the connection what nobody checked before', async () => {
    const server = await startServer((_request, response) => response.end('secret'));
    const named = new URL(server.url.replace('127.0.0.1', 'localhost'));
    for (const url of [new URL(server.url), named]) {
      const connecting = new Promise((resolve, reject) => {
        get(url, { agent: guard.agentFor(url) }, resolve).on('error', reject);
      });
      await expect(connecting).rejects.toThrow(/private|loopback/);
    }
    expect(server.requests).toEqual([]);
    await server.close();
  });
});
