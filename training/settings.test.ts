import { describe, expect, it } from 'vitest'
import { METHODS } from '../src/harmonizer/ladder.ts'
import { attune } from '../test/attune.ts'
import { LOCAL_TONE_DEFAULTS } from './local-tone.ts'
import { allSettings, settingsOf } from './settings.ts'

describe('settings', () => {
  it('cover every setting of the recipe but seed and engine, and each default is accepted', async () => {
    const settings = await allSettings()
    const ofNetwork = settings.filter(({ methods }) => methods.includes('local-tone')).map(({ name }) => name)
    const { seed: _seed, engine: _engine, ...own } = LOCAL_TONE_DEFAULTS
    expect(ofNetwork.sort()).toEqual(Object.keys(own).sort())
    for (const method of ['auto', ...METHODS] as const) {
      const taken = settings.filter(({ methods, name }) => methods.includes(method) && !name.includes('.'))
      const defaults = Object.fromEntries(taken.map((setting) => [setting.name, setting.default]))
      await expect(settingsOf(method, defaults)).resolves.toBeDefined()
    }
  })

  it.each([
    [{ steps: 0 }, /steps: 0/],
    [{ steps: 2.5 }, /steps: 2\.5/],
    [{ mirror: 1.1 }, /mirror: 1\.1/],
    [{ slopeRatio: 0.5 }, /slopeRatio: 0\.5.*\n.*slopeRatio \(1 to 100\)/],
    [{ steps: '200' }, /steps: "200"/],
    [{ stepps: 200 }, /stepps: 200.*\n.*steps \(whole 1 to 1000000\)/],
    [{ learningRate: Number.NaN }, /learningRate/],
  ])('outside of what is accepted are refused by name and range: %o', async (config, message) => {
    await expect(settingsOf('local-tone', config)).rejects.toThrow(message)
  })

  it('in words are one of the words', async () => {
    expect((await settingsOf('fcm', { tissue: 'dark' })).ownOf('fcm')).toEqual({ tissue: 'dark' })
    await expect(settingsOf('fcm', { tissue: 'grey' })).rejects.toThrow(
      /tissue: "grey".*\n.*dark, middle, bright/,
    )
    await expect(settingsOf('tone', { steps: 3 })).rejects.toThrow(/has none/)
  })
})

describe('attune train --help-config', () => {
  it('shows what the schema holds, without a cohort', async () => {
    const { code, stdout } = await attune('train', '--help-config', '--json')
    expect(code).toBe(0)
    const { settings } = JSON.parse(stdout)
    expect(settings).toEqual(JSON.parse(JSON.stringify(await allSettings())))
    const steps = settings.find(({ name }: { name: string }) => name === 'steps')
    expect(steps).toMatchObject({ type: 'integer', from: 1, default: 400, meaning: expect.any(String) })
  })

  it('as text has a line for each, of one method where that is named', async () => {
    const { stdout } = await attune('train', '--help-config', '--method', 'kde')
    expect(stdout).toMatch(
      /^setting +default +accepted +--method +meaning\npeak +last +first, largest, last +/,
    )
    expect(stdout).not.toMatch(/steps +200/)
  })

  it('is not needed where options are missing: the error says so', async () => {
    expect(await attune('train')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/No cohort is given/),
    })
    expect(await attune('train', 'c.tsv')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/--target/),
    })
  })
})
