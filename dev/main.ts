/** `make dev`: the embedded stack in the foreground, until it is told to stop. */
import { join } from 'node:path';
import { runUntilSignal } from './run-until-signal.js';
import { Stack } from './stack.js';
import { describeStartFailure } from './start-failure.js';

const root = join(import.meta.dirname, '..');
const folder = join(root, '.dev');
const startedAt = performance.now();
const stack = new Stack({ root, folder, env: process.env, print: (line) => console.log(line) });

await runUntilSignal(stack, async (stopped) => {
  let state: Awaited<ReturnType<Stack['start']>>;
  try {
    state = await stack.start();
  } catch (error) {
    if (stopped.aborted) return 0;
    console.error(describeStartFailure(error, folder));
    return 1;
  }
  console.log(`Ready after ${((performance.now() - startedAt) / 1000).toFixed(1)} s\n`);
  console.log(`  API        ${state.apiUrl}/api/v3`);
  console.log(`  API key    in ${join(folder, 'api-key')}`);
  if (state.temporalUiUrl !== undefined) console.log(`  Web UI     ${state.temporalUiUrl}`);
  console.log(`  Figures    ${Object.values(state.metrics).join(' ')}`);
  console.log(`  Logs       ${stack.logFolder}`);
  console.log('\nCtrl-C stops everything.');
  return undefined;
});
