import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineSearchAttributeKey } from '@temporalio/common';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import './quiet-runtime.js';
import { ensureTemporalCli } from '../../dev/install/temporal-cli.js';
import { DYNAMIC_CONFIG } from '../../dev/parts/temporal.js';
import { SEARCH_ATTRIBUTES } from '../../domain/contract.js';
import { bundleWorkflows } from '../../worker/bundle.js';
import type { SetupPart } from './setup-part.js';

/** The server that the test files share (each test has a task queue of its own) and the workflows, bundled once. */
export interface ProvidedTemporal {
  address: string;
  namespace: string;
  bundlePath: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    temporal: ProvidedTemporal;
  }
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export const temporalPart: SetupPart<'temporal'> = { name: 'temporal', start: () => startTestTemporal() };

/** A server of the caller's own. @param dynamicConfig settings beside those that this product counts on; values are JSON */
export async function startTestTemporal(
  dynamicConfig: Readonly<Record<string, string>> = {},
): ReturnType<SetupPart<'temporal'>['start']> {
  const folder = await mkdtemp(join(tmpdir(), 'reelwright-test-temporal-'));
  const bundlePath = join(folder, 'workflows.js');
  const cli = await ensureTemporalCli({ root: ROOT, env: process.env });
  const [environment] = await Promise.all([
    TestWorkflowEnvironment.createLocal({
      server: {
        executable: { type: 'existing-path', path: cli.path },
        searchAttributes: Object.entries(SEARCH_ATTRIBUTES).map(([name, type]) => defineSearchAttributeKey(name, type)),
        extraArgs: Object.entries({ ...DYNAMIC_CONFIG, ...dynamicConfig }).flatMap(([name, value]) => [
          '--dynamic-config-value',
          `${name}=${value}`,
        ]),
      },
    }),
    bundleWorkflows().then(({ code }) => writeFile(bundlePath, code)),
  ]);
  return {
    provided: { address: environment.address, namespace: environment.namespace ?? 'default', bundlePath },
    async stop() {
      await environment.teardown();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
