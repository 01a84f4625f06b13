/** Makes the workflow bundle: `node worker/bundle.js <file>`. A process of its own, because bundling takes much memory. */
import { rename, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

/** The workflows beside this file: as TypeScript where this runs from source, as JavaScript where it was compiled. */
export function workflowsPath(): string {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return fileURLToPath(new URL(`../workflows/index.${extension}`, import.meta.url));
}

/** The workflow code as one script, with its source map inside, as `Worker.create` takes it. */
export async function bundleWorkflows(): Promise<{ code: string }> {
  return await bundleWorkflowCode({ workflowsPath: workflowsPath(), logger: new DefaultLogger('WARN') });
}

const invoked = process.argv[1];
if (invoked !== undefined && createRequire(import.meta.url).resolve(invoked) === fileURLToPath(import.meta.url)) {
  const [, , target] = process.argv;
  if (target === undefined) throw new Error('expected the file to write the workflow bundle to');
  const { code } = await bundleWorkflows();
  // Readers see the whole bundle or none.
  await writeFile(`${target}.part`, code);
  await rename(`${target}.part`, target);
}
