import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { variables } from '../../config/environment.js';
import { SEARCH_ATTRIBUTES } from '../../domain/contract.js';
import { type ComposeFile, composeFile, composeText, environmentExample, schemaProblems } from './compose-file.js';

const services = Object.entries(composeFile().services);
/** Services that run once and end; everything else runs until it is stopped. */
const ONE_SHOT = ['temporal-schema', 'temporal-namespace'];
/** How the command-line tools of Temporal write the types. */
const TYPE_NAMES = { KEYWORD: 'Keyword', KEYWORD_LIST: 'KeywordList', BOOL: 'Bool' } as const;

/** The variables that the Compose file takes, each with what stands after its name. */
const taken = [...composeText.matchAll(/(?<!\$)\$\{([A-Z_]+)([^}]*)\}/g)].map(([, name, rest]) => ({
  name: name ?? '',
  rest: rest ?? '',
}));
const offered = [...environmentExample.matchAll(/^(?:# )?([A-Z][A-Z_]+)=/gm)].map(([, name]) => name);

describe('docker-compose.yml', () => {
  test('is valid by the Compose Specification’s schema', () => {
    expect(schemaProblems(composeFile())).toEqual([]);
  });

  test.each<[string, (file: ComposeFile) => void, string]>([
    [
      'ports that are no list',
      ({ services: { postgres } }) => Object.assign(postgres ?? {}, { ports: 5432 }),
      '/services/postgres/ports',
    ],
    [
      'a misspelt key',
      ({ services: { temporal } }) => Object.assign(temporal ?? {}, { depend_on: [] }),
      '/services/temporal',
    ],
    [
      'an unknown condition',
      ({ services: { temporal } }) =>
        Object.assign(temporal?.depends_on?.['temporal-schema'] ?? {}, { condition: 'ready' }),
      '/services/temporal/depends_on/temporal-schema',
    ],
    [
      'an interval without its unit',
      ({ services: { postgres } }) => Object.assign(postgres?.healthcheck ?? {}, { interval: 5 }),
      '/services/postgres/healthcheck/interval',
    ],
    [
      'a config without an object',
      (file) => Object.assign(file.configs, { 'postgres-roles': 'text' }),
      '/configs/postgres-roles',
    ],
  ])('would not be valid with %s', (_, breakIt, place) => {
    const file = composeFile();
    breakIt(file);
    expect(schemaProblems(file).join('\n')).toContain(place);
  });

  test.each(services)('%s has an image of one exact version', (_, { image }) => {
    expect(image).toMatch(/^[a-z/-]+:\d+\.\d+(\.\d+)?(-[\w.-]+)?$/);
  });

  test('publishes its three ports to this machine alone', () => {
    const published = services.flatMap(([name, { ports = [] }]) => ports.map((port) => [name, port]));
    expect(Object.fromEntries(published)).toEqual({
      postgres: '127.0.0.1:${POSTGRES_PORT:-5432}:5432',
      temporal: '127.0.0.1:${TEMPORAL_PORT:-7233}:7233',
      'temporal-ui': '127.0.0.1:${TEMPORAL_UI_PORT:-8233}:8080',
    });
  });

  test.each(services)('%s runs once and ends well, or is watched and started again', (name, service) => {
    if (ONE_SHOT.includes(name)) {
      expect(service.restart).toBe('on-failure:5');
      const waiting = services.filter(([, { depends_on = {} }]) => depends_on[name] !== undefined);
      expect(waiting.map(([, { depends_on = {} }]) => depends_on[name]?.condition)).toEqual([
        'service_completed_successfully',
      ]);
    } else {
      expect(service.restart).toBe('unless-stopped');
      expect(service.healthcheck?.test[0]).toBe('CMD');
    }
  });

  test('takes every password from a variable that must be set', () => {
    const passwords = services.flatMap(([, { environment = {} }]) =>
      Object.entries(environment).filter(([name]) => /PASSWORD|PWD/.test(name)),
    );
    expect(passwords).toHaveLength(5);
    for (const [name, value] of passwords) expect(value, name).toMatch(/^\$\{[A-Z_]+:\?[^}]+\}$/);
  });

  test('mounts only what it declares', () => {
    const { volumes, configs } = composeFile();
    const mounts = services.flatMap(([, service]) => service.configs ?? []);
    expect(mounts.map(({ source }) => source).toSorted()).toEqual(Object.keys(configs).toSorted());
    const named = services.flatMap(([, service]) => service.volumes ?? []).map((volume) => volume.split(':')[0]);
    expect(named).toEqual(Object.keys(volumes));
  });

  test.each(Object.entries(composeFile().configs).filter(([name]) => name !== 'temporal-dynamic-config'))(
    '%s is a script that a shell can read',
    (_, { content }) => {
      // Compose reads a doubled dollar as one.
      const script = content.replaceAll('$$', '$');
      expect(content.replaceAll('$$', '')).not.toContain('$');
      expect(spawnSync('sh', ['-n'], { input: script, encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
    },
  );

  test('registers the search attributes that the workflows set', () => {
    const registered = composeFile().services['temporal-namespace']?.environment?.['SEARCH_ATTRIBUTES'];
    const expected = Object.entries(SEARCH_ATTRIBUTES).map(([name, type]) => `${name}=${TYPE_NAMES[type]}`);
    expect(registered?.split(' ').toSorted()).toEqual(expected.toSorted());
  });
});

describe('.env.example', () => {
  test('has every variable of the processes and of docker-compose.yml, once, and no other', () => {
    const expected = new Set([...Object.keys(variables.shape), ...taken.map(({ name }) => name)]);
    expect(offered.toSorted()).toEqual([...expected].toSorted());
  });

  test('leaves every secret empty', () => {
    const required = taken.filter(({ rest }) => rest.startsWith(':?')).map(({ name }) => name);
    expect(new Set(required).size).toBe(3);
    for (const name of [...required, 'DATABASE_URL', 'REPLICATE_API_TOKEN', 'SECRET_KEY']) {
      expect(environmentExample).toMatch(new RegExp(`^${name}=$`, 'm'));
    }
  });
});
