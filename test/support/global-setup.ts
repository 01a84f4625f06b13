import type { ProvidedContext } from 'vitest';
import type { TestProject } from 'vitest/node';
import { postgresPart } from './postgres-part.js';
import type { SetupPart } from './setup-part.js';
import { temporalPart } from './temporal-part.js';

type AnyPart = { [Name in keyof ProvidedContext]: SetupPart<Name> }[keyof ProvidedContext];

const PARTS: readonly AnyPart[] = [postgresPart, temporalPart];

/** Starts what the test files share, all parts at once, and returns what stops it. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const results = await Promise.allSettled(PARTS.map((part) => startPart(part, project)));
  const stops = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const stopAll = async (): Promise<void> => {
    const failures = (await Promise.allSettled(stops.map((stop) => stop()))).filter(isRejected);
    if (failures.length > 0) throw new AggregateError(failures.map((failure) => failure.reason));
  };
  const failure = results.find(isRejected);
  if (failure !== undefined) {
    await stopAll();
    throw failure.reason;
  }
  return stopAll;
}

async function startPart<Name extends keyof ProvidedContext>(
  part: SetupPart<Name>,
  project: TestProject,
): Promise<() => Promise<void>> {
  const started = await part.start();
  project.provide(part.name, started.provided);
  return () => started.stop();
}

function isRejected(result: PromiseSettledResult<unknown>): result is PromiseRejectedResult {
  return result.status === 'rejected';
}
