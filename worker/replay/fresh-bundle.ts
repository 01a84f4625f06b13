/** Whether a built workflow bundle is that of the sources beside it. */
import { stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { ReelwrightError } from '../../domain/errors.js';
import { sourceFiles } from '../build-id.js';

/** What workflow code is made of. */
const FOLDERS = ['workflows', 'domain'];

/**
 * Throws NOT_READY where workflow code of the checkout has changed after the bundle was built: a replay would judge code
 * that is gone. Where there are no sources, as in the image, any bundle is right.
 */
export async function requireFreshBundle(bundlePath: string, checkout: string): Promise<void> {
  const built = (await stat(bundlePath)).mtime;
  for (const file of (await Promise.all(FOLDERS.map((folder) => sourcesIn(join(checkout, folder))))).flat()) {
    if ((await stat(file)).mtime <= built) continue;
    throw new ReelwrightError(
      'NOT_READY',
      `expected the built workflow bundle to be newer than the sources, got a change of ${relative(checkout, file)} ` +
        `after ${built.toISOString()}: run \`npm run build\``,
    );
  }
}

async function sourcesIn(folder: string): Promise<string[]> {
  try {
    return await sourceFiles(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
