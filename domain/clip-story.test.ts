import { describe, expect, test } from 'vitest';
import type { GenerationFacts } from './activity-contract.js';
import { type ClipStory, clipDetails, clipStatus, generationDetails } from './clip-story.js';
import { REMEDIES } from './remedies.js';
import { generationSummary, jobSummary, nameOf, generationSentences as sentences } from './sentences.js';

const jobId = '01900000-0000-7000-8000-000000000000';
const LINKS = { workflows: 'http://ui/workflows', api: 'http://api/api/v3' };
const facts: GenerationFacts = {
  jobName: 'Villa Azul',
  of: 7,
  model: 'veo-3.1',
  durationSeconds: 8,
  attempt: 2,
  priceUsd: 1.6,
  costUsd: 1.6,
  links: LINKS,
};
const clip = (fields: Partial<ClipStory> = {}): ClipStory => ({
  jobId,
  subject: 'clip:3',
  doing: 'the provider is at work on it',
  costUsd: 1.6,
  facts,
  predictionId: 'abc',
  ...fields,
});
const error = { code: 'PROVIDER_REFUSED_CONTENT', message: 'E005 flagged as sensitive' } as const;
const WAITING = clip({ waiting: { error, patienceMs: 7 * 24 * 3_600_000 } });

describe('a clip', () => {
  test('says what it does, by which model, in which attempt, and what it has cost', () => {
    expect(clipStatus(clip())).toBe(
      'Clip 3 of 7 of Villa Azul is in the making: the provider is at work on it; veo-3.1, attempt 2; prediction abc; $1.60 spent so far.',
    );
    expect(clipDetails(clip())).toContain(`Part of [Villa Azul](${LINKS.workflows}/video-job-${jobId}).`);
    expect(clipDetails(clip())).toContain('8 s by `veo-3.1`, attempt 2, prediction `abc`, spent so far &#36;1.60.');
  });

  test('that waits says why, what helps, and each answer that can be sent as it is', () => {
    expect(clipStatus(WAITING)).toContain('waits for a decision; PROVIDER_REFUSED_CONTENT: E005 flagged as sensitive');
    const details = clipDetails(WAITING);
    expect(details).toContain('### Clip 3 of 7 waits for a decision');
    expect(details).toContain(`**What helps:** ${REMEDIES.PROVIDER_REFUSED_CONTENT}`);
    expect(details).toContain('If nobody decides within 7 days it is skipped.');
    const answers = [...details.matchAll(/^\| `(.*?)` \|/gm)].map(([, data]) => JSON.parse(data ?? '') as unknown);
    expect(answers).toEqual([
      { decision: 'retry' },
      { decision: 'retry', prompt: 'a quiet garden' },
      { decision: 'skip' },
      { decision: 'fail' },
    ]);
  });

  test('that is stored links its bytes; one that came to nothing says why', () => {
    const stored = clip({ outcome: { status: 'stored', predictionId: 'abc' } });
    expect(clipDetails(stored)).toContain(`[Watch it](${LINKS.api}/videos/${jobId}/clips/clip_003.mp4)`);
    const music = clip({ subject: 'music:1', outcome: { status: 'stored', predictionId: 'abc' } });
    expect(clipDetails(music)).toContain(`[Listen to it](${LINKS.api}/videos/${jobId}/music/1)`);
    expect(clipDetails(clip({ outcome: { status: 'failed', error } }))).toContain('E005 flagged as sensitive');
  });

  test('of an old history is told without facts', () => {
    const { facts: _facts, predictionId: _id, ...old } = WAITING;
    expect(clipStatus(old)).toContain('Clip 3 waits for a decision');
    expect(clipDetails(old)).toContain(`Part of job \`${jobId}\``);
  });

  test('with hostile texts shows them as text', () => {
    const hostile = '</td><script>x</script> [a](http://evil.example) | `'.repeat(300);
    const details = clipDetails(
      clip({
        facts: { ...facts, jobName: hostile },
        waiting: { error: { ...error, message: hostile }, patienceMs: 1 },
      }),
    );
    expect(details).not.toMatch(/<|http:\/\/evil/);
    expect(details.length).toBeLessThan(8_000);
  });
});

describe('the sentences', () => {
  test('name the thing, the count and the attempt', () => {
    expect(sentences.buy('clip:3', facts)).toBe('buy clip 3 of 7, attempt 2');
    expect(sentences.buy('clip:3')).toBe('buy clip 3');
    expect(sentences.wait('abc', 20_000)).toBe('wait for the webhook of abc, next look in 20 s');
    expect(sentences.patience('clip:3', 7 * 24 * 3_600_000)).toBe(
      'wait for a decision about clip 3, skip it after 7 days',
    );
    expect(nameOf('music:2')).toBe('music 2');
  });

  test('of a job and a clip are what was ordered', () => {
    const job = { name: 'Villa Azul', clipCount: 7, models: ['veo-3.1'], resolution: '1080p', budgetUsd: 9 };
    expect(jobSummary(job)).toBe('Villa Azul: 7 clips, veo-3.1 1080p, budget $9');
    expect(jobSummary({ ...job, clipCount: 1, budgetUsd: null })).toBe('Villa Azul: 1 clip, veo-3.1 1080p');
    const brief = { subject: 'clip:3', of: 7, jobName: 'Villa Azul', model: 'veo-3.1', durationSeconds: 8 } as const;
    expect(generationSummary(brief)).toBe('clip 3 of 7 of Villa Azul: veo-3.1, 8 s');
    expect(generationSummary({ subject: 'music:1', of: 1, jobName: 'x' })).toBe('music 1 of 1 of x');
    expect(generationDetails(brief, jobId, LINKS)).toContain('Clip 3 of 7 of [Villa Azul](');
  });

  test.each(['x'.repeat(10_000), '😀'.repeat(500), '$`*[]()<>'.repeat(1_000)])(
    'stay below the server’s 400 bytes with the name %.9s',
    (name) => {
      const models = ['veo-3', 'veo-3-fast', 'veo-3.1', 'veo-3.1-fast', 'hailuo-02', 'hailuo-2.3'];
      const texts = [
        jobSummary({ name, clipCount: 100, models, resolution: '1080p', budgetUsd: 999_999.123456 }),
        generationSummary({ subject: 'clip:100', of: 100, jobName: name, model: 'veo-3.1-fast', durationSeconds: 8 }),
      ];
      for (const text of texts) expect(Buffer.byteLength(JSON.stringify(text))).toBeLessThanOrEqual(400);
    },
  );
});
