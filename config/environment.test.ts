import { describe, expect, it } from 'vitest';
import { EnvironmentError, readEnvironment } from './environment.js';

const allowed = (text?: string): string[] =>
  readEnvironment(['PRIVATE_ADDRESSES_ALLOWED'], { PRIVATE_ADDRESSES_ALLOWED: text }).PRIVATE_ADDRESSES_ALLOWED;

describe('PRIVATE_ADDRESSES_ALLOWED', () => {
  it.each<[string | undefined, string[]]>([
    [undefined, []],
    ['', []],
    ['images.internal', ['images.internal']],
    [' 10.0.0.5:8080 , [::1]:9000,, images.internal,', ['10.0.0.5:8080', '[::1]:9000', 'images.internal']],
  ])('reads %j as %j', (text, hosts) => {
    expect(allowed(text)).toEqual(hosts);
  });

  it.each(['http://images.internal', 'images.internal/photos', 'user@host', 'a b', 'host:99999', '10.0.0.0/8', '*'])(
    'is refused with %j in it, and the message tells no value',
    (entry) => {
      expect(() => allowed(`good.internal,${entry}`)).toThrow(EnvironmentError);
      expect(() => allowed(entry)).toThrow('PRIVATE_ADDRESSES_ALLOWED: expected host or host:port');
    },
  );
});
