/** `attune train --help-config`: every setting with its type, range, default and meaning. */
import type { Setting } from '../../training/settings.ts'
import { aligned } from '../report/aligned.ts'
import { type CommonOptions, report } from './output.ts'

/** @param options `method` limits the settings to those that it takes, where one was named */
export async function settingsHelp(
  options: CommonOptions & { readonly method: string | undefined },
): Promise<void> {
  const { allSettings, rangeText } = await import('../../training/settings.ts')
  const settings = (await allSettings()).filter(
    ({ methods }) => options.method === undefined || methods.some((method) => method === options.method),
  )
  const row = (setting: Setting): readonly string[] => [
    setting.name,
    String(setting.default),
    rangeText(setting),
    setting.methods.join(', '),
    setting.meaning,
  ]
  const rows = [['setting', 'default', 'accepted', '--method', 'meaning'], ...settings.map(row)]
  const text =
    settings.length === 0
      ? `\`${options.method}\` has no settings.`
      : `${aligned(rows).join('\n')}\n\nGive them as YAML or JSON, one a line, such as \`steps: 400\`: attune train ... --config FILE`
  report(options, text, { settings })
}
