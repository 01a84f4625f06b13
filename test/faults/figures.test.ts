import { describe, expect, it } from 'vitest';
import type { Evidence, Prediction, Purchase } from './evidence.js';
import { adoptionsOf, describeFigures, figuresOf } from './figures.js';

const purchase = (more: Partial<Purchase> = {}): Purchase => ({
  id: 'purchase-1',
  jobId: 'job-1',
  subject: 'clip:1',
  attempt: 1,
  openedBy: 'order',
  model: 'google/veo-3.1-fast',
  fingerprint: 'seed:1',
  state: 'stored',
  providerId: 'prediction-1',
  errorCode: null,
  costUsd: 0.4,
  hasBlob: true,
  postedAt: 1_000,
  adoptedAt: null,
  ...more,
});
const prediction = (more: Partial<Prediction> = {}): Prediction => ({
  id: 'prediction-1',
  model: 'google/veo-3.1-fast',
  fingerprint: 'seed:1',
  status: 'succeeded',
  priceUsd: 0.4,
  served: true,
  ...more,
});
const evidence = (more: Partial<Evidence> = {}): Evidence => ({
  purchases: [purchase()],
  strays: [],
  clips: [{ jobId: 'job-1', subject: 'clip:1', errorCode: null }],
  jobs: [{ id: 'job-1', status: 'completed' }],
  predictions: [prediction()],
  ...more,
});
const second = { id: 'prediction-2', fingerprint: 'seed:2' };
const wrongOf = (more: Partial<Evidence>): string[] =>
  figuresOf(evidence(more))
    .filter(({ ok }) => !ok)
    .map(({ name }) => name);

describe('figures', () => {
  it('are all right where one clip was bought once, stored and charged', () => {
    expect(wrongOf({})).toEqual([]);
    expect(figuresOf(evidence()).map(({ value }) => value)).toEqual([1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  });

  it('are all right where a failed attempt was followed by another one', () => {
    const purchases = [
      purchase({ state: 'failed', costUsd: 0, hasBlob: false }),
      purchase({ attempt: 2, openedBy: 'automatic', providerId: second.id, fingerprint: second.fingerprint }),
    ];
    expect(
      wrongOf({ purchases, predictions: [prediction({ status: 'failed', priceUsd: 0 }), prediction(second)] }),
    ).toEqual([]);
  });

  it('notice a second create for one attempt, even one that came to nothing', () => {
    const again = prediction({ id: 'prediction-2', status: 'canceled', priceUsd: 0 });
    expect(
      wrongOf({ predictions: [prediction(), again], strays: [{ providerId: 'prediction-2', costUsd: 0 }] }),
    ).toEqual(['most creates for one (subject, attempt)']);
  });

  it.each(['succeeded', 'processing', 'starting'])(
    'notice two predictions of one attempt of which one is %s',
    (status) => {
      const strays = [{ providerId: 'prediction-2', costUsd: 0 }];
      const again = prediction({ id: 'prediction-2', status, priceUsd: 0, served: false });
      expect(wrongOf({ predictions: [prediction(), again], strays })).toContain(
        'attempts with two predictions that live or succeeded',
      );
    },
  );

  it('notice a clip that was bought again under another attempt, unless somebody asked for it', () => {
    const bought = (openedBy: string): Partial<Evidence> => ({
      purchases: [purchase(), purchase({ attempt: 2, openedBy, providerId: second.id, fingerprint: 'seed:2' })],
      predictions: [prediction(), prediction(second)],
    });
    const name = 'subjects that were bought again while they were bought';
    expect(wrongOf(bought('again'))).toEqual([name]);
    expect(wrongOf(bought('automatic'))).toEqual([name]);
    expect(wrongOf(bought('regenerate'))).toEqual([]);
  });

  it('notice a prediction that neither the purchases nor the strays know', () => {
    const stray = prediction({ ...second, status: 'canceled', priceUsd: 0, served: false });
    expect(wrongOf({ predictions: [prediction(), stray] })).toEqual(['predictions unknown to the ledger']);
    expect(wrongOf({ predictions: [prediction(), stray], strays: [{ providerId: stray.id, costUsd: 0 }] })).toEqual([]);
  });

  it('notice an id in the ledger that the provider never gave', () => {
    const purchases = [purchase({ costUsd: 0, state: 'failed' })];
    expect(wrongOf({ purchases, predictions: [] })).toEqual(['predictions of the ledger unknown to the provider']);
  });

  it.each([
    ['its purchase is not stored', { state: 'failed' }],
    ['its purchase is stored without its bytes', { hasBlob: false }],
  ])('notice an output that could still be fetched where %s', (_, more) => {
    expect(wrongOf({ purchases: [purchase(more)] })).toEqual([
      'outputs that the provider serves and that are not stored',
    ]);
  });

  it('notice the output of a stray', () => {
    const predictions = [prediction(), prediction(second)];
    expect(wrongOf({ predictions, strays: [{ providerId: second.id, costUsd: 0.4 }] })).toEqual([
      'outputs that the provider serves and that are not stored',
    ]);
  });

  it('notice a lost output unless the clip says so', () => {
    const lost = {
      purchases: [purchase({ state: 'succeeded', hasBlob: false })],
      predictions: [prediction({ served: false })],
    };
    const clips = [{ jobId: 'job-1', subject: 'clip:1', errorCode: 'OUTPUT_LOST' }];
    expect(wrongOf(lost)).toContain('lost outputs of which no clip says OUTPUT_LOST');
    expect(wrongOf({ ...lost, clips })).not.toContain('lost outputs of which no clip says OUTPUT_LOST');
  });

  it.each(['intended', 'posting', 'unknown', 'known', 'succeeded'])('notice a purchase that stayed %s', (state) => {
    expect(wrongOf({ purchases: [purchase({ state })] })).toContain('purchases that have not ended');
  });

  it.each(['queued', 'planning', 'awaiting_approval', 'generating', 'needs_attention', 'composing'])(
    'notice a job that stayed %s',
    (status) => {
      expect(wrongOf({ jobs: [{ id: 'job-1', status }] })).toEqual(['jobs that have not ended']);
    },
  );

  it.each([
    ['the ledger says less than was charged', { purchases: [purchase({ costUsd: 0.399999 })] }],
    ['the ledger says more than was charged', { predictions: [prediction({ priceUsd: 0 })] }],
    ['a purchase has no price', { purchases: [purchase({ costUsd: null })] }],
  ])('notice where %s', (_, more) => {
    expect(wrongOf(more)).toEqual(['difference of the spend in ledger and provider, in USD']);
  });

  it('count what strays cost, to the millionth', () => {
    const predictions = [
      prediction({ priceUsd: 0.1 }),
      prediction({ ...second, priceUsd: 0.2, status: 'canceled', served: false }),
    ];
    const strays = [{ providerId: second.id, costUsd: 0.2 }];
    expect(wrongOf({ purchases: [purchase({ costUsd: 0.1 })], strays, predictions })).toEqual([]);
  });

  it('are told with what is wrong', () => {
    const told = describeFigures(figuresOf(evidence({ jobs: [{ id: 'job-1', status: 'queued' }] })));
    expect(told).toMatch(/^WRONG +1 +jobs that have not ended: job-1 \(queued\)$/m);
    expect(told).toMatch(/^ok +0 +predictions unknown to the ledger$/m);
  });
});

describe('adoptions', () => {
  const adopted = (postedAt: number, adoptedAt: number | null): Purchase => purchase({ postedAt, adoptedAt });

  it('are measured from the right to post, with their median and the longest', () => {
    const purchases = [adopted(0, 9_000), adopted(1_000, 2_000), adopted(1_000, null), adopted(5_000, 8_000)];
    expect(adoptionsOf(purchases)).toEqual({ count: 3, medianMs: 3_000, maxMs: 9_000 });
  });

  it('leave out those during which a part was dead', () => {
    const purchases = [adopted(0, 1_000), adopted(4_000, 40_000)];
    expect(
      adoptionsOf(purchases, [
        [2_000, 3_000],
        [39_000, 50_000],
      ]),
    ).toEqual({ count: 1, medianMs: 1_000, maxMs: 1_000 });
    expect(adoptionsOf(purchases, [[1_000, 4_000]])).toEqual({ count: 0, medianMs: 0, maxMs: 0 });
  });
});
