/**
 * Child process: lets the Temporal SDK download its dev server into the folder named by the first argument. The SDK has
 * no time limit of its own and cannot download without starting the server, so its parent watches the folder, and ends
 * this process as soon as the file is whole.
 */
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { TEMPORAL_CLI_VERSION } from './temporal-version.js';

const downloadDir = process.argv[2];
if (downloadDir === undefined) throw new Error('Expected the download folder as the first argument');
console.log('downloading');
const environment = await TestWorkflowEnvironment.createLocal({
  server: { executable: { type: 'cached-download', downloadDir, version: `v${TEMPORAL_CLI_VERSION}` } },
});
await environment.teardown();
