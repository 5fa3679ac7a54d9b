/** What documents name must be there: links between them, and files of the code. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { packageFile } from '../src/package-root.ts'

const pages = [
  ...['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md'],
  ...readdirSync(packageFile('docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
]

/** `src/volume/volume.ts`: a path from the root of the repository to something that is not a pattern. */
const CODE = /`((?:src|models|training|validation|data|bench|docs|test)\/[\w./-]*\.\w+)`/g
const LINK = /\]\(([^)\s]+)\)/g

it.each(pages)('%s names only files that exist', (page) => {
  const text = readFileSync(packageFile(page), 'utf8')
  const named = [...text.matchAll(CODE)].map(([, path = '']) => path).filter((path) => !path.includes('NAME'))
  const linked = [...text.matchAll(LINK)]
    .map(([, target = '']) => target.replace(/#.*$/, ''))
    .filter((target) => target !== '' && !/^[a-z]+:/.test(target))
    .map((target) => join(dirname(page), target))
  expect([...named, ...linked].filter((path) => !existsSync(packageFile(path)))).toEqual([])
})

it('sees the links of the README', () => {
  expect([...readFileSync(packageFile('README.md'), 'utf8').matchAll(LINK)].length).toBeGreaterThan(5)
})
