import { describe, expect, it } from 'vitest';
import { createDatabaseFigures } from './database-figures.js';
import type { Sample } from './metrics-table.js';

const HOUR_MS = 3_600_000;
const SAMPLES: Sample[] = [
  { metric: 'reelwright_jobs', labels: { stage: 'queued' }, value: 2 },
  { metric: 'reelwright_purchase_failures_total', labels: { code: 'A "quoted"\nline\\' }, value: 1 },
  { metric: 'reelwright_jobs', labels: { stage: 'failed' }, value: 0 },
];
const noTrouble = (error: unknown): never => {
  throw error;
};

describe('the figures of the database', () => {
  it('are told in the format of Prometheus, each figure once', async () => {
    const text = await createDatabaseFigures(async () => SAMPLES, noTrouble).text();
    expect(text.split('\n')).toEqual([
      '# HELP reelwright_jobs Jobs by stage.',
      '# TYPE reelwright_jobs gauge',
      'reelwright_jobs{stage="queued"} 2',
      'reelwright_jobs{stage="failed"} 0',
      expect.stringContaining('# HELP reelwright_purchase_failures_total'),
      '# TYPE reelwright_purchase_failures_total counter',
      'reelwright_purchase_failures_total{code="A \\"quoted\\"\\nline\\\\"} 1',
      expect.stringContaining('# HELP reelwright_database_up'),
      '# TYPE reelwright_database_up gauge',
      'reelwright_database_up 1',
      '',
    ]);
  });

  it('are read once for all who ask at the same time, and for those who ask soon', async () => {
    let reads = 0;
    const read = async (): Promise<Sample[]> => {
      reads += 1;
      return SAMPLES;
    };
    const figures = createDatabaseFigures(read, noTrouble, { freshMs: HOUR_MS });
    const [first, second] = await Promise.all([figures.text(), figures.text()]);
    expect(second).toBe(first);
    expect(await figures.text()).toBe(first);
    expect(reads).toBe(1);
  });

  it('do not keep the scrape waiting for a database that does not answer', async () => {
    const troubles: unknown[] = [];
    const never = (): Promise<Sample[]> => new Promise(() => undefined);
    const figures = createDatabaseFigures(never, (error) => troubles.push(error), { limitMs: 10 });
    expect(await figures.text()).toContain('\nreelwright_database_up 0\n');
    expect(troubles).toEqual([new Error('expected the figures of the database within 10 ms')]);
  });

  it('are read anew when they are old, and a database that is away is told and not thrown', async () => {
    const troubles: unknown[] = [];
    const away = new Error('away');
    let isAway = true;
    const read = async (): Promise<Sample[]> => {
      if (isAway) throw away;
      return SAMPLES;
    };
    const figures = createDatabaseFigures(read, (error) => troubles.push(error), { freshMs: 0 });
    const text = await figures.text();
    expect(text).toContain('\nreelwright_database_up 0\n');
    expect(text).not.toContain('reelwright_jobs');
    expect(troubles).toEqual([away]);
    isAway = false;
    expect(await figures.text()).toContain('\nreelwright_database_up 1\n');
  });
});
