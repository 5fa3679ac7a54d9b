import fc from 'fast-check'

/**
 * For every property of the suite. One that fails looks for a smaller example, which can take hours for arrays of numbers
 * and blocks its process meanwhile: it ends in time, and shows the smallest found so far. CI draws the same examples every
 * time; elsewhere they are drawn anew, and a failure names its seed.
 */
fc.installGlobalPlugin(fc.interruptAfterTimeLimit(30_000))
if (process.env['CI'] === 'true') fc.configureGlobal({ seed: 20_261_122 })
