import { configDefaults, defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    exclude: [...configDefaults.exclude, 'dist/**', '.dev/**', 'out/**'],
    globalSetup: ['test/support/global-setup.ts'],
    setupFiles: ['test/support/replay-produced.ts'],
    pool: 'forks',
    // The tests mostly wait for servers: more workers than cores finish sooner.
    maxWorkers: 4,
    testTimeout: 30_000,
    // What is waited for comes late on a busy machine; a test that waits in vain fails either way.
    expect: { poll: { timeout: 20_000 } },
    hookTimeout: 60_000,
  },
});
