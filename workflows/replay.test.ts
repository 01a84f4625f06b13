import { readdirSync } from 'node:fs';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { HISTORY_PATHS } from '../test/support/history-paths.js';
import { HISTORY_SCENARIOS } from '../test/support/history-scenarios.js';
import '../test/support/quiet-runtime.js';
import { HISTORIES, readRecorded, TAMPERED } from '../test/support/tampered-histories.js';
import * as workflows from './index.js';

const files = readdirSync(HISTORIES, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.json'));

/** Replays all of them with the SDK alone; gives what went wrong with each, by its name. */
async function replay(histories: Iterable<[string, unknown]>): Promise<Map<string, Error | undefined>> {
  const options = { workflowBundle: { codePath: inject('temporal').bundlePath } };
  function* each() {
    for (const [workflowId, json] of histories) yield { workflowId, history: historyFromJSON(json) };
  }
  const errors = new Map<string, Error | undefined>();
  for await (const { workflowId, error } of Worker.runReplayHistories(options, each())) errors.set(workflowId, error);
  return errors;
}

describe('the recorded histories', () => {
  let errors: Map<string, Error | undefined>;
  beforeAll(async () => {
    errors = await replay(files.map((file) => [file, readRecorded(file)]));
  });

  it('are there for every scenario', () => {
    const recorded = readdirSync(HISTORIES).filter((name) => files.some((file) => file.startsWith(`${name}/`)));
    expect(recorded.toSorted()).toEqual(HISTORY_SCENARIOS.map(({ name }) => name).toSorted());
  });

  it('are there for every workflow type', () => {
    const types = files.map(
      (file) => readRecorded(file).events[0]?.['workflowExecutionStartedEventAttributes']?.workflowType.name as string,
    );
    expect(new Set(types)).toEqual(new Set(Object.keys(workflows)));
  });

  it.each(HISTORY_PATHS)('are there for $path, or it is said why not', (path) => {
    if ('notYet' in path) expect(path.notYet).not.toBe('');
    else expect(files.some((file) => file.startsWith(`${path.scenario}/`))).toBe(true);
  });

  it('are all on a path', () => {
    const named = HISTORY_PATHS.flatMap((path) => ('scenario' in path ? [path.scenario] : []));
    expect(named.toSorted()).toEqual(HISTORY_SCENARIOS.map(({ name }) => name).toSorted());
  });

  it.each(files)('%s replays on today’s code', (file) => {
    expect(errors.has(file)).toBe(true);
    expect(errors.get(file)).toBeUndefined();
  });
});

it('a history that was tampered with does not replay, in whatever way that was', async () => {
  const tampered = TAMPERED.map(({ name, file, tamper }): [string, unknown] => [name, tamper(readRecorded(file))]);
  const errors = await replay(tampered);
  expect([...errors.keys()]).toEqual(TAMPERED.map(({ name }) => name));
  for (const [name, error] of errors) expect(error, name).toBeInstanceOf(DeterminismViolationError);
});
