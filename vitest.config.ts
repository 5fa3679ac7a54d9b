import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['{src,models,training,validation,data,test}/**/*.test.ts'],
    reporters: ['default', './test/reporter.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
    pool: 'forks',
  },
})
