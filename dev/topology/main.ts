/** `make topology`: the production topology in the foreground, until it is told to stop. */
import { join } from 'node:path';
import { runUntilSignal } from '../run-until-signal.js';
import { describeStartFailure } from '../start-failure.js';
import { Topology, type TopologyAddresses } from './topology.js';

const root = join(import.meta.dirname, '../..');
const folder = join(root, '.dev', 'topology');
const topology = new Topology({ root, folder, env: process.env, print: (line) => console.log(line) });

await runUntilSignal(topology, async (stopped) => {
  let addresses: TopologyAddresses;
  try {
    addresses = await topology.start();
  } catch (error) {
    if (stopped.aborted) return 0;
    console.error(describeStartFailure(error, folder));
    return 1;
  }
  console.log(`\n  API        ${addresses.apiUrl}/api/v3`);
  console.log(`  API key    in ${addresses.apiKeyFile}`);
  console.log(`  Web UI     ${addresses.temporalUiUrl}`);
  console.log(`  Replicate  ${addresses.replicateUrl}, the local one`);
  console.log(`  Logs       ${topology.logFolder}`);
  console.log('\nCtrl-C stops everything.');
  return undefined;
});
