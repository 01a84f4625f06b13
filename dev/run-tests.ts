/**
 * `make test` and `make test-long`: the checks and the tests, then one line for all of them, `N passed, N failed`.
 * Ends with 1 when a check or a test failed, and when no test ran.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readJson } from './supervisor/json-file.js';
import { countTests, type TestCounts } from './test-report.js';

const LONG_TESTS = ['test/long', 'test/faults'];

const root = join(import.meta.dirname, '..');
const isLong = process.argv.includes('--long');
const failedSteps: string[] = [];

/** @returns the exit code */
function run(program: string, args: readonly string[]): number | null {
  const { status, error } = spawnSync(join(root, 'node_modules/.bin', program), args, { cwd: root, stdio: 'inherit' });
  if (error !== undefined) console.error(`${program} could not be started: ${error.message}`);
  return status;
}

function check(name: string, program: string, args: readonly string[]): void {
  console.log(`\n== ${name}`);
  if (run(program, args) !== 0) failedSteps.push(name);
}

function runTests(): TestCounts {
  console.log('\n== tests');
  const folder = mkdtempSync(join(tmpdir(), 'reelwright-report-'));
  try {
    const file = join(folder, 'report.json');
    const which = isLong ? LONG_TESTS : LONG_TESTS.flatMap((tests) => ['--exclude', `${tests}/**`]);
    const code = run('vitest', ['run', ...which, '--reporter=default', '--reporter=json', `--outputFile.json=${file}`]);
    const counts = countTests(readJson(file), code);
    if (counts.failed > 0) failedSteps.push('tests');
    return counts;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (!isLong) {
  check('format', 'biome', ['check', '--linter-enabled=false', '.']);
  check('lint', 'oxlint', ['--type-aware', '.']);
  check('types', 'tsc', ['-p', '.']);
}
const { passed, failed, notRun } = runTests();
if (passed + failed === 0) failedSteps.push('tests (none ran)');
if (notRun > 0) console.log(`\n${notRun} tests were not run.`);
if (failedSteps.length > 0) console.log(`\nFailed: ${failedSteps.join(', ')}`);
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failedSteps.length === 0 ? 0 : 1;
