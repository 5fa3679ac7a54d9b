#!/usr/bin/env node
import yargs from 'yargs'
import { hideBin } from 'yargs/helpers'
import { ConfigError } from '../errors.ts'
import { packageVersion } from '../package-root.ts'
import { commands, lazily } from './commands.ts'
import { exitOnSignals, fail, ignoreClosedPipes } from './ending.ts'

const words = hideBin(process.argv)
const parser = yargs(words)
  .scriptName('attune')
  .usage('$0 <command>\n\nHarmonizes medical images across scanners.')
  .command(commands.map(lazily))
  .option('json', { type: 'boolean', describe: 'Print the result, or the error, as one JSON object' })
  .option('quiet', { type: 'boolean', describe: 'Print nothing but errors (and what --json asks for)' })
  .example(
    '$0 apply zscore brain.nii.gz normalized.nii.gz',
    'mean 0 and SD 1 inside the head; needs no training',
  )
  .epilogue('`attune <command> --help` explains a command with an example.')
  .demandCommand(1, 'No command given.')
  .strict()
  .recommendCommands()
  .version(packageVersion())
  .alias({ help: 'h' })
  .wrap(process.stdout.isTTY ? Math.min(110, process.stdout.columns) : null)
  .locale('en')
  .exitProcess(false)
  .fail((message, error) => {
    throw message ? new ConfigError(message, usageHint()) : error
  })

function usageHint(): string {
  const known = commands.map(({ command }) => command.split(' ')[0])
  const command = words.find((word) => known.includes(word))
  return `See: attune${command ? ` ${command}` : ''} --help`
}

exitOnSignals()
ignoreClosedPipes()
try {
  await parser.parseAsync()
} catch (error) {
  fail(error, words.includes('--json'))
}
