/**
 * `make install`: checks the version of Node and runs `npm ci` where node_modules does not match the lock file.
 * Plain JavaScript without packages, in words that old versions of Node understand too: it runs before anything else.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const OLDEST_NODE = [20, 19];

const folder = process.argv[2] || join(dirname(fileURLToPath(import.meta.url)), '..');
const version = process.argv[3] || process.versions.node;

/** @returns {boolean} */
function isNodeFit() {
  const [major, minor] = version.split('.').map(Number);
  return major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1]);
}

function install() {
  const stamp = join(folder, 'node_modules', '.installed');
  const lock = createHash('sha256')
    .update(readFileSync(join(folder, 'package-lock.json')))
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8').trim() === lock) return 0;
  console.log('Installing packages with npm ci, as the lock file says');
  const result = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder, stdio: 'inherit' });
  if (result.error) {
    console.error(`npm could not be started: ${result.error.message}`);
    return 1;
  }
  if (result.status !== 0) {
    console.error(`npm ci failed with code ${result.status}`);
    return 1;
  }
  writeFileSync(stamp, `${lock}\n`);
  return 0;
}

if (isNodeFit()) {
  process.exitCode = install();
} else {
  console.error(`Node ${OLDEST_NODE.join('.')} or later is needed; this is ${version} (${process.execPath}).`);
  process.exitCode = 1;
}
