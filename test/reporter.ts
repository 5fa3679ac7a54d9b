import type { Reporter, TestModule } from 'vitest/node'

/** Ends the output with `N passed, N failed`, alone on its line, for readers that count tests. */
export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    let passed = 0
    let failed = unhandledErrors.length
    let skipped = 0
    for (const module of modules) {
      if (module.state() === 'failed' && [...module.children.allTests('failed')].length === 0) failed++
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        if (state === 'passed') passed++
        else if (state === 'failed') failed++
        else skipped++
      }
    }
    const skips = skipped > 0 ? `${skipped} skipped\n` : ''
    process.on('exit', () => process.stdout.write(`\n${skips}${passed} passed, ${failed} failed\n`))
  }
}
