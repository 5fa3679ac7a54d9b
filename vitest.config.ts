import type { ViteUserConfig } from 'vitest/config'

const config: ViteUserConfig = {
  test: {
    include: ['{src,models,training,validation,data,test}/**/*.test.ts'],
    reporters: ['default', './test/reporter.ts'],
    setupFiles: ['./test/properties.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
    pool: 'forks',
  },
}

export default config
