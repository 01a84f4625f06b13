import { describe, expect, test } from 'vitest';
import type { JobPlan } from './activity-contract.js';
import type { Subject } from './contract.js';
import { type JobStory, jobDetails, jobStatus, type OrderInBrief, orderDetails, type PartStory } from './job-story.js';
import { REMEDIES } from './remedies.js';

const jobId = '01900000-0000-7000-8000-000000000000';
const LINKS = { workflows: 'http://ui/namespaces/default/workflows', api: 'http://api/api/v3' };
const HOSTILE = '[x](http://evil.example) <img src=x onerror=alert(1)> **b** $1 and $2\n\n# h';

const plan = (clips: number, name = 'Villa Azul'): JobPlan => ({
  summary: name,
  clips: Array.from({ length: clips }, (_, index) => index + 1),
  parallelClips: 10,
  facts: {
    name,
    estimatedCostUsd: 11.2,
    budgetUsd: 9,
    clips: Array.from({ length: clips }, () => ({ model: 'veo-3.1', durationSeconds: 8 })),
    links: LINKS,
  },
});

const error = { code: 'PROVIDER_REFUSED_CONTENT', message: 'E005 flagged as sensitive' } as const;

const story = (parts: Record<Subject, PartStory>, fields: Partial<JobStory> = {}): JobStory => ({
  jobId,
  stage: 'generating',
  plan: plan(3),
  parts: new Map(Object.entries(parts) as [Subject, PartStory][]),
  ...fields,
});

const WAITING = story(
  {
    'clip:1': { state: 'stored', costUsd: 1.6 },
    'clip:2': { state: 'needs_attention', error },
    'clip:3': { state: 'making' },
  } as Record<Subject, PartStory>,
  { stage: 'needs_attention' },
);

describe('a job', () => {
  test('that waits says how far it is, what it waits for and what it has cost', () => {
    expect(jobStatus(WAITING)).toBe(
      'Villa Azul: it waits for a person; 1 of 3 clips stored; ' +
        'clip 2 waits for a decision (PROVIDER_REFUSED_CONTENT); $1.60 spent so far.',
    );
    const details = jobDetails(WAITING);
    expect(details).toContain('**It waits for a person.** 1 of 3 clips stored. Spent so far: &#36;1.60 of a budget');
    expect(details).toContain('**Clip 2 waits for a decision**: `PROVIDER_REFUSED_CONTENT`, E005 flagged as sensitive');
    expect(details).toContain(`[clip 2](${LINKS.workflows}/video-job-${jobId}-clip-02)`);
  });

  test('links each clip’s workflow, and the bytes of those that are stored', () => {
    const lines = jobDetails(WAITING).split('\n');
    const line = (number: number) => lines.find((one) => one.startsWith(`| [clip ${number}]`)) ?? '';
    expect(line(1)).toBe(
      `| [clip 1](${LINKS.workflows}/video-job-${jobId}-clip-01) | stored | &#36;1.60 | [watch](${LINKS.api}/videos/${jobId}/clips/clip_001.mp4) |`,
    );
    expect(line(2)).toContain('**waits for a decision** (`PROVIDER_REFUSED_CONTENT`)');
    expect(line(3)).toContain('in the making');
    expect(line(3)).not.toContain('watch');
  });

  test('that is done links its video and counts what the ledger counts', () => {
    const result = { status: 'completed' as const, durationSeconds: 24, sizeBytes: 11_000_000, costUsd: 4.9 };
    const done = story({ 'clip:1': { state: 'stored', costUsd: 1.6 } } as Record<Subject, PartStory>, {
      stage: 'completed',
      result,
    });
    expect(jobDetails(done)).toContain(`**[The video](${LINKS.api}/videos/${jobId}/combined)**: 24 s, 11.0 MB.`);
    expect(jobStatus(done)).toContain('$4.90 spent');
    expect(jobDetails(done)).not.toContain('Start Workflow');
  });

  test('that failed says why, what to do, and how to run it again', () => {
    const failed = story({}, { stage: 'failed', error });
    const details = jobDetails(failed);
    expect(details).toContain(`**What to do:** ${REMEDIES.PROVIDER_REFUSED_CONTENT}`);
    expect(details).toContain(`\`{"action":"retry","jobId":"${jobId}"}\``);
    expect(details).toContain(`workflows/start-workflow?workflowId=operate-${jobId}&taskQueue=reelwright`);
    expect(jobStatus(failed)).toContain('E005 flagged as sensitive');
  });

  test('is told without links, without facts and before its plan', () => {
    const bare: JobStory = { jobId, stage: 'queued', parts: new Map() };
    expect(jobStatus(bare)).toBe(`Job ${jobId}: it is about to start; $0 spent so far.`);
    const { facts: _facts, ...old } = plan(2);
    const details = jobDetails({ ...bare, plan: old, stage: 'failed', error });
    expect(details).not.toContain('](');
    expect(details).toContain('| clip 1 |');
  });

  test('of a hundred clips shows those first that want somebody, and stays short', () => {
    const parts = Object.fromEntries(
      Array.from({ length: 100 }, (_, index) => [`clip:${index + 1}`, { state: 'stored', costUsd: 1 }]),
    ) as Record<Subject, PartStory>;
    const many = story({ ...parts, 'clip:77': { state: 'needs_attention', error } } as Record<Subject, PartStory>, {
      plan: plan(100),
    });
    const details = jobDetails(many);
    expect(details.split('\n').find((line) => line.startsWith('| ['))).toContain('clip 77');
    expect(details).toContain('and 80 more');
    expect(details.length).toBeLessThan(8_000);
  });

  test('with a hostile name and a hostile message shows them as text', () => {
    const named = story(
      { 'clip:1': { state: 'needs_attention', error: { ...error, message: HOSTILE.repeat(500) } } } as Record<
        Subject,
        PartStory
      >,
      { plan: plan(1, HOSTILE.repeat(500)), stage: 'failed', error: { ...error, message: HOSTILE.repeat(500) } },
    );
    const details = jobDetails(named);
    expect(details).not.toMatch(/<img|http:\/\/evil|\*\*b\*\*|\$/);
    expect(details.split('\n').filter((line) => line.startsWith('#'))).toHaveLength(1);
    expect(details.length).toBeLessThan(8_000);
  });
});

describe('an order', () => {
  const order: OrderInBrief = {
    jobId,
    runNumber: 2,
    name: 'Villa Azul',
    kind: 'clips',
    clipCount: 7,
    musicCount: 1,
    models: ['veo-3.1', 'music-01'],
    resolution: '1080p',
    aspectRatio: '16:9',
    generateAudio: true,
    onClipFailure: 'wait',
    estimatedCostUsd: 11.2,
    budgetUsd: 9,
  };

  test('is told whole', () => {
    const details = orderDetails(order);
    for (const said of ['run 2', '7 clips and 1 piece of music', '`veo-3.1`', 'with sound', '&#36;11.20', '&#36;9'])
      expect(details).toContain(said);
    expect(details).toContain('Where a clip cannot be had, it waits for a decision.');
  });

  test('of music alone says nothing of pictures', () => {
    const details = orderDetails({ ...order, kind: 'music', clipCount: 0, budgetUsd: null });
    expect(details).not.toMatch(/1080p|clip/);
    expect(details).toContain('no budget of its own');
  });
});
