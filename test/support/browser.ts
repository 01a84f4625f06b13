import { type Browser, chromium } from 'playwright-core';
import { findOnPath } from '../../dev/install/find-on-path.js';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];
/** Of its own accord it would look for updates and for other hosts of its maker. */
const QUIET = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** The browser of this machine, or undefined where there is none. */
export async function findBrowser(): Promise<string | undefined> {
  for (const name of NAMES) {
    const path = await findOnPath(name, process.env['PATH']);
    if (path !== undefined) return path;
  }
  return undefined;
}

/** Starts it without a window. As root it refuses to start with its sandbox. */
export async function startBrowser(executablePath: string): Promise<Browser> {
  const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return await chromium.launch({ executablePath, args: [...QUIET, ...sandbox] });
}
