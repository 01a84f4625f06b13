import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type Environment, readEnvironment, variables } from '../../config/environment.js';
import { TEMPORAL_SERVER_VERSION, TEMPORAL_UI_VERSION } from '../../dev/topology/temporal-programs.js';
import { SEARCH_ATTRIBUTES } from '../../domain/contract.js';
import { readScrapedHosts } from '../support/observability-files.js';
import { type ComposeFile, composeFile, composeText, environmentExample, schemaProblems } from './compose-file.js';

const services = Object.entries(composeFile().services);
/** Services that run once and end; everything else runs until it is stopped. */
const ONE_SHOT = ['temporal-schema', 'temporal-namespace', 'migrate'];
/** The processes of ours. */
const OURS = ['api', 'worker', 'media-worker', 'migrate', 'worker-next', 'media-worker-next', 'tools'];
/**
 * What the image or the other services settle. The Temporal that runs beside has no TLS; the provider is asked for the
 * secret of its webhooks; each process names itself in its traces.
 */
const SETTLED = [
  'TEMPORAL_API_KEY',
  'TEMPORAL_TLS_CA_PATH',
  'TEMPORAL_TLS_CERT_PATH',
  'TEMPORAL_TLS_KEY_PATH',
  'REPLICATE_WEBHOOK_SECRET',
  'OTEL_SERVICE_NAME',
  'BLOB_CACHE_DIR',
  'FFMPEG_PATH',
  'FFPROBE_PATH',
  'REELWRIGHT_BUILD_ID',
  'WORKFLOW_BUNDLE_PATH',
];
/** How the command-line tools of Temporal write the types. */
const TYPE_NAMES = { KEYWORD: 'Keyword', KEYWORD_LIST: 'KeywordList', BOOL: 'Bool' } as const;

/** What a value is where the variable in it is not set. */
const defaultOf = (value = ''): string => value.replace(/\$\{[A-Z_]+:-([^}]*)\}/g, '$1');

/** The variables that the Compose file takes, by name. */
const taken = [...composeText.matchAll(/(?<!\$)\$\{([A-Z_]+)[^}]*\}/g)].map(([, name]) => name ?? '');
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
    expect(defaultOf(image)).toMatch(/^[a-z/-]+:v?\d+\.\d+(\.\d+)?(-[\w.-]+)?$|^reelwright:next$/);
  });

  test('publishes its ports to this machine alone', () => {
    const published = services.flatMap(([name, { ports = [] }]) => ports.map((port) => [name, port]));
    expect(Object.fromEntries(published)).toEqual({
      postgres: '127.0.0.1:${POSTGRES_PORT:-5432}:5432',
      temporal: '127.0.0.1:${TEMPORAL_PORT:-7233}:7233',
      'temporal-ui': '127.0.0.1:${TEMPORAL_UI_PORT:-8233}:8080',
      api: '127.0.0.1:${API_PORT:-8080}:8080',
      prometheus: '127.0.0.1:${PROMETHEUS_PORT:-9090}:9090',
      grafana: '127.0.0.1:${GRAFANA_PORT:-3000}:3000',
    });
  });

  test.each(services)('%s runs once and ends well, or is watched and started again', (name, service) => {
    if (ONE_SHOT.includes(name)) {
      expect(service.restart).toBe('on-failure:5');
      const waiting = services.filter(([, { depends_on = {} }]) => depends_on[name] !== undefined);
      expect(waiting).not.toEqual([]);
      for (const [, { depends_on = {} }] of waiting) {
        expect(depends_on[name]?.condition).toBe('service_completed_successfully');
      }
    } else if (name === 'tools') {
      expect(service).toMatchObject({ restart: 'no', profiles: ['tools'] });
    } else {
      expect(service.restart).toBe('unless-stopped');
      expect(service.healthcheck?.test[0]).toBe('CMD');
    }
  });

  test.each(services)('%s is not root, has limits, and can change nothing of its image', (_, service) => {
    expect(service.user).toMatch(/^(postgres|[1-9]\d*:\d+)$/);
    expect(service.deploy?.resources?.limits).toEqual({
      cpus: expect.stringMatching(/^\d$/),
      memory: expect.stringMatching(/^\d+[mg]$/),
    });
    expect(service).toMatchObject({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
    });
  });

  test('runs two workers and a media worker, and both once more beside them during a deploy', () => {
    const workers = services.filter(([name]) => name.includes('worker'));
    expect(workers.map(([name, { deploy, profiles }]) => [name, deploy?.replicas, profiles])).toEqual([
      ['worker', 2, undefined],
      ['media-worker', 1, undefined],
      ['worker-next', 2, ['next']],
      ['media-worker-next', 1, ['next']],
    ]);
  });

  test('has every process scraped that goes on running, those of a deploy as well', () => {
    const running = OURS.filter((name) => !ONE_SHOT.includes(name) && name !== 'tools');
    expect(readScrapedHosts().toSorted()).toEqual([...running, 'temporal'].toSorted());
  });

  test('has no secret in clear: each is a file, which only those get who take it', () => {
    const { secrets } = composeFile();
    for (const [name, { file }] of Object.entries(secrets)) expect(file).toBe(`\${SECRETS_DIR:-./secrets}/${name}`);
    const taken = services.flatMap(([, service]) => service.secrets ?? []);
    expect([...new Set(taken)].toSorted()).toEqual(Object.keys(secrets).toSorted());
    for (const [service, { environment = {}, secrets: own = [] }] of services) {
      for (const [name, value] of Object.entries(environment)) {
        if (!/PASSWORD|PWD|TOKEN|SECRET|DATABASE_URL/.test(name)) continue;
        expect(name, service).toMatch(/_FILE$/);
        expect(own.map((secret) => `/run/secrets/${secret}`)).toContain(value);
      }
    }
    expect(composeText).not.toMatch(/postgres:\/\//);
  });

  test('gives our processes every variable that they know, by value or by file, but those that the containers settle', () => {
    const expected = Object.keys(variables.shape).filter((name) => !SETTLED.includes(name));
    for (const name of OURS) {
      const { environment = {} } = composeFile().services[name] ?? {};
      const given = Object.keys(environment).map((variable) => variable.replace(/_FILE$/, ''));
      expect(given.toSorted()).toEqual(expected.toSorted());
    }
  });

  test('hands on what .env says, and where it says nothing what the processes take for nothing', () => {
    const { environment = {} } = composeFile().services['worker'] ?? {};
    const handed = Object.entries(environment).filter(([, value]) => value.includes('${'));
    for (const [name, value] of handed) expect(value).toMatch(new RegExp(`^\\$\\{${name}:-[^}]*\\}$`));
    const env = Object.fromEntries(handed.map(([name, value]) => [name, defaultOf(value)]));
    const names = handed.map(([name]) => name) as (keyof Environment)[];
    const here = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
    expect(readEnvironment(names, env)).toEqual(readEnvironment(names, here));
  });

  test('starts what our package.json says that it starts', () => {
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
    const commands = OURS.map((name) => composeFile().services[name]?.command?.join(' '));
    const known = Object.values(scripts).map((script) => script.replace(/^exec /, ''));
    for (const command of commands) expect([...known, 'node dist/tools/deploy.js status']).toContain(command);
  });

  test('runs the versions of Temporal that `make topology` builds', () => {
    const image = (name: string): string => composeFile().services[name]?.image ?? '';
    expect(image('temporal')).toBe(`temporalio/server:${TEMPORAL_SERVER_VERSION}`);
    expect(image('temporal-schema')).toContain(`temporalio/admin-tools:${TEMPORAL_SERVER_VERSION}-`);
    expect(image('temporal-ui')).toBe(`temporalio/ui:${TEMPORAL_UI_VERSION}`);
    const required = readFileSync('tools/temporal-server/go.mod', 'utf8');
    expect(required).toContain(`go.temporal.io/server v${TEMPORAL_SERVER_VERSION} `);
    expect(required).toContain(`github.com/temporalio/ui-server/v2 v${TEMPORAL_UI_VERSION} `);
  });

  test('mounts only what it declares', () => {
    const { volumes, configs } = composeFile();
    const mounts = services.flatMap(([, service]) => service.configs ?? []);
    expect(mounts.map(({ source }) => source).toSorted()).toEqual(Object.keys(configs).toSorted());
    const sources = services
      .flatMap(([, service]) => service.volumes ?? [])
      .flatMap((volume) => (volume.includes(':') ? (volume.split(':')[0] ?? '') : []));
    const isFolder = (source: string): boolean => source.startsWith('./');
    expect(sources.filter((source) => !isFolder(source))).toEqual(Object.keys(volumes));
    for (const folder of sources.filter(isFolder)) expect(folder).toMatch(/^\.\/deploy\//);
  });

  // Compose copies a text that stands in its own file into the container, and the engine refuses that where it is read-only:
  // https://github.com/docker/compose/issues/12031
  test.each(Object.entries(composeFile().configs))(
    '%s is a file of its own, and a shell can read it',
    (name, config) => {
      expect(config).toEqual({ file: `./deploy/compose/${name}.sh` });
      expect(spawnSync('sh', ['-n', `deploy/compose/${name}.sh`], { encoding: 'utf8' })).toMatchObject({
        status: 0,
        stderr: '',
      });
    },
  );

  test.each(Object.keys(composeFile().configs))(
    '%s reads the variables and secrets that its service has, and no others',
    (name) => {
      const script = readFileSync(`deploy/compose/${name}.sh`, 'utf8');
      const service = services.find(([, { configs = [] }]) => configs.some(({ source }) => source === name))?.[1];
      const secrets = [...script.matchAll(/\/run\/secrets\/(\w+)/g)].map(([, secret]) => secret);
      expect(service?.secrets ?? []).toEqual(expect.arrayContaining(secrets));
      const given = Object.keys(service?.environment ?? {});
      const own = [...script.matchAll(/^\s*(?:export )?(\w+)=/gm)].map(([, variable]) => variable);
      const loops = [...script.matchAll(/\bfor (\w+) in /g)].map(([, variable]) => variable);
      const read = [...script.matchAll(/\$\{?([A-Za-z_]\w*)/g)].map(([, variable]) => variable ?? '');
      for (const variable of read) expect([...given, ...own, ...loops]).toContain(variable);
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
    const expected = new Set([...Object.keys(variables.shape), ...taken]);
    expect(offered.toSorted()).toEqual([...expected].toSorted());
  });

  test('leaves every secret empty', () => {
    for (const name of ['DATABASE_URL', 'REPLICATE_API_TOKEN', 'SECRET_KEY']) {
      expect(environmentExample).toMatch(new RegExp(`^${name}=$`, 'm'));
    }
  });
});

describe('deploy/make-secrets.sh', () => {
  const folder = mkdtempSync(join(tmpdir(), 'reelwright-test-secrets-'));
  const secrets = join(folder, 'secrets');
  afterAll(() => rmSync(folder, { recursive: true }));
  const run = (env: Record<string, string> = {}) =>
    spawnSync('sh', ['deploy/make-secrets.sh', secrets], {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], ...env },
    });
  const read = (name: string): string => readFileSync(join(secrets, name), 'utf8');

  test('says what it lacks', () => {
    expect(run()).toMatchObject({ status: 1, stderr: expect.stringContaining('REPLICATE_API_TOKEN') });
  });

  test('makes each secret of docker-compose.yml, closed to others, and replaces none', () => {
    expect(run({ REPLICATE_API_TOKEN: 'r8_of_the_provider' })).toMatchObject({ status: 0, stderr: '' });
    const names = readdirSync(secrets).toSorted();
    expect(names).toEqual(Object.keys(composeFile().secrets).toSorted());
    expect(statSync(secrets).mode & 0o777).toBe(0o700);
    const before = names.map(read);
    expect(new Set(before).size).toBe(names.length);
    expect(run({ REPLICATE_API_TOKEN: 'another' }).status).toBe(0);
    expect(names.map(read)).toEqual(before);
  });

  test('makes what the processes take', () => {
    const env = Object.fromEntries(
      ['database_url', 'secret_key', 'replicate_api_token'].map((name) => [
        `${name.toUpperCase()}_FILE`,
        join(secrets, name),
      ]),
    );
    const given = readEnvironment(['DATABASE_URL', 'SECRET_KEY', 'REPLICATE_API_TOKEN'], env);
    expect(given.REPLICATE_API_TOKEN).toBe('r8_of_the_provider');
    expect(new URL(given.DATABASE_URL)).toMatchObject({
      username: 'reelwright',
      password: read('reelwright_db_password'),
      host: 'postgres:5432',
    });
  });
});
