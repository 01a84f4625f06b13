import { Writable } from 'node:stream';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { describe, expect, it } from 'vitest';
import { createLogger } from '../config/logger.js';
import { ReelwrightError } from '../domain/errors.js';
import '../test/support/quiet-runtime.js';
import { classifyFailures } from '../worker/failure-interceptor.js';
import { activityInterceptors } from './interceptors.js';
import { activityFailures, activityLastSuccess } from './metrics.js';

/** Runs an activity as a worker does, and gives the lines that were logged and how it ended. */
async function run(
  activityType: string,
  activity: (log: ReturnType<typeof createLogger>) => Promise<unknown>,
  input: object,
): Promise<{ lines: Record<string, unknown>[]; error: unknown }> {
  const lines: Record<string, unknown>[] = [];
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(JSON.parse(chunk.toString()) as Record<string, unknown>);
      done();
    },
  });
  const logger = createLogger('a worker', 'info', destination);
  const environment = new MockActivityEnvironment(
    { activityType, attempt: 3, workflowExecution: { workflowId: 'video-job-1', runId: 'run-1' } },
    {
      interceptors: [...activityInterceptors(logger), () => ({ inbound: classifyFailures() })],
      logger: new DefaultLogger('ERROR'),
    },
  );
  const error = await environment
    .run(async (_input: object) => await activity(logger), input)
    .then(
      () => undefined,
      (reason: unknown) => reason,
    );
  return { lines, error };
}

const about = { workflowId: 'video-job-1', runId: 'run-1', attempt: 3, jobId: 'job-1', subject: 'clip:2' };
const input = { jobId: 'job-1', subject: 'clip:2', prompt: 'a secret', inputs: { url: 'http://secret' } };

async function failures(activity: string): Promise<Record<string, number>> {
  const { values } = await activityFailures.get();
  const own = values.filter(({ labels }) => labels['activity'] === activity);
  return Object.fromEntries(own.map(({ labels, value }) => [String(labels['code']), value]));
}

describe('an attempt of an activity', () => {
  it('has its subject in every line that it logs, and one line at its end', async () => {
    const work = async (log: ReturnType<typeof createLogger>): Promise<void> => {
      await Promise.resolve();
      log.warn({ subject: 'clip:9' }, 'a line of its own');
    };
    const { lines, error } = await run('completing', work, input);
    expect(error).toBeUndefined();
    expect(lines).toEqual([
      expect.objectContaining({ ...about, activity: 'completing', subject: 'clip:9', msg: 'a line of its own' }),
      expect.objectContaining({ ...about, activity: 'completing', outcome: 'completed', msg: 'activity' }),
    ]);
    expect(JSON.stringify(lines)).not.toContain('secret');
    const { values } = await activityLastSuccess.get();
    expect(values.filter(({ labels }) => labels['activity'] === 'completing')).toHaveLength(1);
  });

  it('that fails is counted by its code, and told with its reason', async () => {
    const work = async (): Promise<never> => {
      throw new ReelwrightError('OUTPUT_BROKEN', 'the output broke off');
    };
    const { lines, error } = await run('failing', work, input);
    expect(error).toBeInstanceOf(ApplicationFailure);
    expect(lines).toEqual([
      expect.objectContaining({
        ...about,
        level: 40,
        outcome: 'failed',
        code: 'OUTPUT_BROKEN',
        reason: 'the output broke off',
      }),
    ]);
    expect(await failures('failing')).toEqual({ OUTPUT_BROKEN: 1 });
  });

  it('that fails for a reason nobody has classified keeps its stack in the log', async () => {
    const work = async (): Promise<never> => {
      throw new TypeError('a fault');
    };
    const { lines } = await run('faulty', work, input);
    expect(lines).toEqual([expect.objectContaining({ ...about, code: 'OTHER', outcome: 'failed' })]);
    expect(lines[0]?.['err']).toMatchObject({ message: 'a fault', stack: expect.stringContaining('observe-activity') });
    expect(await failures('faulty')).toEqual({ OTHER: 1 });
  });

  it('that is cancelled is no failure', async () => {
    const work = async (): Promise<never> => {
      throw new CancelledFailure('cancelled');
    };
    const { lines } = await run('cancelled', work, input);
    expect(lines).toEqual([expect.objectContaining({ ...about, level: 30, outcome: 'cancelled' })]);
    expect(await failures('cancelled')).toEqual({});
  });
});
