/** Replays every workflow that a running stack has had, on today's code. */
import { Client, Connection } from '@temporalio/client';
import { inject } from 'vitest';
import { historiesOf, querySince } from '../../worker/replay/fetch-histories.js';
import { type Replayed, replayHistories } from '../../worker/replay/replay-histories.js';
import './quiet-runtime.js';
import type { RunningStack } from './running-stack.js';

/** More than any stack of a test has. */
const MOST = 1_000;

/** Ends a stack whose tests are over. Throws where one of its workflows does not replay. */
export async function replayAndStop(stack: RunningStack): Promise<void> {
  try {
    await replayAll(stack);
  } finally {
    await stack.stop();
  }
}

async function replayAll(stack: RunningStack): Promise<void> {
  const { temporalAddress, temporalNamespace } = stack.state();
  const connection = await Connection.connect({ address: temporalAddress });
  try {
    const client = new Client({ connection, namespace: temporalNamespace });
    const differing: Replayed[] = [];
    const bundle = { codePath: inject('temporal').bundlePath };
    for await (const replayed of replayHistories(bundle, historiesOf(client, querySince(new Date(0)), MOST))) {
      if (replayed.difference !== undefined) differing.push(replayed);
    }
    if (differing.length > 0) throw new Error(`histories that do not replay:\n${JSON.stringify(differing, null, 1)}`);
  } finally {
    await connection.close();
  }
}
