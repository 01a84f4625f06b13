import { access } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { WorkerOptions } from '@temporalio/worker';
import { EnvironmentError } from '../config/environment.js';
import { tracing } from '../telemetry/tracing.js';
import { bundleWorkflows } from './bundle.js';

/** Where `npm run build` puts the bundles: at the top of the compiled code. */
function prebuilt(traced: boolean): string | undefined {
  if (!import.meta.url.endsWith('.js')) return undefined;
  return fileURLToPath(new URL(`../workflow-bundle${traced ? '-traced' : ''}.js`, import.meta.url));
}

/**
 * The workflow code of an orchestration worker: the given file; else, in compiled code, the one that the build made; else
 * bundled now, which takes a second and much memory. One with the interceptors of traces while this process traces. Throws EnvironmentError when the given file cannot be read.
 */
export async function findWorkflowBundle(
  given: string | undefined,
  traced: boolean = tracing() !== undefined,
): Promise<NonNullable<WorkerOptions['workflowBundle']>> {
  if (given !== undefined) {
    if (await canBeRead(given)) return { codePath: given };
    throw new EnvironmentError(['WORKFLOW_BUNDLE_PATH: expected a file that can be read']);
  }
  const built = prebuilt(traced);
  if (built !== undefined && (await canBeRead(built))) return { codePath: built };
  return await bundleWorkflows({ traced });
}

async function canBeRead(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}
