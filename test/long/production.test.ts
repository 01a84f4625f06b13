/** Production as an operator runs it: compiled code, one process for each part, configured by the environment alone. */
import { execFile } from 'node:child_process';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DemoClient, type DemoJob } from '../../dev/demo-client.js';
import { drawDemoImages } from '../../dev/demo-images.js';
import { ffprobe } from '../support/frames.js';
import { type Bought, startTestReplicate, type TestReplicate } from '../support/local-replicate.js';
import { createUnmigratedTestDatabase, type TestDatabase } from '../support/postgres.js';
import { buildForProduction, type ProductionBuild } from '../support/production-build.js';
import { type ProductionProcess, runScript, startScript } from '../support/production-process.js';
import { ended } from '../support/running-stack.js';
import { temporalPart } from '../support/temporal-part.js';

const LIMIT_MS = 180_000;
const STACK_LINE = /\n\s+at /;

let build: ProductionBuild;
beforeAll(async () => {
  build = await buildForProduction();
}, LIMIT_MS);
afterAll(() => build.remove());

test('a compiled worker runs the workflow bundle that the build made', async () => {
  const program = `import { findWorkflowBundle } from './dist/worker/workflow-bundle.js';
    console.log((await findWorkflowBundle(undefined)).codePath);`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: build.folder,
  });
  expect(stdout).toBe(`${join(await realpath(build.folder), 'dist', 'workflow-bundle.js')}\n`);
});

describe('a process that cannot start', () => {
  const secrets = { REPLICATE_API_TOKEN: 'r8_test', SECRET_KEY: 'a secret of the tests, 32 characters or more' };
  const nowhere = 'postgres://nobody:nothing@127.0.0.1:1/none';

  test.each([
    ['migrate', ['DATABASE_URL']],
    ['keys', ['DATABASE_URL'], ['list']],
    ['start:api', ['DATABASE_URL', 'REPLICATE_API_TOKEN', 'SECRET_KEY']],
    ['start:worker', ['DATABASE_URL', 'REPLICATE_API_TOKEN', 'SECRET_KEY']],
    ['start:media-worker', ['DATABASE_URL', 'REPLICATE_API_TOKEN', 'SECRET_KEY']],
  ])('%s names every variable that is missing, and ends with 1', async (script, variables, args: string[] = []) => {
    const { code, stdout, stderr } = await runScript(build, script, {}, args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    const named = [...stderr.matchAll(/^ {2}([A-Z_]+): expected /gm)].map(([, name]) => name);
    expect(named).toEqual(variables);
    expect(stderr).not.toMatch(STACK_LINE);
  });

  test.each([
    ['start:api', ['DATABASE_URL', 'PORT'], { DATABASE_URL: 'mysql://db/x', PORT: '65536' }],
    ['start:api', ['FFPROBE_PATH'], { DATABASE_URL: nowhere, FFPROBE_PATH: 'no-such-program' }],
    ['start:worker', ['PUBLIC_URL', 'PARALLEL_CLIPS'], { DATABASE_URL: nowhere, PUBLIC_URL: 'x', PARALLEL_CLIPS: '0' }],
    ['deploy', ['TEMPORAL_TLS_CERT_PATH'], { TEMPORAL_TLS_KEY_PATH: 'no-such-file' }],
    ['deploy', ['TEMPORAL_TLS_CA_PATH'], { TEMPORAL_TLS_CA_PATH: 'no-such-file' }],
  ])('%s names %j where their values are wrong, and shows no value', async (script, variables, given) => {
    const args = script === 'deploy' ? ['status'] : [];
    const { code, stderr } = await runScript(build, script, { ...secrets, ...given }, args);
    expect(code).toBe(1);
    const named = [...stderr.matchAll(/^ {2}([A-Z_]+): expected /gm)].map(([, name]) => name);
    expect(named).toEqual(variables);
    for (const value of [...Object.values(secrets), 'no-such', 'mysql']) expect(stderr).not.toContain(value);
    expect(stderr).not.toMatch(STACK_LINE);
  });

  test.each(['start:api', 'start:worker', 'start:media-worker'])(
    '%s refuses a database that was not migrated',
    async (script) => {
      const database = await createUnmigratedTestDatabase();
      try {
        const { code, stderr } = await runScript(build, script, { ...secrets, DATABASE_URL: database.url });
        expect(code).toBe(1);
        expect(stderr).toContain('run npm run migrate first');
        expect(stderr).not.toMatch(STACK_LINE);
      } finally {
        await database.drop();
      }
    },
  );

  test('says that no server answers', async () => {
    const answers = await Promise.all([
      runScript(build, 'migrate', { DATABASE_URL: nowhere }),
      runScript(build, 'deploy', { TEMPORAL_ADDRESS: '127.0.0.1:1' }, ['promote']),
    ]);
    expect(answers.map(({ code }) => code)).toEqual([1, 1]);
    expect(answers[0].stderr).toContain('ECONNREFUSED');
    expect(answers[1].stderr).toContain('expected Temporal at TEMPORAL_ADDRESS');
    for (const { stderr } of answers) expect(stderr).not.toMatch(STACK_LINE);
  });
});

describe.each([
  ['with PUBLIC_URL, where the provider fetches and calls back', true],
  ['without PUBLIC_URL, where images are uploaded and outcomes polled', false],
])('production %s', (_, isPublic) => {
  const processes: ProductionProcess[] = [];
  let stopTemporal: () => Promise<void>;
  let replicate: TestReplicate;
  let database: TestDatabase;
  let folder: string;
  let env: Record<string, string>;
  let apiUrl: string;
  let buildIds: (string | undefined)[];
  let client: DemoClient;
  let job: DemoJob;

  beforeAll(async () => {
    const [temporal, ...others] = await Promise.all([
      temporalPart.start(),
      startTestReplicate({ instant: false }),
      createUnmigratedTestDatabase(),
      mkdtemp(join(tmpdir(), 'reelwright-test-production-')),
    ]);
    [replicate, database, folder] = others;
    stopTemporal = temporal.stop;
    env = {
      DATABASE_URL: database.url,
      TEMPORAL_ADDRESS: temporal.provided.address,
      TEMPORAL_NAMESPACE: temporal.provided.namespace,
      REPLICATE_API_TOKEN: 'r8_test',
      REPLICATE_BASE_URL: replicate.server.url,
      SECRET_KEY: 'a secret of the tests, 32 characters or more',
      PORT: '0',
    };

    expect(await runScript(build, 'migrate', env)).toMatchObject({ code: 0, stderr: '' });
    const key = (await runScript(build, 'keys', env, ['create', '--owner', 'a customer'])).stdout.trim();
    const api = startScript(build, 'start:api', env);
    processes.push(api);
    apiUrl = (await api.logged(/"url":"([^"]+)","msg":"listening"/))[1] ?? '';
    if (isPublic) env['PUBLIC_URL'] = apiUrl;
    const workers = ['start:worker', 'start:media-worker'].map((script) => startScript(build, script, env));
    processes.push(...workers);
    buildIds = await Promise.all(
      workers.map(async (worker) => (await worker.logged(/"buildId":"([0-9a-f]+)"[^]*"msg":"polling"/))[1]),
    );
    client = new DemoClient(apiUrl, key, AbortSignal.timeout(LIMIT_MS));
  }, LIMIT_MS);

  afterAll(async () => {
    for (const one of processes) one.kill();
    await Promise.all([stopTemporal(), replicate.close(), database.drop()]);
    await rm(folder, { recursive: true, force: true });
  }, LIMIT_MS);

  test('promotes the build that its workers run', async () => {
    const promoted = await runScript(build, 'deploy', env, ['promote', '--timeout-seconds', '30']);
    expect(promoted.code, promoted.stderr).toBe(0);
    const id = promoted.stdout.trim();
    expect(buildIds).toEqual([id, id]);
    const { stdout } = await runScript(build, 'deploy', env, ['status']);
    expect(stdout).toContain(`current: ${id}\nthis build: ${id}\n`);
    expect(stdout).toMatch(new RegExp(`^${id} +current +\\d{4}-`, 'm'));
  });

  test(
    'makes one video of two clips with first and last images',
    async () => {
      expect((await fetch(`${apiUrl}/health/ready`)).status).toBe(200);
      const campaignId = await client.createCampaign(await client.createClient('a client'), 'a campaign', 'to show');
      const images = (await drawDemoImages()).slice(0, 4);
      const assets = await Promise.all(images.map((image) => client.uploadImage(campaignId, image)));
      const clips = [0, 2].map((at) => ({
        prompt: `a slow move through room ${at}`,
        durationSeconds: 4,
        firstImage: { assetId: assets[at] },
        lastImage: { assetId: assets[at + 1] },
      }));
      job = await client.orderVideo({ kind: 'clips', resolution: '720p', clips });
      while (!ended(job)) {
        await sleep(200);
        job = await client.job(job.id);
      }
      expect(job).toMatchObject({ status: 'completed', error: null, warnings: [] });
      const video = join(folder, 'video.mp4');
      await client.download(job.videoUrl ?? '', video);
      const { format, streams } = await ffprobe(video);
      expect(Number(format.duration)).toBeCloseTo(8, 1);
      expect(streams[0]).toMatchObject({ codec_type: 'video', width: 1280, height: 720 });
    },
    LIMIT_MS,
  );

  test('gave the provider its images and its address for calls in that way', async () => {
    const bought = (await replicate.bought()) as (Bought & {
      webhook: string | null;
      deliveries: { state: string }[];
    })[];
    expect(bought).toHaveLength(2);
    const links = bought.flatMap(({ input }) => [input['image'], input['last_frame']]);
    const from = isPublic ? `${apiUrl}/api/v3/assets/` : `${replicate.server.url}/files/`;
    expect(links.map((link) => String(link).slice(0, from.length))).toEqual(Array(4).fill(from));
    const called = isPublic ? expect.stringMatching(/\/api\/v3\/webhooks\/replicate/) : null;
    expect(bought.map(({ webhook }) => webhook)).toEqual([called, called]);
    expect(bought.flatMap(({ deliveries }) => deliveries.map(({ state }) => state))).toEqual(
      isPublic ? ['delivered', 'delivered'] : [],
    );
  });

  test('ends each process with 0 at SIGTERM', async () => {
    for (const { code, stderr } of await Promise.all(processes.map((one) => one.stop()))) {
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    }
  });
});
