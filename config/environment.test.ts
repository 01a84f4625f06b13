import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
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

describe('REPLICATE_WEBHOOK_SECRET', () => {
  const secrets = (text?: string): string[] | undefined =>
    readEnvironment(['REPLICATE_WEBHOOK_SECRET'], { REPLICATE_WEBHOOK_SECRET: text }).REPLICATE_WEBHOOK_SECRET;

  it('is one, or several while it is being changed, or none', () => {
    expect(secrets()).toBeUndefined();
    expect(secrets('')).toBeUndefined();
    expect(secrets('whsec_b25l')).toEqual(['whsec_b25l']);
    expect(secrets('whsec_bmV3, whsec_b2xk')).toEqual(['whsec_bmV3', 'whsec_b2xk']);
  });

  it.each(['b25l', 'whsec_bmV3,b2xk', 'whsec_bmV3,'])('is refused as %j, and the message tells no value', (text) => {
    expect(() => secrets(text)).toThrow(/REPLICATE_WEBHOOK_SECRET: expected whsec_ and base64(?!.*bmV3)/);
  });
});

describe('a variable whose value lies in a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'reelwright-test-secrets-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const file = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  const problemsOf = (read: () => unknown): string => {
    try {
      read();
    } catch (error) {
      if (error instanceof EnvironmentError) return error.message;
    }
    throw new Error('expected an EnvironmentError');
  };

  it.each([
    ['as it stands', 'r8_secret', 'r8_secret'],
    ['less the line end that editors add', 'r8_secret\r\n\n', 'r8_secret'],
    ['with what is inside it', ' r8\nsecret \n', ' r8\nsecret '],
  ])('is read %s', (_, text, value) => {
    const env = { REPLICATE_API_TOKEN_FILE: file('token', text), REPLICATE_API_TOKEN: '' };
    expect(readEnvironment(['REPLICATE_API_TOKEN'], env)).toEqual({ REPLICATE_API_TOKEN: value });
  });

  it('is checked and converted like any other', () => {
    const env = { PORT_FILE: file('port', '8081\n'), SECRET_KEY_FILE: file('key', 'too short\n') };
    expect(readEnvironment(['PORT'], env)).toEqual({ PORT: 8081 });
    const said = problemsOf(() => readEnvironment(['SECRET_KEY'], env));
    expect(said).toContain('SECRET_KEY: expected at least 32 characters');
    expect(said).not.toContain('too short');
  });

  it('has its default where the file is empty', () => {
    expect(readEnvironment(['PORT'], { PORT_FILE: file('empty', '\n') })).toEqual({ PORT: 8080 });
    expect(
      problemsOf(() => readEnvironment(['REPLICATE_API_TOKEN'], { REPLICATE_API_TOKEN_FILE: file('e', '') })),
    ).toMatch(/REPLICATE_API_TOKEN: expected an API token/);
  });

  it('is refused beside the variable itself, and where there is no such file, and neither value nor path is told', () => {
    const env = {
      SECRET_KEY: 'a value that nobody may see, with 32 characters',
      SECRET_KEY_FILE: file('key', 'another one, which nobody may see, either'),
      REPLICATE_API_TOKEN_FILE: join(folder, 'no-such-file'),
      DATABASE_URL_FILE: '',
    };
    const said = problemsOf(() => readEnvironment(['SECRET_KEY', 'REPLICATE_API_TOKEN', 'DATABASE_URL', 'PORT'], env));
    expect(said.split('\n').slice(1)).toEqual([
      '  SECRET_KEY_FILE: expected either this or SECRET_KEY, got both',
      '  REPLICATE_API_TOKEN_FILE: expected a file that can be read, got ENOENT',
      '  DATABASE_URL: expected postgres://user:password@host/database',
    ]);
    expect(said).not.toContain(folder);
    expect(said).not.toContain('nobody may see');
  });
});
