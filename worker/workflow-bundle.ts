import { access } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { WorkerOptions } from '@temporalio/worker';
import { EnvironmentError } from '../config/environment.js';
import { bundleWorkflows } from './bundle.js';

/** Where `npm run build` puts the bundle: at the top of the compiled code. */
const PREBUILT = import.meta.url.endsWith('.js')
  ? fileURLToPath(new URL('../workflow-bundle.js', import.meta.url))
  : undefined;

/**
 * The workflow code of an orchestration worker: the given file; else, in compiled code, the one that the build made; else
 * bundled now, which takes a second and much memory. Throws EnvironmentError when the given file cannot be read.
 */
export async function findWorkflowBundle(
  given: string | undefined,
): Promise<NonNullable<WorkerOptions['workflowBundle']>> {
  if (given !== undefined) {
    if (await canBeRead(given)) return { codePath: given };
    throw new EnvironmentError(['WORKFLOW_BUNDLE_PATH: expected a file that can be read']);
  }
  if (PREBUILT !== undefined && (await canBeRead(PREBUILT))) return { codePath: PREBUILT };
  return await bundleWorkflows();
}

async function canBeRead(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}
