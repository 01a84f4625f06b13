import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, inject, it } from 'vitest';
import { mediaFolder } from '../../media/test-support/media-files.js';
import '../../test/support/quiet-runtime.js';
import { readRecorded, TAMPERED } from '../../test/support/tampered-histories.js';
import { readHistory } from './history-json.js';
import { type Replayed, replayHistories } from './replay-histories.js';

const { path } = mediaFolder();
const bundle = { codePath: inject('temporal').bundlePath };
const history = (json: unknown, source = 'x.json') => readHistory(JSON.stringify(json), source);

async function replay(histories: Parameters<typeof replayHistories>[1], workflowBundle = bundle): Promise<Replayed[]> {
  const all: Replayed[] = [];
  for await (const one of replayHistories(workflowBundle, histories)) all.push(one);
  return all;
}

/** Now, and not when the engine finds it worth while. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

/** Today's workflow code with this changed, as a bundle of its own. */
async function changedBundle(name: string, change: (code: string) => string): Promise<{ codePath: string }> {
  const code = await readFile(bundle.codePath, 'utf8');
  const changed = change(code);
  expect(changed).not.toBe(code);
  await writeFile(path(name), changed);
  return { codePath: path(name) };
}

describe('the replay', () => {
  it.each(TAMPERED)('finds $name, and says where', async ({ file, tamper, found }) => {
    const whole = history(readRecorded(file));
    const results = await replay([whole, history(tamper(readRecorded(file))), whole]);
    expect(results.map(({ difference }) => difference === undefined)).toEqual([true, false, true]);
    const { eventId, history: has, code } = results[1]?.difference ?? {};
    expect([eventId, has, code]).toEqual([
      found.eventId,
      found.history === 'child' ? expect.stringMatching(/^child .*-clip-02$/) : found.history,
      found.code === 'child' ? expect.stringMatching(/^child .*-clip-01$/) : found.code,
    ]);
  });

  it('finds that the code has two activities in the other order', async () => {
    const swapped = await changedBundle('swapped.js', (code) =>
      code
        .replaceAll(/\.startOwedRuns\b/g, '.held')
        .replaceAll(/\.reconcileLedger\b/g, '.startOwedRuns')
        .replaceAll(/\.held\b/g, '.reconcileLedger'),
    );
    const recorded = history(readRecorded('reconcile-ledger/reconcile.json'));
    const [found] = await replay([recorded], swapped);
    expect(found?.difference).toMatchObject({
      eventId: 5,
      history: 'activity startOwedRuns',
      code: 'activity reconcileLedger',
      source: null,
      said: expect.stringContaining('Nondeterminism error'),
    });
  });

  it('says where in the sources the code threw', async () => {
    const throwing = await changedBundle('throwing.js', (code) =>
      code.replace(/\.startOwedRuns\b/, '.x.startOwedRuns.y'),
    );
    const [found] = await replay([history(readRecorded('reconcile-ledger/reconcile.json'))], throwing);
    expect(found?.difference).toMatchObject({
      code: expect.stringContaining('threw '),
      source: expect.stringMatching(/workflows\/reconcile\.ts:\d+:\d+$/),
    });
  });

  it('keeps no history: what was replayed can be collected while others are', async () => {
    const text = JSON.stringify(readRecorded('completed-by-webhook/video-job.json'));
    let [made, gone] = [0, 0];
    const registry = new FinalizationRegistry(() => {
      gone += 1;
    });
    function* many() {
      for (; made < 60; made += 1) {
        const one = readHistory(text, 'x.json');
        registry.register(one.history, undefined);
        yield one;
      }
    }
    let count = 0;
    for await (const { difference } of replayHistories(bundle, many())) {
      expect(difference).toBeUndefined();
      count += 1;
      if (count < 60) continue;
      collectGarbage();
      await expect.poll(() => gone, { timeout: 10_000 }).toBeGreaterThan(40);
    }
    expect(count).toBe(60);
  }, 120_000);
});

describe('a history as a file', () => {
  const file = 'completed-by-webhook/video-job-clip-01.json';

  it('is read with enums in the older spelling, and as a list of events', async () => {
    const recorded = readRecorded(file);
    const older = recorded.events.map((event) => ({
      ...event,
      eventType: String(event['eventType'])
        .replace('EVENT_TYPE_', '')
        .toLowerCase()
        .replace(/(^|_)(\w)/g, (_match, _bar, letter: string) => letter.toUpperCase()),
    }));
    expect(older[0]?.eventType).toBe('WorkflowExecutionStarted');
    const results = await replay([history({ events: older }), history(older)]);
    expect(results).toEqual([
      { workflowId: expect.stringContaining('video-job-'), type: 'generation', events: older.length },
      { workflowId: expect.stringContaining('video-job-'), type: 'generation', events: older.length },
    ]);
  });

  it.each([
    ['no JSON', '{', 'something else'],
    ['no events', '{"events": []}', 'no events'],
    ['something else', '{"hello": 1}', 'no events'],
    [
      'no history',
      '{"events": [{"eventId": "1", "eventType": "EVENT_TYPE_TIMER_FIRED", "timerFiredEventAttributes": {}}]}',
      'not the start',
    ],
  ])('is refused when it is %s', (_what, text, said) => {
    expect(() => readHistory(text, join('a', 'file.json'))).toThrow(said);
    expect(() => readHistory(text, join('a', 'file.json'))).toThrow('a/file.json');
  });
});
