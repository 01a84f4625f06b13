/** Makes the workflow bundle: `node worker/bundle.js <file> [--traced]`. A process of its own, because bundling takes much memory. */
import { rename, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

/** A module beside this folder: as TypeScript where this runs from source, as JavaScript where it was compiled. */
function besideThis(module: string): string {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return fileURLToPath(new URL(`../${module}.${extension}`, import.meta.url));
}

export interface BundleOptions {
  /** With the interceptors that carry traces. Bundles with and without replay the same histories. */
  traced?: boolean;
}

/** The workflow code as one script, with its source map inside, as `Worker.create` takes it. */
export async function bundleWorkflows({ traced = false }: BundleOptions = {}): Promise<{ code: string }> {
  return await bundleWorkflowCode({
    workflowsPath: besideThis('workflows/index'),
    workflowInterceptorModules: traced ? [besideThis('telemetry/workflow-interceptors')] : [],
    // Loaded once for all workflows of a worker, and frozen: workflows/shared-modules.test.ts sees that they keep nothing.
    preloadModules: [besideThis('workflows/index')],
    logger: new DefaultLogger('WARN'),
  });
}

const invoked = process.argv[1];
if (invoked !== undefined && createRequire(import.meta.url).resolve(invoked) === fileURLToPath(import.meta.url)) {
  const [, , target, option] = process.argv;
  if (target === undefined) throw new Error('expected the file to write the workflow bundle to');
  const { code } = await bundleWorkflows({ traced: option === '--traced' });
  // Readers see the whole bundle or none.
  await writeFile(`${target}.part`, code);
  await rename(`${target}.part`, target);
}
