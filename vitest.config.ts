import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Installed there by a script of their own.
    exclude: ['**/node_modules/**'],
    // Virtual time keeps tests short; this bound only catches a hang.
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // Two cores: more forks only make each other late.
    maxWorkers: 2,
    dangerouslyIgnoreUnhandledErrors: false,
  },
});
