import { expect, test } from 'vitest';
import { readSettings, SettingsError } from './stack-settings.js';

test('with an empty environment every part is ours', () => {
  expect(readSettings({})).toEqual({
    databaseUrl: undefined,
    temporal: undefined,
    replicate: undefined,
    publicUrl: undefined,
    secretKey: undefined,
    api: { host: '127.0.0.1', port: undefined },
    logLevel: 'info',
  });
});

test('a part whose address is set is given, with its own companions', () => {
  const settings = readSettings({ DATABASE_URL: 'postgres://db/x', TEMPORAL_ADDRESS: 'temporal:7233' });
  expect(settings.databaseUrl).toBe('postgres://db/x');
  expect(settings.temporal).toEqual({ address: 'temporal:7233', namespace: 'default', uiUrl: undefined });
  const named = { TEMPORAL_ADDRESS: 'a:1', TEMPORAL_NAMESPACE: 'reels', TEMPORAL_UI_URL: 'http://ui' };
  expect(readSettings(named).temporal).toEqual({ address: 'a:1', namespace: 'reels', uiUrl: 'http://ui' });
});

test('companions without the address do not make a part given', () => {
  expect(readSettings({ TEMPORAL_NAMESPACE: 'reels', TEMPORAL_UI_URL: 'http://ui' }).temporal).toBeUndefined();
});

test('a token alone is the real Replicate, both are that server, and a base URL alone is refused', () => {
  expect(readSettings({ REPLICATE_API_TOKEN: 't' }).replicate).toEqual({ token: 't', baseUrl: undefined });
  const both = { REPLICATE_API_TOKEN: 't', REPLICATE_BASE_URL: 'http://r/v1' };
  expect(readSettings(both).replicate).toEqual({ token: 't', baseUrl: 'http://r/v1' });
  expect(() => readSettings({ REPLICATE_BASE_URL: 'http://r/v1' })).toThrow(SettingsError);
});

test('an empty variable counts as unset', () => {
  expect(readSettings({ DATABASE_URL: '', TEMPORAL_ADDRESS: '', REPLICATE_API_TOKEN: '', PORT: '' })).toEqual(
    readSettings({}),
  );
});

test('a port that is none is refused with what was seen', () => {
  for (const port of ['0', '65536', 'eighty', '80.5']) expect(() => readSettings({ PORT: port })).toThrow(port);
  expect(readSettings({ PORT: '8080', HOST: '0.0.0.0' }).api).toEqual({ host: '0.0.0.0', port: 8080 });
});
